"""Random and hostile problems against everything the guard promises, each named by a seed and a number."""
