"""Everybody's tokens."""

from __future__ import annotations

from flask import render_template
from werkzeug.wrappers import Response as AnyResponse

from stylesearch.accounts.tokens import list_tokens, revoke_token
from web.admin.blueprint import NUMBER, admin, done
from web.identity import require
from web.services import services


@admin.get("/tokens")
@require("admin")
def tokens() -> str:
    """Show tokens, the newest first."""
    with services().database.session() as session:
        return render_template("admin/tokens.html", rows=list_tokens(session))


@admin.post(f"/tokens/<{NUMBER}>/revoke")
@require("admin")
def token_revoke(number: int) -> AnyResponse:
    """Revoke a token."""
    with services().database.session() as session:
        revoke_token(session, number)
    return done("The token is none any more.", "admin.tokens")
