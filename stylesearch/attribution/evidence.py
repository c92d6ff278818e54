"""What a search says about whose style an image resembles: copies, nearest works, and artists among them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean

import numpy as np
from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from stylesearch.catalog.access import VISIBLE_SQL, visible
from stylesearch.catalog.artists import Artist, WorkArtist
from stylesearch.catalog.works import Image, Work
from stylesearch.evaluation.collection import same_thing
from stylesearch.search.service import Hit

NEAR_COPY_BITS = 4
"""Images whose perceptual hashes differ in at most so many of 64 bits are likely the same picture."""

TELLING_BITS = 16
"""A hash has its median's worth of bits set, about 32; far fewer or more only for a picture with nothing in it."""

BEST_OF_ARTIST = 3


@dataclass(frozen=True, slots=True)
class ArtistEvidence:
    """One artist among the nearest works.

    Attributes
    ----------
    works_among_nearest, works_in_gallery:
        How many of the nearest works, and of all works here, are credited to the artist without a qualifier.
    best_rank, best_score:
        Of the artist's nearest work.
    mean_score:
        Mean score of the artist's nearest works, three at most.
    """

    name: str
    works_among_nearest: int
    works_in_gallery: int
    best_rank: int
    best_score: float
    mean_score: float


def near_copies(session: Session, *, sha256: bytes, perceptual_hash: int) -> list[tuple[int, int]]:
    """Return image id and differing bits of images that look like the same picture but are another file.

    A picture of one colour has a hash that says nothing: nearly all of its bits are alike. It has no near copies.
    """
    if not TELLING_BITS <= (perceptual_hash & 0xFFFF_FFFF_FFFF_FFFF).bit_count() <= 64 - TELLING_BITS:
        return []
    rows = session.execute(
        text(
            f"""
            SELECT image.id, bit_count((perceptual_hash # :hash)::bit(64)) AS bits
            FROM image JOIN work ON work.id = image.work_id
            WHERE image.sha256 <> :sha256 AND {VISIBLE_SQL}
              AND bit_count((perceptual_hash # :hash)::bit(64)) <= :bits
            ORDER BY bits, image.id
            """
        ),
        {"hash": perceptual_hash, "sha256": sha256, "bits": NEAR_COPY_BITS},
    )
    return [(image_id, bits) for image_id, bits in rows]


def repeated(session: Session, hits: Sequence[Hit]) -> dict[int, int]:
    """Return, by image id, the rank of the first of the nearest works that is the same picture; only where one is."""
    known = {
        row.id: row
        for row in session.execute(
            select(Image.id, Image.sha256, Image.perceptual_hash).where(
                Image.id.in_([hit.card.image_id for hit in hits])
            )
        )
    }
    images = [known[hit.card.image_id] for hit in hits]
    if not images:
        return {}
    groups = same_thing(
        [(hit.card.work_id, bytes(image.sha256)) for hit, image in zip(hits, images, strict=True)],
        np.array([image.perceptual_hash for image in images], dtype=np.int64),
    )
    first: dict[int, int] = {}
    ranks = {}
    for hit, group in zip(hits, groups.tolist(), strict=True):
        rank = first.setdefault(group, hit.rank)
        if rank != hit.rank:
            ranks[hit.card.image_id] = rank
    return ranks


def artists_among(session: Session, hits: Sequence[Hit]) -> list[ArtistEvidence]:
    """Summarise the nearest works by artist, those with the nearest works first.

    Only works credited to the artist outright count: what is "after" or "circle of" somebody is not theirs.
    """
    of_artist: dict[str, list[Hit]] = {}
    for hit in hits:
        # A qualified credit reads "after NAME", so it is in `artists` under another text than the name.
        for name in dict.fromkeys(hit.card.artist_names):
            if name in hit.card.artists:
                of_artist.setdefault(name, []).append(hit)
    if not of_artist:
        return []
    counted = session.execute(
        select(Artist.name, func.count(WorkArtist.work_id.distinct()))
        .join(WorkArtist, WorkArtist.artist_id == Artist.id)
        .join(Work, Work.id == WorkArtist.work_id)
        .where(Artist.name.in_(of_artist), WorkArtist.qualifier.is_(None), visible())
        .group_by(Artist.name)
    )
    totals = dict(counted.all())
    evidence = [
        ArtistEvidence(
            name=name,
            works_among_nearest=len(theirs),
            works_in_gallery=totals.get(name, 0),
            best_rank=theirs[0].rank,
            best_score=theirs[0].score,
            mean_score=round(fmean(hit.score for hit in theirs[:BEST_OF_ARTIST]), 6),
        )
        for name, theirs in of_artist.items()
    ]
    return sorted(evidence, key=lambda one: (-one.works_among_nearest, one.best_rank, one.name))
