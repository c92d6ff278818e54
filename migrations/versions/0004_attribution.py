"""Calibrations, keys, and reports that are signed."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0004"
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


def downgrade() -> None:
    op.drop_constraint(op.f("fk_report_key_id_signing_key"), "report", type_="foreignkey")
    op.drop_column("report", "key_id")
    op.drop_column("report", "works")
    op.drop_table("signing_key")
    op.drop_table("calibration")
