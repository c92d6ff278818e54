"""Pictures in WebDataset shards: tar files in which the files of one sample share their name up to the first dot.

The shards are indexed once, then read at the places where the pictures lie. The ``webdataset`` library only streams
through shards, in an order that no sampler can choose and no run can resume, so it is of no use here; the format is
plain tar.
"""

from __future__ import annotations

import json
import tarfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from stylesearch.errors import InputError
from stylesearch.training.datasets import Decoding, PictureSet
from stylesearch.training.files import SUFFIXES, TAG_SEPARATOR

LABEL_SUFFIXES = (".json", ".txt", ".cls")
_LARGEST_LABEL = 1024**2


@dataclass(frozen=True, slots=True)
class _Place:
    shard: Path
    offset: int
    size: int


@dataclass(slots=True)
class _Sample:
    place: _Place | None = None
    tags: list[str] = field(default_factory=list)
    content: str | None = None


@dataclass(frozen=True, slots=True)
class _Members:
    places: Sequence[_Place]
    max_bytes: int

    def __call__(self, sample: int) -> bytes:
        place = self.places[sample]
        with place.shard.open("rb") as file:
            file.seek(place.offset)
            return file.read(min(place.size, self.max_bytes + 1))


def picture_shards(paths: Iterable[Path], *, decoding: Decoding) -> PictureSet:
    """Open WebDataset shards.

    Parameters
    ----------
    paths:
        Uncompressed tar files, or folders of them. Beside each picture lie its labels: ``.json`` with ``tags`` (a list,
        or text parted by ``;``) and perhaps ``content``; or ``.txt`` with the tags, parted by ``;`` or by lines; or
        ``.cls`` with the number of its class, which is taken for its tag.

    Raises
    ------
    InputError
        ``shard``, if a shard cannot be read or a sample's labels are at fault; ``no_pictures``, ``tags_missing``.
    """
    shards = [shard for path in paths for shard in (sorted(path.glob("*.tar")) if path.is_dir() else [path])]
    samples: list[tuple[str, Sequence[str], str | None]] = []
    places: list[_Place] = []
    for shard in shards:
        for key, sample in _index(shard).items():
            if sample.place is not None:
                samples.append((f"{shard.name}/{key}", sample.tags, sample.content))
                places.append(sample.place)
    return PictureSet.of(
        f"{len(shards)} shards",
        samples,
        reader=lambda kept: _Members([places[number] for number in kept], decoding.max_bytes),
        decoding=decoding,
    )


def _index(shard: Path) -> dict[str, _Sample]:
    samples: dict[str, _Sample] = {}
    try:
        with tarfile.open(shard, "r:") as tar:
            for member in tar:
                folder, _, name = member.name.rpartition("/")
                stem, dot, ending = name.partition(".")
                if not (member.isfile() and stem and dot):
                    continue
                sample = samples.setdefault(f"{folder}/{stem}" if folder else stem, _Sample())
                suffix = f".{ending.lower()}"
                if suffix in SUFFIXES:
                    sample.place = _Place(shard, member.offset_data, member.size)
                elif suffix in LABEL_SUFFIXES and member.size <= _LARGEST_LABEL:
                    file = tar.extractfile(member)
                    assert file is not None
                    _label(sample, suffix, file.read().decode())
    except (OSError, tarfile.TarError, ValueError) as error:
        reason = next(iter(str(error).splitlines()), type(error).__name__)
        raise InputError(
            f"The shard {shard} cannot be read: {reason}.",
            hint="Give uncompressed tar files in the WebDataset layout.",
            code="shard",
        ) from error
    return samples


def _label(sample: _Sample, suffix: str, text: str) -> None:
    tags: object = text.replace("\n", TAG_SEPARATOR)
    if suffix == ".json":
        values = json.loads(text)
        if not isinstance(values, dict):
            raise ValueError("a sample's .json is no object")
        tags = values.get("tags", [])
        content = values.get("content")
        sample.content = str(content) if content is not None else sample.content
    parts = tags.split(TAG_SEPARATOR) if isinstance(tags, str) else tags
    if not isinstance(parts, list):
        raise ValueError("a sample's tags are neither text nor a list")
    sample.tags += [str(part).strip() for part in parts if str(part).strip()]
