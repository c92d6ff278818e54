"""WebDataset shards: tar files in which the files of one sample share their name, as img2dataset writes them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, BinaryIO

from stylesearch.catalog.records import WorkRecord, tidy
from stylesearch.errors import ImageError, InputError
from stylesearch.ingest.fetching.files import locator, too_many_bytes
from stylesearch.ingest.fetching.shards import shard_locator
from stylesearch.ingest.metadata.mapping import from_fields
from stylesearch.ingest.metadata.sidecar import LARGEST_SIDECAR, read_json_object
from stylesearch.ingest.metadata.values import plain, web_address
from stylesearch.ingest.metadata.vocabulary import automatic
from stylesearch.ingest.sources.chosen import chosen_ids
from stylesearch.ingest.sources.folder import SUFFIXES
from stylesearch.ingest.sources.local import NOWHERE
from stylesearch.ingest.sources.protocol import Found, Page
from stylesearch.ingest.sources.tar import BrokenTarError, Member, members
from stylesearch.settings import Settings

PAGE = 500
"""Samples that are entered into the ledger at a time."""
_STEP = 1024**2
_COMPRESSED = (".tar.gz", ".tgz", ".tar.zst", ".tar.xz", ".tar.bz2")
# What img2dataset notes of its own work rather than of the image.
_TECHNICAL = frozenset(
    [
        "key", "status", "error_message", "width", "height", "original_width", "original_height", "exif", "sha256",
        "md5", "shard_id", "aesthetic_score", "similarity", "punsafe", "pwatermark",
    ]
)  # fmt: skip


@dataclass
class _Sample:
    """The files of one key, as far as they have been read."""

    key: str
    header: int
    image: Member | None = None
    metadata: Member | None = None
    text: Member | None = None
    error: ImageError | None = field(default=None)


@dataclass(frozen=True)
class ShardsSource:
    """The samples of some shards, each a work with one image.

    Parameters
    ----------
    path:
        A tar file, or the folder of them. What else lies there (Parquet, statistics) is passed over.
    max_bytes:
        Most bytes of an image.
    only:
        Ids of the samples that are meant; ``None`` for all.

    Raises
    ------
    InputError
        ``shards_missing``, if there is none.
    """

    path: Path
    max_bytes: int = 256 * 1024**2
    only: frozenset[str] | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "path", self.path.absolute())
        self.shards()

    @property
    def uri(self) -> str:
        """What names this source in the ledger."""
        return locator(self.path)

    @property
    def kind(self) -> str:
        """``shards``."""
        return "shards"

    def shards(self) -> list[Path]:
        """Return the tar files, sorted by name.

        Raises
        ------
        InputError
            If there is none.
        """
        if self.path.is_file() and not self.path.name.lower().endswith(_COMPRESSED):
            return [self.path]
        found = sorted(self.path.glob("*.tar")) if self.path.is_dir() else []
        if not found:
            packed = self.path.name.lower().endswith(_COMPRESSED) or any(
                one.name.lower().endswith(_COMPRESSED)
                for one in (self.path.iterdir() if self.path.is_dir() else ())
            )
            raise InputError(
                f"There are no shards at {self.path}.",
                hint="They are compressed; unpack them to plain .tar first."
                if packed
                else "Name a .tar file, or a folder of them.",
                code="shards_missing",
            )
        return found

    def pages(self, cursor: str | None) -> Iterator[Page]:
        """Yield the samples, shard after shard.

        A cursor names the shard, its size, and the byte at which to go on; a shard of another size is read anew.
        """
        shards = self.shards()
        begin_shard, begin = _place(cursor, shards)
        page: list[Found] = []
        for number, shard in enumerate(shards[begin_shard:], begin_shard):
            for one, after in self._samples(shard, begin):
                page.append(one)
                if len(page) == PAGE:
                    yield Page(tuple(page), _cursor(shard, after))
                    page = []
            begin = 0
            if page and number + 1 < len(shards):
                yield Page(tuple(page), _cursor(shards[number + 1], 0))
                page = []
        yield Page(tuple(page), None)

    def _samples(self, shard: Path, begin: int) -> Iterator[tuple[Found, int]]:
        """Yield each sample with the place of the next one's header."""
        sample: _Sample | None = None
        seen: set[str] = set()
        if begin and begin >= shard.stat().st_size:
            return
        try:
            with shard.open("rb") as file:
                for member in members(shard, file, begin=begin):
                    key, suffix = _key_and_suffix(member.name)
                    if key is None:
                        continue
                    if sample is None or sample.key != key:
                        if sample is not None and self._is_meant(shard, sample):
                            yield self._found(shard, file, sample, seen), member.header
                        sample = _Sample(key, member.header)
                    _sort_in(sample, member, suffix)
                # Read again where the run is gone on with, so that what is behind is not lost.
                if sample is not None and self._is_meant(shard, sample):
                    yield self._found(shard, file, sample, seen), sample.header
        except (BrokenTarError, OSError) as error:
            why = (error.strerror or str(error)) if isinstance(error, OSError) else str(error)
            # What was cut off is read as far as it goes.
            if sample is not None and self._is_meant(shard, sample):
                with shard.open("rb") as file:
                    yield self._found(shard, file, sample, seen), shard.stat().st_size
            problem = ImageError(f"The shard cannot be read to its end: {why}.", code="shard_damaged")
            yield Found(shard.name, NOWHERE, None, WorkRecord(), error=problem), shard.stat().st_size

    def captions(self) -> Iterator[tuple[str, dict[str, Any] | None, str]]:
        """Yield the id of each sample that has an image, what its JSON says, and its text; ``None`` where that is damaged."""
        for shard in self.shards():
            try:
                with shard.open("rb") as file:
                    for sample in _gathered(members(shard, file)):
                        if sample.image is not None:
                            yield (sample_id(shard, sample.key), *_words(file, sample))
            except (BrokenTarError, OSError):
                yield shard.name, None, ""

    def _is_meant(self, shard: Path, sample: _Sample) -> bool:
        return self.only is None or sample_id(shard, sample.key) in self.only

    def _found(self, shard: Path, file: BinaryIO, sample: _Sample, seen: set[str]) -> Found:
        source_id = sample_id(shard, sample.key)
        try:
            if source_id in seen:
                source_id = f"{source_id} (byte {sample.header})"
                raise ImageError("The shard has an earlier sample of this name.", code="sample_twice")
            seen.add(source_id)
            if sample.image is None:
                raise ImageError("The sample has no image.", code="sample_without_image")
            digest = self._digest(file, sample.image)
            record = _record(file, sample)
        except BrokenTarError as error:
            problem = ImageError(f"The sample cannot be read: {error}.", code="shard_damaged")
            return Found(source_id, NOWHERE, None, WorkRecord(), error=problem)
        except ImageError as problem:
            return Found(source_id, NOWHERE, None, WorkRecord(), error=problem)
        image = sample.image
        return Found(source_id, shard_locator(shard, image.offset, image.size), digest, record)

    def _digest(self, file: BinaryIO, image: Member) -> bytes:
        if image.size > self.max_bytes:
            raise too_many_bytes(self.max_bytes)
        digest, left = hashlib.sha256(), image.size
        file.seek(image.offset)
        while left:
            data = file.read(min(left, _STEP))
            if not data:
                raise BrokenTarError("it ends within a member")
            digest.update(data)
            left -= len(data)
        return digest.digest()


