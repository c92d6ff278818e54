"""Training descriptors."""
