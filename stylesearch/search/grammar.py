"""Filters as people write them in a line: ``artist:"Jane Doe" -license:restricted year:1880..1900``."""

from __future__ import annotations

import difflib
import re
from functools import cache

from lark import Lark, Token, Transformer
from lark.exceptions import UnexpectedInput, UnexpectedToken

from stylesearch.errors import InputError
from stylesearch.search.conditions import FIELDS, condition
from stylesearch.search.filters import (
    DEEPEST,
    EVERYTHING,
    NOTHING,
    All,
    Either,
    Filter,
    Not,
    either,
    every,
    negated,
    simplest,
    too_large,
)

LONGEST = 4000
"""Most characters of a line."""

# What stands behind a field may hold colons and hyphens, which elsewhere mean something: the lexer goes by the place.
GRAMMAR = r"""
start: _either?
_either: both (_OR both)*
both: _one (_AND? _one)*
_one: negation | _OPEN group _CLOSE | condition
negation: (_MINUS | _NOT) _one
group: _either?
condition: FIELD (VALUE | QUOTED) -> of_field
    | WORD -> of_word
    | QUOTED -> of_phrase

_AND.3: /AND(?![^\s()"])/
_OR.3: /OR(?![^\s()"])/
_NOT.3: /NOT(?![^\s()"])/
FIELD.2: /[A-Za-z][A-Za-z_-]*:/
QUOTED: /"(?:[^"\\]|\\.)*"/
VALUE: /[^\s()"]+/
WORD: /(?!(?:AND|OR|NOT)(?![^\s()"]))[^\s()":-][^\s()":]*/
_MINUS: "-"
_OPEN: "("
_CLOSE: ")"
%ignore /\s+/
"""

_PLAIN_VALUE = re.compile(r'[^\s()"\\]+')


class FilterSyntaxError(InputError):
    """A line that cannot be read; ``detail`` shows the place with a caret below it.

    Attributes
    ----------
    position:
        Of the first character that does not fit, from 0.
    """

    code = "filter_syntax"

    def __init__(
        self, message: str, line: str, position: int, *, hint: str = "", code: str | None = None
    ) -> None:
        super().__init__(message, hint=hint, code=code)
        self.position = position
        self.detail = pointer(line, position)


