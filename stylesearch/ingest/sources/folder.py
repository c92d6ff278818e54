"""A folder of images, with an optional CSV of metadata beside them."""

from __future__ import annotations

import errno
import hashlib
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote_from_bytes, unquote_to_bytes

from stylesearch.catalog.records import WorkRecord
from stylesearch.errors import ImageError, InputError
from stylesearch.ingest.fetching.files import locator
from stylesearch.ingest.metadata.table import SIDECAR, read_table
from stylesearch.ingest.sources.protocol import Found, Page
from stylesearch.settings import Settings

PAGE = 500
"""Files that are entered into the ledger at a time."""

SUFFIXES = frozenset(
    [
        ".svg",
        ".svgz",
        ".jpg",
        ".jpeg",
        ".jpe",
        ".png",
        ".webp",
        ".gif",
        ".tif",
        ".tiff",
        ".avif",
        ".heic",
        ".heif",
        ".jp2",
        ".j2k",
        ".jxl",
        ".apng",
        ".bmp",
    ]
)


@dataclass(frozen=True)
class FolderSource:
    """The images below a folder, in the order of their paths.

    Links are followed to files inside the folder only; folders that are links are not entered, so that no walk is
    endless. Hidden files and folders are left out.

    Raises
    ------
    InputError
        If the folder does not exist, cannot be read or holds no image, or its table is at fault.
    """

    folder: Path
    table: Path | None = None
    only: frozenset[str] | None = None
    max_bytes: int = 256 * 1024**2
    _records: dict[str, WorkRecord] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        folder = self.folder.absolute()
        object.__setattr__(self, "folder", folder)
        if not folder.exists():
            raise InputError(
                f"The folder {folder} does not exist.", hint="Check the path.", code="folder_missing"
            )
        if not folder.is_dir():
            raise InputError(f"{folder} is a file.", hint="Name the folder it is in.", code="folder_missing")
        if not os.access(folder, os.R_OK | os.X_OK):
            raise InputError(
                f"The folder {folder} may not be read.",
                hint="Mend its permissions.",
                code="folder_unreadable",
            )
        table = self.table or folder / SIDECAR
        object.__setattr__(self, "_records", read_table(table) if self.table or table.exists() else {})

    @property
    def uri(self) -> str:
        """What names this source in the ledger."""
        return locator(self.folder)

    @property
    def kind(self) -> str:
        """``folder``."""
        return "folder"

    def pages(self, cursor: str | None) -> Iterator[Page]:
        """Yield the files in the order of their paths; a cursor is the last path before the place to go on from.

        Raises
        ------
        InputError
            If there is none.
        """
        named = self._named(self.paths())
        after = unquote_to_bytes(cursor) if cursor is not None else b""
        rest = [(source_id, path) for source_id, path in named if self._key(path) > after]
        root = self.folder.resolve()
        for begin in range(0, len(rest), PAGE):
            part = rest[begin : begin + PAGE]
            last = begin + PAGE >= len(rest)
            yield Page(
                tuple(self._found(source_id, path, root) for source_id, path in part),
                None if last else quote_from_bytes(self._key(part[-1][1])),
                len(named),
            )

    def paths(self) -> list[Path]:
        """Return the image files, sorted by path.

        Raises
        ------
        InputError
            If there is none.
        """
        found = []
        for parent, folders, files in os.walk(self.folder):
            folders[:] = sorted(name for name in folders if not name.startswith("."))
            found += [
                Path(parent, name)
                for name in files
                if not name.startswith(".") and os.path.splitext(name)[1].lower() in SUFFIXES  # noqa: PTH122 - not UTF-8, perhaps
            ]
        if self.only is not None:
            found = [path for path in found if self.source_id(path) in self.only]
        if not found:
            raise InputError(
                f"The folder {self.folder} holds no images.",
                hint=f"Images are files that end in {', '.join(sorted(SUFFIXES))}.",
                code="folder_empty",
            )
        return sorted(found, key=os.fsencode)

    def source_id(self, path: Path) -> str:
        """Return a file's relative path; bytes that are no UTF-8 are written as escapes."""
        return os.fsencode(path.relative_to(self.folder)).decode("utf-8", "backslashreplace")

    def _key(self, path: Path) -> bytes:
        return os.fsencode(path.relative_to(self.folder))

    def _named(self, paths: list[Path]) -> list[tuple[str, Path]]:
        """Return files with their source ids, no two alike."""
        taken: dict[str, Path] = {}
        for path in paths:
            source_id = self.source_id(path)
            while source_id in taken:  # a name that is no UTF-8, written as another file is really called
                source_id += "~"
            taken[source_id] = path
        return list(taken.items())

    def _found(self, source_id: str, path: Path, root: Path) -> Found:
        """Look at a file: its digest and its line in the table."""
        record = self._records.get(self.source_id(path), WorkRecord())
        try:
            digest = self._digest(path, root)
        except ImageError as error:
            return Found(source_id, locator(path), None, record, error=error)
        return Found(source_id, locator(path), digest, record)

    def _digest(self, path: Path, root: Path) -> bytes:
        try:
            if not path.resolve(strict=True).is_relative_to(root):
                raise ImageError("The file is a link that leads out of the folder.", code="outside_source")
            size = path.stat().st_size
            if size > self.max_bytes:
                raise ImageError(
                    f"The file has {size:,} bytes; the limit is {self.max_bytes:,}.",
                    code="image_too_many_bytes",
                )
            with path.open("rb") as file:
                return hashlib.file_digest(file, "sha256").digest()
        except (
            FileNotFoundError,
            RuntimeError,
        ):  # the second, up to Python 3.12, for a link that leads to itself
            raise ImageError("The file is a link that leads nowhere.", code="broken_link") from None
        except OSError as error:
            if error.errno == errno.ELOOP:
                raise ImageError("The file is a link that leads nowhere.", code="broken_link") from None
            raise ImageError(f"The file cannot be read: {error.strerror}.", code="file_unreadable") from None


def from_options(options: Mapping[str, Any], settings: Settings) -> FolderSource:
    """Return the source that a run's options describe: ``path``, ``table`` and ``only``.

    Raises
    ------
    InputError
        As :class:`FolderSource`.
    """
    return FolderSource(
        Path(options["path"]),
        table=Path(options["table"]) if options.get("table") else None,
        only=frozenset(options["only"]) if options.get("only") is not None else None,
        max_bytes=settings.max_file_bytes,
    )
