"""Searching: find what the examples are, rank, and fetch what is shown."""

from __future__ import annotations

import copy
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import TypeVar

from sqlalchemy.orm import Session

from stylesearch.catalog import encoders, upgrades
from stylesearch.catalog.access import Access
from stylesearch.catalog.cards import WorkCard, cards_of_images
from stylesearch.catalog.database import Database
from stylesearch.catalog.descriptors import EncoderRow
from stylesearch.catalog.shard_connections import unreachable
from stylesearch.catalog.shard_errors import ShardDownError
from stylesearch.encoders.protocol import Encoder, EncoderSpec
from stylesearch.encoders.registry import configured_encoder
from stylesearch.errors import NotFoundError, ServiceError
from stylesearch.images.decode import Picture
from stylesearch.images.store import ImageStore, open_store
from stylesearch.search.describing import Described, describe_file
from stylesearch.search.engine import Ranking, search
from stylesearch.search.query import StyleQuery
from stylesearch.search.resolving import Resolver
from stylesearch.settings import Settings

Result = TypeVar("Result")

DOWN_SECONDS = 5.0
"""For so long, a shard that did not answer is not asked again."""

MAY_BE_AWAY = frozenset(["shard_down", "timeout"])
"""Errors behind which there may be a shard that is away: one that hangs lets a search's time run out."""

MAY_BE_THERE = frozenset(["not_described", "no_prototype"])
"""Errors of an example that the shard may know which was not asked."""


@dataclass(frozen=True, slots=True)
class Hit:
    """A work that was found; ``score`` is what the query's readout makes of the descriptors."""

    rank: int
    score: float
    card: WorkCard


@dataclass(frozen=True, slots=True)
class SearchResult:
    """The answer to a search.

    Attributes
    ----------
    copies:
        Works whose image is the very file that was searched with. They are told apart from the hits: a copy is not a
        resemblance.
    query:
        What was asked.
    """

    hits: tuple[Hit, ...]
    copies: tuple[WorkCard, ...]
    ranking: Ranking
    encoder: str
    encoder_digest: str
    query: StyleQuery

    @property
    def following(self) -> StyleQuery | None:
        """The query for the next page; ``None`` where there is none."""
        if len(self.ranking.ranked) < self.query.k:
            return None
        last = self.ranking.ranked[-1]
        return self.query.page_after(last.score, last.image_id)


def through_retirement(action: Callable[[], Result]) -> Result:
    """Describe something and search with it, again if its encoder is retired in between: another one serves by then."""
    try:
        return action()
    except NotFoundError as error:
        if error.code != "encoder_retired":
            raise
    return action()


class _Down:
    """The shards that did not answer a moment ago."""

    def __init__(self) -> None:
        self._known: tuple[float, frozenset[str]] = (0.0, frozenset())

    def now(self, database: Database) -> frozenset[str]:
        """Return their names; where that was long ago, by asking them again, so that no search has to."""
        until, absent = self._known
        return self.look(database) if absent and time.monotonic() >= until else absent

    def look(self, database: Database, *, besides: frozenset[str] = frozenset()) -> frozenset[str]:
        """Ask all shards; return the names of those that do not answer, and of others of which that is known."""
        # Meanwhile, others go on with what is known.
        self._known = time.monotonic() + DOWN_SECONDS, self._known[1]
        absent = unreachable(database) | besides
        self._known = time.monotonic() + DOWN_SECONDS, absent
        return absent