def pointer(line: str, position: int, *, width: int = 72) -> str:
    """Return a line, or what is near a place in a long one, and a caret below the place."""
    start = max(0, position - width // 2)
    shown = "".join(" " if char.isspace() else char for char in line[start : start + width])
    return f"{shown}\n{' ' * (position - start)}^"


def parse(line: str) -> Filter:
    """Return the filter that a line stands for; an empty line lets everything through.

    Raises
    ------
    FilterSyntaxError
        If it cannot be read, or a value cannot be used; it points at the place.
    InputError
        ``filter_too_large``.
    """
    if len(line) > LONGEST:
        raise FilterSyntaxError(
            f"The filter is longer than {LONGEST:,} characters.",
            line,
            LONGEST,
            hint="Ask for less at a time.",
        )
    _check_nesting(line)
    try:
        found: Filter = _parser().parse(line)  # type: ignore[assignment]  # its transformer makes filters, not trees
    except UnexpectedInput as error:
        raise _explained(error, line) from None
    except _BadTokenError as bad:
        error_ = bad.error
        raise FilterSyntaxError(
            error_.message, line, bad.position, hint=error_.hint, code=error_.code
        ) from None
    return simplest(found)


def write(part: Filter) -> str:
    """Return the line that :func:`parse` reads as this filter."""
    if isinstance(part, All):
        return " ".join(_inner(one, All) for one in part.parts)
    if isinstance(part, Either):
        return " OR ".join(_inner(one, Either) for one in part.parts) or "()"
    if isinstance(part, Not):
        return f"-{_inner(part.part, Not)}"
    value = part.value
    if not _PLAIN_VALUE.fullmatch(value):
        escaped = value.replace("\\", "\\\\").replace('"', '\\"')
        value = f'"{escaped}"'
    return f"{part.field}:{value}"


def _inner(part: Filter, outer: type) -> str:
    """Return a part as it stands within another: within *or*, and behind *not*, parentheses are needed."""
    needed = (isinstance(part, Either) and part != NOTHING) or (isinstance(part, All) and outer is Not)
    return f"({write(part)})" if needed else write(part)


def _check_nesting(line: str) -> None:
    """Refuse what would be nested too deep to be handled at all."""
    depth = 0
    for found in re.finditer(r'"(?:[^"\\]|\\.)*"|[()]', line):
        depth += {"(": 1, ")": -1}.get(found[0], 0)
        if depth > 2 * DEEPEST:
            error = too_large()
            raise FilterSyntaxError(
                error.message, line, found.start(), hint=error.hint, code=error.code
            ) from None


@cache
def _parser() -> Lark:
    return Lark(GRAMMAR, parser="lalr", transformer=_Reader())


class _BadTokenError(Exception):
    """A part of a line that cannot be used, though it stands where it may."""

    def __init__(self, token: Token, error: InputError) -> None:
        super().__init__(str(error))
        self.position = token.start_pos or 0
        self.error = error


class _Reader(Transformer[Token, Filter]):
    """Makes a filter of what is parsed, while it is parsed."""

    def start(self, parts: list[Filter]) -> Filter:
        return either(*parts) if parts else EVERYTHING

    def group(self, parts: list[Filter]) -> Filter:
        return either(*parts)

    def both(self, parts: list[Filter]) -> Filter:
        return every(*parts)

    def negation(self, parts: list[Filter]) -> Filter:
        return negated(parts[0])

    def of_field(self, parts: list[Token]) -> Filter:
        field, value = parts
        name = field[:-1].lower().replace("_", "-")
        if name not in FIELDS:
            near = difflib.get_close_matches(name, FIELDS, n=1)
            instead = f"Did you mean {near[0]}?" if near else f"Filters: {', '.join(FIELDS)}."
            error = InputError(f"There is no filter {field[:-1]!r}.", hint=instead, code="unknown_filter")
            raise _BadTokenError(field, error)
        return _made(value, name, _unquoted(value) if value.type == "QUOTED" else value)

    def of_word(self, parts: list[Token]) -> Filter:
        return _made(parts[0], "text", parts[0])

    def of_phrase(self, parts: list[Token]) -> Filter:
        words = _unquoted(parts[0])
        return _made(parts[0], "text", f'"{words}"' if len(words.split()) > 1 else words)


def _made(token: Token, field: str, value: str) -> Filter:
    try:
        return condition(field, str(value))
    except InputError as error:
        raise _BadTokenError(token, error) from None


def _unquoted(token: Token) -> str:
    return re.sub(r"\\(.)", r"\1", token[1:-1])


def _explained(error: UnexpectedInput, line: str) -> FilterSyntaxError:
    """Say what is wrong at the place where the parser gave up."""
    ended = isinstance(error, UnexpectedToken) and error.token.type == "$END"
    position = len(line.rstrip()) if ended else error.pos_in_stream or 0
    expected: set[str] = getattr(error, "accepts", None) or getattr(error, "allowed", None) or set()
    found = line[position : position + 1]
    if found == '"':
        told = "This quotation mark is not closed.", "Close it, or take it out."
    elif "VALUE" in expected:
        told = "A value is missing here.", 'Write it right behind the colon: artist:"Jane Doe".'
    elif found == ")":
        told = "There is nothing that this parenthesis closes.", "Take it out."
    elif ended and "_CLOSE" in expected and line.count("(") > line.count(")"):
        told = "A parenthesis is not closed.", "Close it, or take it out."
    elif ended:
        told = "Something is missing at the end.", "Write what is to be found, or take the last word out."
    else:
        told = "This does not fit here.", "Put words of a value in quotation marks."
    return FilterSyntaxError(told[0], line, position, hint=told[1])
