import gc
import weakref

import pytest

from stylesearch.errors import ImageError, StylesearchError


class Large:
    """Stands for a file in memory."""


def fail(large: Large) -> None:
    try:
        raise ValueError(large)
    except ValueError:
        raise ImageError("It is broken.", hint="Mend it.", code="image_truncated") from None


def test_an_error_that_is_kept_keeps_nothing_else_alive() -> None:
    large = Large()
    alive = weakref.ref(large)
    with pytest.raises(ImageError) as caught:
        fail(large)
    kept: list[StylesearchError] = [caught.value.bare()]
    del caught
    del large
    gc.collect()
    assert alive() is None
    assert (str(kept[0]), kept[0].code) == ("It is broken. Mend it.", "image_truncated")
