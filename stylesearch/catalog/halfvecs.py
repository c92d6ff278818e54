"""Descriptors as the database keeps them: numbers of half precision."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

_HEADER = 4  # of PostgreSQL's binary form: length and a reserved word, two bytes each


def unpack_halfvecs(values: Sequence[bytes]) -> NDArray[np.float64]:
    """Return halfvecs in PostgreSQL's binary form (``halfvec_send``) as ``[n, dim]``."""
    return np.stack([np.frombuffer(value, dtype=">f2", offset=_HEADER) for value in values]).astype(
        np.float64
    )
