"""A whole solve of a plain problem in compiled code: what it is told, its cycles, and the bound on what they leave."""
