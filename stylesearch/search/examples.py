"""What a search starts from: pictures, parts of them, works, artists, descriptors and words, for or against."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from stylesearch.catalog.records import LONGEST_NAME, tidy
from stylesearch.errors import InputError

LARGEST_ID = 2**63 - 1
HEAVIEST = 100.0
LONGEST_WORDS = 500
LONGEST_DESCRIPTOR = 4000
_DIGEST = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Region:
    """A part of a picture: a box in pixels of the whole, upright picture, from its upper left corner."""

    left: int
    top: int
    width: int
    height: int

    def __post_init__(self) -> None:
        if min(self.left, self.top) < 0 or min(self.width, self.height) < 1:
            raise _bad_region(self, "has no inside", "Give left,top,width,height in pixels: 10,20,300,200.")

    def check_inside(self, width: int, height: int) -> None:
        """Check that the box lies in a picture of this size.

        Raises
        ------
        InputError
            ``bad_region``.
        """
        if self.left + self.width > width or self.top + self.height > height:
            raise _bad_region(
                self, f"is not inside the picture of {width} by {height} pixels", "Choose another one."
            )

    @classmethod
    def parse(cls, text: str) -> Region:
        """Return the region of ``left,top,width,height``.

        Raises
        ------
        InputError
            ``bad_region``.
        """
        if not re.fullmatch(r"\d{1,9}(,\d{1,9}){3}", text, re.ASCII):
            raise InputError(
                f"{text[:40]!r} is no region.",
                hint="Give left,top,width,height in pixels: 10,20,300,200.",
                code="bad_region",
            )
        return cls(*map(int, text.split(",")))

    def __str__(self) -> str:
        """As :meth:`parse` reads it."""
        return f"{self.left},{self.top},{self.width},{self.height}"


def _bad_region(region: Region, why: str, hint: str) -> InputError:
    return InputError(f"The region {region} {why}.", hint=hint, code="bad_region")


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """Something that is searched with.

    Attributes
    ----------
    weight:
        How much it counts beside others, above 0, at most 100.
    against:
        Whether the works that are found should be unlike it.
    """

    kind: ClassVar[str]
    weight: float = 1.0
    against: bool = False

    def __post_init__(self) -> None:
        if not (isinstance(self.weight, int | float) and 0 < self.weight <= HEAVIEST):
            raise InputError(
                f"{str(self.weight)[:20]} is no weight of an example.",
                hint=f"Give a number above 0, at most {HEAVIEST:g}.",
                code="bad_weight",
            )
        object.__setattr__(self, "weight", float(self.weight))

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON values, for :func:`example_from_json`."""
        values: dict[str, Any] = {self.kind: getattr(self, self.kind)}
        region = getattr(self, "region", None)
        if region is not None:
            values["region"] = str(region)
        if self.weight != 1:
            values["weight"] = self.weight
        return values | ({"against": True} if self.against else {})


@dataclass(frozen=True, slots=True)
class ImageExample(Example):
    """An image of the catalogue, by id, or a part of it."""

    kind: ClassVar[str] = "image"
    image: int
    region: Region | None = None

    def __post_init__(self) -> None:
        Example.__post_init__(self)
        _check_id(self.image, "image")


@dataclass(frozen=True, slots=True)
class WorkExample(Example):
    """A work of the catalogue, by id: what its images have in common."""

    kind: ClassVar[str] = "work"
    work: int

    def __post_init__(self) -> None:
        Example.__post_init__(self)
        _check_id(self.work, "work")


@dataclass(frozen=True, slots=True)
class FileExample(Example):
    """A picture file by its SHA-256 in hex, or a part of it: one at hand, one that a visitor gave, or one of the catalogue."""

    kind: ClassVar[str] = "file"
    file: str
    region: Region | None = None

    def __post_init__(self) -> None:
        Example.__post_init__(self)
        if not (isinstance(self.file, str) and _DIGEST.fullmatch(self.file)):
            raise InputError(
                f"{str(self.file)[:20]!r} names no picture.",
                hint="Give the file's SHA-256 in hex.",
                code="bad_digest",
            )


@dataclass(frozen=True, slots=True)
class ArtistExample(Example):
    """An artist's prototype: the mean descriptor of the works that are the artist's own."""

    kind: ClassVar[str] = "artist"
    artist: str

    def __post_init__(self) -> None:
        Example.__post_init__(self)
        _tidied(self, "artist", LONGEST_NAME)


