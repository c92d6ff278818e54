"""Evaluation: how well descriptors find style, by the published protocols and by our own."""
