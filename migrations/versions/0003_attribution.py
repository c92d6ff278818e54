"""Calibrations, keys, reports that are signed, and batches of them."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "calibration",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("encoder_id", sa.BigInteger(), nullable=False),
        sa.Column("gallery_root", sa.Text(), nullable=False),
        sa.Column("summary", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("figures", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("data", sa.LargeBinary(), nullable=False),
        sa.Column("leaves", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("length(digest) = 64", name=op.f("ck_calibration_digest")),
        sa.ForeignKeyConstraint(
            ["encoder_id"], ["encoder.id"], name=op.f("fk_calibration_encoder_id_encoder"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_calibration")),
    )
    op.create_index("ix_calibration_encoder_id", "calibration", ["encoder_id", "id"], unique=False)
    op.create_table(
        "signing_key",
        sa.Column("key_id", sa.Text(), nullable=False),
        sa.Column("public_key", sa.LargeBinary(), nullable=False),
        sa.Column("retired_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("octet_length(public_key) = 32", name=op.f("ck_signing_key_public_key")),
        sa.PrimaryKeyConstraint("key_id", name=op.f("pk_signing_key")),
    )
    op.add_column("report", sa.Column("works", postgresql.JSONB(astext_type=sa.Text()), nullable=True))
    op.add_column("report", sa.Column("key_id", sa.Text(), nullable=True))
    op.create_foreign_key(
        op.f("fk_report_key_id_signing_key"), "report", "signing_key", ["key_id"], ["key_id"]
    )
    _batches()


def _batches() -> None:
    op.create_table(
        "report_batch",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("filters", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_report_batch")),
        sa.UniqueConstraint("digest", name=op.f("uq_report_batch_digest")),
    )
    op.create_table(
        "report_item",
        sa.Column("batch_id", sa.BigInteger(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("query_sha256", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), server_default="pending", nullable=False),
        sa.Column("attempts", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("public_id", sa.Text(), nullable=True),
        sa.Column("error_code", sa.Text(), nullable=True),
        sa.Column("error_text", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "state IN ('pending', 'held', 'done', 'failed')", name=op.f("ck_report_item_state")
        ),
        sa.CheckConstraint("(state = 'held') = (lease_until IS NOT NULL)", name=op.f("ck_report_item_lease")),
        sa.CheckConstraint(
            "(state = 'done') = (public_id IS NOT NULL)", name=op.f("ck_report_item_public_id")
        ),
        sa.ForeignKeyConstraint(
            ["batch_id"],
            ["report_batch.id"],
            name=op.f("fk_report_item_batch_id_report_batch"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("batch_id", "position", name=op.f("pk_report_item")),
    )
    op.create_index(
        "ix_report_item_open",
        "report_item",
        ["batch_id", "position"],
        unique=False,
        postgresql_where=sa.text("state IN ('pending', 'held')"),
    )


def downgrade() -> None:
    op.drop_table("report_item")
    op.drop_table("report_batch")
    op.drop_constraint(op.f("fk_report_key_id_signing_key"), "report", type_="foreignkey")
    op.drop_column("report", "key_id")
    op.drop_column("report", "works")
    op.drop_table("signing_key")
    op.drop_table("calibration")
