"""What a host posed, kept step by step, and read back."""
