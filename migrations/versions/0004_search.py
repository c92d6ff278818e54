"""What searches ask for: periods, words in several languages, who may see a collection, and how crowded a style is."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

NAMED = ("medium", "movement", "period", "object_type")
ARGUMENTS = "title, description, keywords, medium, movement, period, object_type"
YEARS = (
    "CASE WHEN year_from IS NOT NULL OR year_to IS NOT NULL"
    " THEN int8range(LEAST(year_from, year_to), GREATEST(year_from, year_to), '[]'::text) END"
)
LANGUAGES = ("simple", "english", "german", "french", "italian", "spanish", "dutch")
# In characters: with the stems of all languages, this many still fit a tsvector, which has a megabyte at most.
LONGEST = 20_000


def upgrade() -> None:
    op.add_column("work", sa.Column("period", sa.Text(), nullable=True))
    op.drop_index("ix_work_medium", table_name="work")
    for name in NAMED:
        op.create_index(f"ix_work_{name}", "work", [sa.text(f"lower({name})")], unique=False)
    op.create_index("ix_work_created_at", "work", ["created_at"], unique=False)
    _years()
    _words()
    _visibility()
    _density()
    _whitening()
    _index_check()
    _shards()


def _years() -> None:
    """One range a work, since what two columns hold together the planner cannot estimate."""
    op.add_column(
        "work",
        sa.Column("years", postgresql.INT8RANGE(), sa.Computed(YEARS, persisted=True), nullable=True),
    )
    op.drop_index("ix_work_years", table_name="work")
    op.create_index("ix_work_years", "work", ["years"], unique=False, postgresql_using="gist")


def _words() -> None:
    vectors = " || ".join(f"to_tsvector('pg_catalog.{language}', said)" for language in LANGUAGES)
    op.execute(
        f"""
        CREATE FUNCTION work_words(
            title text, description text, keywords text[], medium text, movement text, period text, object_type text
        ) RETURNS tsvector LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
            SELECT {vectors} FROM left(
                concat_ws(' ', title, array_to_string(keywords, ' '), medium, movement, period, object_type, description),
                {LONGEST}
            ) AS said
        $$
        """  # noqa: S608 - names of our own
    )
    op.add_column(
        "work",
        sa.Column(
            "words",
            postgresql.TSVECTOR(),
            sa.Computed(f"work_words({ARGUMENTS})", persisted=True),
            nullable=False,
        ),
    )
    op.create_index("ix_work_words", "work", ["words"], unique=False, postgresql_using="gin")


def _visibility() -> None:
    op.add_column(
        "collection", sa.Column("visibility", sa.Text(), server_default="everybody", nullable=False)
    )
    op.create_check_constraint(
        op.f("ck_collection_visibility"), "collection", "visibility IN ('everybody', 'staff')"
    )


def _density() -> None:
    op.add_column("encoder", sa.Column("density", sa.Double(), nullable=True))
    op.create_table(
        "density",
        sa.Column("image_id", sa.BigInteger(), nullable=False),
        sa.Column("encoder_id", sa.BigInteger(), nullable=False),
        sa.Column("mean", sa.Double(), nullable=False),
        sa.Column("gallery", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["encoder_id"], ["encoder.id"], name=op.f("fk_density_encoder_id_encoder"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["image_id"], ["image.id"], name=op.f("fk_density_image_id_image"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("image_id", "encoder_id", name=op.f("pk_density")),
    )


def _whitening() -> None:
    op.create_table(
        "whitening",
        sa.Column("encoder_id", sa.BigInteger(), nullable=False),
        sa.Column("centre", sa.LargeBinary(), nullable=False),
        sa.Column("matrix", sa.LargeBinary(), nullable=False),
        sa.Column("length", sa.Double(), nullable=False),
        sa.Column("gallery", sa.BigInteger(), nullable=False),
        sa.Column("fitted_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["encoder_id"], ["encoder.id"], name=op.f("fk_whitening_encoder_id_encoder"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("encoder_id", name=op.f("pk_whitening")),
    )
    op.create_table(
        "whitened",
        sa.Column("image_id", sa.BigInteger(), nullable=False),
        sa.Column("encoder_id", sa.BigInteger(), nullable=False),
        sa.Column("length", sa.Double(), nullable=False),
        sa.ForeignKeyConstraint(
            ["encoder_id"], ["encoder.id"], name=op.f("fk_whitened_encoder_id_encoder"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["image_id"], ["image.id"], name=op.f("fk_whitened_image_id_image"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("image_id", "encoder_id", name=op.f("pk_whitened")),
    )


def _index_check() -> None:
    op.create_table(
        "index_check",
        sa.Column("encoder_id", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("recall", sa.Double(), nullable=False),
        sa.Column("sample", sa.BigInteger(), nullable=False),
        sa.Column("k", sa.BigInteger(), nullable=False),
        sa.Column("ef", sa.BigInteger(), nullable=False),
        sa.Column("gallery", sa.BigInteger(), nullable=False),
        sa.Column("measured_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("kind IN ('hnsw', 'binary')", name=op.f("ck_index_check_kind")),
        sa.CheckConstraint("recall BETWEEN 0 AND 1", name=op.f("ck_index_check_recall")),
        sa.ForeignKeyConstraint(
            ["encoder_id"], ["encoder.id"], name=op.f("fk_index_check_encoder_id_encoder"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("encoder_id", "kind", name=op.f("pk_index_check")),
    )


def _shards() -> None:
    op.create_table(
        "shard",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("slug", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), server_default="active", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("state IN ('active', 'draining')", name=op.f("ck_shard_state")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_shard")),
        sa.UniqueConstraint("slug", name=op.f("uq_shard_slug")),
    )
    op.execute(
        """
        CREATE FUNCTION forget_descriptors() RETURNS trigger LANGUAGE plpgsql AS $$
        DECLARE
            gallery regclass;
        BEGIN
            FOR gallery IN
                SELECT inhrelid FROM pg_inherits JOIN pg_class ON oid = inhrelid
                WHERE inhparent = format('%I.descriptor', TG_TABLE_SCHEMA)::regclass
                    AND relkind = 'p' AND relname NOT LIKE '%\\_emptied'
            LOOP
                EXECUTE format('DELETE FROM %s WHERE image_id = ANY ($1)', gallery) USING ARRAY (SELECT id FROM gone);
            END LOOP;
            RETURN NULL;
        END
        $$
        """
    )
    # What lies on other servers cannot refer to images here.
    op.execute(
        "CREATE TRIGGER forget_descriptors AFTER DELETE ON image REFERENCING OLD TABLE AS gone"
        " FOR EACH STATEMENT EXECUTE FUNCTION forget_descriptors()"
    )
    # Keys and references go from the table of all to each encoder's own: parts on other servers can have none.
    for name in ("pk_descriptor", "fk_descriptor_encoder_id_encoder", "fk_descriptor_image_id_image"):
        op.execute(f"ALTER TABLE descriptor DROP CONSTRAINT {name}")
    for table in _partitions():
        op.execute(
            f"ALTER TABLE {table} ADD PRIMARY KEY (image_id, encoder_id), ADD FOREIGN KEY (encoder_id) REFERENCES encoder,"
            " ADD FOREIGN KEY (image_id) REFERENCES image ON DELETE CASCADE"
        )


def _partitions() -> list[str]:
    rows = op.get_bind().execute(
        sa.text("SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = 'descriptor'::regclass")
    )
    return [name for (name,) in rows]


def _unshard() -> None:
    for table in _partitions():
        for kind in ("f", "p"):
            rows = op.get_bind().execute(
                sa.text(
                    "SELECT conname FROM pg_constraint WHERE conrelid = to_regclass(:table) AND contype = :kind"
                ),
                {"table": table, "kind": kind},
            )
            for (name,) in rows:
                op.execute(f"ALTER TABLE {table} DROP CONSTRAINT {name}")
    op.create_primary_key("pk_descriptor", "descriptor", ["encoder_id", "image_id"])
    op.create_foreign_key("fk_descriptor_encoder_id_encoder", "descriptor", "encoder", ["encoder_id"], ["id"])
    op.create_foreign_key(
        "fk_descriptor_image_id_image", "descriptor", "image", ["image_id"], ["id"], ondelete="CASCADE"
    )
    op.execute("DROP FUNCTION forget_descriptors CASCADE")
    op.drop_table("shard")


def downgrade() -> None:
    _unshard()
    op.drop_table("index_check")
    op.drop_table("whitened")
    op.drop_table("whitening")
    op.drop_table("density")
    op.drop_column("encoder", "density")
    op.drop_constraint(op.f("ck_collection_visibility"), "collection", type_="check")
    op.drop_column("collection", "visibility")
    op.drop_index("ix_work_words", table_name="work")
    op.drop_column("work", "words")
    op.execute("DROP FUNCTION work_words")
    op.drop_index("ix_work_years", table_name="work")
    op.drop_column("work", "years")
    op.create_index("ix_work_years", "work", ["year_from", "year_to"], unique=False)
    op.drop_index("ix_work_created_at", table_name="work")
    for name in NAMED:
        op.drop_index(f"ix_work_{name}", table_name="work")
    op.create_index("ix_work_medium", "work", ["medium"], unique=False)
    op.drop_column("work", "period")
