"""What was left out where, from all captions to what is exported."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from stylesearch.errors import InputError

Counts = Mapping[str, Mapping[str, Any]]
"""By stage, what it counted."""


@dataclass(frozen=True, slots=True)
class Removal:
    """Captions, or images, that were left out for one cause; ``left`` is how many there were after it."""

    stage: str
    cause: str
    number: int
    left: int


_CAUSES = {
    "unreadable": "rows that cannot be read",
    "twice": "ids that came before",
    "unnamed": "rows without an id or an image",
    "unscored": "no number in a column that is bounded",
    "out_of_bounds": "numbers out of bounds",
}


def funnel(counts: Counts) -> list[Removal]:
    """Return what was left out, in order; the first entry is what there was.

    Raises
    ------
    InputError
        ``counts``, if the numbers do not add up: then a stage's counts are not of this run.
    """
    matches, images, copies, export = (counts[name] for name in ("matches", "images", "copies", "export"))
    left = matches["captions"]
    found = [Removal("captions", "", 0, left)]

    def remove(stage: str, cause: str, number: int) -> None:
        nonlocal left
        if number:
            left -= number
            found.append(Removal(stage, cause, number, left))

    for name, cause in _CAUSES.items():
        remove("matches", cause, matches[name])
    remove("matches", "captions without a tag", matches["without_a_tag"])
    remove("matches", "only tags that are not used", matches["left_by_tags"])
    for cause, number in images["missing"].items():
        remove("images", cause, number)
    remove("copies", "the very same file", copies["exact"])
    remove("copies", "files that cannot be decoded", copies["unreadable"])
    remove("copies", "nothing to be seen", copies["blank"])
    remove("copies", "copies of another", copies["merged"])
    remove("export", "reserved against training", export["reserved"])
    remove("export", "rights of another class", export["other_rights"])
    if left != export["images"]:
        raise InputError(
            f"The counts do not add up: {left:,} images should be left, and {export['images']:,} were exported.",
            hint="Run it again in a new folder.",
            code="counts",
        )
    return found
