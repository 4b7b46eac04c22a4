"""The step loop of a host: its settings, its steps, and what they took."""
