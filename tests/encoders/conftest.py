import pytest


@pytest.fixture(autouse=True)
def _quick(one_thread: None) -> None:
    """Every test here is of a small network."""
