"""A stand-in for CompuCell3D 4.8, as far as steppables see it: same names, arguments, orders, types and copies.

It has the lattice, cells, fields, steppables and their calling order, and an explicit `DiffusionSolverFE` without
secretion. It has no Potts dynamics: cells stay where they are put. ``signatures.json`` beside it lists what it mirrors.
"""

__version__ = "4.8.0"

#: The real package has no such name.
DOUBLE = True
