"""A client of the API of another server."""

from stylesearch.client.client import Client

__all__ = ["Client"]
