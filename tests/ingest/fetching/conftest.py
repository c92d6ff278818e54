from collections.abc import Callable, Iterator

import pytest

from stylesearch.ingest.fetching.policy import WebPolicy
from stylesearch.ingest.fetching.web import WebClient


@pytest.fixture
def make_client() -> Iterator[Callable[..., WebClient]]:
    """Makes clients that may ask 127.0.0.1, and nothing else that is private; impatient, unless told otherwise."""
    made: list[WebClient] = []

    def make(**options: object) -> WebClient:
        known = {"private": ("127.0.0.1/32",), "tries": 1, "read_seconds": 5.0, "deadline_seconds": 20.0}
        resolver = {"resolver": options.pop("resolver")} if "resolver" in options else {}
        made.append(WebClient(WebPolicy(**{**known, **options}), **resolver))
        return made[-1]

    yield make
    for client in made:
        client.close()
