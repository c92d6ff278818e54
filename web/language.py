"""In which language the pages speak, in which colours they come, and numbers and dates as people write them there."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from flask import Blueprint, Flask, Response, g, redirect, request, url_for
from flask_babel import Babel, format_date, format_decimal, get_locale, get_translations
from werkzeug.wrappers import Response as AnyResponse

from web.identity import open_to_all

LANGUAGES = {"en": "English", "de": "Deutsch"}
"""Languages whose messages are complete, each by its own name."""

THEMES = ("auto", "light", "dark")
TRANSLATIONS = Path(__file__).parent / "translations"
COOKIE_SECONDS = 365 * 24 * 3600

preferences = Blueprint("preferences", __name__)


def speak(app: Flask) -> None:
    """Let an app's pages speak the visitor's language."""
    Babel(
        app,
        default_locale="en",
        default_translation_directories=str(TRANSLATIONS),
        locale_selector=chosen_language,
    )
    # A results page has some 300 messages: whose language it is in is looked up once a page.
    app.jinja_env.install_gettext_callables(  # type: ignore[attr-defined]  # the extension adds it
        lambda message: _translations().ugettext(message),
        lambda one, several, number: _translations().ungettext(one, several, number),
        newstyle=True,
    )
    app.jinja_env.policies["ext.i18n.trimmed"] = True
    app.jinja_env.filters.update(number=number_text, score=score_text, day=day_text)
    app.jinja_env.globals.update(
        language=language, direction=direction, languages=LANGUAGES, theme=chosen_theme, themes=THEMES
    )
    app.after_request(_vary)


def _translations() -> Any:
    if "translations" not in g:
        g.translations = get_translations()
    return g.translations


def chosen_language() -> str:
    """Return the language that was chosen, or else the best of those that the browser asks for."""
    chosen = request.cookies.get("language", "")
    if chosen in LANGUAGES:
        return chosen
    asked = (code.partition("-")[0].lower() for code in request.accept_languages.values())
    return next((code for code in asked if code in LANGUAGES), "en")


def chosen_theme() -> str:
    """Return the colours that were chosen; ``auto`` goes by the system."""
    chosen = request.cookies.get("theme", "")
    return chosen if chosen in THEMES else "auto"


def language() -> str:
    """Return the code of the language that is spoken."""
    locale = get_locale()
    return "en" if locale is None else str(locale.language)


def direction() -> str:
    """Return ``ltr`` or ``rtl``."""
    locale = get_locale()
    return "ltr" if locale is None else str(locale.text_direction)


def number_text(value: float) -> str:
    """Return a number with its thousands apart."""
    return str(format_decimal(value))


def score_text(value: float) -> str:
    """Return a score with three digits, and a real minus sign."""
    return str(format_decimal(value, "0.000")).replace("-", "−")


def day_text(value: datetime | date) -> str:
    """Return a date as it is written."""
    return str(format_date(value, "long"))


@preferences.get("/preferences")
@open_to_all
def choose() -> AnyResponse:
    """Keep a language or a theme in a cookie, and lead back."""
    response = redirect(_inside(request.args.get("back", "")))
    for name, known in (("language", tuple(LANGUAGES)), ("theme", THEMES)):
        value = request.args.get(name)
        if value in known:
            response.set_cookie(
                name, value, max_age=COOKIE_SECONDS, samesite="Lax", httponly=True, secure=request.is_secure
            )
    response.headers["Cache-Control"] = "no-store"
    return response


def _inside(back: str) -> str:
    """Return where to go: an address of this portal, and never one elsewhere."""
    parts = urlsplit(back.replace("\\", "/"))
    here = back.startswith("/") and not back.startswith(("//", "/\\")) and back.isprintable()
    return back if here and not parts.scheme and not parts.netloc else url_for("portal.home")


def _vary(response: Response) -> Response:
    if response.mimetype == "text/html":
        response.vary.update(["Accept-Language", "Cookie"])
    return response
