"""The frozen gallery: which images of the catalogue a calibration knows, and their descriptors."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import text
from sqlalchemy.orm import Session

from stylesearch.attribution.sure_works import SureWorks, Traits, sure_works
from stylesearch.catalog.access import VISIBLE_SQL
from stylesearch.catalog.connections import raw_connection
from stylesearch.catalog.descriptors import EncoderRow
from stylesearch.encoders.protocol import Descriptors
from stylesearch.errors import InputError
from stylesearch.evaluation.collection import same_thing
from stylesearch.evaluation.labels import Indices, Mask

# Images of works that have a creator whose credit is not qualified, and nobody else as creator.
_IMAGES = text(
    f"""
    SELECT image.id, image.work_id, image.sha256, image.perceptual_hash,
           lower(work.movement) AS movement, lower(work.medium) AS medium, work.year_from, work.year_to, credit.artists
    FROM descriptor
    JOIN image ON image.id = descriptor.image_id
    JOIN work ON work.id = image.work_id
    JOIN (
        SELECT work_artist.work_id, array_agg(DISTINCT artist.name) AS artists
        FROM work_artist JOIN artist ON artist.id = work_artist.artist_id
        WHERE work_artist.role = 'creator'
        GROUP BY work_artist.work_id HAVING bool_and(work_artist.qualifier IS NULL)
    ) AS credit ON credit.work_id = work.id
    WHERE descriptor.encoder_id = :encoder AND {VISIBLE_SQL}
    ORDER BY image.id
    """
)
_VECTORS = """
    COPY (
        SELECT image_id, halfvec_send(vector) FROM descriptor WHERE encoder_id = {encoder} {which}
    ) TO STDOUT (FORMAT BINARY)
"""
_WHICH = "AND image_id IN ({ids})"
_COPY_HEADER = 19
_MOST_NAMED = 5000
"""Images that are named in a statement; where more are wanted, all are read."""


@dataclass(frozen=True, slots=True)
class Frozen:
    """The works of a gallery whose artist is sure, as the catalogue knows them.

    Attributes
    ----------
    works:
        Of them.
    images:
        ``[n]`` id of the image that stands for each.
    members, stands_for:
        ``[m]`` ids of all images of these things, and the place of the work that each is a picture of.
    """

    works: SureWorks
    images: Indices
    members: Indices
    stands_for: Indices

    def copies(self, image_ids: Indices) -> Mask:
        """Return ``[n]``: which works some images are pictures of."""
        found: Mask = np.zeros(len(self.works), dtype=np.bool_)
        found[self.stands_for[np.isin(self.members, image_ids)]] = True
        return found


def read_frozen(session: Session, encoder: EncoderRow) -> Frozen:
    """Read the works by which a gallery's artists are known.

    Raises
    ------
    InputError
        ``no_sure_works``, if nobody made any of them for sure.
    """
    rows = session.execute(_IMAGES, {"encoder": encoder.id}).all()
    if not rows:
        raise InputError(
            "No work here is surely by an artist.",
            hint="Take in works that are credited to an artist without a qualifier.",
            code="no_sure_works",
        )
    ids = np.array([row.id for row in rows], dtype=np.int64)
    groups = same_thing(
        [(row.work_id, bytes(row.sha256)) for row in rows],
        np.array([row.perceptual_hash for row in rows], dtype=np.int64),
    )
    works = sure_works(
        descriptors_of(session, encoder, ids),
        [frozenset(row.artists) for row in rows],
        groups,
        [Traits(row.movement, row.medium, _years(row.year_from, row.year_to)) for row in rows],
    )
    place_of_group = {int(groups[image]): place for place, image in enumerate(works.places)}
    kept = [
        (int(image), place_of_group[group])
        for image, group in zip(ids, groups.tolist(), strict=True)
        if group in place_of_group
    ]
    members, stands_for = np.array(kept, dtype=np.int64).T
    return Frozen(works, ids[works.places], members, stands_for)


def descriptors_of(session: Session, encoder: EncoderRow, image_ids: Indices) -> NDArray[np.float32]:
    """Return ``[n, dim]`` the descriptors of some images as they are stored; all of them must have been described.

    Parameters
    ----------
    image_ids:
        ``[n]`` in rising order.
    """
    which = (
        ""
        if len(image_ids) > _MOST_NAMED
        else _WHICH.format(ids=",".join(map(str, image_ids.tolist())) or "NULL")
    )
    with (
        raw_connection(session).cursor() as cursor,
        cursor.copy(_VECTORS.format(encoder=int(encoder.id), which=which).encode()) as copy,
    ):
        data = b"".join(map(bytes, copy))
    row = np.dtype(
        [
            ("fields", ">i2"), ("id_length", ">i4"), ("id", ">i8"), ("vector_length", ">i4"),
            ("dim", ">i2"), ("unused", ">i2"), ("vector", ">f2", (encoder.dim,)),
        ]
    )  # fmt: skip
    found = np.frombuffer(data[_COPY_HEADER:-2], dtype=row)
    order = np.argsort(found["id"], kind="stable")
    places = order[np.searchsorted(found["id"].astype(np.int64)[order], image_ids)]
    vectors: NDArray[np.float32] = found["vector"][places].astype(np.float32)
    return vectors


def nearest_images(session: Session, encoder: EncoderRow, query: Descriptors, count: int) -> Indices:
    """Return ``[count]`` ids, in rising order, of the images nearest to a descriptor, by an exact look.

    Parameters
    ----------
    query:
        ``[dim]``.
    """
    example = "[" + ",".join(map(repr, query.astype(float).tolist())) + "]"
    ids = session.scalars(
        # By the bare column, which no index stands on.
        text(
            "SELECT image_id FROM descriptor WHERE encoder_id = :encoder"
            " ORDER BY vector <=> CAST(:example AS halfvec) LIMIT :count"
        ),
        {"encoder": encoder.id, "example": example, "count": count},
    )
    return np.array(sorted(ids), dtype=np.int64)


def _years(first: int | None, last: int | None) -> tuple[int, int] | None:
    known = [year for year in (first, last) if year is not None]
    return (known[0], known[-1]) if known else None
