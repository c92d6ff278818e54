"""The Flask application."""

from __future__ import annotations

import hashlib
from pathlib import Path

from flask import Flask, url_for
from flask_wtf.csrf import CSRFError

from stylesearch.settings import Settings, get_settings
from web import errors, guard, kept, language, openid, security, sign_in, template_words, works  # noqa: F401 - works adds its pages to the portal's
from web.account import account
from web.admin import admin
from web.api.blueprint import api
from web.artists import artists
from web.collections import collections
from web.errors import size_text
from web.health import health
from web.identity import current
from web.iiif import iiif
from web.language import preferences
from web.media import DigestConverter, media
from web.metrics import metrics
from web.portal import portal
from web.reports import reports
from web.services import attach_services
from web.stylemap import mapped
from web.telling import moment, plainly
from web.withdrawals import withdrawals

BLUEPRINTS = (
    portal,
    artists,
    collections,
    mapped,
    reports,
    media,
    iiif,
    preferences,
    account,
    admin,
    withdrawals,
    health,
    metrics,
    api,
)
STATIC_SECONDS = 365 * 24 * 3600


def create_app(settings: Settings | None = None) -> Flask:
    """Return the portal as a WSGI application.

    Raises
    ------
    ServiceError
        If the database or the image store cannot be opened.
    """
    settings = settings or get_settings()
    app = Flask(__name__)
    app.config["SEND_FILE_MAX_AGE_DEFAULT"] = (
        STATIC_SECONDS  # addresses of static files change with their content
    )
    app.jinja_options = {"trim_blocks": True, "lstrip_blocks": True}
    attach_services(app, settings)
    security.secure(app, settings)
    guard.guard(app, settings)
    errors.register(app)
    app.register_error_handler(CSRFError, kept.answer_foreign_form)
    sign_in.register(app)
    openid.register(app, settings)
    language.speak(app)
    app.url_map.converters["digest"] = DigestConverter
    for blueprint in BLUEPRINTS:
        app.register_blueprint(blueprint)
    digests = _static_digests(Path(app.static_folder or ""))

    def asset(name: str) -> str:
        return url_for("static", filename=name, v=digests[name])

    app.jinja_env.globals.update(
        asset=asset,
        identity=current,
        max_upload_bytes=settings.max_upload_bytes,
        max_upload_text=size_text(settings.max_upload_bytes),
        web_fetch=settings.web_fetch,
    )
    app.jinja_env.filters.update(moment=moment, plainly=plainly)
    template_words.register(app)
    return app


def _static_digests(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()[:12]
        for path in folder.rglob("*")
        if path.is_file()
    }