@dataclass(frozen=True, slots=True)
class DescriptorExample(Example):
    """A descriptor, of any length but zero, as numbers in single precision."""

    kind: ClassVar[str] = "descriptor"
    descriptor: tuple[float, ...]

    def __post_init__(self) -> None:
        Example.__post_init__(self)
        try:
            # What is too large becomes infinite, and is told as such.
            with np.errstate(over="ignore"):
                numbers = np.asarray(self.descriptor, dtype=np.float64).astype(np.float32)
        except (TypeError, ValueError):
            numbers = np.empty(0, np.float32)
        if numbers.ndim != 1 or not 1 <= len(numbers) <= LONGEST_DESCRIPTOR:
            raise InputError(
                f"A descriptor is a list of 1 to {LONGEST_DESCRIPTOR:,} numbers.",
                hint="Give what 'stylesearch encode' writes.",
                code="descriptor_invalid",
            )
        if not np.isfinite(numbers).all() or not numbers.any():
            raise InputError(
                "The descriptor is zero, or not finite.",
                hint="Describe the example again.",
                code="descriptor_invalid",
            )
        object.__setattr__(self, "descriptor", tuple(map(float, numbers)))

    @classmethod
    def of(cls, vector: NDArray[np.float32], **changes: Any) -> DescriptorExample:
        """Return the example of ``[dim]`` numbers."""
        return cls(tuple(vector.tolist()) if vector.ndim == 1 else (), **changes)

    def to_json(self) -> dict[str, Any]:
        return Example.to_json(self) | {"descriptor": list(self.descriptor)}


@dataclass(frozen=True, slots=True)
class WordsExample(Example):
    """A description in words, for encoders that can read."""

    kind: ClassVar[str] = "words"
    words: str

    def __post_init__(self) -> None:
        Example.__post_init__(self)
        _tidied(self, "words", LONGEST_WORDS)


KINDS: tuple[type[Example], ...] = (
    ImageExample, WorkExample, FileExample, ArtistExample, DescriptorExample, WordsExample,
)  # fmt: skip


def example_from_json(values: object) -> Example:
    """Return the example of :meth:`Example.to_json`.

    Raises
    ------
    InputError
        ``bad_example`` if it has no such form; otherwise, if a value cannot be used.
    """
    known = {kind.kind: kind for kind in KINDS}
    named = [name for name in values if name in known] if isinstance(values, Mapping) else []
    if not isinstance(values, Mapping) or len(named) != 1:
        raise InputError(
            "An example names one thing that is searched with.",
            hint=f"Give one of: {', '.join(known)}.",
            code="bad_example",
        )
    kind = known[named[0]]
    allowed = {kind.kind, "weight", "against"} | (
        {"region"} if kind in (ImageExample, FileExample) else set()
    )
    changes = dict(values)
    if set(values) - allowed or not isinstance(values.get("against", False), bool):
        raise InputError(
            f"An example of the kind {kind.kind!r} has only: {', '.join(sorted(allowed))}.",
            hint="Take the rest out.",
            code="bad_example",
        )
    if "region" in changes:
        changes["region"] = Region.parse(str(changes["region"]))
    return kind(**changes)


_WRITTEN = re.compile(
    r"(?P<kind>image|work|file|artist|words):(?P<value>.*?)(?:@(?P<region>[\d,]+))?(?:\^(?P<weight>[\d.]{1,10}))?",
    re.DOTALL,
)


def parse_example(text: str, *, against: bool = False) -> Example | None:
    """Read an example as people write it: ``work:12``, ``artist:Jane Doe^0.5``, ``image:7@10,20,300,200``.

    Returns ``None`` for a text that does not begin with a kind of example and a colon.

    Raises
    ------
    InputError
        If it does, and cannot be used.
    """
    found = _WRITTEN.fullmatch(text)
    if found is None:
        return None
    kind, value, region = found["kind"], found["value"].strip(), found["region"]
    if kind in ("artist", "words") and region is not None:  # it belongs to the name
        value, region = f"{found['value']}@{region}", None
    values: dict[str, Any] = {kind: value}
    if kind in ("image", "work"):
        values[kind] = int(value) if re.fullmatch(r"\d{1,19}", value, re.ASCII) else value
    if region is not None:
        values["region"] = region
    if found["weight"] is not None:
        values["weight"] = parse_weight(found["weight"])
    return example_from_json(values | ({"against": True} if against else {}))


def parse_weight(text: str) -> float:
    """Return the number that a weight is written as, 0 for what is none."""
    try:
        return float(text)
    except ValueError:
        return 0.0


def _check_id(value: object, what: str) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= LARGEST_ID:
        raise InputError(
            f"{str(value)[:30]!r} is no number of an {what}."
            if what == "image"
            else f"{str(value)[:30]!r} is no number of a {what}.",
            hint="Give a whole number.",
            code="bad_example",
        )


def _tidied(example: Example, name: str, longest: int) -> None:
    value = getattr(example, name)
    text = tidy(value) if isinstance(value, str) else None
    if text is None or len(text) > longest:
        raise InputError(
            f"An example's {name} must be a text of at most {longest} characters.",
            hint="Give another one.",
            code="bad_example",
        )
    object.__setattr__(example, name, text)


def is_number(value: object) -> bool:
    """Whether a value is a finite number."""
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
