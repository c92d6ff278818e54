"""What a source says about a work, in the catalogue's own terms, before it has ids."""

from __future__ import annotations

import hashlib
import json
import re
import unicodedata
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

EARLIEST_YEAR, LATEST_YEAR = -10_000, 3000
DATE_FIELDS = ("date_text", "year_from", "year_to")

# In characters. An entry of a B-tree must fit a third of a page, and what a stranger's file says may be any length.
LONGEST_NAME = 300
MOST_ALIASES = 50
LONGEST = {
    "title": 1000,
    "description": 20_000,
    "date_text": 300,
    "medium": 500,
    "movement": 500,
    "period": 500,
    "object_type": 500,
    "source_url": 2000,
    "credit_line": 1000,
}


@dataclass(frozen=True, slots=True)
class Credit:
    """An artist's part in a work, by name.

    Attributes
    ----------
    name:
        As credited, white space tidied.
    qualifier:
        An attribution qualifier such as ``after``; ``None`` where the work is the artist's own.
    aliases:
        Other names of the artist, as the source gives them.
    ulan_id, wikidata_id:
        The artist in Getty's Union List of Artist Names (digits) and in Wikidata (``Q`` and digits), where the source
        says so.
    """

    name: str
    role: str = "creator"
    qualifier: str | None = None
    aliases: tuple[str, ...] = ()
    ulan_id: str | None = None
    wikidata_id: str | None = None

    def clipped(self) -> Credit:
        """Return the credit with its names cut to what the catalogue's indexes can hold."""
        name = self.name[:LONGEST_NAME].strip()
        others = dict.fromkeys(alias[:LONGEST_NAME].strip() for alias in self.aliases[:MOST_ALIASES])
        return replace(self, name=name, aliases=tuple(alias for alias in others if alias and alias != name))

    def to_json(self) -> dict[str, Any]:
        """Return the credit as JSON values; what came later to this class is left out where it is empty.

        So the digest of a record that has nothing of it is the same as ever.
        """
        values = asdict(self)
        return {
            name: value for name, value in values.items() if value or name in ("name", "role", "qualifier")
        }

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> Credit:
        """Return the credit of :meth:`to_json`."""
        return cls(**{**values, "aliases": tuple(values.get("aliases", ()))})


@dataclass(frozen=True, slots=True)
class WorkRecord:
    """Metadata of one work. Rights are statements as found: a URI, an SPDX id, a name."""

    title: str = ""
    description: str | None = None
    credits: tuple[Credit, ...] = ()
    date_text: str | None = None
    year_from: int | None = None
    year_to: int | None = None
    medium: str | None = None
    movement: str | None = None
    period: str | None = None
    object_type: str | None = None
    keywords: tuple[str, ...] = ()
    source_url: str | None = None
    work_rights: str | None = None
    image_rights: str | None = None
    credit_line: str | None = None
    extra: dict[str, Any] = field(default_factory=dict)

    def over(self, below: WorkRecord) -> WorkRecord:
        """Return this record with its gaps filled from another.

        A date and its years are one thing: they come from one record, never half from each.
        """
        ours, theirs = asdict(self), asdict(below)
        dated = any(ours[name] is not None for name in DATE_FIELDS)
        merged = {name: ours[name] or theirs[name] for name in ours if name not in ("credits", "extra")}
        merged |= {name: (ours if dated else theirs)[name] for name in DATE_FIELDS}
        return WorkRecord(
            **merged, credits=self.credits or below.credits, extra={**below.extra, **self.extra}
        )

    def clipped(self) -> WorkRecord:
        """Return the record with every text cut to what the catalogue's indexes can hold."""
        texts: dict[str, Any] = {
            name: value[: LONGEST[name]] for name in LONGEST if isinstance(value := getattr(self, name), str)
        }
        credits_ = (credit.clipped() for credit in self.credits)
        keywords = (word[:LONGEST_NAME].strip() for word in self.keywords)
        return replace(
            self, **texts, credits=tuple(dict.fromkeys(credits_)), keywords=tuple(dict.fromkeys(keywords))
        )

    def to_json(self) -> dict[str, Any]:
        """Return the record as JSON values, without what is empty."""
        values = {name: value for name, value in asdict(self).items() if value or value == 0}
        return values | ({"credits": [credit.to_json() for credit in self.credits]} if self.credits else {})

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> WorkRecord:
        """Return the record of :meth:`to_json`."""
        lists = {
            "credits": tuple(Credit.from_json(credit) for credit in values.get("credits", ())),
            "keywords": tuple(values.get("keywords", ())),
        }
        return cls(**{**values, **lists})


