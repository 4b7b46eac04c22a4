"""The guarded step for many problems of one shape at once, in torch: on a GPU, or on CPU tensors."""
