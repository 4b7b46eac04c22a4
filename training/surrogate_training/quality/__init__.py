"""How good a field is, and what the guard makes of it."""
