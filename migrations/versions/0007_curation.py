"""Style-tagged sets: their tags, images and copies, with what people made of them."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def _curation(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["curation_id"], ["curation.id"], name=op.f(f"fk_{table}_curation_id_curation"), ondelete="CASCADE"
    )


def _decided() -> list[sa.Column]:
    return [
        sa.Column("verdict", sa.Text(), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("decided_by", sa.Text(), nullable=True),
    ]


def upgrade() -> None:
    op.create_table(
        "curation",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("slug", sa.Text(), nullable=False),
        sa.Column("summary", postgresql.JSONB(), server_default="{}", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("slug ~ '^[a-z0-9]+(-[a-z0-9]+)*$'", name=op.f("ck_curation_slug")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_curation")),
        sa.UniqueConstraint("slug", name=op.f("uq_curation_slug")),
    )
    op.create_table(
        "curation_tag",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("curation_id", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("flags", postgresql.ARRAY(sa.Text()), server_default="{}", nullable=False),
        sa.Column("near", postgresql.ARRAY(sa.Text()), server_default="{}", nullable=False),
        sa.Column("captions", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("images", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("outcome", sa.Text(), server_default="used", nullable=False),
        sa.Column("join_key", sa.Text(), nullable=True),
        *_decided(),
        sa.CheckConstraint("kind IN ('artist', 'medium', 'movement')", name=op.f("ck_curation_tag_kind")),
        sa.CheckConstraint("verdict IN ('keep', 'drop', 'join')", name=op.f("ck_curation_tag_verdict")),
        sa.CheckConstraint("(verdict IS NULL) = (decided_at IS NULL)", name=op.f("ck_curation_tag_decided")),
        sa.CheckConstraint(
            "(verdict IS NOT DISTINCT FROM 'join') = (join_key IS NOT NULL)",
            name=op.f("ck_curation_tag_join_key"),
        ),
        _curation("curation_tag"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_curation_tag")),
        sa.UniqueConstraint("curation_id", "kind", "key", name=op.f("uq_curation_tag_curation_id_kind_key")),
    )
    op.create_table(
        "curation_image",
        sa.Column("curation_id", sa.BigInteger(), nullable=False),
        sa.Column("image_id", sa.BigInteger(), nullable=False),
        sa.Column("side", sa.Text(), nullable=False),
        sa.Column("by_artist", sa.Text(), nullable=False),
        sa.Column("by_content", sa.Text(), nullable=False),
        sa.Column("tag_ids", postgresql.ARRAY(sa.BigInteger()), server_default="{}", nullable=False),
        sa.CheckConstraint("side IN ('query', 'database')", name=op.f("ck_curation_image_side")),
        sa.CheckConstraint("by_artist IN ('train', 'test')", name=op.f("ck_curation_image_by_artist")),
        sa.CheckConstraint("by_content IN ('train', 'test')", name=op.f("ck_curation_image_by_content")),
        _curation("curation_image"),
        sa.ForeignKeyConstraint(
            ["image_id"], ["image.id"], name=op.f("fk_curation_image_image_id_image"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("curation_id", "image_id", name=op.f("pk_curation_image")),
    )
    op.create_index("ix_curation_image_image_id", "curation_image", ["image_id"], unique=False)
    op.create_table(
        "curation_pair",
        sa.Column("curation_id", sa.BigInteger(), nullable=False),
        sa.Column("sha256_a", sa.LargeBinary(), nullable=False),
        sa.Column("sha256_b", sa.LargeBinary(), nullable=False),
        sa.Column("score", sa.Double(), nullable=True),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("component", sa.BigInteger(), nullable=True),
        *_decided(),
        sa.CheckConstraint("sha256_a < sha256_b", name=op.f("ck_curation_pair_order")),
        sa.CheckConstraint("kind IN ('near', 'copy', 'asked')", name=op.f("ck_curation_pair_kind")),
        sa.CheckConstraint("verdict IN ('same', 'different')", name=op.f("ck_curation_pair_verdict")),
        sa.CheckConstraint("(verdict IS NULL) = (decided_at IS NULL)", name=op.f("ck_curation_pair_decided")),
        _curation("curation_pair"),
        sa.PrimaryKeyConstraint("curation_id", "sha256_a", "sha256_b", name=op.f("pk_curation_pair")),
    )
    op.create_index("ix_curation_pair_component", "curation_pair", ["curation_id", "component"], unique=False)


def downgrade() -> None:
    for table in ("curation_pair", "curation_image", "curation_tag", "curation"):
        op.drop_table(table)
