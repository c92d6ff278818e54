"""Page numbers: read from an address, and refused behind the last page."""

from __future__ import annotations

import re
from dataclasses import dataclass
from math import ceil

from flask import request

from stylesearch.errors import InputError, NotFoundError
from stylesearch.search.listing import MOST_PAGES


@dataclass(frozen=True, slots=True)
class Pages:
    """Where one is in a list: on ``page`` of ``pages``, both from 1, with ``size`` things a page."""

    page: int
    pages: int
    size: int

    @property
    def skipped(self) -> int:
        """How many things stand on the pages before."""
        return (self.page - 1) * self.size

    @property
    def before(self) -> int | None:
        """The page before, if there is one."""
        return self.page - 1 if self.page > 1 else None

    @property
    def behind(self) -> int | None:
        """The next page, if there is one."""
        return self.page + 1 if self.page < self.pages else None


def page_number() -> int:
    """Return the page that the address asks for, 1 where it says nothing.

    Raises
    ------
    InputError
        ``bad_parameter``.
    """
    text = request.args.get("page", "1")
    if not re.fullmatch(r"[0-9]{1,6}", text, re.ASCII) or not 1 <= int(text) <= MOST_PAGES:
        raise InputError(
            f"{text[:20]!r} is no page.", hint=f"Give a number from 1 to {MOST_PAGES}.", code="bad_parameter"
        )
    return int(text)


def pages_of(total: int, size: int, page: int) -> Pages:
    """Return where a page of a list of so many things is.

    Raises
    ------
    NotFoundError
        ``unknown_page``, for one behind the last.
    """
    pages = max(1, ceil(total / size))
    if page > pages:
        raise NotFoundError(
            f"There is no page {page}: "
            + ("there is one page." if pages == 1 else f"there are {pages} pages."),
            hint="Go back to the first page.",
            code="unknown_page",
        )
    return Pages(page, pages, size)
