"""The client: one method for each thing that can be asked of a server."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import TracebackType
from typing import Any, Self, TypeVar

from stylesearch.client.transport import Transport
from stylesearch.wire.artists import ArtistDetail, ArtistPage, ArtistsQuery, ArtistTold
from stylesearch.wire.base import Page
from stylesearch.wire.collections import CollectionChange, CollectionPage, CollectionTold
from stylesearch.wire.reports import ReportFiles, ReportRequest, ReportTold, Verdict
from stylesearch.wire.runs import ItemPage, ItemsQuery, ItemTold, RetryTold, RunPage, RunRequest, RunTold
from stylesearch.wire.searches import Address, FileTold, Hit, SearchPage, SearchRequest
from stylesearch.wire.works import WorkDetail, WorkPage, WorksQuery, WorkTold

Item = TypeVar("Item")


class Client:
    """Asks a server's API. A context manager; may be used from several threads.

    Parameters
    ----------
    server:
        Where its portal is: ``https://styles.example.org``.
    token:
        What the server knows the caller by.
    timeout:
        Seconds that the server may take for the next piece of an answer.

    Errors are those of the library, with the server's own message, hint and code: :class:`~stylesearch.errors.InputError`,
    :class:`~stylesearch.errors.NotFoundError`, :class:`~stylesearch.errors.ImageError` and, where waiting may help,
    :class:`~stylesearch.errors.ServiceError`.
    """

    def __init__(self, server: str, *, token: str | None = None, timeout: float = 120.0) -> None:
        self._ask = Transport(server, token=token, timeout=timeout)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._ask.close()

    # Searching

    def upload(self, data: bytes) -> FileTold:
        """Send a picture to search with, or to report on."""
        return self._ask.send(FileTold, "/files", data)

    def fetch(self, url: str) -> FileTold:
        """Have the server fetch a picture from the open net."""
        return self._ask.send(FileTold, "/files", Address(url=url))

    def search(self, request: SearchRequest) -> SearchPage:
        """Search by style."""
        return self._ask.send(SearchPage, "/search", request)

    def search_all(self, request: SearchRequest) -> Iterator[Hit]:
        """Yield what a search finds, page after page."""
        page = self.search(request)
        while True:
            yield from page.results
            if page.next is None:
                return
            page = self._ask.send(SearchPage, page.next, request)

    # Works, artists, collections

    def work(self, work_id: int) -> WorkDetail:
        """Return all that is told of a work."""
        return self._ask.read(WorkDetail, f"/works/{work_id}")

    def works(self, query: WorksQuery | None = None) -> Iterator[WorkTold]:
        """Yield works, page after page."""
        return self._every(WorkPage, "/works", _given(query))

    def manifest(self, work_id: int) -> bytes:
        """Return a work's IIIF manifest, JSON."""
        return self._ask.read_bytes(f"/works/{work_id}/manifest")

    def artist(self, artist_id: int) -> ArtistDetail:
        """Return all that is told of an artist."""
        return self._ask.read(ArtistDetail, f"/artists/{artist_id}")

    def artists(self, query: ArtistsQuery | None = None) -> Iterator[ArtistTold]:
        """Yield artists, page after page."""
        return self._every(ArtistPage, "/artists", _given(query))

    def collection(self, slug: str) -> CollectionTold:
        """Return what is told of a collection."""
        return self._ask.read(CollectionTold, f"/collections/{slug}")

    def collections(self) -> Iterator[CollectionTold]:
        """Yield collections."""
        return self._every(CollectionPage, "/collections", {})

    def change_collection(self, slug: str, change: CollectionChange) -> CollectionTold:
        """Change what is said of a collection, or who may see it, as it is at this moment."""
        _, tag = self._ask.read_tagged(CollectionTold, f"/collections/{slug}")
        return self._ask.send(
            CollectionTold, f"/collections/{slug}", change, method="PATCH", headers={"If-Match": tag}
        )

    def export(self, what: str, form: str, query: WorksQuery | ArtistsQuery | None = None) -> Iterator[bytes]:
        """Yield all ``works`` or ``artists`` as ``csv`` or ``jsonl``, in pieces as they come."""
        return self._ask.stream(f"/{what}", {**_given(query), "format": form})

    # Reports

    def make_report(self, request: ReportRequest) -> ReportTold:
        """Have a report made."""
        return self._ask.send(ReportTold, "/reports", request)

    def report_file(self, report_id: str) -> bytes:
        """Return a report's file, as it was signed."""
        return self._ask.read_bytes(f"/reports/{report_id}", accept="application/json")

    def report_signature(self, report_id: str) -> bytes:
        """Return a report's detached signature."""
        return self._ask.read_bytes(f"/reports/{report_id}/signature", accept="application/json")

    def report_html(self, report_id: str) -> bytes:
        """Return a report as a page that needs nothing else."""
        return self._ask.read_bytes(f"/reports/{report_id}/html", accept="text/html")

    def report_pdf(self, report_id: str) -> bytes:
        """Return a report as PDF."""
        return self._ask.read_bytes(f"/reports/{report_id}/pdf", accept="application/pdf")

    def check_report(self, files: ReportFiles) -> Verdict:
        """Have a report checked again."""
        return self._ask.send(Verdict, "/reports/check", files)

    # Ingest

    def begin_run(self, request: RunRequest) -> RunTold:
        """Begin to take a source in."""
        return self._ask.send(RunTold, "/ingest/runs", request)

    def run(self, run_id: int) -> RunTold:
        """Return how a run stands."""
        return self._ask.read(RunTold, f"/ingest/runs/{run_id}")

    def runs(self) -> Iterator[RunTold]:
        """Yield runs, the newest first."""
        return self._every(RunPage, "/ingest/runs", {})

    def items(self, run_id: int, query: ItemsQuery | None = None) -> Iterator[ItemTold]:
        """Yield the items of a run, page after page."""
        return self._every(ItemPage, f"/ingest/runs/{run_id}/items", _given(query))

    def retry_run(self, run_id: int) -> RetryTold:
        """Have a run gone on with, and what is in quarantine tried again."""
        return self._ask.send(RetryTold, f"/ingest/runs/{run_id}/retry")

    def _every(self, model: type[Page[Item]], path: str, parameters: Mapping[str, Any]) -> Iterator[Item]:
        page = self._ask.read(model, path, parameters)
        while True:
            yield from page.items
            if page.next is None:
                return
            page = self._ask.read(model, page.next)


def _given(query: WorksQuery | ArtistsQuery | ItemsQuery | None) -> dict[str, Any]:
    return {} if query is None else query.model_dump(exclude_unset=True, exclude={"format"})
