"""Artists, their other names, and their part in works."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column, relationship

from stylesearch.catalog.base import Base, Id, one_of

ROLES = ("creator", "contributor")
QUALIFIERS = (
    "attributed to", "workshop of", "circle of", "school of", "follower of", "manner of", "after", "copy after",
)  # fmt: skip
"""Attribution qualifiers: the work is near the artist, not surely the artist's own."""


class Artist(Base):
    """A maker of works, as credited: spellings are kept apart until a person joins them."""

    __tablename__ = "artist"
    __table_args__ = (
        CheckConstraint("name <> ''", name="name"),
        CheckConstraint("birth_year <= death_year", name="years"),
        Index("ix_artist_name_trgm", "name", postgresql_using="gin", postgresql_ops={"name": "gin_trgm_ops"}),
    )

    id: Mapped[Id]
    name: Mapped[str] = mapped_column(unique=True)
    sort_name: Mapped[str]
    birth_year: Mapped[int | None]
    death_year: Mapped[int | None]
    ulan_id: Mapped[str | None] = mapped_column(unique=True)
    wikidata_id: Mapped[str | None] = mapped_column(unique=True)
    aliases: Mapped[list[ArtistAlias]] = relationship(back_populates="artist", cascade="all, delete-orphan")


class ArtistAlias(Base):
    """Another name of an artist."""

    __tablename__ = "artist_alias"

    artist_id: Mapped[int] = mapped_column(ForeignKey("artist.id", ondelete="CASCADE"), primary_key=True)
    name: Mapped[str] = mapped_column(primary_key=True, index=True)
    artist: Mapped[Artist] = relationship(back_populates="aliases")


class WorkArtist(Base):
    """An artist's part in a work."""

    __tablename__ = "work_artist"
    __table_args__ = (
        CheckConstraint(one_of("role", ROLES), name="role"),
        CheckConstraint(one_of("qualifier", QUALIFIERS), name="qualifier"),
        Index("ix_work_artist_artist_id", "artist_id"),
    )

    work_id: Mapped[int] = mapped_column(ForeignKey("work.id", ondelete="CASCADE"), primary_key=True)
    artist_id: Mapped[int] = mapped_column(ForeignKey("artist.id", ondelete="RESTRICT"), primary_key=True)
    role: Mapped[str] = mapped_column(primary_key=True, server_default="creator")
    qualifier: Mapped[str | None]
    position: Mapped[int] = mapped_column(server_default="0")
    artist: Mapped[Artist] = relationship()
