"""What there is to review of a set: tags with their flags, and groups of copies with their images."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from sqlalchemy import ColumnElement, Text, cast, func, or_, select
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Session

from stylesearch.catalog.curations import Curation, CurationPair, CurationTag, find_curation
from stylesearch.catalog.works import Image, Work
from stylesearch.curation.tags import HOLDING

WHICH = ("open", "decided", "all")


@dataclass(frozen=True, slots=True)
class Member:
    """An image of a group of copies; what is withdrawn, or gone, has no title and is not shown."""

    sha256: str
    source_id: str = ""
    title: str = ""
    width: int = 0
    height: int = 0
    shown: bool = False


@dataclass(slots=True)
class Group:
    """A group of copies.

    Attributes
    ----------
    verdicts:
        What was said of its pairs.
    scores:
        Of its pairs, where they have one.
    """

    number: int
    members: list[Member] = field(default_factory=list)
    verdicts: set[str] = field(default_factory=set)
    scores: list[float] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class SetSummary:
    """A set, and how much of it waits for somebody to look."""

    slug: str
    images: int
    open_tags: int
    open_groups: int


def summaries(session: Session) -> list[SetSummary]:
    """Return all sets, by name."""
    found = []
    for curation in session.scalars(select(Curation).order_by(Curation.slug)).all():
        tags = session.scalar(
            select(func.count())
            .select_from(CurationTag)
            .where(CurationTag.curation_id == curation.id, *_to_look_at("open"))
        )
        groups = session.scalar(
            select(func.count(CurationPair.component.distinct())).where(
                CurationPair.curation_id == curation.id,
                CurationPair.component.is_not(None),
                CurationPair.verdict.is_(None),
            )
        )
        images = curation.summary.get("export", {}).get("images", 0)
        found.append(SetSummary(curation.slug, images, tags or 0, groups or 0))
    return found


def read_tags(
    session: Session, slug: str, *, which: str = "open", limit: int | None = None, offset: int = 0
) -> Sequence[CurationTag]:
    """Return a set's tags, those in the most captions first.

    Parameters
    ----------
    which:
        ``open``: held back, or spelt like another, and not decided; ``decided``; or ``all``.

    Raises
    ------
    NotFoundError
        If there is no such set.
    """
    curation = find_curation(session, slug)
    return session.scalars(
        select(CurationTag)
        .where(CurationTag.curation_id == curation.id, *_to_look_at(which))
        .order_by(CurationTag.captions.desc(), CurationTag.kind, CurationTag.key)
        .limit(limit)
        .offset(offset)
    ).all()


def count_tags(session: Session, slug: str, *, which: str) -> int:
    """Return how many :func:`read_tags` would."""
    curation = find_curation(session, slug)
    query = select(func.count()).select_from(CurationTag)
    return session.scalar(query.where(CurationTag.curation_id == curation.id, *_to_look_at(which))) or 0


def _to_look_at(which: str) -> list[ColumnElement[bool]]:
    if which == "decided":
        return [CurationTag.verdict.is_not(None)]
    if which == "all":
        return []
    holding = cast(list(HOLDING), ARRAY(Text))
    return [
        CurationTag.verdict.is_(None),
        or_(CurationTag.flags.overlap(holding), func.cardinality(CurationTag.near) > 0),
    ]


def read_groups(
    session: Session, slug: str, *, which: str = "open", limit: int = 20, offset: int = 0
) -> tuple[list[Group], int]:
    """Return some of a set's groups of copies, those with the lowest scores first, and how many there are.

    Parameters
    ----------
    which:
        ``open``: with a pair that nobody has judged; ``decided``; or ``all``.

    Raises
    ------
    NotFoundError
        If there is no such set.
    """
    curation = find_curation(session, slug)
    undecided = func.bool_or(CurationPair.verdict.is_(None))
    grouped = (
        select(CurationPair.component, func.min(CurationPair.score).label("lowest"))
        .where(CurationPair.curation_id == curation.id, CurationPair.component.is_not(None))
        .group_by(CurationPair.component)
    )
    if which != "all":
        grouped = grouped.having(undecided if which == "open" else ~undecided)
    total = session.scalar(select(func.count()).select_from(grouped.subquery())) or 0
    numbers = [
        number
        for number, _ in session.execute(
            grouped.order_by(func.min(CurationPair.score).nulls_last(), CurationPair.component)
            .limit(limit)
            .offset(offset)
        )
        if number is not None
    ]
    pairs = session.scalars(
        select(CurationPair)
        .where(CurationPair.curation_id == curation.id, CurationPair.component.in_(numbers))
        .order_by(CurationPair.sha256_a, CurationPair.sha256_b)
    ).all()
    groups = {number: Group(number) for number in numbers}
    digests: dict[int, dict[bytes, None]] = {number: {} for number in numbers}
    for pair in pairs:
        assert pair.component is not None
        group = groups[pair.component]
        digests[pair.component] |= {bytes(pair.sha256_a): None, bytes(pair.sha256_b): None}
        if pair.verdict:
            group.verdicts.add(pair.verdict)
        if pair.score is not None:
            group.scores.append(pair.score)
    members = _members(session, [one for own in digests.values() for one in own])
    for number, own in digests.items():
        groups[number].members = [members.get(one, Member(one.hex())) for one in own]
    return list(groups.values()), total


def _members(session: Session, digests: Sequence[bytes]) -> dict[bytes, Member]:
    rows = session.execute(
        select(Image.sha256, Work.source_id, Work.title, Image.width, Image.height)
        .join(Work, Work.id == Image.work_id)
        .where(Image.sha256.in_(digests), Work.withdrawn_at.is_(None))
        .order_by(Image.id.desc())
    )
    return {
        bytes(row.sha256): Member(
            bytes(row.sha256).hex(), row.source_id, row.title, row.width, row.height, shown=True
        )
        for row in rows
    }
