"""Fast transforms and a capacitance matrix, for constant coefficients."""
