"""From a query's examples to descriptors: looked up in the gallery, described anew, or read from words."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pgvector.sqlalchemy import VECTOR
from sqlalchemy import ColumnElement, FromClause, Row, cast, column, func, select, table, union_all
from sqlalchemy.orm import Session

from stylesearch.catalog import shards
from stylesearch.catalog.access import Access, visible
from stylesearch.catalog.artists import WorkArtist
from stylesearch.catalog.descriptors import EncoderRow
from stylesearch.catalog.halfvecs import unpack_halfvecs
from stylesearch.catalog.shard_errors import ShardDownError
from stylesearch.catalog.works import Image, Work
from stylesearch.encoders.decoding import decode_box
from stylesearch.encoders.openclip_words import no_words
from stylesearch.encoders.protocol import Encoder, ReadingEncoder
from stylesearch.encoders.registry import encode_checked
from stylesearch.errors import InputError, NotFoundError, StylesearchError
from stylesearch.images.decode import read_info
from stylesearch.images.store import ImageStore
from stylesearch.search.clauses import artist_ids
from stylesearch.search.describing import Described, describe_file
from stylesearch.search.examples import (
    ArtistExample,
    DescriptorExample,
    Example,
    FileExample,
    ImageExample,
    Region,
    WordsExample,
    WorkExample,
)
from stylesearch.search.scoring import Weighted
from stylesearch.search.vectors import in_halves, unit
from stylesearch.settings import Settings


@dataclass(frozen=True, slots=True)
class Resolved:
    """The descriptors of examples.

    Attributes
    ----------
    wanted, unwanted:
        Of the examples for and against.
    images:
        Ids of the images that were searched with.
    copies:
        Ids of other images that are the very same files.
    """

    wanted: Weighted
    unwanted: Weighted | None
    images: frozenset[int]
    copies: frozenset[int]


class Resolver:
    """Resolves examples in one gallery.

    Parameters
    ----------
    encoder:
        Gives the gallery's encoder; only asked where something is to be described anew.
    store:
        Gives the image store, likewise.
    at_hand:
        Files that have been described already.
    absent:
        Names of shards that are not to be asked.
    """

    def __init__(
        self,
        session: Session,
        row: EncoderRow,
        settings: Settings,
        *,
        encoder: Callable[[], Encoder],
        store: Callable[[], ImageStore],
        access: Access = Access.EVERYBODY,
        at_hand: Iterable[Described] = (),
        absent: frozenset[str] = frozenset(),
    ) -> None:
        self._session = session
        self._row = row
        self._settings = settings
        self._encoder = encoder
        self._store = store
        self._access = access
        self._at_hand = {one.sha256.hex(): one for one in at_hand}
        self._descriptors = _descriptors(session, row, absent)
        self._images: set[int] = set()
        self._files: set[bytes] = set()

    def resolve(self, examples: Sequence[Example]) -> Resolved:
        """Return the descriptors of examples.

        Raises
        ------
        InputError
            ``no_example`` if none is for; ``bad_region``, ``no_words``, ``descriptor_dim``, ``descriptor_invalid``.
        NotFoundError
            ``unknown_work``, ``unknown_image``, ``work_without_image``, ``not_described``, ``query_expired``,
            ``unknown_artist``, ``no_prototype``.
        StylesearchError
            If a picture cannot be taken, or the encoder cannot be used.
        """
        wanted = self._weighted([one for one in examples if not one.against])
        if wanted is None:
            raise InputError(
                "A search starts from something that works should be like.",
                hint="Give an image, a work, an artist or words.",
                code="no_example",
            )
        unwanted = self._weighted([one for one in examples if one.against])
        same = set()
        if self._files:
            same = set(self._session.scalars(select(Image.id).where(Image.sha256.in_(self._files))))
        images = frozenset(self._images)
        return Resolved(wanted, unwanted, images, frozenset(same) - images)

    def _weighted(self, examples: Sequence[Example]) -> Weighted | None:
        if not examples:
            return None
        vectors = [self._vector(one) for one in examples]
        return Weighted(np.stack(vectors), np.array([one.weight for one in examples]))

    def _vector(self, example: Example) -> NDArray[np.float64]:
        found = _OF_EXAMPLE[type(example)](self, example)
        return in_halves(found, dim=self._row.dim, slug=self._row.slug)

    def _of_image(self, example: ImageExample) -> NDArray[Any]:
        rows = self._rows(Image.id == example.image)
        if not rows:
            raise NotFoundError(
                f"There is no image {example.image} here.",
                hint="Its work may have been withdrawn.",
                code="unknown_image",
            )
        self._remember(rows)
        if example.region is not None:
            return self._of_region(self._store().read(rows[0].storage_key), example.region)
        return self._mean(rows)

    def _of_work(self, example: WorkExample) -> NDArray[Any]:
        rows = self._rows(Work.id == example.work)
        if not rows:
            raise self._without_image(example.work)
        self._remember(rows)
        return self._mean(rows)

    def _of_file(self, example: FileExample) -> NDArray[Any]:
        digest = bytes.fromhex(example.file)
        self._files.add(digest)
        at_hand = self._at_hand.get(example.file)
        if at_hand is not None and example.region is None:
            return np.asarray(at_hand.vector)
        rows = self._rows(Image.sha256 == digest)[:1]
        if rows and example.region is None and rows[0].vector is not None:
            return self._mean(rows)
        key = rows[0].storage_key if rows else self._store().query_key(example.file)
        try:
            data = self._store().read(key)
        except NotFoundError:
            raise NotFoundError(
                "The image of this search is not kept any more.",
                hint="Uploaded images are kept for a while only. Upload it again.",
                code="query_expired",
            ) from None
        if example.region is not None:
            return self._of_region(data, example.region)
        return np.asarray(describe_file(self._encoder(), data, self._settings)[0].vector)

    def _of_region(self, data: bytes, region: Region) -> NDArray[Any]:
        limits = {"max_bytes": self._settings.max_file_bytes, "max_pixels": self._settings.max_pixels}
        info = read_info(data, **limits)
        region.check_inside(info.width, info.height)
        encoder = self._encoder()
        box = (region.left, region.top, region.width, region.height)
        return np.asarray(encode_checked(encoder, [decode_box(encoder, data, box, **limits)])[0])

    def _of_artist(self, example: ArtistExample) -> NDArray[Any]:
        ids = artist_ids(self._session, example.artist, self._access)
        descriptors = self._descriptors
        # Descriptors are of unit length, so that their mean points where they do on the whole.
        mean = self._session.scalar(
            select(func.avg(cast(descriptors.c.vector, VECTOR()), type_=VECTOR()))
            .select_from(descriptors)
            .join(Image, Image.id == descriptors.c.image_id)
            .join(Work, Work.id == Image.work_id)
            .where(
                Work.id.in_(
                    select(WorkArtist.work_id).where(
                        WorkArtist.artist_id.in_(ids), WorkArtist.qualifier.is_(None)
                    )
                ),
                visible(self._access),
            )
        )
        if mean is None:
            raise NotFoundError(
                f"No work that is outright by {example.artist} has been described.",
                hint="Search with one of the works instead.",
                code="no_prototype",
            )
        return np.asarray(mean, dtype=np.float64)

    def _of_descriptor(self, example: DescriptorExample) -> NDArray[Any]:
        return np.array(example.descriptor, dtype=np.float32)

    def _of_words(self, example: WordsExample) -> NDArray[Any]:
        encoder = self._encoder()
        if not isinstance(encoder, ReadingEncoder):
            raise no_words(self._row.slug, "it only knows pictures")
        return np.asarray(encoder.encode_words([example.words])[0])

    def _rows(self, *conditions: ColumnElement[bool]) -> Sequence[Row[Any]]:
        """Return images that may be seen, with their descriptors where they have one."""
        descriptors = self._descriptors
        return self._session.execute(
            select(
                Image.id,
                Image.sha256,
                Image.storage_key,
                func.halfvec_send(descriptors.c.vector).label("vector"),
            )
            .join(Work, Work.id == Image.work_id)
            .outerjoin(descriptors, descriptors.c.image_id == Image.id)
            .where(*conditions, visible(self._access))
            .order_by(Image.id)
        ).all()

    def _mean(self, rows: Sequence[Row[Any]]) -> NDArray[np.float64]:
        stored = [bytes(row.vector) for row in rows if row.vector is not None]
        if not stored:
            raise NotFoundError(
                f"The example has not been described with the encoder {self._row.slug!r} yet.",
                hint="Wait until it has been, or search with another one.",
                code="not_described",
            )
        vectors = unpack_halfvecs(stored)
        found: NDArray[np.float64] = vectors[0] if len(vectors) == 1 else unit(vectors).mean(axis=0)
        return found

    def _remember(self, rows: Sequence[Row[Any]]) -> None:
        self._images.update(row.id for row in rows)
        self._files.update(bytes(row.sha256) for row in rows)

    def _without_image(self, work: int) -> StylesearchError:
        seen = self._session.scalar(select(Work.id).where(Work.id == work, visible(self._access)))
        if seen is None:
            return NotFoundError(
                f"There is no work {work} here.", hint="It may have been withdrawn.", code="unknown_work"
            )
        return NotFoundError(
            f"There is no image of the work {work}.",
            hint="Search with a work that has one.",
            code="work_without_image",
        )


def _descriptors(session: Session, row: EncoderRow, absent: frozenset[str]) -> FromClause:
    """Return the gallery's descriptors, or those of the parts that can be asked."""
    tables = [row.partition]
    parts = shards.parts(session, row.partition) if absent else ()
    if any(part.shard in absent for part in parts):
        tables = [part.table for part in parts if part.shard not in absent]
        if not tables:
            raise ShardDownError(*absent)
    found = [table(name, column("image_id"), column("vector")) for name in tables]
    return found[0] if len(found) == 1 else union_all(*map(select, found)).subquery()


_OF_EXAMPLE: Mapping[type[Example], Callable[[Resolver, Any], NDArray[Any]]] = {
    ImageExample: Resolver._of_image,
    WorkExample: Resolver._of_work,
    FileExample: Resolver._of_file,
    ArtistExample: Resolver._of_artist,
    DescriptorExample: Resolver._of_descriptor,
    WordsExample: Resolver._of_words,
}
