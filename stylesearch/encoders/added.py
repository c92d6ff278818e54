"""Encoders that a person added: a folder with one manifest each, and their weights under their digests."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import shutil
import time
import uuid
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, BinaryIO

import psutil

from stylesearch.encoders.checkpoints import WeightsFile, file_sha256, missing
from stylesearch.encoders.protocol import EncoderSpec
from stylesearch.errors import InputError, NotFoundError, ServiceError, StylesearchError
from stylesearch.local.locks import FileLock

SLUG = re.compile(r"[a-z0-9](?:[a-z0-9._-]{0,62}[a-z0-9])?")
_SUFFIX = ".json"
_WEIGHTS = "weights"
_SHA256 = re.compile(r"[0-9a-f]{64}")
_PIECE = 8 * 1024**2
_LOCK_POLL_SECONDS = 0.05


@dataclass(frozen=True, slots=True)
class AddedEncoder:
    """What a manifest says.

    Attributes
    ----------
    slug:
        What it is asked for by.
    family:
        What builds it: ``csd-vit-l-14``, ``openclip:ViT-B-32``.
    dim:
        Length of a descriptor.
    policy, preprocessing:
        Whole-image policy, and name and version of all that happens before the network.
    weights_sha256:
        Hex digest of the weights file, which is kept under this name.
    license:
        SPDX id of the weights.
    source:
        Where the weights came from: a file's name, or a hub's repository and file.
    """

    slug: str
    family: str
    dim: int
    policy: str
    preprocessing: str
    weights_sha256: str
    license: str
    source: str

    @property
    def spec(self) -> EncoderSpec:
        """The encoder's identity."""
        return EncoderSpec(self.slug, self.dim, self.weights_sha256, self.preprocessing, self.license)

    def weights_in(self, folder: Path) -> WeightsFile:
        """Return the weights file, whose digest is checked again whenever it is loaded."""
        return WeightsFile(folder / _WEIGHTS / self.weights_sha256, pinned=self.weights_sha256)


def check_slug(slug: str) -> str:
    """Return a slug that can be a file's name.

    Raises
    ------
    InputError
        ``encoder_slug``.
    """
    if not SLUG.fullmatch(slug):
        raise InputError(
            f"{slug!r} cannot be an encoder's slug.",
            hint="Use small letters, digits, points and hyphens, 64 at most.",
            code="encoder_slug",
        )
    return slug


def find_added(folder: Path, slug: str) -> AddedEncoder | None:
    """Return the encoder of that slug, or ``None``.

    Raises
    ------
    ServiceError
        ``encoder_manifest``, if its manifest is damaged or may not be read.
    """
    if not SLUG.fullmatch(slug):
        return None
    path = folder / f"{slug}{_SUFFIX}"
    try:
        text = path.read_text("utf-8")
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise _damaged(path, str(error)) from None
    return _read(path, text)


def _read(path: Path, text: str) -> AddedEncoder:
    try:
        values = json.loads(text)
        added = AddedEncoder(**values)
    except (ValueError, TypeError) as error:
        raise _damaged(path, str(error)) from None
    sound = (
        added.slug == path.name.removesuffix(_SUFFIX)
        and isinstance(added.dim, int)
        and all(isinstance(value, str) for name, value in asdict(added).items() if name != "dim")
        and _SHA256.fullmatch(added.weights_sha256)
    )
    if not sound:
        raise _damaged(path, "its values do not fit")
    return added


def _damaged(path: Path, why: str) -> ServiceError:
    return ServiceError(
        f"The manifest {path} cannot be used: {why}.",
        hint="Remove the file and add the encoder again.",
        code="encoder_manifest",
    )


def list_added(folder: Path) -> list[AddedEncoder]:
    """Return every encoder that was added, by slug. Errors as :func:`find_added`."""
    try:
        slugs = sorted(path.name.removesuffix(_SUFFIX) for path in folder.glob(f"*{_SUFFIX}"))
    except OSError:
        return []
    found = (find_added(folder, slug) for slug in slugs)
    return [added for added in found if added is not None]


