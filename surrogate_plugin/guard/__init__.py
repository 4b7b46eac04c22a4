"""The guard: whether the surrogate knows this problem, and a bound on its error that holds by theorem."""
