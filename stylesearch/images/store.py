"""The image store: originals, thumbnails and visitors' queries, each under the hash of what it is; and the spool."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import re
import time
import uuid
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import fsspec
from fsspec.core import url_to_fs
from fsspec.implementations.local import LocalFileSystem

from stylesearch.errors import InputError, NotFoundError, ServiceError
from stylesearch.settings import Settings

_HEX = re.compile(r"[0-9a-f]{64}")
_KEY = re.compile(
    r"originals/[0-9a-f]{2}/[0-9a-f]{2}/[0-9a-f]{64}"
    r"|thumbnails/[0-9a-f]{2}/[0-9a-f]{2}/[0-9a-f]{64}\.webp"
    r"|queries/[0-9a-f]{2}/[0-9a-f]{64}"
    r"|spool/[0-9a-f]{2}/[0-9a-f]{32}"
)
_NO_ROOM = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_NO_RIGHT = {errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR, errno.EEXIST}


class ImageStore:
    """A content-addressed store on any fsspec file system.

    A key is derived from a SHA-256 digest, so putting the same thing twice writes once. On local file systems a file
    appears whole or not at all; object stores give that by themselves. An instance may be used in processes forked
    from the one that made it.

    Parameters
    ----------
    url:
        A folder (``/srv/store``, ``file:///srv/store``) or any fsspec URL (``s3://bucket/prefix``, ``memory://name``).

    Raises
    ------
    ServiceError
        ``store_url`` if the URL's scheme is unknown or needs a package that is not installed.
    """

    def __init__(self, url: str) -> None:
        try:
            fs, root = url_to_fs(url)
        except (ValueError, ImportError) as error:
            raise ServiceError(
                f"The image store {url} cannot be opened: {error}.",
                hint="Give a folder or an fsspec URL in STYLESEARCH_STORE_URL; s3:// needs the s3 extra.",
                code="store_url",
            ) from None
        self._root = root.rstrip("/")
        self._url = root if isinstance(fs, LocalFileSystem) else url  # a relative folder is fixed here, once

    def original_key(self, sha256: bytes) -> str:
        """Return the key of an original, by its 32-byte digest."""
        return _sharded("originals", sha256)

    def thumbnail_key(self, sha256: bytes) -> str:
        """Return the key of a thumbnail, by the 32-byte digest of its original."""
        return f"{_sharded('thumbnails', sha256)}.webp"

    def query_key(self, sha256_hex: str) -> str:
        """Return the key of a query image, by its digest in 64 lower-case hex digits."""
        if not _HEX.fullmatch(sha256_hex):
            raise _bad_key(sha256_hex)
        return f"queries/{sha256_hex[:2]}/{sha256_hex}"

    def put_original(self, data: bytes, sha256: bytes, media_type: str) -> str:
        """Keep an original.

        Parameters
        ----------
        data:
            The file as it came.
        sha256:
            Its digest, 32 bytes.
        media_type:
            Its IANA media type, which an S3 store remembers and serves it as.

        Returns
        -------
        str
            The key to read it by.

        Raises
        ------
        ServiceError
            ``disk_full``, ``store_not_writable`` or ``store_unreachable``.
        """
        return self._put(self.original_key(sha256), data, media_type)

    def put_thumbnail(self, data: bytes, sha256: bytes) -> str:
        """Keep a WebP thumbnail under the digest of its original; return its key. Errors as `put_original`."""
        return self._put(self.thumbnail_key(sha256), data, "image/webp")

    def put_query(self, data: bytes) -> str:
        """Keep a visitor's image for a while; return its digest in hex. Errors as `put_original`.

        Putting it again starts its time anew.
        """
        digest = hashlib.sha256(data).hexdigest()
        key = self.query_key(digest)
        fs, path = self._locate(key)
        with self._service_errors():
            if not (isinstance(fs, LocalFileSystem) and _made_new(path)):
                _write(fs, path, data, "application/octet-stream")
        return digest

    def read(self, key: str) -> bytes:
        """Return what is kept under a key.

        Raises
        ------
        InputError
            ``store_key`` if it is not a key of this store.
        NotFoundError
            ``image_missing`` if nothing is kept there.
        ServiceError
            ``store_not_readable`` or ``store_unreachable``.
        """
        fs, path = self._locate(key)
        with self._service_errors(denied="store_not_readable"):
            try:
                data: bytes = fs.cat_file(path)
            except FileNotFoundError:
                raise NotFoundError(
                    f"The image store holds nothing under {key}.",
                    hint="Ingest the image again, or check STYLESEARCH_STORE_URL.",
                    code="image_missing",
                ) from None
        return data

    def exists(self, key: str) -> bool:
        """Return whether something is kept under a key. Errors as `read`, but for a missing thing."""
        fs, path = self._locate(key)
        with self._service_errors(denied="store_not_readable"):
            return bool(fs.exists(path))

    def prune_queries(self, older_than_seconds: float) -> int:
        """Delete query images put longer ago than this; return how many."""
        fs = self._file_system()
        oldest = time.time() - older_than_seconds
        pruned = 0
        with self._service_errors():
            for path in fs.find(f"{self._root}/queries"):
                with contextlib.suppress(FileNotFoundError):  # another process pruned it first
                    if fs.modified(path).timestamp() < oldest:
                        fs.rm_file(path)
                        pruned += 1
        return pruned

    def put_spooled(self, data: bytes) -> str:
        """Keep something until it is removed again, under a name of its own; return its key. Errors as `put_original`."""
        name = uuid.uuid4().hex
        key = f"spool/{name[:2]}/{name}"
        fs, path = self._locate(key)
        with self._service_errors():
            if isinstance(fs, LocalFileSystem):
                _write_new(Path(path), data)  # nobody looks for it before its key is returned
            else:
                fs.pipe_file(path, data)
        return key

    def remove_spooled(self, keys: Iterable[str]) -> None:
        """Remove what was spooled; what has gone already is no matter. Errors as `put_original`."""
        for key in keys:
            fs, path = self._locate(key)
            with self._service_errors(), contextlib.suppress(FileNotFoundError):
                fs.rm_file(path)

    def list_spooled(self, older_than_seconds: float) -> list[str]:
        """Return the keys of what was spooled longer ago than this. Errors as `put_original`."""
        fs = self._file_system()
        oldest = time.time() - older_than_seconds
        found = []
        with self._service_errors():
            for path in fs.find(f"{self._root}/spool"):
                key = f"spool/{'/'.join(path.split('/')[-2:])}"
                with contextlib.suppress(FileNotFoundError):
                    if _KEY.fullmatch(key) and fs.modified(path).timestamp() < oldest:
                        found.append(key)
        return found

    def _file_system(self) -> fsspec.AbstractFileSystem:
        """Return the file system; fsspec keeps one for each process, since connections outlive no fork."""
        fs, _ = url_to_fs(self._url)
        return fs

    def _locate(self, key: str) -> tuple[fsspec.AbstractFileSystem, str]:
        if not _KEY.fullmatch(key):
            raise _bad_key(key)
        return self._file_system(), f"{self._root}/{key}"

    def _put(self, key: str, data: bytes, media_type: str) -> str:
        fs, path = self._locate(key)
        with self._service_errors():
            if not fs.exists(path):
                _write(fs, path, data, media_type)
        return key

    @contextlib.contextmanager
    def _service_errors(self, denied: str = "store_not_writable") -> Iterator[None]:
        try:
            yield
        except OSError as error:
            if error.errno in _NO_ROOM:
                raise ServiceError(
                    f"The image store {self._url} is full: {os.strerror(error.errno)}.",
                    hint="Free some space or move the store to a larger disk, then go on; nothing half-written was left.",
                    code="disk_full",
                ) from None
            if isinstance(error, PermissionError) or error.errno in _NO_RIGHT:
                doing = "written to" if denied == "store_not_writable" else "read"
                raise ServiceError(
                    f"The image store {self._url} cannot be {doing}: {error.strerror or error}.",
                    hint="Give this user the right to it, or name another in STYLESEARCH_STORE_URL.",
                    code=denied,
                ) from None
            raise ServiceError(
                f"The image store {self._url} cannot be reached: {error}.",
                hint="Check that its disk or server is there.",
                code="store_unreachable",
            ) from None


def _sharded(folder: str, sha256: bytes) -> str:
    if len(sha256) != 32:
        raise _bad_key(sha256.hex())
    digest = sha256.hex()
    return f"{folder}/{digest[:2]}/{digest[2:4]}/{digest}"


def _bad_key(key: str) -> InputError:
    return InputError(f"{key[:100]!r} is not a key of the image store.", code="store_key")


def _made_new(path: str) -> bool:
    """Give a file that is there the present time; return whether it is there."""
    try:
        os.utime(path)
    except FileNotFoundError:
        return False
    return True


def _write(fs: Any, path: str, data: bytes, media_type: str) -> None:
    if isinstance(fs, LocalFileSystem):
        _write_whole(Path(path), data)
    elif "s3" in fs.protocol:
        fs.pipe_file(path, data, ContentType=media_type)
    else:
        fs.pipe_file(path, data)


def _write_whole(path: Path, data: bytes) -> None:
    """Write beside the place and rename, so that no reader and no crash sees half a file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.{uuid.uuid4().hex}")
    try:
        beside.write_bytes(data)
        beside.replace(path)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise


def _write_new(path: Path, data: bytes) -> None:
    """Write a file that nobody else knows of; where that fails, nothing is left."""
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        path.write_bytes(data)
    except BaseException:
        path.unlink(missing_ok=True)
        raise


def open_spool(settings: Settings) -> ImageStore:
    """Return the store that the spool is in: the image store, unless the settings name another place."""
    return ImageStore(settings.spool_url) if settings.spool_url else open_store(settings)


def open_store(settings: Settings) -> ImageStore:
    """Return the image store that the settings name: a folder in the data folder by default."""
    return ImageStore(settings.store_url or str(settings.home.absolute() / "store"))
