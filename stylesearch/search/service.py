"""Searching by an image file or by a work: describe the example, rank, and fetch what is shown."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from stylesearch.catalog import encoders, upgrades
from stylesearch.catalog.cards import WorkCard, card_of_work, cards_of_images
from stylesearch.catalog.database import Database
from stylesearch.catalog.descriptors import Descriptor, EncoderRow
from stylesearch.catalog.works import Image
from stylesearch.encoders.decoding import decode_for
from stylesearch.encoders.protocol import Encoder, EncoderSpec
from stylesearch.encoders.registry import configured_encoder, encode_checked
from stylesearch.errors import NotFoundError
from stylesearch.images.decode import ImageInfo, Picture
from stylesearch.images.hashes import perceptual_hash, sha256
from stylesearch.search.engine import Ranking, search, unpack_halfvecs
from stylesearch.search.query import StyleQuery
from stylesearch.settings import Settings

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Example:
    """What is searched with.

    Attributes
    ----------
    vector:
        ``[dim]`` float32.
    sha256:
        Of the file; 32 bytes.
    encoder:
        Who described it: its gallery is the one to search.
    """

    sha256: bytes
    perceptual_hash: int
    info: ImageInfo
    vector: NDArray[np.float32]
    encoder: EncoderSpec


@dataclass(frozen=True, slots=True)
class Hit:
    """A work that was found; ``score`` is the cosine of the descriptors, -1 to 1."""

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
    """

    hits: tuple[Hit, ...]
    copies: tuple[WorkCard, ...]
    ranking: Ranking
    encoder: str
    encoder_digest: str


def through_retirement(action: Callable[[], Result]) -> Result:
    """Describe something and look it up, again if its encoder is retired in between: another one serves by then."""
    try:
        return action()
    except NotFoundError as error:
        if error.code != "encoder_retired":
            raise
    return action()


class StyleSearch:
    """Answers searches; one a process, safe to share between threads."""

    def __init__(self, database: Database, settings: Settings) -> None:
        self.database = database
        self.settings = settings

    @property
    def encoder(self) -> Encoder:
        """The encoder that serves now, loaded on first use: the one that was activated, or that of the settings."""
        with self.database.session() as session:
            return configured_encoder(self.settings, upgrades.serving_slug(session))

    def describe(self, data: bytes) -> Example:
        """Describe an image file.

        Raises
        ------
        ImageError
            If it cannot be taken.
        """
        return self.decode_and_describe(data)[0]

    def decode_and_describe(self, data: bytes) -> tuple[Example, Picture]:
        """Describe an image file, and return its pixels too. Errors as :meth:`describe`."""
        encoder = self.encoder
        picture = decode_for(
            encoder, data, max_bytes=self.settings.max_file_bytes, max_pixels=self.settings.max_pixels
        )
        vector = encode_checked(encoder, [picture.pixels])[0]
        example = Example(sha256(data), perceptual_hash(picture.pixels), picture.info, vector, encoder.spec)
        return example, picture

    def gallery_encoder(self, session: Session, spec: EncoderSpec | None = None) -> EncoderRow:
        """Return the row of an encoder, by default the one that serves; it must be the one that described its gallery.

        The gallery stays until the end of the transaction.

        Raises
        ------
        NotFoundError
            ``encoder_retired``, if its gallery has been let go of; ``empty_gallery``, if there has never been one.
        ServiceError
            If its gallery was described by another one of its name.
        """

        def find() -> EncoderRow:
            found = spec or configured_encoder(self.settings, upgrades.serving_slug(session)).spec
            row = encoders.active(session, found.slug, digest=found.digest)
            return encoders.hold_gallery(session, row)

        return find() if spec else through_retirement(find)

    def by_file(self, data: bytes, query: StyleQuery) -> SearchResult:
        """Find works near an image file in style. Errors as :meth:`describe`."""
        return through_retirement(lambda: self.by_example(self.describe(data), query))

    def by_example(self, example: Example, query: StyleQuery) -> SearchResult:
        """Find works near an example in style.

        Raises
        ------
        NotFoundError
            ``encoder_retired``, if its encoder is no more: then it is to be described anew.
        """
        with self.database.session() as session:
            return self.find(session, example, query)

    def find(self, session: Session, example: Example, query: StyleQuery) -> SearchResult:
        """Find works near an example in style, in the caller's transaction."""
        same = frozenset(session.scalars(select(Image.id).where(Image.sha256 == example.sha256)))
        query = dataclasses.replace(query, exclude_images=query.exclude_images | same)
        row = self.gallery_encoder(session, example.encoder)
        return self._run(session, row, example.vector, query, copies=same)

    def by_work(self, work_id: int, query: StyleQuery) -> SearchResult:
        """Find works near a work of the gallery.

        Raises
        ------
        NotFoundError
            If there is no such work, or it has no descriptor.
        """
        with self.database.session() as session:
            row = self.gallery_encoder(session)
            card = card_of_work(session, work_id)
            stored = session.scalar(
                select(func.halfvec_send(Descriptor.vector))
                .join(Image, Image.id == Descriptor.image_id)
                .where(Descriptor.encoder_id == row.id, Image.work_id == work_id)
                .order_by(Image.id)
                .limit(1)
            )
            if card is None or stored is None:
                raise NotFoundError(
                    f"There is no work {work_id} here.",
                    hint="It may have been withdrawn.",
                    code="unknown_work",
                )
            same = frozenset(
                session.scalars(select(Image.id).where(Image.sha256 == bytes.fromhex(card.sha256)))
            )
            query = dataclasses.replace(query, exclude_images=query.exclude_images | same)
            vector = unpack_halfvecs([bytes(stored)])[0].astype(np.float32)
            return self._run(session, row, vector, query, copies=same - {card.image_id})

    def _run(
        self,
        session: Session,
        row: EncoderRow,
        vector: NDArray[np.float32],
        query: StyleQuery,
        *,
        copies: frozenset[int],
    ) -> SearchResult:
        ranking = search(session, row, vector, query, self.settings)
        cards = cards_of_images(session, [one.image_id for one in ranking.ranked] + sorted(copies))
        hits = tuple(
            Hit(rank, one.score, cards[one.image_id])
            for rank, one in enumerate(ranking.ranked, 1)
            if one.image_id in cards
        )
        return SearchResult(
            hits,
            tuple(cards[image_id] for image_id in sorted(copies) if image_id in cards),
            ranking,
            row.slug,
            row.digest,
        )