def add(folder: Path, added: AddedEncoder, source: Path) -> None:
    """Keep an encoder: copy its weights, check the copy, then write its manifest.

    Nothing is seen by others before it is whole. What a call that was killed left behind is cleared away by the next.
    Adding the same again changes nothing.

    Parameters
    ----------
    folder:
        Made if it is not there.
    added:
        What to write.
    source:
        The weights file.

    Raises
    ------
    InputError
        ``encoder_slug``; ``encoder_exists``, if the slug is another encoder's.
    ServiceError
        ``encoders_not_writable``, also if the disk is full.
    StylesearchError
        ``weights_mismatch``, if the source is not, or its copy does not become, what ``added`` says.
    """
    check_slug(added.slug)
    with _writing(folder):
        (folder / _WEIGHTS).mkdir(parents=True, exist_ok=True)
        with _locked(folder):
            _refuse_other(folder, added)
            _clear_abandoned(folder)
        weights = folder / _WEIGHTS / added.weights_sha256
        with _temporary(weights) as beside:
            # Even where it is there already: a copy that was damaged since is replaced.
            _copy_checked(source, beside, added.weights_sha256)
            with _locked(folder):
                _refuse_other(folder, added)
                beside.replace(weights)
                _write_manifest(folder, added)


def _refuse_other(folder: Path, added: AddedEncoder) -> None:
    there = find_added(folder, added.slug)
    if there is not None and there.spec != added.spec:
        raise InputError(
            f"There is another encoder {added.slug!r} already.",
            hint=f"Choose another slug with --slug, or remove it with 'stylesearch encoders remove {added.slug}'.",
            code="encoder_exists",
        )


def _opened(source: Path) -> BinaryIO:
    try:
        return source.open("rb")
    except OSError as error:
        raise missing(source, error) from None


def _copy_checked(source: Path, target: Path, sha256: str) -> None:
    digest = hashlib.sha256()
    with _opened(source) as reader, target.open("xb") as writer:
        while piece := reader.read(_PIECE):
            digest.update(piece)
            writer.write(piece)
        writer.flush()
        os.fsync(writer.fileno())
    if digest.hexdigest() != sha256 or file_sha256(target) != sha256:
        raise StylesearchError(
            f"The weights {source} changed while they were being copied, or the disk did not keep them.",
            hint="Give the command again.",
            code="weights_mismatch",
        )


def _write_manifest(folder: Path, added: AddedEncoder) -> None:
    path = folder / f"{added.slug}{_SUFFIX}"
    with _temporary(path) as beside:
        with beside.open("x", encoding="utf-8") as file:
            json.dump(asdict(added), file, indent=2)
            file.write("\n")
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)


def remove(folder: Path, slug: str) -> AddedEncoder:
    """Remove an encoder, and its weights where no other uses them; return what it was.

    Raises
    ------
    NotFoundError
        ``unknown_encoder``, if none of that slug was added.
    ServiceError
        ``encoders_not_writable``.
    """
    with _writing(folder):
        added = find_added(folder, slug)
        if added is not None:
            with _locked(folder):
                (folder / f"{slug}{_SUFFIX}").unlink(missing_ok=True)
                if all(other.weights_sha256 != added.weights_sha256 for other in list_added(folder)):
                    (folder / _WEIGHTS / added.weights_sha256).unlink(missing_ok=True)
            return added
    known = ", ".join(one.slug for one in list_added(folder)) or "none"
    raise NotFoundError(f"No encoder {slug!r} was added.", hint=f"Added: {known}.", code="unknown_encoder")


@contextlib.contextmanager
def _temporary(path: Path) -> Iterator[Path]:
    """Yield a name beside a path that no other process uses, and leave nothing under it."""
    beside = path.with_name(f".{path.name}.{os.getpid()}.{uuid.uuid4().hex}")
    try:
        yield beside
    finally:
        beside.unlink(missing_ok=True)


def _clear_abandoned(folder: Path) -> None:
    """Remove the temporary files of processes that are no more."""
    for path in (*folder.glob(".*.*.*"), *(folder / _WEIGHTS).glob(".*.*.*")):
        process = path.name.rsplit(".", 2)[1]
        if process.isdecimal() and not psutil.pid_exists(int(process)):
            path.unlink(missing_ok=True)


@contextlib.contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Let one process at a time change what manifests and weights there are; it takes an instant each."""
    lock = FileLock(folder / ".lock")
    try:
        while not lock.try_exclusive():
            time.sleep(_LOCK_POLL_SECONDS)
        yield
    finally:
        lock.release()


@contextlib.contextmanager
def _writing(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        free = ""
        with contextlib.suppress(OSError):
            free = f" ({shutil.disk_usage(folder).free // 1024**2:,} MiB are free)"
        raise ServiceError(
            f"The folder of encoders {folder} cannot be written: {error.strerror or error}{free}.",
            hint="Mend its permissions, free some space, or set STYLESEARCH_HOME to another folder.",
            code="encoders_not_writable",
        ) from None


def describe_manifest(added: AddedEncoder) -> dict[str, Any]:
    """Return a manifest's values and the digest that follows from them, as JSON values."""
    return {**asdict(added), "digest": added.spec.digest}