def sample_id(shard: Path, key: str) -> str:
    """Return the id of a sample's work."""
    return tidy(f"{shard.stem}/{key}") or shard.stem


def _key_and_suffix(name: str) -> tuple[str | None, str]:
    """Return a member's key, its path up to the first dot of its name, and what follows the dot."""
    folder, _, file = name.rpartition("/")
    stem, dot, ending = file.partition(".")
    if not stem or not dot:
        return None, ""
    return (f"{folder}/{stem}" if folder else stem), f".{ending.lower()}"


def _sort_in(sample: _Sample, member: Member, suffix: str) -> None:
    if suffix in SUFFIXES:
        sample.image = sample.image or member
    elif suffix == ".json":
        sample.metadata = sample.metadata or member
    elif suffix == ".txt":
        sample.text = sample.text or member


def _gathered(files: Iterator[Member]) -> Iterator[_Sample]:
    sample: _Sample | None = None
    for member in files:
        key, suffix = _key_and_suffix(member.name)
        if key is None:
            continue
        if sample is None or sample.key != key:
            if sample is not None:
                yield sample
            sample = _Sample(key, member.header)
        _sort_in(sample, member, suffix)
    if sample is not None:
        yield sample


def _words(file: BinaryIO, sample: _Sample) -> tuple[dict[str, Any] | None, str]:
    """Return what a sample's JSON and its text say; ``None`` for a damaged one."""
    values: dict[str, Any] = {}
    text = ""
    try:
        if sample.metadata is not None:
            data = sample.metadata.read(file, at_most=LARGEST_SIDECAR)
            values = dict(read_json_object(data, f"{sample.key}.json"))
        if sample.text is not None:
            text = sample.text.read(file, at_most=LARGEST_SIDECAR).decode("utf-8", "replace")
    except ImageError:
        return None, ""
    return values, text


def _record(file: BinaryIO, sample: _Sample) -> WorkRecord:
    """Read a sample's JSON, and its text for a description."""
    values: Mapping[str, Any] = {}
    if sample.metadata is not None:
        data = sample.metadata.read(file, at_most=LARGEST_SIDECAR + 1)
        if len(data) > LARGEST_SIDECAR:
            raise ImageError(
                f"The sample's metadata has more than {LARGEST_SIDECAR:,} bytes.", code="sidecar_unreadable"
            )
        values = read_json_object(data, f"{sample.key}.json")
    values = {name: value for name, value in values.items() if name not in _TECHNICAL}
    gathering = from_fields(values, automatic(values))
    gathering.add("source_url", web_address(values.get("url")))
    record = gathering.record()
    if record.description is None and sample.text is not None:
        text = sample.text.read(file, at_most=LARGEST_SIDECAR).decode("utf-8", "replace")
        record = replace(record, description=plain(text)).clipped()
    return record


def _cursor(shard: Path, offset: int) -> str:
    return json.dumps({"shard": shard.name, "size": shard.stat().st_size, "offset": offset})


def _place(cursor: str | None, shards: list[Path]) -> tuple[int, int]:
    """Return which shard to go on with, and at which byte; the beginning, where the cursor's shard is not there."""
    if cursor is None:
        return 0, 0
    at = json.loads(cursor)
    for number, shard in enumerate(shards):
        if shard.name == at["shard"]:
            return number, at["offset"] if shard.stat().st_size == at["size"] else 0
    return 0, 0


def from_options(options: Mapping[str, Any], settings: Settings) -> ShardsSource:
    """Return the source that a run's options describe: ``path`` and ``only_file``.

    Raises
    ------
    InputError
        As :class:`ShardsSource`.
    """
    return ShardsSource(Path(options["path"]), max_bytes=settings.max_file_bytes, only=chosen_ids(options))
