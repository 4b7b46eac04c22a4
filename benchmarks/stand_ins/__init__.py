"""Stand-ins for hosts that no package index has; tests and benchmarks share them."""
