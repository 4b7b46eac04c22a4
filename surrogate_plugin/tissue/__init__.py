"""Micrometres and pixels: domains, cells and vessels, from one to the other and back."""
