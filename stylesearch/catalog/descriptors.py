"""Encoders, the descriptors they gave, one partition an encoder, and how crowded it is around each."""

from __future__ import annotations

from datetime import datetime

from pgvector.sqlalchemy import HALFVEC
from sqlalchemy import CheckConstraint, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from stylesearch.catalog.base import Base, Id, Moment, one_of

ENCODER_STATES = ("building", "active", "retired")
SHARD_STATES = ("active", "draining")
PARTITION_PREFIX = "descriptor_"
REPLACED = "_replaced_"
"""In the name of a table that was an encoder's partition, until it goes."""


class EncoderRow(Base):
    """An encoder that descriptors were made with; immutable but for its status.

    ``serving`` is true of the one that searches are answered with since it was activated; while it is of none, the
    setting says which is meant. ``density`` is the mean of its gallery's means in :class:`Density`, once they were measured.
    """

    __tablename__ = "encoder"
    __table_args__ = (
        CheckConstraint(one_of("status", ENCODER_STATES), name="status"),
        CheckConstraint("dim BETWEEN 1 AND 4000", name="dim"),
        CheckConstraint("NOT serving OR status = 'active'", name="serving"),
        Index("uq_encoder_active_slug", "slug", unique=True, postgresql_where=text("status = 'active'")),
        Index("uq_encoder_serving", "serving", unique=True, postgresql_where=text("serving")),
    )

    id: Mapped[Id]
    slug: Mapped[str]
    digest: Mapped[str] = mapped_column(unique=True)
    dim: Mapped[int]
    weights_sha256: Mapped[str]
    preprocessing: Mapped[str]
    license: Mapped[str]
    status: Mapped[str] = mapped_column(server_default="building")
    serving: Mapped[bool] = mapped_column(server_default=text("false"))
    created_at: Mapped[Moment]
    activated_at: Mapped[datetime | None]
    density: Mapped[float | None]

    @property
    def partition(self) -> str:
        """Name of the table that holds this encoder's descriptors."""
        return partition_name(self.id)

    @property
    def emptied_partition(self) -> str:
        """Name of that table when its descriptors have been let go of, until it goes too."""
        return f"{self.partition}_emptied"

    @property
    def index(self) -> str:
        """Name of the HNSW index on that table."""
        return f"{self.partition}_hnsw"

    @property
    def binary_index(self) -> str:
        """Name of the HNSW index on the signs of its numbers alone: a sixteenth of the size, and a first guess only."""
        return f"{self.partition}_binary"


class Descriptor(Base):
    """The unit vector that an encoder gave for an image, in half precision.

    Keys and references stand on each encoder's own table: a part of one that lies on another server can have none.
    """

    __tablename__ = "descriptor"
    __table_args__ = ({"postgresql_partition_by": "LIST (encoder_id)"},)

    encoder_id: Mapped[int] = mapped_column(primary_key=True)
    image_id: Mapped[int] = mapped_column(primary_key=True)
    vector: Mapped[list[float]] = mapped_column(HALFVEC())


class Density(Base):
    """How crowded it is around a descriptor: ``mean`` is its mean cosine to its nearest neighbours, for CSLS.

    It stands in a table of its own, since a change to a descriptor's row would enter its index again. ``gallery`` is how
    many descriptors there were when it was measured.
    """

    __tablename__ = "density"

    image_id: Mapped[int] = mapped_column(ForeignKey("image.id", ondelete="CASCADE"), primary_key=True)
    encoder_id: Mapped[int] = mapped_column(ForeignKey("encoder.id", ondelete="CASCADE"), primary_key=True)
    mean: Mapped[float]
    gallery: Mapped[int]


class Whitening(Base):
    """The space that was fitted to an encoder's gallery when it held ``gallery`` descriptors; see ``catalog.whitening``.

    ``centre`` is ``[dim]`` and ``matrix`` ``[dim, dim]``, in single precision, the lowest byte first.
    """

    __tablename__ = "whitening"

    encoder_id: Mapped[int] = mapped_column(ForeignKey("encoder.id", ondelete="CASCADE"), primary_key=True)
    centre: Mapped[bytes]
    matrix: Mapped[bytes]
    length: Mapped[float]
    gallery: Mapped[int]
    fitted_at: Mapped[Moment]


class Whitened(Base):
    """How long a descriptor is in its encoder's whitened space."""

    __tablename__ = "whitened"

    image_id: Mapped[int] = mapped_column(ForeignKey("image.id", ondelete="CASCADE"), primary_key=True)
    encoder_id: Mapped[int] = mapped_column(ForeignKey("encoder.id", ondelete="CASCADE"), primary_key=True)
    length: Mapped[float]


class IndexCheck(Base):
    """What was last measured of an index against the exact way.

    ``recall`` is the share, 0 to 1, of the nearest that it finds, over ``sample`` searches of ``k`` each, at an ``ef_search``
    of ``ef``, when there were ``gallery`` descriptors.
    """

    __tablename__ = "index_check"
    __table_args__ = (
        CheckConstraint("recall BETWEEN 0 AND 1", name="recall"),
        CheckConstraint(one_of("kind", ("hnsw", "binary")), name="kind"),
    )

    encoder_id: Mapped[int] = mapped_column(ForeignKey("encoder.id", ondelete="CASCADE"), primary_key=True)
    kind: Mapped[str] = mapped_column(primary_key=True)
    recall: Mapped[float]
    sample: Mapped[int]
    k: Mapped[int]
    ef: Mapped[int]
    gallery: Mapped[int]
    measured_at: Mapped[Moment]


class Shard(Base):
    """A server that keeps parts of galleries. Where it is, and how to sign in, PostgreSQL knows: it is a foreign server."""

    __tablename__ = "shard"
    __table_args__ = (CheckConstraint(one_of("state", SHARD_STATES), name="state"),)

    id: Mapped[Id]
    slug: Mapped[str] = mapped_column(unique=True)
    state: Mapped[str] = mapped_column(server_default="active")
    created_at: Mapped[Moment]

    @property
    def server(self) -> str:
        """Name of the foreign server."""
        return f"stylesearch_{self.slug}"


def partition_name(encoder_id: int) -> str:
    """Return the name of an encoder's partition."""
    return f"{PARTITION_PREFIX}{encoder_id}"
