"""Galleries that are split over shards: by a hash of the image, in buckets that can be moved from one to another."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from psycopg import sql
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from stylesearch.catalog import indexes, shards
from stylesearch.catalog.audit import AuditEvent
from stylesearch.catalog.connections import raw_connection
from stylesearch.catalog.database import Database
from stylesearch.catalog.descriptors import EncoderRow, Shard
from stylesearch.catalog.encoders import GALLERY_LOCK
from stylesearch.errors import ServiceError

BUCKETS = 256
"""Into so many a gallery is divided; a shard keeps some of them."""

_COLUMNS = "encoder_id bigint NOT NULL, image_id bigint NOT NULL, vector halfvec NOT NULL"


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
    of: list[str | None] = []
    for bucket in range(BUCKETS):
        now = before.of[bucket] if before is not None else None
        stays = now is not None and quota.get(now, 0) > 0
        of.append(now if stays else None)
        if now is not None and stays:
            quota[now] -= 1
    free = iter([slug for slug in ordered for _ in range(quota[slug])])
    return Layout(tuple(one if one is not None else next(free) for one in of))


def split(database: Database, row: EncoderRow) -> Layout:
    """Move a gallery from this server to the shards; it can be searched all the time, but not written to.

    Raises
    ------
    ServiceError
        ``no_shards``; ``already_split``; ``shard_down``; ``database_busy``, if somebody is looking at it for long.
    """
    with database.session() as session:
        if shards.parts(session, row.partition):
            raise ServiceError(
                f"The gallery of {row.slug!r} is split already.",
                hint="'stylesearch shards rebalance' moves its parts.",
                code="already_split",
            )
        keepers = _active(session)
        layout = even([shard.slug for shard in keepers])
        for shard in keepers:
            _make_there(session, row, shard)
    whole, parted = row.partition, f"{row.partition}_parted"
    with database.session() as session:
        here = raw_connection(session)
        here.execute(f"LOCK TABLE {whole} IN SHARE ROW EXCLUSIVE MODE")
        here.execute(f"CREATE TABLE {parted} ({_COLUMNS}) PARTITION BY LIST ((image_id % {BUCKETS}))")
        for shard in keepers:
            _attach(session, row, shard, layout, parent=parted)
        here.execute(f"INSERT INTO {parted} SELECT encoder_id, image_id, vector FROM {whole}")
    try:
        with database.session() as session:
            for shard in keepers:
                _index_there(session, row, shard)
        with database.session() as session:
            _swap(session, row, parted)
    except BaseException:
        with database.session() as session:
            session.execute(text(f"DROP TABLE IF EXISTS {parted}"))
        raise
    with database.session() as session:
        for shard in keepers:
            session.execute(text(f"ANALYZE {_name(row, shard)}"))
    return layout


def rebalance(database: Database, row: EncoderRow) -> int:
    """Spread a gallery evenly over the shards that are active, and off those that are draining; return how many rows moved.

    Each pair of shards is dealt with in a transaction of its own, so that an interrupted one goes on when it is called again.

    Raises
    ------
    ServiceError
        ``no_shards``, ``not_split``, ``shard_down``.
    """
    moved = 0
    with database.session() as session:
        before = layout_of(session, row)
        keepers = _active(session)
        after = even([shard.slug for shard in keepers], before)
        for shard in keepers:
            if shard.slug not in before.shards:
                _make_there(session, row, shard)
                _index_there(session, row, shard)
    for old in before.shards:
        for new in after.shards:
            buckets = [bucket for bucket in before.of_shard(old) if after.of[bucket] == new]
            if old != new and buckets:
                moved += _move(database, row, old, new, buckets)
    with database.session() as session:
        for slug in after.shards:
            session.execute(text(f"ANALYZE {_name(row, shards.find(session, slug))}"))
    return moved


def drain(database: Database, slug: str, rows: Sequence[EncoderRow]) -> int:
    """Move all that a shard keeps to the others; return how many rows. It is given nothing from then on.

    Raises
    ------
    NotFoundError
        If there is no such shard.
    ServiceError
        As :func:`rebalance`.
    """
    with database.session() as session:
        shard = shards.find(session, slug)
        shard.state = "draining"
        session.flush()
        _active(session)
        session.add(AuditEvent(action="shard.drain", subject=f"shard:{slug}", detail={}))
        kept = [
            row for row in rows if any(part.shard == slug for part in shards.parts(session, row.partition))
        ]
    return sum(rebalance(database, row) for row in kept)


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
        raise ServiceError(
            f"The gallery of {row.slug!r} is not split.",
            hint="'stylesearch shards split' moves it to the shards.",
            code="not_split",
        )
    return Layout(tuple(of[bucket] for bucket in range(BUCKETS)))


def _active(session: Session) -> list[Shard]:
    found = list(session.scalars(select(Shard).where(Shard.state == "active").order_by(Shard.slug)))
    if not found:
        raise ServiceError(
            "There is no shard that could keep anything.",
            hint="Make one known: 'stylesearch shards add NAME URL'.",
            code="no_shards",
        )
    return found


def _name(row: EncoderRow, shard: Shard) -> str:
    return f"{row.partition}_{shard.slug}"


def _make_there(session: Session, row: EncoderRow, shard: Shard) -> None:
    """Make an empty table on a shard."""
    name = _name(row, shard)
    with shards.connected(session, shard) as there:
        there.execute(f"DROP TABLE IF EXISTS {name}")
        there.execute(
            f"CREATE TABLE {name} ({_COLUMNS}, PRIMARY KEY (image_id, encoder_id),"
            f" CHECK (vector_dims(vector) = {int(row.dim)}))"
        )


def _index_there(session: Session, row: EncoderRow, shard: Shard) -> None:
    """Build the index on a shard, in as much memory as its server expects to find free."""
    name = _name(row, shard)
    with shards.connected(session, shard) as there:
        there.execute(f"ANALYZE {name}")
        there.execute(
            "SELECT set_config('maintenance_work_mem', greatest(pg_size_bytes(current_setting('maintenance_work_mem')),"
            " pg_size_bytes(current_setting('effective_cache_size')) / 2) / 1024 || 'kB', false)"
        )
        there.execute(indexes.hnsw_definition(f"{name}_hnsw", name, row.dim))


def _foreign_table(session: Session, row: EncoderRow, shard: Shard) -> str:
    """Return the name of the table that stands here for a shard's, made if it is not there."""
    name = _name(row, shard)
    raw_connection(session).execute(
        sql.SQL("CREATE FOREIGN TABLE IF NOT EXISTS {} ({}) SERVER {} OPTIONS (table_name {})").format(
            sql.Identifier(name), sql.SQL(_COLUMNS), sql.Identifier(shard.server), sql.Literal(name)
        )
    )
    return name


