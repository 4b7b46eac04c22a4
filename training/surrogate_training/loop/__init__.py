"""The training loop, bit by bit repeatable, on one process or several."""
