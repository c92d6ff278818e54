"""The years in a date, in the languages that archives write in."""

from __future__ import annotations

import re

from stylesearch.catalog.records import EARLIEST_YEAR, LATEST_YEAR, tidy, years

LONGEST_DATE = 300
_BEFORE_OUR_ERA = re.compile(
    r"v\.?\s?chr|av\.?\s?j\.?-?\s?c|a\.\s?c\.|a\.\s?de\s?c|v\.?\s?o\.?\s?j|\bb\.?\s?c", re.IGNORECASE
)
_CENTURIES_IN_DIGITS = re.compile(
    r"(?:(\d{1,2})\.?\s*(?:[-–/]|bis|und|oder|of)\s*)?(\d{1,2})(?:\.|\s?e|\s?de)?\s*(?:jh\b|jhd|jahrhundert|eeuw)",
    re.IGNORECASE,
)
_CENTURIES_IN_ROMAN = re.compile(
    r"(?:\b([ivx]{1,5})\s?(?:e|ème|er)?\s*(?:[-–/]|et|ou|e|o)\s*)?\b([ivx]{1,5})\s?(?:e|ème|er)?\s*(?:siècles?|s\.|secol[oi])"
    r"|(?:siglos?|secol[oi]|s\.)\s*([ivx]{1,5})\b(?:\s*(?:[-–/]|y|e|o|al?)\s*([ivx]{1,5})\b)?",
    re.IGNORECASE,
)
_NUMERALS = {"i": 1, "v": 5, "x": 10}
_YEAR = re.compile(r"\s*([+-]?\d{1,6})(?:$|[-/.T ])")


def read_years(text: str | None) -> tuple[int | None, int | None]:
    """Read the range of years out of a date: as :func:`years` does, and centuries also in other languages.

    ``19. Jahrhundert``, ``XIXe siècle``, ``secolo XVII``, ``siglos XVI-XVII``, ``17e eeuw``.
    """
    text = (text or "")[:LONGEST_DATE]
    if _BEFORE_OUR_ERA.search(text):
        return None, None
    found = years(text)
    if found[0] is not None:
        return found
    digits = [
        int(number) for match in _CENTURIES_IN_DIGITS.finditer(text) for number in match.groups() if number
    ]
    romans = [
        _roman(number) for match in _CENTURIES_IN_ROMAN.finditer(text) for number in match.groups() if number
    ]
    centuries = [century for century in (*digits, *romans) if 1 <= century <= 21]
    return (100 * (min(centuries) - 1) + 1, 100 * max(centuries)) if centuries else (None, None)


def _roman(numeral: str) -> int:
    values = [_NUMERALS[sign] for sign in numeral.lower()]
    return sum(
        -value if value < following else value
        for value, following in zip(values, [*values[1:], 0], strict=True)
    )


def read_year(text: object) -> int | None:
    """Return the year of a machine-readable date: ``1642``, ``1642-05-01``, ``-0050``; ``None`` for anything else."""
    match = _YEAR.match((tidy(str(text)[:LONGEST_DATE]) or "") if isinstance(text, (str, int)) else "")
    year = int(match[1]) if match else None
    return year if year is not None and EARLIEST_YEAR <= year <= LATEST_YEAR else None
