"""The catalogue: works, artists, rights, images, descriptors, runs, reports, people."""

import pgvector.sqlalchemy
import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("CREATE EXTENSION IF NOT EXISTS vector")
    op.execute("CREATE EXTENSION IF NOT EXISTS pg_trgm")
    op.create_table(
        "artist",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("sort_name", sa.Text(), nullable=False),
        sa.Column("birth_year", sa.BigInteger(), nullable=True),
        sa.Column("death_year", sa.BigInteger(), nullable=True),
        sa.Column("ulan_id", sa.Text(), nullable=True),
        sa.Column("wikidata_id", sa.Text(), nullable=True),
        sa.CheckConstraint("name <> ''", name=op.f("ck_artist_name")),
        sa.CheckConstraint("birth_year <= death_year", name=op.f("ck_artist_years")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_artist")),
        sa.UniqueConstraint("name", name=op.f("uq_artist_name")),
        sa.UniqueConstraint("ulan_id", name=op.f("uq_artist_ulan_id")),
        sa.UniqueConstraint("wikidata_id", name=op.f("uq_artist_wikidata_id")),
    )
    op.create_index(
        "ix_artist_name_trgm",
        "artist",
        ["name"],
        unique=False,
        postgresql_using="gin",
        postgresql_ops={"name": "gin_trgm_ops"},
    )
    op.create_table(
        "encoder",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("slug", sa.Text(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("dim", sa.BigInteger(), nullable=False),
        sa.Column("weights_sha256", sa.Text(), nullable=False),
        sa.Column("preprocessing", sa.Text(), nullable=False),
        sa.Column("license", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), server_default="building", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("activated_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("status IN ('building', 'active', 'retired')", name=op.f("ck_encoder_status")),
        sa.CheckConstraint("dim BETWEEN 1 AND 4000", name=op.f("ck_encoder_dim")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_encoder")),
        sa.UniqueConstraint("digest", name=op.f("uq_encoder_digest")),
    )
    op.create_index(
        "uq_encoder_active_slug",
        "encoder",
        ["slug"],
        unique=True,
        postgresql_where=sa.text("status = 'active'"),
    )
    op.create_table(
        "license",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("uri", sa.Text(), nullable=False),
        sa.Column("spdx_id", sa.Text(), nullable=True),
        sa.Column("label", sa.Text(), nullable=False),
        sa.Column("reuse", sa.Text(), nullable=False),
        sa.Column("commercial", sa.Boolean(), nullable=True),
        sa.Column("derivatives", sa.Boolean(), nullable=True),
        sa.Column("attribution", sa.Boolean(), nullable=True),
        sa.Column("ai_training", sa.Boolean(), nullable=True),
        sa.CheckConstraint("reuse IN ('open', 'restricted', 'permission')", name=op.f("ck_license_reuse")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_license")),
        sa.UniqueConstraint("uri", name=op.f("uq_license_uri")),
    )
    op.create_table(
        "user",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), server_default="viewer", nullable=False),
        sa.Column("password_hash", sa.Text(), nullable=True),
        sa.Column("disabled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("role IN ('viewer', 'curator', 'admin')", name=op.f("ck_user_role")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_user")),
        sa.UniqueConstraint("email", name=op.f("uq_user_email")),
    )
    op.create_table(
        "api_token",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("label", sa.Text(), nullable=False),
        sa.Column("token_sha256", sa.LargeBinary(), nullable=False),
        sa.Column("scopes", postgresql.ARRAY(sa.Text()), server_default="{}", nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_used_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("octet_length(token_sha256) = 32", name=op.f("ck_api_token_token_sha256")),
        sa.ForeignKeyConstraint(
            ["user_id"], ["user.id"], name=op.f("fk_api_token_user_id_user"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_api_token")),
        sa.UniqueConstraint("token_sha256", name=op.f("uq_api_token_token_sha256")),
    )
    op.create_index(op.f("ix_api_token_user_id"), "api_token", ["user_id"], unique=False)
    op.create_table(
        "artist_alias",
        sa.Column("artist_id", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["artist_id"], ["artist.id"], name=op.f("fk_artist_alias_artist_id_artist"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("artist_id", "name", name=op.f("pk_artist_alias")),
    )
    op.create_index(op.f("ix_artist_alias_name"), "artist_alias", ["name"], unique=False)
    op.create_table(
        "audit_event",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=True),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("detail", postgresql.JSONB(astext_type=sa.Text()), server_default="{}", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"], ["user.id"], name=op.f("fk_audit_event_user_id_user"), ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_event")),
    )
    op.create_index("ix_audit_event_subject", "audit_event", ["subject"], unique=False)
    op.create_table(
        "collection",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("slug", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("provider", sa.Text(), nullable=True),
        sa.Column("source_uri", sa.Text(), nullable=True),
        sa.Column("default_license_id", sa.BigInteger(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("slug ~ '^[a-z0-9]+(-[a-z0-9]+)*$'", name=op.f("ck_collection_slug")),
        sa.ForeignKeyConstraint(
            ["default_license_id"], ["license.id"], name=op.f("fk_collection_default_license_id_license")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_collection")),
        sa.UniqueConstraint("slug", name=op.f("uq_collection_slug")),
    )
    op.create_table(
        "report",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("public_id", sa.Text(), nullable=False),
        sa.Column("query_sha256", sa.LargeBinary(), nullable=False),
        sa.Column("encoder_id", sa.BigInteger(), nullable=False),
        sa.Column("parameters", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("gallery_digest", sa.Text(), nullable=False),
        sa.Column("result", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("signature", sa.LargeBinary(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("octet_length(query_sha256) = 32", name=op.f("ck_report_query_sha256")),
        sa.ForeignKeyConstraint(["encoder_id"], ["encoder.id"], name=op.f("fk_report_encoder_id_encoder")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_report")),
        sa.UniqueConstraint("public_id", name=op.f("uq_report_public_id")),
    )
    op.create_table(
        "ingest_run",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("collection_id", sa.BigInteger(), nullable=False),
        sa.Column("encoder_id", sa.BigInteger(), nullable=False),
        sa.Column("source_uri", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), server_default="discovering", nullable=False),
        sa.Column("problem", sa.Text(), nullable=True),
        sa.Column("started_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "state IN ('discovering', 'running', 'finished')", name=op.f("ck_ingest_run_state")
        ),
        sa.ForeignKeyConstraint(
            ["collection_id"],
            ["collection.id"],
            name=op.f("fk_ingest_run_collection_id_collection"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["encoder_id"], ["encoder.id"], name=op.f("fk_ingest_run_encoder_id_encoder")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ingest_run")),
    )
    op.create_index(
        "uq_ingest_run_open",
        "ingest_run",
        ["collection_id", "source_uri"],
        unique=True,
        postgresql_where=sa.text("state <> 'finished'"),
    )
    op.create_table(
        "withdrawal",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("collection_id", sa.BigInteger(), nullable=True),
        sa.Column("source_id", sa.Text(), nullable=True),
        sa.Column("sha256", sa.LargeBinary(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint(
            "source_id IS NOT NULL OR sha256 IS NOT NULL", name=op.f("ck_withdrawal_names_something")
        ),
        sa.ForeignKeyConstraint(
            ["collection_id"],
            ["collection.id"],
            name=op.f("fk_withdrawal_collection_id_collection"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_withdrawal")),
    )
    op.create_index("ix_withdrawal_sha256", "withdrawal", ["sha256"], unique=False)
    op.create_index("ix_withdrawal_source", "withdrawal", ["collection_id", "source_id"], unique=False)
    op.create_table(
        "work",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("collection_id", sa.BigInteger(), nullable=False),
        sa.Column("source_id", sa.Text(), nullable=False),
        sa.Column("source_digest", sa.LargeBinary(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=True),
        sa.Column("date_text", sa.Text(), nullable=True),
        sa.Column("year_from", sa.BigInteger(), nullable=True),
        sa.Column("year_to", sa.BigInteger(), nullable=True),
        sa.Column("medium", sa.Text(), nullable=True),
        sa.Column("movement", sa.Text(), nullable=True),
        sa.Column("object_type", sa.Text(), nullable=True),
        sa.Column("keywords", postgresql.ARRAY(sa.Text()), server_default="{}", nullable=False),
        sa.Column("source_url", sa.Text(), nullable=True),
        sa.Column("work_license_id", sa.BigInteger(), nullable=True),
        sa.Column("image_license_id", sa.BigInteger(), nullable=True),
        sa.Column("credit_line", sa.Text(), nullable=True),
        sa.Column("extra", postgresql.JSONB(astext_type=sa.Text()), server_default="{}", nullable=False),
        sa.Column("withdrawn_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("year_from <= year_to", name=op.f("ck_work_years")),
        sa.ForeignKeyConstraint(
            ["collection_id"],
            ["collection.id"],
            name=op.f("fk_work_collection_id_collection"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["image_license_id"], ["license.id"], name=op.f("fk_work_image_license_id_license")
        ),
        sa.ForeignKeyConstraint(
            ["work_license_id"], ["license.id"], name=op.f("fk_work_work_license_id_license")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_work")),
        sa.UniqueConstraint("collection_id", "source_id", name=op.f("uq_work_collection_id_source_id")),
        sa.UniqueConstraint("id", "collection_id", name=op.f("uq_work_id_collection_id")),
    )
    op.create_index("ix_work_image_license_id", "work", ["image_license_id"], unique=False)
    op.create_index("ix_work_keywords", "work", ["keywords"], unique=False, postgresql_using="gin")
    op.create_index("ix_work_medium", "work", ["medium"], unique=False)
    op.create_index(
        "ix_work_withdrawn",
        "work",
        ["id"],
        unique=False,
        postgresql_where=sa.text("withdrawn_at IS NOT NULL"),
    )
    op.create_index("ix_work_years", "work", ["year_from", "year_to"], unique=False)
    op.create_table(
        "image",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("work_id", sa.BigInteger(), nullable=False),
        sa.Column("collection_id", sa.BigInteger(), nullable=False),
        sa.Column("sha256", sa.LargeBinary(), nullable=False),
        sa.Column("perceptual_hash", sa.BigInteger(), nullable=False),
        sa.Column("width", sa.BigInteger(), nullable=False),
        sa.Column("height", sa.BigInteger(), nullable=False),
        sa.Column("media_type", sa.Text(), nullable=False),
        sa.Column("storage_key", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("octet_length(sha256) = 32", name=op.f("ck_image_sha256")),
        sa.CheckConstraint("width > 0 AND height > 0", name=op.f("ck_image_size")),
        sa.ForeignKeyConstraint(
            ["work_id", "collection_id"],
            ["work.id", "work.collection_id"],
            name="fk_image_work",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_image")),
        sa.UniqueConstraint("collection_id", "sha256", name=op.f("uq_image_collection_id_sha256")),
    )
    op.create_index("ix_image_perceptual_hash", "image", ["perceptual_hash"], unique=False)
    op.create_index("ix_image_sha256", "image", ["sha256"], unique=False)
    op.create_index("ix_image_work_id", "image", ["work_id"], unique=False)
    op.create_table(
        "work_artist",
        sa.Column("work_id", sa.BigInteger(), nullable=False),
        sa.Column("artist_id", sa.BigInteger(), nullable=False),
        sa.Column("role", sa.Text(), server_default="creator", nullable=False),
        sa.Column("qualifier", sa.Text(), nullable=True),
        sa.Column("position", sa.BigInteger(), server_default="0", nullable=False),
        sa.CheckConstraint(
            "qualifier IN ('attributed to', 'workshop of', 'circle of', 'school of', 'follower of', 'manner of', 'after', 'copy after')",
            name=op.f("ck_work_artist_qualifier"),
        ),
        sa.CheckConstraint("role IN ('creator', 'contributor')", name=op.f("ck_work_artist_role")),
        sa.ForeignKeyConstraint(
            ["artist_id"], ["artist.id"], name=op.f("fk_work_artist_artist_id_artist"), ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(
            ["work_id"], ["work.id"], name=op.f("fk_work_artist_work_id_work"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("work_id", "artist_id", "role", name=op.f("pk_work_artist")),
    )
    op.create_index("ix_work_artist_artist_id", "work_artist", ["artist_id"], unique=False)
    op.create_table(
        "descriptor",
        sa.Column("encoder_id", sa.BigInteger(), nullable=False),
        sa.Column("image_id", sa.BigInteger(), nullable=False),
        sa.Column("vector", pgvector.sqlalchemy.halfvec.HALFVEC(), nullable=False),
        sa.ForeignKeyConstraint(
            ["encoder_id"], ["encoder.id"], name=op.f("fk_descriptor_encoder_id_encoder")
        ),
        sa.ForeignKeyConstraint(
            ["image_id"], ["image.id"], name=op.f("fk_descriptor_image_id_image"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("encoder_id", "image_id", name=op.f("pk_descriptor")),
        postgresql_partition_by="LIST (encoder_id)",
    )
    op.create_table(
        "ingest_item",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("run_id", sa.BigInteger(), nullable=False),
        sa.Column("source_id", sa.Text(), nullable=False),
        sa.Column("locator", sa.Text(), nullable=False),
        sa.Column("sha256", sa.LargeBinary(), nullable=True),
        sa.Column("record", postgresql.JSONB(astext_type=sa.Text()), server_default="{}", nullable=False),
        sa.Column("state", sa.Text(), server_default="pending", nullable=False),
        sa.Column("attempts", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("error_code", sa.Text(), nullable=True),
        sa.Column("error_text", sa.Text(), nullable=True),
        sa.Column("image_id", sa.BigInteger(), nullable=True),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint(
            "(state = 'leased') = (lease_until IS NOT NULL)", name=op.f("ck_ingest_item_lease")
        ),
        sa.CheckConstraint(
            "(state = 'quarantined') = (error_code IS NOT NULL)", name=op.f("ck_ingest_item_error")
        ),
        sa.CheckConstraint(
            "state IN ('pending', 'leased', 'ingested', 'duplicate', 'unchanged', 'quarantined')",
            name=op.f("ck_ingest_item_state"),
        ),
        sa.ForeignKeyConstraint(
            ["image_id"], ["image.id"], name=op.f("fk_ingest_item_image_id_image"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(
            ["run_id"], ["ingest_run.id"], name=op.f("fk_ingest_item_run_id_ingest_run"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ingest_item")),
        sa.UniqueConstraint("run_id", "source_id", name=op.f("uq_ingest_item_run_id_source_id")),
    )
    op.create_index(
        "ix_ingest_item_open",
        "ingest_item",
        ["run_id", "id"],
        unique=False,
        postgresql_where=sa.text("state IN ('pending', 'leased')"),
    )
    op.create_index("ix_ingest_item_state", "ingest_item", ["run_id", "state"], unique=False)


def downgrade() -> None:
    op.drop_index("ix_ingest_item_state", table_name="ingest_item")
    op.drop_index(
        "ix_ingest_item_open",
        table_name="ingest_item",
        postgresql_where=sa.text("state IN ('pending', 'leased')"),
    )
    op.drop_table("ingest_item")
    op.drop_table("descriptor")
    op.drop_index("ix_work_artist_artist_id", table_name="work_artist")
    op.drop_table("work_artist")
    op.drop_index("ix_image_work_id", table_name="image")
    op.drop_index("ix_image_sha256", table_name="image")
    op.drop_index("ix_image_perceptual_hash", table_name="image")
    op.drop_table("image")
    op.drop_index("ix_work_years", table_name="work")
    op.drop_index(
        "ix_work_withdrawn", table_name="work", postgresql_where=sa.text("withdrawn_at IS NOT NULL")
    )
    op.drop_index("ix_work_medium", table_name="work")
    op.drop_index("ix_work_keywords", table_name="work", postgresql_using="gin")
    op.drop_index("ix_work_image_license_id", table_name="work")
    op.drop_table("work")
    op.drop_index("ix_withdrawal_source", table_name="withdrawal")
    op.drop_index("ix_withdrawal_sha256", table_name="withdrawal")
    op.drop_table("withdrawal")
    op.drop_index(
        "uq_ingest_run_open", table_name="ingest_run", postgresql_where=sa.text("state <> 'finished'")
    )
    op.drop_table("ingest_run")
    op.drop_table("report")
    op.drop_table("collection")
    op.drop_index("ix_audit_event_subject", table_name="audit_event")
    op.drop_table("audit_event")
    op.drop_index(op.f("ix_artist_alias_name"), table_name="artist_alias")
    op.drop_table("artist_alias")
    op.drop_index(op.f("ix_api_token_user_id"), table_name="api_token")
    op.drop_table("api_token")
    op.drop_table("user")
    op.drop_table("license")
    op.drop_index(
        "uq_encoder_active_slug", table_name="encoder", postgresql_where=sa.text("status = 'active'")
    )
    op.drop_table("encoder")
    op.drop_index(
        "ix_artist_name_trgm",
        table_name="artist",
        postgresql_using="gin",
        postgresql_ops={"name": "gin_trgm_ops"},
    )
    op.drop_table("artist")
