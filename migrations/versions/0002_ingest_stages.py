"""Sources of any kind, two stages of ingest with a spool between them, versions, and near-duplicates."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

FETCH_STATES = "state IN ('pending', 'fetching')"
EMBED_STATES = "state IN ('prepared', 'embedding')"


def upgrade() -> None:
    _sources()
    _stages()
    _versions()
    _near_duplicates()
    _serving()


def _sources() -> None:
    op.add_column("ingest_run", sa.Column("kind", sa.Text(), server_default="folder", nullable=False))
    op.add_column(
        "ingest_run",
        sa.Column(
            "options", postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'{}'"), nullable=False
        ),
    )
    op.add_column("ingest_run", sa.Column("cursor", sa.Text(), nullable=True))
    op.add_column("ingest_run", sa.Column("total", sa.BigInteger(), nullable=True))


def _stages() -> None:
    for column in (
        sa.Column("version", sa.Text(), nullable=True),
        sa.Column("task", sa.Text(), server_default="take", nullable=False),
        sa.Column("deferrals", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("not_before", sa.DateTime(timezone=True), nullable=True),
        sa.Column("held_by", sa.Text(), nullable=True),
        sa.Column("facts", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("spool_key", sa.Text(), nullable=True),
        sa.Column("spool_bytes", sa.BigInteger(), server_default="0", nullable=False),
    ):
        op.add_column("ingest_item", column)
    op.drop_index("ix_ingest_item_open", table_name="ingest_item")
    for name in ("lease", "state"):
        op.drop_constraint(op.f(f"ck_ingest_item_{name}"), "ingest_item", type_="check")
    # What a worker of the version before holds is taken up again.
    op.execute("UPDATE ingest_item SET state = 'pending', lease_until = NULL WHERE state = 'leased'")
    op.create_check_constraint(
        op.f("ck_ingest_item_state"),
        "ingest_item",
        "state IN ('pending', 'fetching', 'prepared', 'embedding', 'ingested', 'duplicate', 'unchanged', 'quarantined')",
    )
    op.create_check_constraint(
        op.f("ck_ingest_item_task"), "ingest_item", "task IN ('take', 'record', 'descriptor')"
    )
    op.create_check_constraint(
        op.f("ck_ingest_item_lease"),
        "ingest_item",
        "(state IN ('fetching', 'embedding')) = (lease_until IS NOT NULL)",
    )
    op.create_check_constraint(
        op.f("ck_ingest_item_spool"), "ingest_item", f"({EMBED_STATES}) = (spool_key IS NOT NULL)"
    )
    for name, columns, where in (
        ("ix_ingest_item_fetch", ["run_id", "id"], FETCH_STATES),
        ("ix_ingest_item_embed", ["run_id", "id"], EMBED_STATES),
        ("ix_ingest_item_spool", ["spool_bytes"], "spool_key IS NOT NULL"),
        ("ix_ingest_item_sha256", ["run_id", "sha256"], None),
    ):
        op.create_index(
            name, "ingest_item", columns, unique=False, postgresql_where=sa.text(where) if where else None
        )


def _versions() -> None:
    op.add_column("work", sa.Column("source_version", sa.Text(), nullable=True))
    op.add_column("work", sa.Column("fetch_version", sa.Text(), nullable=True))
    op.add_column("work", sa.Column("ai_training", sa.Boolean(), nullable=True))


def _near_duplicates() -> None:
    op.add_column(
        "image",
        sa.Column(
            "hash_bands", postgresql.ARRAY(sa.Integer()), server_default=sa.text("'{}'"), nullable=False
        ),
    )
    op.execute(
        """
        UPDATE image SET hash_bands = ARRAY[
            (perceptual_hash >> 48) & 65535,
            65536 + ((perceptual_hash >> 32) & 65535),
            131072 + ((perceptual_hash >> 16) & 65535),
            196608 + (perceptual_hash & 65535)
        ]::int[]
        """
    )
    op.create_index(
        "ix_image_hash_bands",
        "image",
        ["hash_bands"],
        unique=False,
        postgresql_using="gin",
        postgresql_with={"fastupdate": "off"},
    )
    op.create_table(
        "near_duplicate",
        sa.Column("image_a", sa.BigInteger(), nullable=False),
        sa.Column("image_b", sa.BigInteger(), nullable=False),
        sa.Column("bits", sa.BigInteger(), nullable=False),
        sa.Column("verdict", sa.Text(), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("decided_by", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("image_a < image_b", name=op.f("ck_near_duplicate_order")),
        sa.CheckConstraint("verdict IN ('same', 'different')", name=op.f("ck_near_duplicate_verdict")),
        sa.CheckConstraint(
            "(verdict IS NULL) = (decided_at IS NULL)", name=op.f("ck_near_duplicate_decided")
        ),
        sa.ForeignKeyConstraint(
            ["image_a"], ["image.id"], name=op.f("fk_near_duplicate_image_a_image"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["image_b"], ["image.id"], name=op.f("fk_near_duplicate_image_b_image"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("image_a", "image_b", name=op.f("pk_near_duplicate")),
    )
    op.create_index("ix_near_duplicate_image_b", "near_duplicate", ["image_b"], unique=False)


def _serving() -> None:
    op.add_column(
        "encoder", sa.Column("serving", sa.Boolean(), server_default=sa.text("false"), nullable=False)
    )
    op.create_check_constraint(op.f("ck_encoder_serving"), "encoder", "NOT serving OR status = 'active'")
    op.create_index(
        "uq_encoder_serving", "encoder", ["serving"], unique=True, postgresql_where=sa.text("serving")
    )


def downgrade() -> None:
    op.drop_index("uq_encoder_serving", table_name="encoder")
    op.drop_column("encoder", "serving")
    op.drop_table("near_duplicate")
    op.drop_index("ix_image_hash_bands", table_name="image")
    op.drop_column("image", "hash_bands")
    for name in ("source_version", "fetch_version", "ai_training"):
        op.drop_column("work", name)
    for name in ("fetch", "embed", "spool", "sha256"):
        op.drop_index(f"ix_ingest_item_{name}", table_name="ingest_item")
    for name in ("lease", "state", "task", "spool"):
        op.drop_constraint(op.f(f"ck_ingest_item_{name}"), "ingest_item", type_="check")
    # What was under way begins anew; what only the newer version can do is gone with its run.
    op.execute("DELETE FROM ingest_item WHERE task = 'descriptor'")
    op.execute(
        "UPDATE ingest_item SET state = 'pending', lease_until = NULL"
        " WHERE state IN ('fetching', 'prepared', 'embedding')"
    )
    for name in (
        "version", "task", "deferrals", "not_before", "held_by", "facts", "spool_key", "spool_bytes",
    ):  # fmt: skip
        op.drop_column("ingest_item", name)
    op.create_check_constraint(
        op.f("ck_ingest_item_state"),
        "ingest_item",
        "state IN ('pending', 'leased', 'ingested', 'duplicate', 'unchanged', 'quarantined')",
    )
    op.create_check_constraint(
        op.f("ck_ingest_item_lease"), "ingest_item", "(state = 'leased') = (lease_until IS NOT NULL)"
    )
    op.create_index(
        "ix_ingest_item_open",
        "ingest_item",
        ["run_id", "id"],
        unique=False,
        postgresql_where=sa.text("state IN ('pending', 'leased')"),
    )
    for name in ("kind", "options", "cursor", "total"):
        op.drop_column("ingest_run", name)
