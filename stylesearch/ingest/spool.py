"""What waits between decoding and describing: the pixels that an encoder is to see, as files in a store."""

from __future__ import annotations

import io
from collections.abc import Iterable

import numpy as np
from sqlalchemy import text
from sqlalchemy.orm import Session

from stylesearch.encoders.protocol import Pixels
from stylesearch.errors import NotFoundError
from stylesearch.images.store import ImageStore

USUAL_BYTES = 400_000
"""About what one picture takes; used to tell how many more there is room for."""


class Spool:
    """Keeps pixels until they are described. The ledger knows the keys, and how many bytes there are.

    Parameters
    ----------
    store:
        Where; all workers must reach it.
    max_bytes:
        Most bytes that may wait.
    """

    def __init__(self, store: ImageStore, *, max_bytes: int) -> None:
        self._store = store
        self._max_bytes = max_bytes

    def put(self, pixels: Pixels) -> tuple[str, int]:
        """Keep pixels; return their key and how many bytes they take.

        Raises
        ------
        ServiceError
            If the store fails.
        """
        buffer = io.BytesIO()
        np.lib.format.write_array(buffer, np.ascontiguousarray(pixels), allow_pickle=False)
        data = buffer.getvalue()
        return self._store.put_spooled(data), len(data)

    def get(self, key: str) -> Pixels | None:
        """Return pixels, or ``None`` if they are gone or damaged: then they are to be made again.

        Raises
        ------
        ServiceError
            If the store fails.
        """
        try:
            # Not np.load, which takes pickles and zip files for arrays too.
            pixels = np.lib.format.read_array(io.BytesIO(self._store.read(key)), allow_pickle=False)
        except (NotFoundError, ValueError, EOFError):
            return None
        return pixels if pixels.dtype == np.uint8 and pixels.ndim in (3, 4) else None

    def remove(self, keys: Iterable[str]) -> None:
        """Let go of pixels. Errors as `put`."""
        self._store.remove_spooled(keys)

    def room(self, session: Session) -> int:
        """Return for how many more pictures there is room, all runs and workers together."""
        used = session.scalar(
            text("SELECT coalesce(sum(spool_bytes), 0) FROM ingest_item WHERE spool_key IS NOT NULL")
        )
        return max(0, -(-(self._max_bytes - int(used or 0)) // USUAL_BYTES))

    def sweep(self, session: Session, *, older_than_seconds: float) -> int:
        """Remove what no item of the ledger knows, left by a worker that was lost; return how many that was."""
        old = self._store.list_spooled(older_than_seconds)
        known = set(
            session.scalars(text("SELECT spool_key FROM ingest_item WHERE spool_key IS NOT NULL")).all()
        )
        left = [key for key in old if key not in known]
        self._store.remove_spooled(left)
        return len(left)
