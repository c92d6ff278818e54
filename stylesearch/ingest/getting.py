"""Getting the files of a batch: from where their locators lead, or from the image store."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

from stylesearch.errors import ImageError, NotFoundError
from stylesearch.images.store import ImageStore
from stylesearch.ingest.fetching.answers import TroubleError
from stylesearch.ingest.fetching.fetcher import Fetched, Fetcher, is_remote
from stylesearch.ingest.held import Held
from stylesearch.ingest.ledger import Claimed

Got = Fetched | ImageError | TroubleError

AHEAD_BYTES = 16 * 1024**2
"""Most bytes of a file that is fetched ahead; a larger one is fetched when its turn comes, so that memory holds one."""

_TOO_LARGE = ("fetch_too_large", "image_too_many_bytes")


@dataclass(frozen=True)
class Getter:
    """Gets files.

    Attributes
    ----------
    threads:
        How many wait for servers at a time.
    """

    store: ImageStore
    fetcher: Fetcher
    threads: int

    def get_all(self, items: list[Claimed], held: dict[str, Held]) -> Iterator[tuple[Claimed, Got]]:
        """Yield items with their files, or what is wrong with them, in order.

        What servers have is fetched a few at a time, ahead of whoever takes it.

        Parameters
        ----------
        held:
            What the collection has of them already, by source id.

        Raises
        ------
        ServiceError
            If the image store fails.
        """
        if not any(is_remote(item.locator) for item in items):
            yield from ((item, self._get(item, held.get(item.source_id))) for item in items)
            return
        with ThreadPoolExecutor(self.threads, thread_name_prefix="fetch") as pool:
            ahead: deque[tuple[Claimed, Future[Got]]] = deque()
            for item in items:
                ahead.append((item, pool.submit(self._get, item, held.get(item.source_id), AHEAD_BYTES)))
                if len(ahead) > self.threads:
                    yield self._whole(*ahead.popleft(), held)
            while ahead:
                yield self._whole(*ahead.popleft(), held)

    def _whole(self, item: Claimed, future: Future[Got], held: dict[str, Held]) -> tuple[Claimed, Got]:
        got = future.result()
        if isinstance(got, ImageError) and got.code in _TOO_LARGE:
            got = self._get(item, held.get(item.source_id))
        return item, got

    def _get(self, item: Claimed, held: Held | None, max_bytes: int | None = None) -> Got:
        try:
            if item.task == "record" and held is not None:
                return Fetched(self.original(held.storage_key), version=held.fetch_version)
            if item.task == "descriptor":
                return Fetched(self.original(item.locator.partition(":")[2]))
            # Only of what is held whole, for what has not changed is not sent.
            known = held.fetch_version if held is not None and held.described else None
            version = known if item.sha256 is None else None
            return self.fetcher.fetch(item.locator, version=version, max_bytes=max_bytes)
        except (ImageError, TroubleError) as error:
            return error.bare()

    def original(self, key: str) -> bytes:
        """Return an original that the store must have.

        Raises
        ------
        ImageError
            ``image_missing``, if it has not.
        """
        try:
            return self.store.read(key)
        except NotFoundError as error:
            raise ImageError(error.message, hint=error.hint, code="image_missing") from error
