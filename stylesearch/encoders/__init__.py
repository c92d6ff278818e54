"""Encoders: from decoded pixels to style descriptors."""
