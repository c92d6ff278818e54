"""Style maps: the works of a gallery laid out in a plane, so that what is near in style lies near."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, ForeignKey, Index, SmallInteger
from sqlalchemy.orm import Mapped, mapped_column

from stylesearch.catalog.base import Base, Id, Moment

SIZE = 10_000
"""A map is a square of so many steps a side."""


class StyleMap(Base):
    """A map of an encoder's gallery. Its places mean nothing on another map, so filters name the map that they are of.

    ``works`` is how many are on it; ``gallery`` how many could have been when it was drawn.
    """

    __tablename__ = "style_map"

    id: Mapped[Id]
    encoder_id: Mapped[int] = mapped_column(ForeignKey("encoder.id", ondelete="CASCADE"), index=True)
    works: Mapped[int]
    gallery: Mapped[int]
    created_at: Mapped[Moment]


class MapPoint(Base):
    """Where a work lies on a map: ``x`` from the left, ``y`` from the top, in steps."""

    __tablename__ = "map_point"
    __table_args__ = (
        CheckConstraint(f"x BETWEEN 0 AND {SIZE} AND y BETWEEN 0 AND {SIZE}", name="place"),
        Index("ix_map_point_place", "map_id", "x", "y"),
    )

    work_id: Mapped[int] = mapped_column(ForeignKey("work.id", ondelete="CASCADE"), primary_key=True)
    map_id: Mapped[int] = mapped_column(ForeignKey("style_map.id", ondelete="CASCADE"), primary_key=True)
    x: Mapped[int] = mapped_column(SmallInteger)
    y: Mapped[int] = mapped_column(SmallInteger)
