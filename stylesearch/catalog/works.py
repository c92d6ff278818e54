"""Collections, works and their images."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import (
    CheckConstraint,
    Computed,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    Text,
    UniqueConstraint,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, INT8RANGE, TSVECTOR, Range
from sqlalchemy.orm import Mapped, mapped_column, relationship

from stylesearch.catalog.artists import WorkArtist
from stylesearch.catalog.base import Base, Id, Moment, one_of
from stylesearch.catalog.rights import License

YEARS = (
    "CASE WHEN year_from IS NOT NULL OR year_to IS NOT NULL"
    " THEN int8range(LEAST(year_from, year_to), GREATEST(year_from, year_to), '[]'::text) END"
)
VISIBILITIES = ("everybody", "viewers", "staff")


class Collection(Base):
    """A body of works that came from one place.

    ``visibility`` says who may see them. ``version`` grows with each change that a person makes, so that nobody undoes
    another's unseen.
    """

    __tablename__ = "collection"
    __table_args__ = (
        CheckConstraint("slug ~ '^[a-z0-9]+(-[a-z0-9]+)*$'", name="slug"),
        CheckConstraint(one_of("visibility", VISIBILITIES), name="visibility"),
    )

    id: Mapped[Id]
    slug: Mapped[str] = mapped_column(unique=True)
    title: Mapped[str]
    provider: Mapped[str | None]
    source_uri: Mapped[str | None]
    default_license_id: Mapped[int | None] = mapped_column(ForeignKey("license.id"))
    visibility: Mapped[str] = mapped_column(server_default="everybody")
    version: Mapped[int] = mapped_column(server_default="1")
    created_at: Mapped[Moment]


class Work(Base):
    """An artwork. The work's rights and its image's rights are two things.

    ``source_version`` is what its source told about its state, ``fetch_version`` what the server of its image did;
    either tells, without the bytes, that nothing has changed. ``ai_training`` is false where its holders have reserved
    it against machine learning; ``extra`` says how. ``words`` is what its texts say, for full-text search: each word as it
    stands, and its stem in several languages, since nobody says which language a text is in. ``years`` is the range of its
    years, and null for an undated work.

    A withdrawn work keeps its row, so that old reports can say that it was withdrawn; no query shows it.
    """

    __tablename__ = "work"
    __table_args__ = (
        UniqueConstraint("collection_id", "source_id"),
        UniqueConstraint("id", "collection_id"),
        CheckConstraint("year_from <= year_to", name="years"),
        Index("ix_work_years", "years", postgresql_using="gist"),
        Index("ix_work_keywords", "keywords", postgresql_using="gin"),
        *(
            Index(f"ix_work_{name}", func.lower(text(name)))
            for name in ("medium", "movement", "period", "object_type")
        ),
        Index("ix_work_words", "words", postgresql_using="gin"),
        Index("ix_work_created_at", "created_at"),
        Index("ix_work_image_license_id", "image_license_id"),
        Index("ix_work_withdrawn", "id", postgresql_where=text("withdrawn_at IS NOT NULL")),
    )

    id: Mapped[Id]
    collection_id: Mapped[int] = mapped_column(ForeignKey("collection.id", ondelete="CASCADE"))
    source_id: Mapped[str]
    source_digest: Mapped[bytes] = mapped_column(LargeBinary)
    source_version: Mapped[str | None]
    fetch_version: Mapped[str | None]
    title: Mapped[str]
    description: Mapped[str | None]
    date_text: Mapped[str | None]
    year_from: Mapped[int | None]
    year_to: Mapped[int | None]
    years: Mapped[Range[int] | None] = mapped_column(
        INT8RANGE, Computed(YEARS, persisted=True), deferred=True
    )
    medium: Mapped[str | None]
    movement: Mapped[str | None]
    period: Mapped[str | None]
    object_type: Mapped[str | None]
    keywords: Mapped[list[str]] = mapped_column(ARRAY(Text), server_default="{}")
    source_url: Mapped[str | None]
    work_license_id: Mapped[int | None] = mapped_column(ForeignKey("license.id"))
    image_license_id: Mapped[int | None] = mapped_column(ForeignKey("license.id"))
    credit_line: Mapped[str | None]
    ai_training: Mapped[bool | None]
    extra: Mapped[dict[str, Any]] = mapped_column(server_default="{}")
    words: Mapped[str] = mapped_column(
        TSVECTOR,
        Computed(
            "work_words(title, description, keywords, medium, movement, period, object_type)", persisted=True
        ),
        deferred=True,
    )
    withdrawn_at: Mapped[datetime | None]
    created_at: Mapped[Moment]
    updated_at: Mapped[Moment]

    collection: Mapped[Collection] = relationship()
    work_license: Mapped[License | None] = relationship(foreign_keys=[work_license_id])
    image_license: Mapped[License | None] = relationship(foreign_keys=[image_license_id])
    artists: Mapped[list[WorkArtist]] = relationship(order_by=WorkArtist.position, passive_deletes=True)
    images: Mapped[list[Image]] = relationship(back_populates="work", order_by="Image.id", viewonly=True)


class Image(Base):
    """One digital picture of a work. The same bytes stand in a collection once.

    ``hash_bands`` is the perceptual hash in four parts, by which near-duplicates are found.
    """

    __tablename__ = "image"
    __table_args__ = (
        ForeignKeyConstraint(
            ["work_id", "collection_id"],
            ["work.id", "work.collection_id"],
            ondelete="CASCADE",
            name="fk_image_work",
        ),
        UniqueConstraint("collection_id", "sha256"),
        CheckConstraint("octet_length(sha256) = 32", name="sha256"),
        CheckConstraint("width > 0 AND height > 0", name="size"),
        Index("ix_image_work_id", "work_id"),
        Index("ix_image_sha256", "sha256"),
        Index("ix_image_perceptual_hash", "perceptual_hash"),
        # Every search in it follows an insertion, so a list of what is still to be sorted in would only slow both.
        Index(
            "ix_image_hash_bands",
            "hash_bands",
            postgresql_using="gin",
            postgresql_with={"fastupdate": "off"},
        ),
    )

    id: Mapped[Id]
    work_id: Mapped[int]
    collection_id: Mapped[int]
    sha256: Mapped[bytes] = mapped_column(LargeBinary)
    perceptual_hash: Mapped[int]
    hash_bands: Mapped[list[int]] = mapped_column(ARRAY(Integer), server_default="{}")
    width: Mapped[int]
    height: Mapped[int]
    media_type: Mapped[str]
    storage_key: Mapped[str]
    created_at: Mapped[Moment]

    work: Mapped[Work] = relationship(back_populates="images", viewonly=True)
