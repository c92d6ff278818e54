"""WebDataset shards whose bytes depend on what is in them alone."""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stylesearch.files import written_whole

EXTENSIONS = {
    "image/svg+xml": "svg", "image/jpeg": "jpg", "image/png": "png", "image/gif": "gif", "image/webp": "webp",
    "image/tiff": "tif", "image/avif": "avif", "image/heif": "heic", "image/jp2": "jp2", "image/jxl": "jxl",
}  # fmt: skip
_GZIP = b"\x1f\x8b"


@dataclass(frozen=True, slots=True)
class Sample:
    """What is written under one key: an image's file, and what is said of it."""

    key: str
    data: bytes
    media_type: str
    about: Mapping[str, Any]

    @property
    def extension(self) -> str:
        """What the image's file is called after the key."""
        found = EXTENSIONS.get(self.media_type, "bin")
        return "svgz" if found == "svg" and self.data.startswith(_GZIP) else found


def write_shard(path: Path, samples: Iterable[Sample]) -> None:
    """Write a shard, whole or not at all.

    Raises
    ------
    OSError
        If it cannot be written.
    """
    with (
        written_whole(path) as file,
        tarfile.open(fileobj=file, mode="w", format=tarfile.USTAR_FORMAT) as tar,
    ):
        for sample in samples:
            text = json.dumps(sample.about, ensure_ascii=False, sort_keys=True, indent=1)
            _add(tar, f"{sample.key}.{sample.extension}", sample.data)
            _add(tar, f"{sample.key}.json", f"{text}\n".encode())


def _add(tar: tarfile.TarFile, name: str, data: bytes) -> None:
    member = tarfile.TarInfo(name)
    member.size = len(data)
    member.mode = 0o644
    tar.addfile(member, io.BytesIO(data))
