"""A folder of images, with what lies beside them: a CSV, JSON for single files, a package's copyright file."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import quote_from_bytes, unquote_to_bytes

from stylesearch.catalog.records import WorkRecord
from stylesearch.errors import ImageError, InputError
from stylesearch.ingest.fetching.files import locator
from stylesearch.ingest.metadata import debian_copyright
from stylesearch.ingest.metadata.debian_copyright import PackageMetadata, package_metadata
from stylesearch.ingest.metadata.sidecar import read_sidecar, sidecar_of
from stylesearch.ingest.metadata.table import SIDECAR, read_table
from stylesearch.ingest.sources.local import NOWHERE, digest_file
from stylesearch.ingest.sources.protocol import Found, Page
from stylesearch.settings import Settings

PAGE = 500
"""Files that are entered into the ledger at a time."""
LONGEST_ID = 1000
"""In characters, of the path of a folder that cannot be read, which may be because it is too long."""

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

    What is said beside an image is its line in the table, then its JSON file. What a package's copyright file says of it
    goes along, to be believed where the image itself says nothing.

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

        A folder in it that cannot be read is an error by itself.

        Raises
        ------
        InputError
            If there is no image.
        """
        files, unread = self._walk()
        named = self._named(files)
        errors = [_unread(self.source_id(path), why) for path, why in unread]
        after = unquote_to_bytes(cursor) if cursor is not None else b""
        rest = [(source_id, path) for source_id, path in named if self._key(path) > after]
        root = self.folder.resolve()
        for begin in range(0, max(1, len(rest)), PAGE):
            part = rest[begin : begin + PAGE]
            last = begin + PAGE >= len(rest)
            found = [self._found(source_id, path, root) for source_id, path in part]
            yield Page(
                tuple(found + errors if last else found),
                None if last else quote_from_bytes(self._key(part[-1][1])),
                len(named) + len(errors),
            )

    def paths(self) -> list[Path]:
        """Return the image files, sorted by path.

        Raises
        ------
        InputError
            If there is none.
        """
        return self._walk()[0]

    def _walk(self) -> tuple[list[Path], list[tuple[Path, str]]]:
        """Return the image files, sorted by path, and the folders that cannot be read, with the reason."""
        unread: list[tuple[Path, str]] = []

        def note(error: OSError) -> None:
            unread.append((Path(error.filename), error.strerror or "it cannot be listed"))

        found = []
        for parent, folders, files in os.walk(self.folder, onerror=note):
            folders[:] = sorted(name for name in folders if not name.startswith("."))
            found += [
                Path(parent, name)
                for name in files
                if not name.startswith(".") and os.path.splitext(name)[1].lower() in SUFFIXES  # noqa: PTH122 - not UTF-8, perhaps
            ]
        if self.only is not None:
            found = [path for path in found if self.source_id(path) in self.only]
            unread = []
        if not found:
            raise InputError(
                f"The folder {self.folder} holds no images.",
                hint=f"Images are files that end in {', '.join(sorted(SUFFIXES))}.",
                code="folder_empty",
            )
        return sorted(found, key=os.fsencode), unread

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

    @cached_property
    def _package(self) -> PackageMetadata | None:
        return package_metadata(self.folder)

    def _found(self, source_id: str, path: Path, root: Path) -> Found:
        """Look at a file: its digest, and what is said of it beside it."""
        record = self._records.get(self.source_id(path), WorkRecord())
        try:
            sidecar = sidecar_of(path)
            if sidecar is not None:
                record = record.over(read_sidecar(sidecar, root=root))
        except ImageError as error:
            return Found(source_id, NOWHERE, None, record, error=error)
        if self._package is not None:
            record = debian_copyright.noted(record, self._package.said(self.source_id(path)))
        try:
            digest = digest_file(path, root=root, max_bytes=self.max_bytes)
        except ImageError as error:
            return Found(source_id, locator(path), None, record, error=error)
        return Found(source_id, locator(path), digest, record)


def _unread(source_id: str, why: str) -> Found:
    error = ImageError(f"The folder cannot be read: {why}.", code="subfolder_unreadable")
    return Found(f"{source_id[:LONGEST_ID]}/", NOWHERE, None, WorkRecord(), error=error)


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
