"""What all models have in common."""

from __future__ import annotations

from typing import Annotated, Generic, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

LARGEST_ID = 2**63 - 1


class Given(BaseModel):
    """What a client sends. What it may not have is refused, so that a slip of the pen is told."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Told(BaseModel):
    """What a server answers. A newer server may tell more; what is not known is passed over."""

    model_config = ConfigDict(extra="ignore", frozen=True)


def without_nul(text: str) -> str:
    """Return a text, unless it holds the character that no text in the catalogue can have.

    Raises
    ------
    ValueError
        If it does.
    """
    if "\0" in text:
        raise ValueError("it holds a character that no text has")
    return text


Text = Annotated[str, AfterValidator(without_nul)]
Id = Annotated[int, Field(ge=1, le=LARGEST_ID)]
Digest = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$", description="A file's SHA-256 in hex.")]
Item = TypeVar("Item")


class Page(Told, Generic[Item]):
    """A page of a list."""

    items: list[Item]
    next: str | None = Field(description="Address of the next page; null on the last one.")
    total: int | None = Field(
        default=None, description="How many there are in all; counted for the first page only."
    )
