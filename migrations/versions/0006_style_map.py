"""The style map: where works lie in a plane in which what is near in style lies near."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "style_map",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("encoder_id", sa.BigInteger(), nullable=False),
        sa.Column("works", sa.BigInteger(), nullable=False),
        sa.Column("gallery", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["encoder_id"], ["encoder.id"], name=op.f("fk_style_map_encoder_id_encoder"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_style_map")),
    )
    op.create_index(op.f("ix_style_map_encoder_id"), "style_map", ["encoder_id"], unique=False)
    op.create_table(
        "map_point",
        sa.Column("work_id", sa.BigInteger(), nullable=False),
        sa.Column("map_id", sa.BigInteger(), nullable=False),
        sa.Column("x", sa.SmallInteger(), nullable=False),
        sa.Column("y", sa.SmallInteger(), nullable=False),
        sa.CheckConstraint(
            "x BETWEEN 0 AND 10000 AND y BETWEEN 0 AND 10000", name=op.f("ck_map_point_place")
        ),
        sa.ForeignKeyConstraint(
            ["map_id"], ["style_map.id"], name=op.f("fk_map_point_map_id_style_map"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["work_id"], ["work.id"], name=op.f("fk_map_point_work_id_work"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("work_id", "map_id", name=op.f("pk_map_point")),
    )
    op.create_index("ix_map_point_place", "map_point", ["map_id", "x", "y"], unique=False)


def downgrade() -> None:
    op.drop_table("map_point")
    op.drop_table("style_map")
