"""The network's forward pass on a CPU, compiled."""
