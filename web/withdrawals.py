"""Where rights holders ask for a work to be withdrawn, and see what became of it."""

from __future__ import annotations

import re
from http import HTTPStatus
from urllib.parse import urlsplit

from flask import Blueprint, Response, redirect, render_template, request, url_for
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response as AnyResponse

from stylesearch.accounts.users import tidy_email
from stylesearch.catalog import withdrawing
from stylesearch.catalog.cards import WorkCard, card_of_work
from stylesearch.catalog.withdrawals import GROUNDS
from stylesearch.errors import InputError
from stylesearch.search.examples import LARGEST_ID
from web import errors
from web.forms import choice, text
from web.identity import current, current_access, open_to_all
from web.rates import limited
from web.services import services

withdrawals = Blueprint("withdrawals", __name__, url_prefix="/withdrawals")
LONGEST = withdrawing.LONGEST
_WORK = re.compile(r"/works/([0-9]{1,18})/?")


@withdrawals.get("")
@open_to_all
def ask() -> Response:
    """Show the form."""
    work = request.args.get("work", "")
    known = re.fullmatch(r"[0-9]{1,18}", work) is not None
    return _form(address=url_for("portal.work", work_id=int(work), _external=True) if known else "")


@withdrawals.post("")
@open_to_all
@limited("withdraw")
def asked() -> AnyResponse:
    """Take a request, and lead to where it can be followed."""
    try:
        address = text("address", LONGEST["address"])
        with services().database.session() as session:
            made = withdrawing.ask(
                session,
                work_id=_work_at(session, address),
                address=address,
                ground=choice("ground", list(GROUNDS)),
                name=text("name", LONGEST["name"]),
                email=tidy_email(text("email", LONGEST["email"])),
                statement=text("statement", LONGEST["statement"], lines=True),
            )
    except InputError as error:
        return _form(address=request.form.get("address", ""), problem=error)
    return redirect(url_for("withdrawals.followed", public_id=made.public_id), HTTPStatus.SEE_OTHER)


@withdrawals.get("/<public_id>")
@open_to_all
def followed(public_id: str) -> Response:
    """Show who asked what became of it. The address cannot be guessed."""
    with services().database.session() as session:
        found = withdrawing.find_request(session, public_id.replace("\0", ""))
    response = Response(render_template("withdrawals/followed.html", asked=found, grounds=GROUNDS))
    response.headers["Cache-Control"] = "no-store"
    response.headers["X-Robots-Tag"] = "noindex"
    return response


def _form(*, address: str, problem: InputError | None = None) -> Response:
    with services().database.session() as session:
        card = _card_at(session, address)
    page = render_template(
        "withdrawals/ask.html",
        address=address,
        card=card,
        problem=problem,
        typed=request.form,
        grounds=GROUNDS,
        longest=LONGEST,
    )
    return Response(page, status=errors.status_of(problem) if problem else HTTPStatus.OK)


def _work_at(session: Session, address: str) -> int | None:
    """Return the work that an address leads to. Where visitors see no works, the staff look for it.

    Raises
    ------
    InputError
        ``address``, if it leads to none.
    """
    card = _card_at(session, address)
    if card is not None:
        return card.work_id
    if current().user_id is None and not services().settings.web_visitors:
        return None
    raise InputError(
        "This address leads to no work here.",
        hint="Copy it from the page of the work; it ends in /works/ and a number.",
        code="address",
    )


def _card_at(session: Session, address: str) -> WorkCard | None:
    if current().user_id is None and not services().settings.web_visitors:
        return None
    try:
        found = _WORK.search(urlsplit(address.replace("\0", "")).path)
    except ValueError:
        return None
    number = int(found[1]) if found else 0
    return card_of_work(session, number, current_access()) if 0 < number <= LARGEST_ID else None
