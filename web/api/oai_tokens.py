"""Resumption tokens: all that is needed to go on stands in them, so that none expires."""

from __future__ import annotations

import binascii
from base64 import urlsafe_b64decode, urlsafe_b64encode

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from stylesearch.wire.base import LARGEST_ID

LONGEST = 1000


class Token(BaseModel):
    """Where a list goes on.

    Attributes
    ----------
    since, until, set:
        The arguments of the first request.
    after:
        Id of the work to go on behind.
    given, total:
        How many records came before, and how many there were in all.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    since: str | None = Field(default=None, max_length=20)
    until: str | None = Field(default=None, max_length=20)
    set: str | None = Field(default=None, max_length=200)
    after: int = Field(ge=1, le=LARGEST_ID)
    given: int = Field(ge=1, le=LARGEST_ID)
    total: int = Field(ge=0, le=LARGEST_ID)

    def __str__(self) -> str:
        """As :meth:`parse` reads it."""
        return urlsafe_b64encode(self.model_dump_json(exclude_none=True).encode()).decode().rstrip("=")

    @classmethod
    def parse(cls, text: str) -> Token | None:
        """Return the token of a text, or ``None`` if it is none."""
        if len(text) > LONGEST:
            return None
        try:
            data = urlsafe_b64decode(text.encode("ascii") + b"=" * (-len(text) % 4))
            return cls.model_validate_json(data)
        except (UnicodeEncodeError, binascii.Error, ValidationError, ValueError):
            return None
