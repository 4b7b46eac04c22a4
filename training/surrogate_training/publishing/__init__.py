"""Models with their cards, for others to load."""