class StyleSearch:
    """Answers searches; one a process, safe to share between threads.

    Parameters
    ----------
    access:
        On whose behalf.
    """

    def __init__(self, database: Database, settings: Settings, *, access: Access = Access.EVERYBODY) -> None:
        self.database = database
        self.settings = settings
        self.access = access
        self._down = _Down()

    def seen_by(self, access: Access) -> StyleSearch:
        """Return the same service on somebody else's behalf."""
        if access is self.access:
            return self
        other = copy.copy(self)
        other.access = access
        return other

    @property
    def encoder(self) -> Encoder:
        """The encoder that serves now, loaded on first use: the one that was activated, or that of the settings."""
        with self.database.session() as session:
            return self._encoder(session)

    @cached_property
    def store(self) -> ImageStore:
        """Where pictures are kept."""
        return open_store(self.settings)

    def describe(self, data: bytes, *, encoder: str | None = None) -> Described:
        """Describe an image file, with the encoder that serves or another one.

        Raises
        ------
        ImageError
            If it cannot be taken.
        """
        with self.database.session() as session:
            described_by = self._encoder(session, encoder)
        return describe_file(described_by, data, self.settings)[0]

    def decode_and_describe(self, data: bytes) -> tuple[Described, Picture]:
        """Describe an image file, and return its pixels too. Errors as :meth:`describe`."""
        return describe_file(self.encoder, data, self.settings)

    def gallery_encoder(
        self,
        session: Session,
        spec: EncoderSpec | None = None,
        *,
        slug: str | None = None,
        timeout_seconds: float = 0,
    ) -> EncoderRow:
        """Return the row of an encoder, by default the one that serves; it must be the one that described its gallery.

        The gallery stays until the end of the transaction.

        Parameters
        ----------
        spec, slug:
            What names the encoder: the one that has described something, or another one of the settings.
        timeout_seconds:
            How long any further statement of the transaction may take, where it is above 0.

        Raises
        ------
        NotFoundError
            ``encoder_retired``, if its gallery has been let go of; ``empty_gallery``, if there has never been one.
        ServiceError
            If its gallery is still being built, or was described by another one of its name.
        """

        def find() -> EncoderRow:
            found = spec or self._encoder(session, slug).spec
            return encoders.active(
                session, found.slug, digest=found.digest, hold_gallery=True, timeout_seconds=timeout_seconds
            )

        return find() if spec else through_retirement(find)

    def search(
        self, query: StyleQuery, *, at_hand: Iterable[Described] = (), with_facets: bool = False
    ) -> SearchResult:
        """Answer a query.

        Parameters
        ----------
        at_hand:
            Files among the query's examples that have been described already. Where the query names no encoder, the
            gallery of the one that described them is searched.
        with_facets:
            Whether to count what the filters can be set to.

        Raises
        ------
        StylesearchError
            As :meth:`Resolver.resolve <stylesearch.search.resolving.Resolver.resolve>` and
            :func:`stylesearch.search.engine.search`; and where the encoder has no gallery, or one that another version
            described. ``encoder_retired`` if that of the files at hand is no more: then they are to be described anew.
        """
        files = list(at_hand)

        def ask(absent: frozenset[str]) -> SearchResult:
            try:
                with self.database.session() as session:
                    return self.search_in(
                        session, query, at_hand=files, with_facets=with_facets, absent=absent
                    )
            except NotFoundError as error:
                if error.code not in MAY_BE_THERE or not absent:
                    raise
                raise ShardDownError(*absent) from error

        before = self._down.now(self.database)
        try:
            return ask(before)
        except ServiceError as error:
            if error.code not in MAY_BE_AWAY:
                raise
            named = error.shards if isinstance(error, ShardDownError) else frozenset()
            absent = self._down.look(self.database, besides=named - before)
            if error.code == "timeout" and absent <= before:
                raise
        return ask(absent)

    def search_in(
        self,
        session: Session,
        query: StyleQuery,
        *,
        at_hand: Iterable[Described] = (),
        with_facets: bool = False,
        absent: frozenset[str] = frozenset(),
    ) -> SearchResult:
        """Answer a query in the caller's transaction; see :meth:`search`.

        Parameters
        ----------
        absent:
            Names of shards that are not to be asked; the answer then says that it is not complete.
        """
        files = list(at_hand)
        spec = files[0].encoder if files and query.encoder is None else None
        seconds = self.settings.search_timeout_seconds
        row = self.gallery_encoder(session, spec, slug=query.encoder, timeout_seconds=seconds)
        resolver = Resolver(
            session,
            row,
            self.settings,
            encoder=lambda: configured_encoder(self.settings, row.slug),
            store=lambda: self.store,
            access=self.access,
            absent=absent,
            at_hand=[one for one in files if one.encoder.digest == row.digest],
        )
        found = resolver.resolve(query.examples)
        ranking = search(
            session,
            row,
            found.wanted,
            query,
            self.settings,
            unwanted=found.unwanted,
            without=found.images | found.copies,
            access=self.access,
            with_facets=with_facets,
            absent=absent,
            timed=True,
        )
        shown = [one.image_id for one in ranking.ranked]
        cards = cards_of_images(session, [*shown, *sorted(found.copies)], self.access)
        hits = tuple(
            Hit(rank, one.score, cards[one.image_id])
            for rank, one in enumerate(ranking.ranked, 1)
            if one.image_id in cards
        )
        return SearchResult(
            hits,
            tuple(cards[image_id] for image_id in sorted(found.copies) if image_id in cards),
            ranking,
            row.slug,
            row.digest,
            query,
        )

    def _encoder(self, session: Session, slug: str | None = None) -> Encoder:
        return configured_encoder(self.settings, slug or upgrades.serving_slug(session))
