"""`surrogate.toml`: what a run is told, in one file, whether a host runs it or nobody does."""
