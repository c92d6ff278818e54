"""Keeps what is measured on, and copies of it, out of what is trained on."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, TypeVar

from stylesearch.errors import ImageError, InputError
from stylesearch.images.decode import decode
from stylesearch.images.hashes import hash_distance, perceptual_hash
from stylesearch.training.data.packages import EXCLUDED_PACKAGES

NEAR = 6
"""Most bits in which the perceptual hashes of two copies of one drawing differ."""

_MAX_BYTES = 16 * 1024**2
_MAX_PIXELS = 4_000_000
_HASHED_SIDE = 64


class Labelled(Protocol):
    """A picture in a file, with labels; :class:`stylesearch.training.data.icons.Icon` is one."""

    @property
    def content(self) -> str | None: ...

    @property
    def style(self) -> str: ...

    @property
    def path(self) -> Path: ...

    @property
    def sha256(self) -> str: ...


_Drawing = TypeVar("_Drawing", bound=Labelled)


@dataclass(frozen=True, slots=True)
class Dropped:
    """What was left out.

    Attributes
    ----------
    same_file:
        Training pictures whose file is a test picture's, by style.
    near_copy:
        Training pictures that look like the test picture of the same name, by style.
    """

    same_file: Counter[str]
    near_copy: Counter[str]

    def __str__(self) -> str:
        """One line a person can read."""
        files, copies = self.same_file.total(), self.near_copy.total()
        styles = ", ".join(
            f"{style} {count}" for style, count in (self.same_file + self.near_copy).most_common()
        )
        return f"left out {files} files and {copies} near copies of test pictures" + (
            f" ({styles})" if styles else ""
        )


def assert_disjoint(
    training: Sequence[_Drawing], testing: Sequence[Labelled]
) -> tuple[list[_Drawing], Dropped]:
    """Leave out every training picture that is also a test picture.

    Two pictures are taken for one if their files are equal, or if they have the same content label and perceptual
    hashes at most :data:`NEAR` bits apart.

    Parameters
    ----------
    training:
        What is to be trained on.
    testing:
        What is measured on.

    Returns
    -------
    list
        What may be trained on, in the order given.
    Dropped
        How many were left out, and of which styles.

    Raises
    ------
    InputError
        ``training_on_test`` if a training picture lies in a package that is measured on, or in a relative of one.
    """
    for drawing in training:
        excluded = EXCLUDED_PACKAGES.intersection(drawing.path.parts)
        if excluded:
            raise InputError(
                f"{drawing.path} belongs to {min(excluded)}, which is measured on or akin to what is.",
                hint="Train on the packages of stylesearch.training.data.packages only.",
                code="training_on_test",
            )
    files = {drawing.sha256 for drawing in testing}
    contents: dict[str, list[Labelled]] = defaultdict(list)
    for test in testing:
        if test.content is not None:
            contents[test.content].append(test)
    hashes = _Hashes()
    kept: list[_Drawing] = []
    dropped = Dropped(Counter(), Counter())
    for drawing in training:
        if drawing.sha256 in files:
            dropped.same_file[drawing.style] += 1
        elif hashes.near(drawing, contents.get(drawing.content or "", ())):
            dropped.near_copy[drawing.style] += 1
        else:
            kept.append(drawing)
    return kept, dropped


def without_copies(drawings: Sequence[_Drawing]) -> list[_Drawing]:
    """Leave out drawings that another style, earlier in the list, holds a copy of under the same content.

    Themes take icons over from one another; one picture under two labels would teach that a style differs from itself.
    """
    hashes = _Hashes()
    kept: list[_Drawing] = []
    files: dict[str, str] = {}
    contents: dict[str, list[_Drawing]] = defaultdict(list)
    for drawing in drawings:
        if files.get(drawing.sha256, drawing.style) != drawing.style:
            continue
        if drawing.content is not None:
            others = [other for other in contents[drawing.content] if other.style != drawing.style]
            if hashes.near(drawing, others):
                continue
            contents[drawing.content].append(drawing)
        files[drawing.sha256] = drawing.style
        kept.append(drawing)
    return kept


class _Hashes:
    """Perceptual hashes, each worked out once; ``None`` for what cannot be decoded."""

    def __init__(self) -> None:
        self._known: dict[Path, int | None] = {}

    def near(self, drawing: Labelled, others: Iterable[Labelled]) -> bool:
        rivals = list(others)
        own = self._of(drawing) if rivals else None
        if own is None:
            return False
        found = (self._of(other) for other in rivals)
        return any(other is not None and hash_distance(own, other) <= NEAR for other in found)

    def _of(self, drawing: Labelled) -> int | None:
        if drawing.path not in self._known:
            self._known[drawing.path] = _hash(drawing.path)
        return self._known[drawing.path]


def _hash(path: Path) -> int | None:
    try:
        data = path.read_bytes()
        pixels = decode(data, max_bytes=_MAX_BYTES, max_pixels=_MAX_PIXELS, shortest_side=_HASHED_SIDE).pixels
    except (OSError, ImageError):
        return None
    return perceptual_hash(pixels)
