"""What went wrong, as RFC 9457 has it."""

from __future__ import annotations

from pydantic import Field

from stylesearch.wire.base import Told


class Fault(Told):
    """One place of a request that cannot be used."""

    where: str = Field(description="The parameter, or the place in the body: `examples.0.weight`.")
    why: str


class Problem(Told):
    """A problem document (RFC 9457)."""

    type: str = Field(description="Always `about:blank`; `code` tells problems apart.")
    title: str = Field(description="What the status means.")
    status: int
    detail: str = Field(description="What is wrong, in one line.")
    hint: str = Field(description="What to do about it, in one line; empty where the detail says so.")
    code: str = Field(description="The cause, by a name that stays.")
    place: str | None = Field(
        default=None, description="Lines that show a place in what was given, with a caret below it."
    )
    errors: list[Fault] | None = Field(default=None, description="Each place that cannot be used.")
