"""A stand-in for PhysiCell: its agents, substrates and steps in C++, as far as the header touches them."""