@dataclass(frozen=True, slots=True)
class ImageFacts:
    """What was measured of an image file.

    Attributes
    ----------
    sha256:
        Of the file's bytes; 32 bytes.
    perceptual_hash:
        64 bits as a signed integer.
    """

    sha256: bytes
    perceptual_hash: int
    width: int
    height: int
    media_type: str
    storage_key: str


@dataclass(frozen=True, slots=True)
class NewWork:
    """A work with its image and descriptor, ready to be written.

    Attributes
    ----------
    source_digest:
        Over everything the source gave for it; equal digests mean that nothing has changed.
    vector:
        ``[dim]`` float32, unit norm.
    source_version, fetch_version:
        What the source, and the image's server, told about its state.
    """

    source_id: str
    source_digest: bytes
    record: WorkRecord
    image: ImageFacts
    vector: NDArray[np.float32]
    source_version: str | None = None
    fetch_version: str | None = None


@dataclass(frozen=True, slots=True)
class NewRecord:
    """What is said anew about a work whose image is as it was; see :class:`NewWork`."""

    source_id: str
    source_digest: bytes
    record: WorkRecord
    source_version: str | None = None
    fetch_version: str | None = None


def tidy(text: str | None) -> str | None:
    """Return a text in composed Unicode without control characters and surplus space; ``None`` for an empty one."""
    if text is None:
        return None
    composed = unicodedata.normalize("NFC", text)
    printable = "".join(
        " " if unicodedata.category(char) in ("Cc", "Cs", "Zl", "Zp") else char for char in composed
    )
    return " ".join(printable.split()) or None


def source_digest(sha256: bytes, beside: WorkRecord) -> bytes:
    """Return the digest of what a source gave for a work: its file and the metadata beside it."""
    return hashlib.sha256(sha256 + json.dumps(beside.to_json(), sort_keys=True).encode()).digest()


_YEAR = re.compile(r"(?<!\d)(1\d{3}|20\d{2})(s?)(?![\d])")
_SHORT_END = re.compile(r"(?<!\d)(1\d|20)(\d{2})\s*[-–/]\s*(\d{2})(?![\d-])")
_CENTURIES = re.compile(
    r"(?<!\d)(?:(\d{1,2})(?:st|nd|rd|th)?\s*(?:[-–/]|to|or)\s*)?(\d{1,2})(?:st|nd|rd|th)[\s-]+centur",
    re.IGNORECASE,
)
_BEFORE_OUR_ERA = re.compile(r"\bB\.?\s?C", re.IGNORECASE)


def years(text: str | None) -> tuple[int | None, int | None]:
    """Read the range of years out of a date as people write it.

    Understands ISO dates, ``c. 1880-1890``, ``1880-95``, ``the 1880s``, ``19th century`` and ``17th-18th century``;
    anything else, and what is before our era, gives ``(None, None)``.
    """
    if not text or _BEFORE_OUR_ERA.search(text):
        return None, None
    found: list[int] = []
    for match in _YEAR.finditer(text):
        year = int(match[1])
        found += [year, year + 9] if match[2] and year % 10 == 0 else [year]
    iso_month = re.match(r"^\d{4}-(0[1-9]|1[0-2])\b", text.strip())
    if not iso_month:
        for match in _SHORT_END.finditer(text):
            end = int(match[1] + match[3])
            if end > int(match[1] + match[2]):
                found.append(end)
    if not found:
        for match in _CENTURIES.finditer(text):
            for century in (int(number) for number in match.groups() if number):
                if 1 <= century <= 21:
                    found += [100 * (century - 1) + 1, 100 * century]
    return (min(found), max(found)) if found else (None, None)
