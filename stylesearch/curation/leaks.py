"""The check that nothing which should be on one side of a split is on both."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass

from stylesearch.errors import StylesearchError

MOST_TOLD = 5


class LeakError(StylesearchError):
    """Something is on both sides of a split."""

    code = "leak"


@dataclass(frozen=True, slots=True)
class Leak:
    """What is on both sides of a split: an image, a group of copies, an artist or a content."""

    split: str
    what: str
    name: str


@dataclass(frozen=True, slots=True)
class Parted:
    """Images with the parts that they are in.

    Attributes
    ----------
    digests:
        Of the files.
    components:
        Groups of copies.
    artists, contents:
        Of each image; a content that is not known is empty.
    splits:
        Name of a split to each image's part in it.
    """

    digests: Sequence[str]
    components: Sequence[Hashable]
    artists: Sequence[Sequence[str]]
    contents: Sequence[str]
    splits: dict[str, Sequence[str]]


def find_leaks(images: Parted, pairs: Iterable[tuple[str, str]]) -> list[Leak]:
    """Return what is on both sides of a split where it must not be.

    Parameters
    ----------
    pairs:
        Digests of images of which one is a copy of the other; those that are not in the set are no matter.
    """
    known = {digest: place for place, digest in enumerate(images.digests)}
    linked = [(known[one], known[other]) for one, other in pairs if one in known and other in known]
    leaks: list[Leak] = []
    for name, sides in images.splits.items():
        leaks += _both(name, "image", [[digest] for digest in images.digests], sides)
        leaks += _both(name, "group of copies", [[one] for one in images.components], sides)
        leaks += [
            Leak(name, "copy", f"{images.digests[one][:12]} and {images.digests[other][:12]}")
            for one, other in linked
            if sides[one] != sides[other]
        ]
        if name == "by_artist":
            leaks += _both(name, "artist", images.artists, sides)
        if name == "by_content":
            leaks += _both(name, "content", [[one] if one else [] for one in images.contents], sides)
    return leaks


def _both(split: str, what: str, labels: Sequence[Sequence[Hashable]], sides: Sequence[str]) -> list[Leak]:
    found: dict[Hashable, set[str]] = defaultdict(set)
    for own, side in zip(labels, sides, strict=True):
        for label in own:
            found[label].add(side)
    return [Leak(split, what, str(label)) for label, on in found.items() if len(on) > 1]


def check(images: Parted, pairs: Iterable[tuple[str, str]]) -> None:
    """Raise if there is a leak.

    Raises
    ------
    LeakError
        Naming the first of them.
    """
    leaks = find_leaks(images, pairs)
    if leaks:
        told = "; ".join(f"{leak.what} {leak.name} in {leak.split}" for leak in leaks[:MOST_TOLD])
        more = f" and {len(leaks) - MOST_TOLD:,} more" if len(leaks) > MOST_TOLD else ""
        raise LeakError(
            f"The splits leak: {told}{more} on both sides.",
            hint="Nothing was exported. Remove the stage's table in the run's folder and run again.",
        )
