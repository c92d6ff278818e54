"""Fitting and measuring encoders on pictures whose style and content are crossed."""