def _attach(session: Session, row: EncoderRow, shard: Shard, layout: Layout, *, parent: str) -> None:
    name = _foreign_table(session, row, shard)
    buckets = ", ".join(map(str, layout.of_shard(shard.slug)))
    raw_connection(session).execute(f"ALTER TABLE {parent} ATTACH PARTITION {name} FOR VALUES IN ({buckets})")


def _swap(session: Session, row: EncoderRow, parted: str) -> None:
    """Put a gallery's parts in the place of the whole."""
    whole = row.partition
    session.execute(text("SET LOCAL lock_timeout = '30s'"))
    session.execute(
        text("SELECT pg_advisory_xact_lock(:lock, :encoder)"), {"lock": GALLERY_LOCK, "encoder": row.id}
    )
    written = session.scalar(text(f"SELECT (SELECT count(*) FROM {whole}) - (SELECT count(*) FROM {parted})"))
    if written:
        raise ServiceError(
            f"The gallery of {row.slug!r} was written to meanwhile.",
            hint="Try again when no run is open.",
            code="database_busy",
        )
    here = raw_connection(session)
    here.execute(f"ALTER TABLE descriptor DETACH PARTITION {whole}")
    here.execute(f"DROP TABLE {whole}")
    here.execute(f"ALTER TABLE {parted} RENAME TO {whole}")
    here.execute(f"ALTER TABLE descriptor ATTACH PARTITION {whole} FOR VALUES IN ({row.id})")
    # What lies elsewhere cannot refer to images here; a trigger has it go with them.
    here.execute(f"DROP TRIGGER IF EXISTS forget_{whole} ON image")
    here.execute(
        f"CREATE TRIGGER forget_{whole} AFTER DELETE ON image REFERENCING OLD TABLE AS gone"
        f" FOR EACH STATEMENT EXECUTE FUNCTION forget_descriptors('{whole}')"
    )
    session.add(AuditEvent(action="shard.split", subject=f"encoder:{row.slug}", detail={}))


def _move(database: Database, row: EncoderRow, old: str, new: str, buckets: list[int]) -> int:
    """Move some buckets from one shard to another; searches wait only while the two change places."""
    with database.session() as session:
        here = raw_connection(session)
        source, target = shards.find(session, old), shards.find(session, new)
        here.execute(f"LOCK TABLE ONLY {row.partition} IN SHARE ROW EXCLUSIVE MODE")
        layout = layout_of(session, row)
        after = Layout(tuple(new if bucket in buckets else one for bucket, one in enumerate(layout.of)))
        leaves, comes = _name(row, source), _foreign_table(session, row, target)
        wanted = f"image_id %% {BUCKETS} = ANY(%s)"
        # An attempt before may have brought some already.
        here.execute(f"DELETE FROM {comes} WHERE {wanted}", [buckets])
        moved = here.execute(
            f"INSERT INTO {comes} SELECT encoder_id, image_id, vector FROM {leaves} WHERE {wanted}", [buckets]
        ).rowcount
        for shard in (source, target):
            if layout.of_shard(shard.slug):
                here.execute(f"ALTER TABLE {row.partition} DETACH PARTITION {_name(row, shard)}")
        here.execute(f"DELETE FROM {leaves} WHERE {wanted}", [buckets])
        for shard in (source, target):
            if after.of_shard(shard.slug):
                _attach(session, row, shard, after, parent=row.partition)
            else:
                here.execute(f"DROP FOREIGN TABLE {_name(row, shard)}")
    return moved
