"""stylesearch: a self-hosted style search engine for image archives."""

__version__ = "0.1.0"
