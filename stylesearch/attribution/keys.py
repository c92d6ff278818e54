"""The keys that reports are signed with: Ed25519, one at a time, the older ones kept to check what they signed."""

from __future__ import annotations

import base64
import contextlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)
from sqlalchemy import func, select, text, update
from sqlalchemy.orm import Session

from stylesearch.catalog.calibrations import SigningKey
from stylesearch.errors import InputError, ServiceError

SIGNATURE_FORMAT = "stylesearch-signature"
ALGORITHM = "Ed25519"
KEYS_LOCK = 4_702_117_533_206
_FOLDER = Path("keys") / "reports"
_PUBLIC_BYTES, _SIGNATURE_BYTES = 32, 64


@dataclass(frozen=True, slots=True)
class Signature:
    """A detached signature."""

    key_id: str
    value: bytes

    def to_bytes(self) -> bytes:
        """Return the file that goes with a report."""
        told = {
            "format": SIGNATURE_FORMAT,
            "algorithm": ALGORITHM,
            "key_id": self.key_id,
            "signature": base64.b64encode(self.value).decode(),
        }
        return (json.dumps(told, indent=2) + "\n").encode()

    @classmethod
    def from_bytes(cls, data: bytes) -> Signature:
        """Read such a file.

        Raises
        ------
        InputError
            ``not_a_signature``.
        """
        try:
            told: Any = json.loads(data)
            value = base64.b64decode(told["signature"], validate=True)
            if (told["format"], told["algorithm"]) == (SIGNATURE_FORMAT, ALGORITHM) and len(
                value
            ) == _SIGNATURE_BYTES:
                return cls(str(told["key_id"]), value)
        except (ValueError, KeyError, TypeError, RecursionError):
            pass
        raise InputError(
            "This is no signature of a report.",
            hint="It is the file that was written beside the report, NAME.report.sig.",
            code="not_a_signature",
        )


class KeyRing:
    """The keys of an installation: private halves in the data folder, public ones in the catalogue."""

    def __init__(self, home: Path) -> None:
        self._folder = home / _FOLDER

    def sign(self, session: Session, data: bytes) -> Signature:
        """Sign bytes with the key in use; the first time, one is made.

        Raises
        ------
        ServiceError
            ``keys_not_writable`` or ``key_damaged``.
        """
        key_id, key = self._in_use(session)
        return Signature(key_id, key.sign(data))

    def rotate(self, session: Session) -> str:
        """Take the key out of use and make another; return the new one's id. What the old one signed stays good."""
        session.execute(select(func.pg_advisory_xact_lock(KEYS_LOCK)))
        session.execute(
            update(SigningKey).where(SigningKey.retired_at.is_(None)).values(retired_at=func.now())
        )
        return self._make(session)[0]

    def _in_use(self, session: Session) -> tuple[str, Ed25519PrivateKey]:
        found = self._held(session)
        if found is None:
            session.execute(select(func.pg_advisory_xact_lock(KEYS_LOCK)))
            found = self._held(session)
        return found or self._make(session)

    def _held(self, session: Session) -> tuple[str, Ed25519PrivateKey] | None:
        """Return the newest key in use whose private half is here: another machine may have made one of its own."""
        ids = session.scalars(
            select(SigningKey.key_id)
            .where(SigningKey.retired_at.is_(None))
            .order_by(SigningKey.created_at.desc(), SigningKey.key_id)
        )
        for key_id in ids:
            path = self._path(key_id)
            if path.is_file():
                return key_id, self._read(path)
        return None

    def _read(self, path: Path) -> Ed25519PrivateKey:
        try:
            key = load_pem_private_key(path.read_bytes(), password=None)
        except (ValueError, TypeError, OSError) as error:
            raise _damaged(path) from error
        if not isinstance(key, Ed25519PrivateKey) or key_id_of(key.public_key()) != path.stem:
            raise _damaged(path)
        return key

    def _make(self, session: Session) -> tuple[str, Ed25519PrivateKey]:
        key = Ed25519PrivateKey.generate()
        key_id = key_id_of(key.public_key())
        data = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        try:
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            # Nobody else may read it, not even for a moment.
            file = os.open(self._path(key_id), os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with contextlib.closing(os.fdopen(file, "wb")) as opened:
                opened.write(data)
        except OSError as error:
            raise ServiceError(
                f"The key for reports cannot be kept in {self._folder}: {error.strerror}.",
                hint="Give this user the right to the folder, or name another data folder in STYLESEARCH_HOME.",
                code="keys_not_writable",
            ) from error
        session.add(SigningKey(key_id=key_id, public_key=_raw(key.public_key())))
        session.flush()
        return key_id, key

    def _path(self, key_id: str) -> Path:
        return self._folder / f"{key_id}.pem"


def public_keys(session: Session) -> dict[str, bytes]:
    """Return every public key that reports of this archive were signed with, by id."""
    return dict(session.execute(text("SELECT key_id, public_key FROM signing_key")).all())


def key_id_of(key: Ed25519PublicKey) -> str:
    """Return what a key is called: the beginning of the SHA-256 of its public half."""
    return sha256(_raw(key)).hexdigest()[:16]


def is_signed(data: bytes, signature: Signature, keys: Mapping[str, bytes]) -> bool | None:
    """Return whether a signature is of these bytes; ``None`` if its key is none of those known."""
    raw = keys.get(signature.key_id)
    if raw is None or len(raw) != _PUBLIC_BYTES:
        return None
    try:
        Ed25519PublicKey.from_public_bytes(bytes(raw)).verify(signature.value, data)
    except InvalidSignature:
        return False
    return True


def read_public_key(told: str) -> tuple[str, bytes]:
    """Read a public key in base64; return its id and its 32 bytes.

    Raises
    ------
    InputError
        ``not_a_key``.
    """
    with contextlib.suppress(ValueError):
        raw = base64.b64decode(told.strip(), validate=True)
        if len(raw) == _PUBLIC_BYTES:
            return key_id_of(Ed25519PublicKey.from_public_bytes(raw)), raw
    raise InputError(
        "This is no public key.",
        hint="It is 32 bytes in base64, as 'stylesearch report keys' prints it.",
        code="not_a_key",
    )


def _raw(key: Ed25519PublicKey) -> bytes:
    return key.public_bytes(Encoding.Raw, PublicFormat.Raw)


def _damaged(path: Path) -> ServiceError:
    return ServiceError(
        f"The key for reports in {path} is damaged.",
        hint="Restore it, or make another with 'stylesearch report keys --rotate'.",
        code="key_damaged",
    )
