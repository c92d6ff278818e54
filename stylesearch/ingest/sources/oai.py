"""Works harvested over OAI-PMH: Dublin Core, EDM or LIDO, with the addresses of their images."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from typing import Any
from urllib.parse import quote, urlencode

from stylesearch.catalog.records import WorkRecord
from stylesearch.errors import ImageError, InputError, ServiceError
from stylesearch.ingest.fetching.web import WebClient, web_client
from stylesearch.ingest.metadata.described import Described, Picture
from stylesearch.ingest.metadata.iiif import CanvasImage
from stylesearch.ingest.metadata.values import web_address
from stylesearch.ingest.sources.iiif import SIDE
from stylesearch.ingest.sources.iiif_image import image_address
from stylesearch.ingest.sources.local import NOWHERE
from stylesearch.ingest.sources.oai_reply import OaiError, OaiRecord, OaiReply, read_reply
from stylesearch.ingest.sources.protocol import Found, Page, bounded_id
from stylesearch.settings import Settings

LARGEST_REPLY = 64 * 1024**2
ACCEPT = "text/xml,application/xml;q=0.9,*/*;q=0.1"
MOST_RESTARTS = 5
"""Times a list is begun again, because its token had expired, without any new record in between."""
MOST_STUCK = 3
"""Pages in a row without any new record, to a token that came before."""
MOST_EMPTY = 1000
"""Pages in a row without any new record; a list that is begun again has some."""


@dataclass
class _Place:
    """Where a harvest is.

    ``since`` is the latest datestamp so far, and ``ordered`` whether all came in the order of their datestamps: only
    then is nothing lost by going on from the latest.
    """

    token: str | None = None
    since: str | None = None
    ordered: bool = True

    @classmethod
    def read(cls, cursor: str | None) -> _Place:
        return cls(**json.loads(cursor)) if cursor else cls()

    def write(self) -> str:
        return json.dumps({"token": self.token, "since": self.since, "ordered": self.ordered})

    def pass_by(self, records: tuple[OaiRecord, ...]) -> None:
        for record in records:
            if record.datestamp:
                self.ordered = self.ordered and (self.since is None or record.datestamp >= self.since)
                self.since = max(self.since or "", record.datestamp)


@dataclass(frozen=True)
class OaiSource:
    """The records of an OAI-PMH server, or of a set of it.

    A record with one image is a work named by the record's identifier; one with several is a work for each, named by
    the identifier, a ``#`` and the image's address.

    Parameters
    ----------
    url:
        Of the server.
    connect:
        Makes the client, which is closed when all pages have been gone through.
    prefix:
        Of the metadata format to ask for.
    set_:
        The set to harvest, instead of all.
    since, until:
        Datestamps that the harvest is bounded by, as the server writes them.
    image:
        Address of the image of a record whose metadata has none: ``{id}`` stands for the last part of the record's
        identifier, ``{identifier}`` for all of it.
    images:
        ``all``, or ``first`` for a record's first image only.
    side:
        Longest side of images that a IIIF service scales, in pixels.
    languages:
        Which language to take of several, in the order of preference.
    """

    url: str
    connect: Callable[[], WebClient]
    prefix: str = "oai_dc"
    set_: str | None = None
    since: str | None = None
    until: str | None = None
    image: str | None = None
    images: str = "all"
    side: int = SIDE
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
        """What names this source in the ledger: the request for its first records."""
        return self._request(None)

    @property
    def kind(self) -> str:
        """``oai``."""
        return "oai"

    def pages(self, cursor: str | None) -> Iterator[Page]:
        """Yield a page for each answer of the server; a cursor holds its resumption token.

        Where the server no longer knows the token, the list is begun again: from the latest datestamp, if the records
        came in that order, and else from its beginning. What came before is passed over.
        """
        with closing(self.connect()) as web:
            yield from self._harvest(_Place.read(cursor), web)

    def _harvest(self, place: _Place, web: WebClient) -> Iterator[Page]:
        seen: set[bytes] = set()
        tokens: set[str] = set()
        restarts = empty = stuck = 0
        while True:
            try:
                reply = self._ask(place, web)
            except OaiError as error:
                if error.code == "noRecordsMatch":
                    yield Page((), None)
                    return
                if error.code != "badResumptionToken" or place.token is None:
                    raise self._refused(error) from error
                restarts += 1
                if restarts > MOST_RESTARTS:
                    raise ServiceError(
                        f"{self.url} gives resumption tokens that it does not know ({error}).",
                        hint="Try again later, or harvest a smaller set.",
                        code="oai_token",
                    ) from error
                place.token = None
                tokens.clear()
                continue
            found = [one for record in reply.records for one in self._works(record) if _is_new(one, seen)]
            restarts, empty = (0, 0) if found else (restarts, empty + 1)
            stuck = stuck + 1 if not found and reply.token in tokens else 0
            place.pass_by(reply.records)
            place.token = reply.token
            yield Page(tuple(found), place.write() if reply.token else None, reply.total)
            if reply.token is None:
                return
            tokens.add(reply.token)
            if empty >= MOST_EMPTY or stuck >= MOST_STUCK:
                raise ServiceError(
                    f"{self.url} gives page after page without anything new.",
                    hint="Try again later, or harvest a smaller set.",
                    code="oai_endless",
                )

    def _ask(self, place: _Place, web: WebClient) -> OaiReply:
        try:
            answer = web.get(self._request(place), accept=ACCEPT, max_bytes=LARGEST_REPLY)
        except ImageError as error:
            if error.code == "fetch_status" and place.token is not None:  # some say so by the status alone
                raise OaiError("badResumptionToken", error.message) from error
            raise InputError(str(error), hint="Check the address.", code=error.code) from error
        try:
            return read_reply(answer.data)
        except ValueError as error:
            raise ServiceError(
                f"An answer of {self.url} cannot be read: {error}.",
                hint="Check the address; give the same command again to go on from here.",
                code="oai_unreadable",
            ) from error

    def _request(self, place: _Place | None) -> str:
        """Return the address of the next request; of the first, without a place."""
        if place is not None and place.token is not None:
            query: dict[str, str] = {"verb": "ListRecords", "resumptionToken": place.token}
        else:
            since = place.since if place is not None and place.ordered and place.since else self.since
            named = {"from": since, "until": self.until, "set": self.set_}
            query = {"verb": "ListRecords", "metadataPrefix": self.prefix}
            query |= {name: value for name, value in named.items() if value}
        return f"{self.url}{'&' if '?' in self.url else '?'}{urlencode(query)}"

    def _refused(self, error: OaiError) -> InputError:
        hints = {
            "cannotDisseminateFormat": f"Another format than {self.prefix} may be had with --prefix.",
            "badArgument": "Check the set, the dates and the format.",
            "noSetHierarchy": "Leave out --set.",
        }
        return InputError(
            f"{self.url} refuses the request ({error}).",
            hint=hints.get(error.code, "Check the address and the options."),
            code="oai_refused",
        )

    def _works(self, record: OaiRecord) -> list[Found]:
        name = record.identifier or "a record without identifier"
        if not record.identifier:
            where = record.digest[:12]
            return [
                self._broken(
                    f"{name} ({where})", ImageError("The record has no identifier.", code="record_format")
                )
            ]
        if record.deleted:
            return [
                self._broken(
                    name,
                    ImageError("The source says that it has deleted this record.", code="record_deleted"),
                )
            ]
        try:
            described = record.describe(self.languages)
        except ImageError as error:
            return [self._broken(name, error)]
        pictures = described.pictures or self._made(record)
        if not pictures:
            problem = ImageError("The record has no address of an image.", code="record_without_image")
            return [self._broken(name, problem, described.record)]
        if len(pictures) == 1 or self.images == "first":
            return [self._found(record, name, described, pictures[0])]
        return [self._found(record, f"{name}#{one.url}", described, one) for one in pictures]

    def _made(self, record: OaiRecord) -> tuple[Picture, ...]:
        if self.image is None:
            return ()
        last = record.identifier.rpartition(":")[2]
        address = self.image.replace("{identifier}", quote(record.identifier, safe="")).replace(
            "{id}", quote(last, safe="")
        )
        return (Picture(address),) if web_address(address) else ()

    def _found(self, record: OaiRecord, source_id: str, described: Described, picture: Picture) -> Found:
        address = picture.url
        if picture.service is not None:
            service = {"id": picture.service, "profile": picture.profile or "", "type": "ImageService"}
            # Without asking the service: where the record does not say how much it can do, the image is taken as it is.
            address = (
                image_address(CanvasImage(picture.url, service), side=self.side, info=lambda _: None)
                or address
            )
        return Found(
            bounded_id(source_id),
            address,
            None,
            described.record,
            version=f"oai:{record.datestamp}:{address}"[:500],
        )

    def _broken(self, source_id: str, error: ImageError, record: WorkRecord | None = None) -> Found:
        return Found(bounded_id(source_id), NOWHERE, None, record or WorkRecord(), error=error)


def _is_new(one: Found, seen: set[bytes]) -> bool:
    """Whether a work has not come before in this harvest; a list that is begun again repeats some."""
    key = hashlib.blake2b(one.source_id.encode(), digest_size=12).digest()
    if key in seen:
        return False
    seen.add(key)
    return True


def from_options(options: Mapping[str, Any], settings: Settings) -> OaiSource:
    """Return the source that a run's options describe, under the names of :class:`OaiSource`'s parameters.

    Raises
    ------
    InputError
        ``address_invalid``.
    """
    known = ("url", "prefix", "set_", "since", "until", "image", "images", "side")
    given = {name: options[name] for name in known if options.get(name)}
    return OaiSource(
        connect=partial(web_client, settings), **given, languages=tuple(options.get("languages") or ("en",))
    )
