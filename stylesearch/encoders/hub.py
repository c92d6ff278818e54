"""Weights from the Hugging Face hub, only ever when a person asks for them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from stylesearch.errors import InputError, ServiceError

REPOSITORY = re.compile(r"[\w.-]+/[\w.-]+")
_PREFERRED = ("model.safetensors", "pytorch_model.safetensors", "pytorch_model.bin")
_SUFFIXES = (".safetensors", ".bin", ".pth", ".pt", ".ckpt")
_SPDX = {"apache-2.0": "Apache-2.0", "mit": "MIT", "bsd-3-clause": "BSD-3-Clause"}


@dataclass(frozen=True, slots=True)
class Fetched:
    """A file from the hub, in this machine's cache.

    Attributes
    ----------
    source:
        Repository and file.
    license:
        SPDX id, as far as the repository states one that is known; else ``None``.
    """

    path: Path
    source: str
    license: str | None


def fetch(repository: str, file: str | None = None) -> Fetched:
    """Download a weights file, or take it from the cache.

    Parameters
    ----------
    repository:
        ``owner/name``.
    file:
        Which file; by default the repository's only weights file, or the one of the usual name.

    Raises
    ------
    InputError
        ``hub_file``, if the repository has no such file, or several and none is named.
    ServiceError
        ``download_failed``.
    """
    import huggingface_hub

    try:
        api = huggingface_hub.HfApi()
        info = api.model_info(repository)
        chosen = file or _choose(repository, [one.rfilename for one in info.siblings or []])
        path = huggingface_hub.hf_hub_download(repository, chosen, revision=info.sha)
    except InputError:
        raise
    except Exception as error:
        raise ServiceError(
            f"{repository} could not be fetched from the hub: {next(iter(str(error).splitlines()), type(error).__name__)}.",
            hint="Check the name and the connection, or give a file.",
            code="download_failed",
        ) from error
    stated = getattr(info.card_data, "license", None)
    return Fetched(Path(path), f"{repository}/{chosen}", _spdx(stated) if isinstance(stated, str) else None)


def _choose(repository: str, files: list[str]) -> str:
    weights = [name for name in files if name.endswith(_SUFFIXES)]
    usual = [name for name in _PREFERRED if name in weights]
    if usual or len(weights) == 1:
        return (usual or weights)[0]
    raise InputError(
        f"{repository} has {len(weights) or 'no'} weights files.",
        hint=f"Name one with --file: {', '.join(sorted(weights)[:8])}." if weights else "Check the name.",
        code="hub_file",
    )


def _spdx(license_: str) -> str:
    """Return the SPDX id of a licence as the hub writes it, in small letters."""
    small = license_.lower()
    if re.fullmatch(r"cc[0-]?[a-z0-9.-]+", small):
        return small.upper()
    return _SPDX.get(small, f"LicenseRef-{re.sub(r'[^A-Za-z0-9.-]', '-', license_)}")
