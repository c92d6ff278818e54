"""How the services log: lines for people, or JSON for machines, with the run and the item that a line is about."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime

from stylesearch.settings import Settings

about: ContextVar[dict[str, int]] = ContextVar("about", default={})  # noqa: B039 - never changed in place


@contextmanager
def logging_about(**ids: int) -> Iterator[None]:
    """Have every line that is logged in the block say what it is about: ``run=17, item=4711``."""
    before = about.set({**about.get(), **ids})
    try:
        yield
    finally:
        about.reset(before)


class LineFormatter(logging.Formatter):
    """A line: when, how grave, who, what, and what it is about."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(processName)s %(name)s: %(message)s")

    def format(self, record: logging.LogRecord) -> str:
        line = super().format(record)
        ids = " ".join(f"{name}={value}" for name, value in about.get().items())
        return f"{line} [{ids}]" if ids else line


class JsonFormatter(logging.Formatter):
    """One JSON object a line."""

    def format(self, record: logging.LogRecord) -> str:
        values: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "process": record.process,
            "message": record.getMessage(),
            **about.get(),
        }
        if record.exc_info:
            values["exception"] = self.formatException(record.exc_info)
        return json.dumps(values, ensure_ascii=False)


def set_up_logging(settings: Settings) -> None:
    """Log to standard error as the settings say; whatever was set up before is replaced."""
    handler = logging.StreamHandler()
    handler.setFormatter(JsonFormatter() if settings.log_format == "json" else LineFormatter())
    logging.basicConfig(level=settings.log_level.upper(), handlers=[handler], force=True)
