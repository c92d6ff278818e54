"""Which shard keeps which part of a gallery: a hash of the image leads to a bucket, and buckets can be moved."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.orm import Session

from stylesearch.catalog import shards
from stylesearch.catalog.descriptors import EncoderRow
from stylesearch.errors import ServiceError

BUCKETS = 256
"""Into so many a gallery is divided; a shard keeps some of them."""


@dataclass(frozen=True, slots=True)
class Layout:
    """Which shard keeps which buckets: ``of[bucket]`` is a shard's name."""

    of: tuple[str, ...]

    def of_shard(self, slug: str) -> list[int]:
        """Return a shard's buckets."""
        return [bucket for bucket, one in enumerate(self.of) if one == slug]

    @property
    def shards(self) -> list[str]:
        """The shards that keep any, in order."""
        return sorted(set(self.of))


def even(slugs: Sequence[str], before: Layout | None = None) -> Layout:
    """Return a layout in which shards keep alike many buckets, and as few as can be have to be moved to get there."""
    ordered = sorted(slugs)
    quota = {
        slug: BUCKETS // len(ordered) + (number < BUCKETS % len(ordered))
        for number, slug in enumerate(ordered)
    }
    of: list[str | None] = [None] * BUCKETS
    for slug in ordered:
        mine = before.of_shard(slug) if before is not None else []
        most = min(quota[slug], len(mine))
        for place, bucket in enumerate(mine):
            if (place + 1) * most // len(mine) > place * most // len(mine):
                of[bucket] = slug
        quota[slug] -= most
    # In turns, and those that leave from everywhere: images of small galleries have small numbers.
    turns = sorted((number / quota[slug], slug) for slug in ordered for number in range(quota[slug]))
    free = iter([slug for _, slug in turns])
    return Layout(tuple(one if one is not None else next(free) for one in of))


def layout_of(session: Session, row: EncoderRow) -> Layout:
    """Return which shard keeps which buckets of a gallery.

    Raises
    ------
    ServiceError
        ``not_split``.
    """
    of: dict[int, str] = {}
    for part in shards.parts(session, row.partition):
        bounds = session.scalar(
            text("SELECT pg_get_expr(relpartbound, oid) FROM pg_class WHERE oid = to_regclass(:name)"),
            {"name": part.table},
        )
        numbers = str(bounds).partition("(")[2].rstrip(")")
        of |= {int(one.strip(" '")): part.shard for one in numbers.split(",")}
    if not of:
        raise not_split(row)
    return Layout(tuple(of[bucket] for bucket in range(BUCKETS)))


def not_split(row: EncoderRow) -> ServiceError:
    """Return the error that a gallery is whole on the catalogue's own server."""
    return ServiceError(
        f"The gallery of {row.slug!r} is not split.",
        hint="'stylesearch shards split' moves it to the shards.",
        code="not_split",
    )
