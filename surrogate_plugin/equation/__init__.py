"""The equation on a lattice: problem, sides, uptake, the discrete operator, and what a solve returns."""
