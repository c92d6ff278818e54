"""IIIF manifests and collections, of the Presentation API's versions 2 and 3."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from stylesearch.catalog.records import WorkRecord
from stylesearch.errors import ImageError, InputError, ServiceError, StylesearchError
from stylesearch.ingest.fetching.web import WebClient, web_client
from stylesearch.ingest.metadata.iiif import Canvas, read_manifest
from stylesearch.ingest.metadata.values import web_address
from stylesearch.ingest.sources.iiif_image import image_address
from stylesearch.ingest.sources.iiif_tree import Leaf, Tree, WebDocuments, is_collection, is_manifest
from stylesearch.ingest.sources.local import NOWHERE
from stylesearch.ingest.sources.protocol import Found, Page, bounded_id
from stylesearch.settings import Settings

PAGE = 20
"""Manifests that are entered into the ledger at a time."""
AT_ONCE = 4
"""Manifests that are fetched at the same time; the web client keeps to its limits all the same."""
SIDE = 1024
"""Longest side of the images that are asked for, in pixels, unless an option says otherwise."""
MOST_FAILURES = 5


@dataclass(frozen=True)
class IiifSource:
    """The manifests of a collection, or one manifest.

    A manifest with one image is a work named by the manifest's address. One with several is a work for each canvas,
    named by the manifest's address, a ``#`` and the canvas's, as far as that is another.

    Parameters
    ----------
    url:
        Of the collection or manifest.
    connect:
        Makes the client, which is closed when all pages have been gone through.
    side:
        Longest side of the images that are asked for, in pixels, where the server can scale them.
    canvases:
        ``all``, or ``first`` for a manifest's first image only.
    languages:
        Which language to take of several, in the order of preference.
    """

    url: str
    connect: Callable[[], WebClient]
    side: int = SIDE
    canvases: str = "all"
    languages: tuple[str, ...] = ("en",)

    def __post_init__(self) -> None:
        if web_address(self.url) is None:
            raise InputError(
                f"{self.url[:200]!r} is no web address.",
                hint="Give one that begins with https://.",
                code="address_invalid",
            )

    @property
    def uri(self) -> str:
        """What names this source in the ledger."""
        return self.url

    @property
    def kind(self) -> str:
        """``iiif``."""
        return "iiif"

    def pages(self, cursor: str | None) -> Iterator[Page]:
        """Yield the images of some manifests at a time; a cursor is the last manifest's address.

        A manifest that cannot be read is an error by itself, as long as the server answers at all. If the cursor's
        manifest has gone from the collection, everything is offered again.
        """
        with closing(self.connect()) as web, ThreadPoolExecutor(AT_ONCE) as pool:
            documents = WebDocuments(web)
            leaves = self._after(cursor, self._root(documents), documents)
            read = partial(self._read, documents=documents)
            page = list(itertools.islice(leaves, PAGE))
            if not page and cursor is None:
                raise InputError(f"{self.url[:200]} lists no manifests.", code="iiif_empty")
            failures = 0
            while page:
                found: list[Found] = []
                for leaf, result in zip(page, pool.map(read, page), strict=True):
                    failures = failures + 1 if isinstance(result, ServiceError) else 0
                    if failures >= MOST_FAILURES:
                        documents.get(
                            self.url
                        )  # raises if the server has gone, and not a few of its manifests
                        failures = 0
                    found += [_broken(leaf.url, result)] if isinstance(result, StylesearchError) else result
                following = list(itertools.islice(leaves, PAGE))
                yield Page(tuple(found), page[-1].url if following else None)
                page = following

    def _root(self, documents: WebDocuments) -> Mapping[str, Any]:
        try:
            root = documents.get(self.url)
        except ImageError as error:
            raise InputError(str(error), hint="Check the address.", code=error.code) from error
        if not (is_manifest(root) or is_collection(root) or "items" in root):
            raise InputError(
                f"{self.url[:200]} is neither a IIIF manifest nor a collection.",
                hint="Give the address of its JSON, as a viewer's info or share button shows it.",
                code="iiif_unreadable",
            )
        return root

    def _after(self, cursor: str | None, root: Mapping[str, Any], documents: WebDocuments) -> Iterator[Leaf]:
        """Return the leaves behind the cursor's."""
        leaves = Tree(documents, self.url, root).leaves()
        if cursor is None or any(leaf.url == cursor for leaf in leaves):
            return leaves
        return Tree(documents, self.url, root).leaves()

    def _read(self, leaf: Leaf, documents: WebDocuments) -> list[Found] | StylesearchError:
        if leaf.error is not None:
            return leaf.error
        try:
            document = leaf.manifest if leaf.manifest is not None else documents.get(leaf.url)
            return self._works(leaf.url, document, documents)
        except StylesearchError as error:
            return error

    def _works(self, url: str, document: Mapping[str, Any], documents: WebDocuments) -> list[Found]:
        manifest = read_manifest(document, languages=self.languages)
        record = manifest.record.over(WorkRecord(source_url=web_address(url)))
        canvases = manifest.canvases[:1] if self.canvases == "first" else manifest.canvases
        if not canvases:
            raise ImageError("The manifest has no image.", code="iiif_no_image")
        if len(manifest.canvases) == 1 or self.canvases == "first":
            return [self._found(url, record, canvases[0], documents)]
        found: dict[str, Found] = {}
        for number, canvas in enumerate(canvases, 1):
            source_id = _part_id(url, canvas.id or f"canvas {number}")
            while source_id in found:
                source_id += "~"
            found[source_id] = self._found(source_id, _part_record(record, canvas, number), canvas, documents)
        return list(found.values())

    def _found(self, source_id: str, record: WorkRecord, canvas: Canvas, documents: WebDocuments) -> Found:
        source_id = bounded_id(source_id)
        try:
            address = image_address(canvas.image, side=self.side, info=documents.find)
        except StylesearchError as error:
            return _broken(source_id, error, record)
        if address is None:
            return _broken(source_id, ImageError("The image has no address.", code="iiif_no_image"), record)
        return Found(source_id, address, None, record, version=f"iiif:{canvas.image.digest}:{self.side}")


def _broken(source_id: str, error: StylesearchError, record: WorkRecord | None = None) -> Found:
    problem = error if isinstance(error, ImageError) else ImageError(error.message, code=error.code)
    return Found(bounded_id(source_id), NOWHERE, None, record or WorkRecord(), error=problem)


def _part_id(manifest: str, canvas: str) -> str:
    """Return what names a canvas: the manifest's address, and the canvas's as far as it is another."""
    folder = manifest.rpartition("/")[0].partition("://")[2] + "/"
    rest = canvas.partition("://")[2] or canvas
    return f"{manifest}#{rest.removeprefix(folder)}"


def _part_record(record: WorkRecord, canvas: Canvas, number: int) -> WorkRecord:
    part = canvas.label or str(number)
    title = part if record.title in ("", part) else f"{record.title}, {part}"
    return replace(record, title=title, extra={**record.extra, "canvas": part}).clipped()


def from_options(options: Mapping[str, Any], settings: Settings) -> IiifSource:
    """Return the source that a run's options describe: ``url``, ``side``, ``canvases`` and ``languages``.

    Raises
    ------
    InputError
        ``address_invalid``.
    """
    return IiifSource(
        options["url"],
        partial(web_client, settings),
        side=options.get("side") or SIDE,
        canvases=options.get("canvases") or "all",
        languages=tuple(options.get("languages") or ("en",)),
    )
