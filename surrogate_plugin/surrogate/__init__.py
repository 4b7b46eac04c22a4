"""The encoder-decoder surrogate: features in, field out, and the card that says what it was trained on."""
