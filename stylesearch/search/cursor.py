"""Where a page of results ends, so that the next one goes on behind it."""

from __future__ import annotations

import re
from dataclasses import dataclass

from stylesearch.errors import InputError

DIGITS = 9
"""Digits behind the point that scores have."""

_FORM = re.compile(r"(-?\d{1,12})_(\d{1,19})_([0-9a-f]{12})", re.ASCII)


@dataclass(frozen=True, slots=True)
class Cursor:
    """The last result of a page.

    Attributes
    ----------
    query:
        Digest of the query that it is a page of; another query's cursor is refused.
    """

    score: float
    image_id: int
    query: str

    def __post_init__(self) -> None:
        object.__setattr__(self, "score", round(self.score, DIGITS))

    def __str__(self) -> str:
        """As :meth:`parse` reads it; nothing in it needs to be escaped in an address."""
        return f"{round(self.score * 10**DIGITS)}_{self.image_id}_{self.query}"

    @classmethod
    def parse(cls, text: str) -> Cursor:
        """Read a cursor.

        Raises
        ------
        InputError
            ``bad_cursor``.
        """
        found = _FORM.fullmatch(text)
        if found is None or int(found[2]) >= 2**63:
            raise bad_cursor()
        return cls(int(found[1]) / 10**DIGITS, int(found[2]), found[3])

    @property
    def place(self) -> tuple[float, int]:
        """What results are ordered by."""
        return -self.score, self.image_id


def bad_cursor() -> InputError:
    """Return the error that a page cannot be found."""
    return InputError(
        "There is no such page of this search.", hint="Go back to its first page.", code="bad_cursor"
    )
