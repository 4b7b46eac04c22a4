"""A model goes on learning from what a host posed."""
