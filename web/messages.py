"""Messages in the visitor's language: at once, or when they are shown."""

from __future__ import annotations

from typing import Any

import flask_babel


def gettext(message: str, **values: object) -> str:
    """Return a message in the visitor's language, with values in the place of their names."""
    return str(flask_babel.gettext(message, **values))


def lazy_gettext(message: str) -> Any:
    """Return a message that is put into the visitor's language when it becomes text."""
    return flask_babel.lazy_gettext(message)
