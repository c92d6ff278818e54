"""Style-tagged sets: which images of the catalogue are in one, under which tags, and what people made of tags and copies."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKey,
    Index,
    LargeBinary,
    Text,
    UniqueConstraint,
    select,
)
from sqlalchemy.dialects.postgresql import ARRAY, insert
from sqlalchemy.orm import Mapped, Session, mapped_column

from stylesearch.catalog.base import Base, Id, Moment, one_of
from stylesearch.errors import NotFoundError

TAG_KINDS = ("artist", "medium", "movement")
TAG_VERDICTS = ("keep", "drop", "join")
COPY_VERDICTS = ("same", "different")
COPY_KINDS = ("near", "copy", "asked")
SIDES = ("query", "database")
PARTS = ("train", "test")


class Curation(Base):
    """A set that was put together; ``summary`` is what its stages counted."""

    __tablename__ = "curation"
    __table_args__ = (CheckConstraint("slug ~ '^[a-z0-9]+(-[a-z0-9]+)*$'", name="slug"),)

    id: Mapped[Id]
    slug: Mapped[str] = mapped_column(unique=True)
    summary: Mapped[dict[str, Any]] = mapped_column(server_default="{}")
    created_at: Mapped[Moment]
    updated_at: Mapped[Moment]


class CurationTag(Base):
    """A tag of a set's bank, and what a person made of it.

    ``key`` is its folded name, by which a verdict finds it in the next run. ``outcome`` says whether it is used, and if not,
    why. ``join_key`` is the key of the tag that it is another spelling of, where the verdict is ``join``.
    """

    __tablename__ = "curation_tag"
    __table_args__ = (
        UniqueConstraint("curation_id", "kind", "key"),
        CheckConstraint(one_of("kind", TAG_KINDS), name="kind"),
        CheckConstraint(one_of("verdict", TAG_VERDICTS), name="verdict"),
        CheckConstraint("(verdict IS NULL) = (decided_at IS NULL)", name="decided"),
        CheckConstraint("(verdict IS NOT DISTINCT FROM 'join') = (join_key IS NOT NULL)", name="join_key"),
    )

    id: Mapped[Id]
    curation_id: Mapped[int] = mapped_column(ForeignKey("curation.id", ondelete="CASCADE"))
    kind: Mapped[str]
    key: Mapped[str]
    name: Mapped[str]
    flags: Mapped[list[str]] = mapped_column(ARRAY(Text), server_default="{}")
    near: Mapped[list[str]] = mapped_column(ARRAY(Text), server_default="{}")
    captions: Mapped[int] = mapped_column(server_default="0")
    images: Mapped[int] = mapped_column(server_default="0")
    outcome: Mapped[str] = mapped_column(server_default="used")
    verdict: Mapped[str | None]
    join_key: Mapped[str | None]
    decided_at: Mapped[datetime | None]
    decided_by: Mapped[str | None]


class CurationImage(Base):
    """An image of a set, with its tags, and the parts of its splits that it is in."""

    __tablename__ = "curation_image"
    __table_args__ = (
        CheckConstraint(one_of("side", SIDES), name="side"),
        CheckConstraint(one_of("by_artist", PARTS), name="by_artist"),
        CheckConstraint(one_of("by_content", PARTS), name="by_content"),
        Index("ix_curation_image_image_id", "image_id"),
    )

    curation_id: Mapped[int] = mapped_column(ForeignKey("curation.id", ondelete="CASCADE"), primary_key=True)
    image_id: Mapped[int] = mapped_column(ForeignKey("image.id", ondelete="CASCADE"), primary_key=True)
    side: Mapped[str]
    by_artist: Mapped[str]
    by_content: Mapped[str]
    tag_ids: Mapped[list[int]] = mapped_column(ARRAY(BigInteger), server_default="{}")


class CurationPair(Base):
    """Two images of which one is a copy of the other, and what a person made of that.

    They are named by the digests of their files, so that a verdict outlives the images' rows. ``component`` numbers the
    group that they are in; it is null for a pair that the last run did not find.
    """

    __tablename__ = "curation_pair"
    __table_args__ = (
        CheckConstraint("sha256_a < sha256_b", name="order"),
        CheckConstraint(one_of("kind", COPY_KINDS), name="kind"),
        CheckConstraint(one_of("verdict", COPY_VERDICTS), name="verdict"),
        CheckConstraint("(verdict IS NULL) = (decided_at IS NULL)", name="decided"),
        Index("ix_curation_pair_component", "curation_id", "component"),
    )

    curation_id: Mapped[int] = mapped_column(ForeignKey("curation.id", ondelete="CASCADE"), primary_key=True)
    sha256_a: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
    sha256_b: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
    score: Mapped[float | None]
    kind: Mapped[str]
    component: Mapped[int | None]
    verdict: Mapped[str | None]
    decided_at: Mapped[datetime | None]
    decided_by: Mapped[str | None]


def find_curation(session: Session, slug: str) -> Curation:
    """Return a set.

    Raises
    ------
    NotFoundError
        ``unknown_curation``, naming those that there are.
    """
    found = session.scalar(select(Curation).where(Curation.slug == slug))
    if found is None:
        names = session.scalars(select(Curation.slug).order_by(Curation.slug).limit(20))
        raise NotFoundError(
            f"There is no set {slug!r}.",
            hint=f"Sets: {', '.join(names) or 'none yet'}.",
            code="unknown_curation",
        )
    return found


def ensure_curation(session: Session, slug: str) -> Curation:
    """Return a set, made if it is new."""
    session.execute(insert(Curation).values(slug=slug).on_conflict_do_nothing(index_elements=[Curation.slug]))
    return find_curation(session, slug)
