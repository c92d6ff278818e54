"""Judging descriptors."""
