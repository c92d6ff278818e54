"""Walking a IIIF collection: nested, in pages, once around each loop."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from stylesearch.errors import ImageError, ServiceError, StylesearchError
from stylesearch.ingest.fetching.web import WebClient
from stylesearch.ingest.metadata.iiif import identifier, objects, type_of
from stylesearch.ingest.metadata.values import web_address

LARGEST_DOCUMENT = 64 * 1024**2
MOST_COLLECTIONS = 100_000
ACCEPT = (
    'application/ld+json;profile="http://iiif.io/api/presentation/3/context.json",'
    "application/ld+json;q=0.9,application/json;q=0.8,*/*;q=0.1"
)
Object = Mapping[str, Any]


class Documents(Protocol):
    """Where documents come from."""

    def get(self, url: str) -> Object:
        """Return a document."""


@dataclass(frozen=True)
class WebDocuments:
    """JSON documents of the web."""

    web: WebClient

    def get(self, url: str) -> Object:
        """Fetch a document.

        Raises
        ------
        ImageError
            As :meth:`WebClient.get`; ``iiif_unreadable`` if it is no JSON object.
        ServiceError
            As :meth:`WebClient.get`.
        """
        answer = self.web.get(url, accept=ACCEPT, max_bytes=LARGEST_DOCUMENT)
        try:
            document = json.loads(answer.data)
        except (ValueError, RecursionError) as error:
            why = next(iter(str(error).splitlines()), "it is no JSON")[:200]
            raise ImageError(
                f"The answer of {url[:200]} is no JSON: {why}.", code="iiif_unreadable"
            ) from None
        if not isinstance(document, dict):
            raise ImageError(f"The answer of {url[:200]} is no IIIF document.", code="iiif_unreadable")
        return document

    def find(self, url: str) -> Object | None:
        """Fetch a document that may not be there: ``None`` where :meth:`get` raises an ``ImageError``."""
        try:
            return self.get(url)
        except ImageError:
            return None


@dataclass(frozen=True, slots=True)
class Leaf:
    """A manifest of a collection, or a part of it that cannot be read.

    Attributes
    ----------
    url:
        Of the manifest, or of the part.
    manifest:
        Itself, where the collection holds it.
    error:
        Why a part cannot be read.
    """

    url: str
    manifest: Object | None = None
    error: StylesearchError | None = None


class Tree:
    """The manifests below a document, each once, in the order that the collections give them.

    Parameters
    ----------
    documents:
        Where to fetch collections from.
    url, root:
        The first document, and where it came from.
    """

    def __init__(self, documents: Documents, url: str, root: Object) -> None:
        self._documents = documents
        self._url = url
        self._root = root
        self._entered = 0
        self._seen: set[str] = set()

    def leaves(self) -> Iterator[Leaf]:
        """Walk.

        A collection that was passed through already is not entered again. One that cannot be read is an error by
        itself, and the walk goes on behind it.

        Raises
        ------
        ServiceError
            ``iiif_endless``, if there is no end of collections.
        """
        self._entered, self._seen = 0, {self._url}
        if is_manifest(self._root):
            yield Leaf(self._url, self._root)
            return
        walks = [self._members(self._root)]
        while walks:
            member = next(walks[-1], None)
            if member is None:
                walks.pop()
            elif isinstance(member, Leaf):
                yield member
            elif member.url not in self._seen:
                self._seen.add(member.url)
                if member.is_collection:
                    walks.append(self._enter(member))
                else:
                    yield Leaf(member.url, member.said if is_whole(member.said) else None)

    def _enter(self, member: _Member) -> Iterator[_Member | Leaf]:
        """Yield the members of a collection, which may be held whole by the one above it."""
        self._entered += 1
        if self._entered > MOST_COLLECTIONS:
            raise ServiceError(
                f"The collection has more than {MOST_COLLECTIONS:,} parts, and perhaps no end.",
                hint="Take in a part of it.",
                code="iiif_endless",
            )
        if is_whole(member.said):
            yield from self._members(member.said)
            return
        try:
            document = self._documents.get(member.url)
        except StylesearchError as error:
            yield Leaf(member.url, error=error)
            return
        if is_manifest(document):  # whatever it was announced as
            yield Leaf(member.url, document)
        else:
            yield from self._members(document)

    def _members(self, collection: Object) -> Iterator[_Member | Leaf]:
        """Yield what a collection lists, of either version, and then its next page."""
        for name in ("items", "members", "manifests", "collections"):
            for said in objects(collection.get(name)):
                if (url := web_address(identifier(said))) is not None:
                    listed_as_collection = type_of(said) == "collection" or name == "collections"
                    yield _Member(url, said, listed_as_collection and type_of(said) != "manifest")
        # Plain addresses, as some write them.
        for name, are_collections in (("manifests", False), ("collections", True)):
            found: object = collection.get(name)
            for one in found if isinstance(found, list) else ():
                if isinstance(one, str) and (url := web_address(one)) is not None:
                    yield _Member(url, {}, are_collections)
        for name in ("first", "next"):
            page: object = collection.get(name)
            if (url := web_address(identifier(page))) is not None:
                yield _Member(url, page if isinstance(page, Mapping) else {}, is_collection=True)


@dataclass(frozen=True, slots=True)
class _Member:
    url: str
    said: Object
    is_collection: bool


def is_manifest(document: Object) -> bool:
    """Whether a document is a manifest: says so, or holds what only a manifest does."""
    kind = type_of(document)
    if kind:
        return kind == "manifest"
    return "sequences" in document or any(type_of(one) == "canvas" for one in objects(document.get("items")))


def is_collection(document: Object) -> bool:
    """Whether a document is a collection, or a page of one."""
    return type_of(document) in ("collection", "collectionpage", "layer") or any(
        name in document for name in ("manifests", "members", "collections", "first")
    )


def is_whole(document: Object) -> bool:
    """Whether a reference to a document is the document itself."""
    return any(name in document for name in ("items", "sequences", "members", "manifests", "collections"))
