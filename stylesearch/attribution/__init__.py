"""Evidence on whose style an image resembles, and reports of it."""
