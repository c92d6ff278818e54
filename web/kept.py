"""What somebody has typed into a form that could not be taken just then: kept, and offered to be sent again."""

from __future__ import annotations

from dataclasses import dataclass

from flask import Response, current_app, render_template, request
from flask_wtf.csrf import CSRFError
from itsdangerous import BadData, URLSafeSerializer

from web import errors
from web.errors import Problem
from web.security import FORM_ROOM, csrf

NOT_KEPT = ("csrf_token", "password", "new_password", "repeat_password", "kept")
LONGEST_LABEL = 60


@dataclass(frozen=True, slots=True)
class Kept:
    """A form: where it goes, its fields, and whether a file has to be chosen again."""

    path: str
    fields: tuple[tuple[str, str], ...]
    files: bool

    @classmethod
    def of_request(cls) -> Kept | None:
        """Return the form of this request, if it is one that can be kept."""
        if request.method != "POST" or request.is_json:
            return None
        fields = tuple(
            (name, value) for name, value in request.form.items(multi=True) if name not in NOT_KEPT
        )
        if sum(len(name) + len(value) for name, value in fields) > FORM_ROOM:
            return None
        return cls(request.full_path.rstrip("?"), fields, bool(request.files))

    @classmethod
    def read(cls, text: str) -> Kept | None:
        """Return the form of :meth:`sealed`; ``None`` for what is none of ours."""
        try:
            path, fields, files = _serializer().loads(text)
        except (BadData, ValueError):
            return None
        return cls(path, tuple((name, value) for name, value in fields), files)

    def sealed(self) -> str:
        """Return it as a text that only we can have written."""
        return str(_serializer().dumps([self.path, self.fields, self.files]))

    @property
    def shown(self) -> list[tuple[str, str]]:
        """What of it a person has typed or chosen: its fields with something in them, under their names in words."""
        return [
            (name.replace("_", " ")[:LONGEST_LABEL], value)
            for name, value in self.fields
            if value and name != "version"
        ]


def form_is_ours() -> bool:
    """Whether the form of this request carries the token of this visit."""
    try:
        csrf.protect()
    except CSRFError:
        return False
    return True


def answer_foreign_form(_error: CSRFError) -> Response:
    """Answer a form without our token; where our own page has sent it, with what was typed, to be sent again."""
    problem = Problem(
        400,
        "This form does not belong to your visit, so it was not sent.",
        "Allow cookies for this site, load the page again, and send the form once more.",
        "csrf",
    )
    kept = Kept.of_request() if _comes_from_our_page() else None
    if kept is None or not kept.shown or not errors.wants_page():
        return errors.answer(problem)
    return send_again(kept, 400)


def send_again(kept: Kept, status: int = 200) -> Response:
    """Return the page that offers to send a form again."""
    response = Response(render_template("send_again.html", kept=kept), status=status)
    response.headers["Cache-Control"] = "no-store"
    return response


def _comes_from_our_page() -> bool:
    """Whether the browser says that a page of this very site has sent the request. Other pages cannot have it say so."""
    site = request.headers.get("Sec-Fetch-Site")
    if site is not None:
        return site == "same-origin"
    return request.headers.get("Origin") == request.host_url.rstrip("/")


def _serializer() -> URLSafeSerializer:
    return URLSafeSerializer(current_app.secret_key or "", salt="kept-form")
