"""Training and retraining of the surrogate on exact samples made on the fly."""
