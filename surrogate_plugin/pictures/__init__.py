"""Fields with cells and vessels, to look at."""
