"""Every encoder by its slug, each built once in a process."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence

from stylesearch.encoders.checking import checked
from stylesearch.encoders.lite import LiteEncoder
from stylesearch.encoders.protocol import Descriptors, Encoder, Pixels
from stylesearch.errors import InputError

_FACTORIES: dict[str, Callable[[str], Encoder]] = {
    "lite": lambda device: LiteEncoder(device=device),
}
_built: dict[tuple[str, str], Encoder] = {}
_lock = threading.Lock()


def available() -> list[str]:
    """Return the slugs that :func:`get_encoder` knows, in alphabetical order."""
    return sorted(_FACTORIES)


def get_encoder(slug: str, *, device: str = "auto") -> Encoder:
    """Return the encoder of that name; the same object each time in one process.

    Weights are loaded by the first call of ``encode``, not here.

    Parameters
    ----------
    slug:
        One of :func:`available`.
    device:
        ``auto``, ``cpu``, ``mps``, ``cuda`` or ``cuda:N``.

    Raises
    ------
    InputError
        ``unknown_encoder``, if there is none of that name.
    """
    factory = _FACTORIES.get(slug)
    if factory is None:
        raise InputError(
            f"There is no encoder {slug!r}.", hint=f"Known: {', '.join(available())}.", code="unknown_encoder"
        )
    with _lock:
        if (slug, device) not in _built:
            _built[slug, device] = factory(device)
        return _built[slug, device]


def encode_checked(encoder: Encoder, images: Sequence[Pixels]) -> Descriptors:
    """Describe a batch with any encoder, and refuse a result that no one should store.

    Returns
    -------
    Descriptors
        ``[len(images), dim]`` float32, finite, unit norm.

    Raises
    ------
    StylesearchError
        ``descriptor_invalid``, if the encoder returned anything else.
    """
    return checked(encoder.encode(images), count=len(images), dim=encoder.spec.dim)
