"""Images that look almost alike: pairs for a person to judge, never merged by themselves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    CheckConstraint,
    ColumnElement,
    ForeignKey,
    Index,
    Select,
    exists,
    func,
    select,
    tuple_,
    update,
)
from sqlalchemy.orm import Mapped, Session, mapped_column

from stylesearch.catalog import audit, versions
from stylesearch.catalog.base import Base, Moment, one_of
from stylesearch.catalog.connections import raw_connection
from stylesearch.catalog.works import Collection, Image, Work
from stylesearch.errors import NotFoundError
from stylesearch.images.hashes import near_bands

VERDICTS = ("same", "different")
NEAR_BITS = 6
"""Most bits of 64 in which the perceptual hashes of near-duplicates differ."""

MOST_LINKS = 20
"""Most pairs that one new image is put into: a group holds together by a few, and blank sheets are near thousands."""


class NearDuplicate(Base):
    """Two images of one collection whose perceptual hashes differ in few bits, and what a person made of them."""

    __tablename__ = "near_duplicate"
    __table_args__ = (
        CheckConstraint("image_a < image_b", name="order"),
        CheckConstraint(one_of("verdict", VERDICTS), name="verdict"),
        CheckConstraint("(verdict IS NULL) = (decided_at IS NULL)", name="decided"),
        Index("ix_near_duplicate_image_b", "image_b"),
    )

    image_a: Mapped[int] = mapped_column(ForeignKey("image.id", ondelete="CASCADE"), primary_key=True)
    image_b: Mapped[int] = mapped_column(ForeignKey("image.id", ondelete="CASCADE"), primary_key=True)
    bits: Mapped[int]
    verdict: Mapped[str | None]
    decided_at: Mapped[datetime | None]
    decided_by: Mapped[str | None]
    created_at: Mapped[Moment]


def link_near_duplicates(session: Session, collection_id: int, hashes: Mapping[int, int]) -> None:
    """Pair images with those of their collection that look almost alike.

    Two hashes that differ in at most six bits have, of four parts, one that differs in at most one bit. So every pair
    is found by looking up each part of a hash, and each of its neighbours by one bit, in an index.

    Parameters
    ----------
    hashes:
        Perceptual hash of each image by its id; the images are written already.
    """
    raw_connection(session).cursor().executemany(
        """
        INSERT INTO near_duplicate (image_a, image_b, bits)
        SELECT least(id, %(image)s), greatest(id, %(image)s), bits
        FROM (
            SELECT id, bit_count((perceptual_hash # %(hash)s)::bit(64)) AS bits FROM image
            WHERE collection_id = %(collection)s AND hash_bands && %(bands)s AND id <> %(image)s
        ) AS other
        WHERE bits <= %(most)s ORDER BY bits, id LIMIT %(links)s
        ON CONFLICT DO NOTHING
        """,
        [
            {
                "image": image_id, "hash": value, "collection": collection_id, "bands": near_bands(value),
                "most": NEAR_BITS, "links": MOST_LINKS,
            }
            for image_id, value in hashes.items()
        ],
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Member:
    """An image of a group; ``bits`` is how far it is from the nearest before it in the group."""

    image_id: int
    collection: str
    source_id: str
    bits: int | None


def groups(session: Session, *, collection_id: int | None = None) -> list[list[Member]]:
    """Return the groups of images that hang together by pairs that nobody has judged.

    Parameters
    ----------
    collection_id:
        The only collection to look at.
    """
    pairs = session.execute(
        select(NearDuplicate.image_a, NearDuplicate.image_b, NearDuplicate.bits)
        .join(Image, Image.id == NearDuplicate.image_a)
        .where(
            NearDuplicate.verdict.is_(None),
            *([Image.collection_id == collection_id] if collection_id is not None else []),
        )
        .order_by(NearDuplicate.image_a, NearDuplicate.image_b)
    ).all()
    leader: dict[int, int] = {}

    def lead(image_id: int) -> int:
        while leader.setdefault(image_id, image_id) != image_id:
            leader[image_id] = leader[leader[image_id]]
            image_id = leader[image_id]
        return image_id

    nearest: dict[int, int] = {}
    for a, b, bits in pairs:
        first, second = sorted((lead(a), lead(b)))
        leader[second] = first
        nearest[b] = min(bits, nearest.get(b, bits))
    rows = session.execute(
        select(Image.id, Collection.slug, Work.source_id)
        .join(Work, Work.id == Image.work_id)
        .join(Collection, Collection.id == Image.collection_id)
        .where(Image.id.in_(leader), Work.withdrawn_at.is_(None))
        .order_by(Image.id)
    )
    found: dict[int, list[Member]] = {}
    for image_id, slug, source_id in rows:
        found.setdefault(lead(image_id), []).append(Member(image_id, slug, source_id, nearest.get(image_id)))
    return [group for group in found.values() if len(group) > 1]


def decide(session: Session, image_ids: Sequence[int], verdict: str, *, by: str) -> int:
    """Note what a person made of the pairs among some images; return how many pairs that is.

    Raises
    ------
    NotFoundError
        ``no_pair``, if no two of them are a pair.
    """
    decided = session.execute(
        update(NearDuplicate)
        .where(NearDuplicate.image_a.in_(image_ids), NearDuplicate.image_b.in_(image_ids))
        .values(verdict=verdict, decided_at=func.now(), decided_by=by)
        .returning(NearDuplicate.image_a, NearDuplicate.image_b)
    ).all()
    if not decided:
        raise NotFoundError(
            "No two of these images are near-duplicates.",
            hint="'stylesearch ingest duplicates' lists them.",
            code="no_pair",
        )
    for image_a, image_b in decided:
        audit.record(session, "duplicate.judge", f"pair:{image_a}-{image_b}", {"verdict": verdict})
    return len(decided)


@dataclass(frozen=True, slots=True)
class Pair:
    """Two images that look almost alike, and what a person made of them; ``None`` where nobody has."""

    image_a: int
    image_b: int
    bits: int
    verdict: str | None
    decided_by: str | None
    decided_at: datetime | None


def count_unjudged(session: Session) -> int:
    """Return how many pairs of works that are not withdrawn nobody has judged."""
    return session.scalar(_pairs(NearDuplicate.verdict.is_(None)).with_only_columns(func.count())) or 0


def unjudged(session: Session, *, after: tuple[int, int] | None = None, most: int = 10) -> list[Pair]:
    """Return pairs that nobody has judged, in the order of their images.

    Parameters
    ----------
    after:
        The images of the pair that the ones before ended with.
    """
    rows = _pairs(NearDuplicate.verdict.is_(None))
    if after is not None:
        rows = rows.where(tuple_(NearDuplicate.image_a, NearDuplicate.image_b) > after)
    return _read(session, rows.order_by(NearDuplicate.image_a, NearDuplicate.image_b).limit(most))


def judged(session: Session, *, skip: int = 0, most: int = 50) -> list[Pair]:
    """Return pairs that somebody has judged, the latest first."""
    rows = _pairs(NearDuplicate.verdict.is_not(None))
    order = (NearDuplicate.decided_at.desc(), NearDuplicate.image_a, NearDuplicate.image_b)
    return _read(session, rows.order_by(*order).offset(skip).limit(most))


def judge(session: Session, image_a: int, image_b: int, verdict: str | None, *, seen: str | None) -> None:
    """Note what a person made of a pair, or take it back with ``None``.

    Parameters
    ----------
    seen:
        The verdict that the person saw.

    Raises
    ------
    NotFoundError
        ``no_pair``, if there is no such pair.
    ChangedMeanwhileError
        If somebody else has judged it otherwise meanwhile.
    """
    pair = session.get(NearDuplicate, (image_a, image_b), with_for_update=True)
    if pair is None:
        raise NotFoundError("These two images are no pair.", hint="One of them may be gone.", code="no_pair")
    subject = f"pair:{image_a}-{image_b}"
    now, wanted = {"verdict": pair.verdict}, {"verdict": verdict}
    versions.check(int(pair.verdict != seen), 0, now, wanted, subject, session)
    if now == wanted:
        return
    pair.verdict = verdict
    pair.decided_at = None if verdict is None else func.now()
    pair.decided_by = None if verdict is None else audit.acting().name
    audit.record(session, "duplicate.judge", subject, audit.changes(now, wanted))


def _pairs(condition: ColumnElement[bool]) -> Select[Any]:
    """Return the statement of pairs of which both works are there."""
    there = [
        exists().where(Image.id == column, Work.id == Image.work_id, Work.withdrawn_at.is_(None))
        for column in (NearDuplicate.image_a, NearDuplicate.image_b)
    ]
    return select(NearDuplicate).where(condition, *there)


def _read(session: Session, rows: Select[Any]) -> list[Pair]:
    return [
        Pair(one.image_a, one.image_b, one.bits, one.verdict, one.decided_by, one.decided_at)
        for one in session.scalars(rows)
    ]
