"""Who may do what: sign-ins, invitations, requests for withdrawal, and versions of what people change."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def _moment(name: str, *, nullable: bool = False) -> sa.Column:
    default = None if nullable else sa.text("now()")
    return sa.Column(name, sa.DateTime(timezone=True), server_default=default, nullable=nullable)


def upgrade() -> None:
    _collections()
    _users()
    _sessions()
    _tokens()
    _requests()
    op.add_column("audit_event", sa.Column("actor", sa.Text(), server_default="", nullable=False))


def _collections() -> None:
    op.add_column("collection", sa.Column("version", sa.BigInteger(), server_default="1", nullable=False))
    op.drop_constraint(op.f("ck_collection_visibility"), "collection", type_="check")
    op.create_check_constraint(
        op.f("ck_collection_visibility"), "collection", "visibility IN ('everybody', 'viewers', 'staff')"
    )


def _users() -> None:
    op.add_column("user", sa.Column("issuer", sa.Text(), nullable=True))
    op.add_column("user", sa.Column("subject", sa.Text(), nullable=True))
    op.add_column("user", _moment("signed_in_at", nullable=True))
    op.add_column("user", sa.Column("version", sa.BigInteger(), server_default="1", nullable=False))
    op.create_check_constraint(op.f("ck_user_provider"), "user", "(issuer IS NULL) = (subject IS NULL)")
    op.create_unique_constraint(op.f("uq_user_issuer_subject"), "user", ["issuer", "subject"])


def _sessions() -> None:
    op.create_table(
        "login_session",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("token_sha256", sa.LargeBinary(), nullable=False),
        sa.Column("previous_sha256", sa.LargeBinary(), nullable=True),
        sa.Column("agent", sa.Text(), server_default="", nullable=False),
        _moment("rotated_at"),
        _moment("seen_at"),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        _moment("created_at"),
        sa.CheckConstraint("octet_length(token_sha256) = 32", name=op.f("ck_login_session_token_sha256")),
        sa.ForeignKeyConstraint(
            ["user_id"], ["user.id"], name=op.f("fk_login_session_user_id_user"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_login_session")),
        sa.UniqueConstraint("token_sha256", name=op.f("uq_login_session_token_sha256")),
        sa.UniqueConstraint("previous_sha256", name=op.f("uq_login_session_previous_sha256")),
    )
    op.create_index(op.f("ix_login_session_user_id"), "login_session", ["user_id"], unique=False)


def _tokens() -> None:
    op.create_table(
        "invitation",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("token_sha256", sa.LargeBinary(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        _moment("created_at"),
        sa.CheckConstraint("octet_length(token_sha256) = 32", name=op.f("ck_invitation_token_sha256")),
        sa.ForeignKeyConstraint(
            ["user_id"], ["user.id"], name=op.f("fk_invitation_user_id_user"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_invitation")),
        sa.UniqueConstraint("token_sha256", name=op.f("uq_invitation_token_sha256")),
        sa.UniqueConstraint("user_id", name=op.f("uq_invitation_user_id")),
    )
    op.add_column("api_token", sa.Column("beginning", sa.Text(), server_default="", nullable=False))


def _requests() -> None:
    op.create_table(
        "withdrawal_request",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("public_id", sa.Text(), nullable=False),
        sa.Column("work_id", sa.BigInteger(), nullable=True),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("ground", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("statement", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), server_default="open", nullable=False),
        sa.Column("hidden", postgresql.ARRAY(sa.BigInteger()), server_default="{}", nullable=False),
        sa.Column("note", sa.Text(), server_default="", nullable=False),
        sa.Column("decided_by", sa.Text(), nullable=True),
        _moment("decided_at", nullable=True),
        sa.Column("version", sa.BigInteger(), server_default="1", nullable=False),
        _moment("created_at"),
        sa.CheckConstraint(
            "state IN ('open', 'hidden', 'granted', 'refused')", name=op.f("ck_withdrawal_request_state")
        ),
        sa.CheckConstraint(
            "ground IN ('rights', 'privacy', 'other')", name=op.f("ck_withdrawal_request_ground")
        ),
        sa.CheckConstraint(
            "(state IN ('granted', 'refused')) = (decided_at IS NOT NULL)",
            name=op.f("ck_withdrawal_request_decided"),
        ),
        sa.ForeignKeyConstraint(
            ["work_id"], ["work.id"], name=op.f("fk_withdrawal_request_work_id_work"), ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_withdrawal_request")),
        sa.UniqueConstraint("public_id", name=op.f("uq_withdrawal_request_public_id")),
    )
    op.create_index("ix_withdrawal_request_state", "withdrawal_request", ["state", "id"], unique=False)
    op.create_index("ix_withdrawal_request_work_id", "withdrawal_request", ["work_id"], unique=False)
    op.add_column("withdrawal", sa.Column("request_id", sa.BigInteger(), nullable=True))
    op.create_foreign_key(
        op.f("fk_withdrawal_request_id_withdrawal_request"),
        "withdrawal",
        "withdrawal_request",
        ["request_id"],
        ["id"],
        ondelete="SET NULL",
    )
    op.create_index("ix_withdrawal_request_id", "withdrawal", ["request_id"], unique=False)


def downgrade() -> None:
    op.drop_column("audit_event", "actor")
    op.drop_index("ix_withdrawal_request_id", table_name="withdrawal")
    op.drop_constraint(op.f("fk_withdrawal_request_id_withdrawal_request"), "withdrawal", type_="foreignkey")
    op.drop_column("withdrawal", "request_id")
    op.drop_index("ix_withdrawal_request_work_id", table_name="withdrawal_request")
    op.drop_index("ix_withdrawal_request_state", table_name="withdrawal_request")
    op.drop_table("withdrawal_request")
    op.drop_column("api_token", "beginning")
    op.drop_table("invitation")
    op.drop_index(op.f("ix_login_session_user_id"), table_name="login_session")
    op.drop_table("login_session")
    op.drop_constraint(op.f("uq_user_issuer_subject"), "user", type_="unique")
    op.drop_constraint(op.f("ck_user_provider"), "user", type_="check")
    for name in ("version", "signed_in_at", "subject", "issuer"):
        op.drop_column("user", name)
    op.execute("UPDATE collection SET visibility = 'staff' WHERE visibility = 'viewers'")
    op.drop_constraint(op.f("ck_collection_visibility"), "collection", type_="check")
    op.create_check_constraint(
        op.f("ck_collection_visibility"), "collection", "visibility IN ('everybody', 'staff')"
    )
    op.drop_column("collection", "version")
