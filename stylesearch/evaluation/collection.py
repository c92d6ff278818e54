"""A collection of the catalogue as an evaluation wants it: descriptors, sure artists, and which pictures are of one thing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import text
from sqlalchemy.orm import Session

from stylesearch.catalog import encoders
from stylesearch.catalog.collections import find_collection
from stylesearch.encoders.protocol import Descriptors
from stylesearch.errors import InputError
from stylesearch.evaluation.labels import Indices
from stylesearch.evaluation.ranking import row_chunks, unit

SAME_PICTURE_BITS = 4
"""Pictures whose perceptual hashes differ in at most so many of 64 bits count as one picture."""

TELLING_BITS = 16
"""A hash with fewer bits set than this, or fewer unset, is that of a picture with nothing in it, and says nothing."""

_BITS = 64

_IMAGES = text(
    """
    SELECT image.work_id, image.sha256, image.perceptual_hash, halfvec_send(descriptor.vector) AS vector,
           ARRAY(
               SELECT DISTINCT artist.name FROM work_artist JOIN artist ON artist.id = work_artist.artist_id
               WHERE work_artist.work_id = work.id AND work_artist.role = 'creator' AND work_artist.qualifier IS NULL
               ORDER BY artist.name
           ) AS artists
    FROM descriptor JOIN image ON image.id = descriptor.image_id JOIN work ON work.id = image.work_id
    WHERE descriptor.encoder_id = :encoder AND image.collection_id = :collection AND work.withdrawn_at IS NULL
    ORDER BY image.id
    """
)


@dataclass(frozen=True, slots=True)
class CollectionDescriptors:
    """The images of a collection whose artist is sure.

    Attributes
    ----------
    encoder:
        Slug, digest and facts of the encoder that described them.
    descriptors:
        ``[n, dim]``.
    artists:
        Who made each image's work: those credited as creators without a qualifier.
    groups:
        ``[n]`` numbers; images of one work, copies of one file and pictures that look the same have one number.
    left_out:
        Images of works without a sure artist: uncredited, or "circle of" and the like. They are neither searched with nor
        searched in, for nobody can say whether they would be hits.
    """

    encoder: dict[str, Any]
    descriptors: Descriptors
    artists: tuple[frozenset[str], ...]
    groups: Indices
    left_out: int


def read_collection(session: Session, slug: str, encoder: str) -> CollectionDescriptors:
    """Read a collection's descriptors by an encoder.

    Parameters
    ----------
    slug:
        The collection.
    encoder:
        The encoder's slug; its active row is meant.

    Raises
    ------
    NotFoundError
        If there is no such collection, or nothing has been described with the encoder.
    InputError
        ``empty_collection``, if the collection holds no image with a sure artist described with it.
    """
    collection = find_collection(session, slug)
    row = encoders.active(session, encoder)
    images = session.execute(_IMAGES, {"encoder": row.id, "collection": collection.id}).all()
    sure = [image for image in images if image.artists]
    if not sure:
        raise InputError(
            f"The collection {slug!r} holds no image with a sure artist that {encoder!r} has described.",
            hint="Take in works whose artist is known, or choose another encoder.",
            code="empty_collection",
        )
    header = 4  # of a halfvec in PostgreSQL's binary form: its length and a reserved word
    vectors = np.stack([np.frombuffer(image.vector, dtype=">f2", offset=header) for image in sure])
    return CollectionDescriptors(
        encoder={
            field: getattr(row, field)
            for field in ("slug", "digest", "dim", "weights_sha256", "preprocessing", "license")
        },
        descriptors=unit(vectors.astype(np.float32)),
        artists=tuple(frozenset(image.artists) for image in sure),
        groups=same_thing(
            [(image.work_id, bytes(image.sha256)) for image in sure],
            np.array([image.perceptual_hash for image in sure], dtype=np.int64),
        ),
        left_out=len(images) - len(sure),
    )


def same_thing(known: list[tuple[int, bytes]], hashes: NDArray[np.int64]) -> Indices:
    """Return ``[n]``: one number for all images of one work, all copies of one file, and all pictures that look the same.

    Whatever is the same as the same is the same. Pictures with nothing in them, such as a blank sheet, have no look of
    their own and are not compared by it.

    Parameters
    ----------
    known:
        Each image's work and the SHA-256 of its file.
    hashes:
        ``[n]`` perceptual hashes.
    """
    pairs: list[tuple[int, int]] = []
    for field in (0, 1):
        first: dict[Any, int] = {}
        pairs += [(first.setdefault(keys[field], place), place) for place, keys in enumerate(known)]
    return _joined(len(known), np.concatenate([np.array(pairs), _alike(hashes)]))


def _alike(hashes: NDArray[np.int64]) -> Indices:
    """Return ``[pairs, 2]`` of pictures whose hashes tell something and differ in few bits."""
    octets = hashes.astype("<i8").view(np.uint8).reshape(-1, _BITS // 8)
    signs = np.unpackbits(octets, axis=1).astype(np.float32) * 2 - 1
    set_bits = (signs > 0).sum(axis=1)
    telling = np.flatnonzero((set_bits >= TELLING_BITS) & (set_bits <= _BITS - TELLING_BITS))
    signs = signs[telling]
    found = [np.empty((0, 2), dtype=np.int64)]
    for start, stop in row_chunks(len(telling), max(1, len(telling))):
        agreement = signs[start:stop] @ signs.T  # bits that agree less bits that differ
        one, other = np.nonzero(agreement >= _BITS - 2 * SAME_PICTURE_BITS)
        found.append(np.stack([telling[one + start], telling[other]], axis=1))
    return np.concatenate(found)


def _joined(count: int, pairs: Indices) -> Indices:
    """Return each image's group: the lowest place that a chain of pairs leads to."""
    groups = np.arange(count)
    while True:
        lowest = np.minimum(groups[pairs[:, 0]], groups[pairs[:, 1]])
        before = groups.copy()
        np.minimum.at(groups, pairs[:, 0], lowest)
        np.minimum.at(groups, pairs[:, 1], lowest)
        if (groups == before).all():
            return groups
