"""Weights files: read without running anything that is in them, and fitted without a gap."""

from __future__ import annotations

import hashlib
import os
import pickle
import re
import struct
import threading
import warnings
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stylesearch.errors import StylesearchError

if TYPE_CHECKING:
    from torch import Tensor, nn

WRAPPERS = ("model_state_dict", "state_dict", "model")
"""Keys that training scripts keep the weights under, beside optimisers and counters."""

PREFIXES = ("module.", "_orig_mod.")
"""What ``DistributedDataParallel`` and ``torch.compile`` put before every name."""

# Training scripts keep their arguments and counters beside the weights, as these kinds of object. None of it is needed,
# so each is replaced by something that keeps nothing and does nothing.
_IGNORED = (
    "argparse.Namespace",
    "numpy.core.multiarray._reconstruct",
    "numpy.core.multiarray.scalar",
    "numpy._core.multiarray._reconstruct",
    "numpy._core.multiarray.scalar",
    "numpy.dtype",
    "numpy.ndarray",
    "pathlib.PosixPath",
    "pathlib._local.PosixPath",  # what Python 3.13 writes
)
_ZIP = b"PK\x03\x04"
_PICKLE = re.compile(rb"\x80[\x02-\x05]")
_SAFETENSORS_HEADER_LIMIT = 100_000_000
_GLOBAL = re.compile(r"GLOBAL (\S+)")
_reading = threading.Lock()  # torch keeps its list of allowed classes for the whole process


class _Ignored:
    """Stands in for an object of a checkpoint that is of no use here."""

    def __init__(self, *args: object, **kwargs: object) -> None:
        pass

    def __new__(cls, *args: object, **kwargs: object) -> _Ignored:  # noqa: ARG004
        return super().__new__(cls)

    def __setstate__(self, state: object) -> None:
        pass


def _stand_ins() -> list[Any]:
    made = []
    for name in _IGNORED:
        module, _, short = name.rpartition(".")
        made.append(type(short, (_Ignored,), {"__module__": module, "__qualname__": short}))
    return made


def file_sha256(path: Path) -> str:
    """Return a file's SHA-256 in hex, reading it piece by piece.

    Raises
    ------
    StylesearchError
        ``weights_missing``, if it cannot be read.
    """
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise missing(path, error) from None


@dataclass
class WeightsFile:
    """A weights file that is to stay the same from its digest to its loading.

    Parameters
    ----------
    path:
        The file; need not be there yet.
    pinned:
        The SHA-256 it must have, in hex, or ``None`` if any will do.
    """

    path: Path
    pinned: str | None = None
    _found: tuple[str, tuple[int, ...]] | None = field(default=None, init=False, repr=False)

    @property
    def sha256(self) -> str:
        """Hex digest: the pinned one, else the file's, found on first use."""
        if self.pinned is not None:
            return self.pinned
        if self._found is None:
            state = self._stat()
            self._found = file_sha256(self.path), state
        return self._found[0]

    def verify(self) -> None:
        """Take the file's digest again, if one is pinned.

        Raises
        ------
        StylesearchError
            ``weights_mismatch``, if the file is another than the pinned one; ``weights_missing``.
        """
        if self.pinned is not None and (found := file_sha256(self.path)) != self.pinned:
            raise StylesearchError(
                f"The weights {self.path} are not the ones expected: SHA-256 {found}, not {self.pinned}.",
                hint="Do not use the file; remove the encoder and add it again from its source.",
                code="weights_mismatch",
            )

    def read(self) -> dict[str, Tensor]:
        """Return the tensors by name, as :func:`read_state` does.

        Raises
        ------
        StylesearchError
            ``weights_mismatch``, if the file is not the one that is pinned, or has changed since its digest was taken.
            Else as :func:`read_state`.
        """
        self.verify()
        if self._found is not None and self._stat() != self._found[1]:
            raise self._changed()
        return read_state(self.path)

    def read_bytes(self) -> bytes:
        """Return the whole file, which is what the digest is of.

        Raises
        ------
        StylesearchError
            ``weights_mismatch``, if it is another file by now; ``weights_missing``.
        """
        digest = self.sha256
        try:
            data = self.path.read_bytes()
        except OSError as error:
            raise missing(self.path, error) from None
        if hashlib.sha256(data).hexdigest() != digest:
            raise self._changed()
        return data

    def _changed(self) -> StylesearchError:
        return StylesearchError(
            f"The weights {self.path} changed while they were being read.",
            hint="Give the command again when nothing writes to the file.",
            code="weights_mismatch",
        )

    def _stat(self) -> tuple[int, ...]:
        try:
            stat = self.path.stat()
        except OSError as error:
            raise missing(self.path, error) from None
        return stat.st_dev, stat.st_ino, stat.st_size, stat.st_mtime_ns


def missing(path: Path, error: OSError) -> StylesearchError:
    """Return the error that a weights file cannot be opened."""
    return StylesearchError(
        f"The weights {path} cannot be read: {error.strerror}.",
        hint="Check the path.",
        code="weights_missing",
    )


def read_state(path: Path) -> dict[str, Tensor]:
    """Read a checkpoint: its tensors by name, without wrappers and prefixes.

    The file is mapped into memory, so that only what is used is read, and processes that load the same file share it.
    Nothing in the file is executed.

    Parameters
    ----------
    path:
        A file written by ``torch.save`` or by safetensors; told apart by their first bytes.

    Returns
    -------
    dict
        On the processor, of the types that the file has. Every tensor is finite.

    Raises
    ------
    StylesearchError
        ``weights_missing`` (cannot be opened), ``checkpoint_unreadable`` (empty, cut off, or no checkpoint),
        ``checkpoint_unsafe`` (holds objects other than tensors and plain values), ``weights_invalid`` (a tensor with
        NaN or infinity, or something that is no tensor; named).
    """
    try:
        with path.open("rb") as file:
            head = file.read(9)
            size = os.fstat(file.fileno()).st_size
    except OSError as error:
        raise missing(path, error) from None
    if not head:
        raise _unreadable(path, "is empty")
    if _is_safetensors(head, size):
        return _checked(path, _read_safetensors(path))
    if not head.startswith(_ZIP) and not _PICKLE.match(head):
        raise _unreadable(path, "is neither a PyTorch nor a safetensors file, or is cut off")
    # torch goes by the name where it is given one, and would take this suffix for the other format.
    mapped = head.startswith(_ZIP) and path.suffix != ".safetensors"
    state = _unwrapped(_read_torch(path, mapped=mapped))
    if state is None:
        raise _unreadable(path, "holds no weights")
    return _checked(path, state)


def _is_safetensors(head: bytes, size: int) -> bool:
    length = int.from_bytes(head[:8], "little")
    return len(head) == 9 and head[8:] == b"{" and length < min(size, _SAFETENSORS_HEADER_LIMIT)


def _read_safetensors(path: Path) -> dict[str, Tensor]:
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        return load_file(path)
    except (SafetensorError, OSError) as error:
        raise _unreadable(path, f"is damaged or cut off ({_line(error)})") from None


def _read_torch(path: Path, *, mapped: bool) -> object:
    import torch

    try:
        with (
            path.open("rb") as file,
            _reading,
            torch.serialization.safe_globals(_stand_ins()),
            warnings.catch_warnings(),
        ):
            warnings.simplefilter("ignore")  # what torch has to say of an odd file is said below, as an error
            source = path if mapped else file
            return torch.load(source, map_location="cpu", weights_only=True, mmap=mapped)
    except pickle.UnpicklingError as error:
        named = _GLOBAL.search(str(error))
        if named is None and "Unsupported" not in str(error):
            raise _unreadable(path, "is damaged, or no checkpoint") from None
        raise _unsafe(path, f"an object of the kind {named[1]}" if named else "Python objects") from None
    except (
        RuntimeError,
        EOFError,
        OSError,
        ValueError,
        LookupError,
        ArithmeticError,
        AssertionError,
        AttributeError,
        TypeError,
        struct.error,
    ) as error:
        if "TorchScript" in str(error):
            raise _unsafe(path, "a TorchScript program") from None
        raise _unreadable(path, f"is damaged or cut off ({_line(error)})") from None


def _unwrapped(found: object) -> dict[str, Any] | None:
    """Return the innermost mapping of names to tensors, with uniform prefixes taken off; ``None`` if there is none."""
    import torch

    while isinstance(found, Mapping):
        if any(isinstance(value, torch.Tensor) for value in found.values()):
            return _without_prefixes({str(name): value for name, value in found.items()})
        found = next((found[key] for key in WRAPPERS if isinstance(found.get(key), Mapping)), None)
    return None


def _without_prefixes(state: dict[str, Any]) -> dict[str, Any]:
    for prefix in PREFIXES * 2:  # either may be inside the other
        if all(name.startswith(prefix) for name in state):
            state = {name.removeprefix(prefix): value for name, value in state.items()}
    return state


def _checked(path: Path, state: dict[str, Any]) -> dict[str, Tensor]:
    import torch

    if not state:
        raise _unreadable(path, "holds no weights")
    for name, value in state.items():
        if not isinstance(value, torch.Tensor):
            raise _invalid(f"{path} has something under {name} that is no tensor.")
        if value.is_floating_point() and not bool(torch.isfinite(value).all()):
            raise _invalid(f"{path} has a NaN or infinity in {name}.")
    return state


def load_strictly(module: nn.Module, state: Mapping[str, Tensor], what: str) -> None:
    """Fill a module with weights, and accept nothing but an exact fit.

    The tensors are taken over, not copied, where they have the module's type already; so the module may be on torch's
    ``meta`` device.

    Parameters
    ----------
    module:
        What is filled.
    state:
        Tensors by the module's own names.
    what:
        What is loaded, for the message: ``"the checkpoint x.pth"``.

    Raises
    ------
    StylesearchError
        ``weights_mismatch``, if a tensor is missing, left over or of another shape; it is named.
    """
    expected = module.state_dict()
    problems = [*_misfits(expected, state)]
    if problems:
        more = len(problems) - 1
        others = f" ({more} more {'does' if more == 1 else 'do'} not fit either)" if more else ""
        raise StylesearchError(
            f"{what[:1].upper()}{what[1:]} {problems[0]}{others}.",
            hint="It belongs to another model, or is incomplete.",
            code="weights_mismatch",
        )
    # Where the module has real weights, they give the type; a half-precision file is widened here.
    typed = {name: tensor.to(expected[name].dtype) for name, tensor in state.items()}
    module.load_state_dict(typed, strict=True, assign=True)


def _misfits(expected: Mapping[str, Tensor], state: Mapping[str, Tensor]) -> Iterator[str]:
    yield from (f"lacks {name}" for name in expected if name not in state)
    yield from (f"has {name}, which the model does not know" for name in state if name not in expected)
    for name, tensor in state.items():
        if name in expected and tensor.shape != expected[name].shape:
            yield f"has {name} in the shape {list(tensor.shape)}, not {list(expected[name].shape)}"


def subset(state: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    """Return what is under a prefix, without the prefix."""
    return {name.removeprefix(prefix): tensor for name, tensor in state.items() if name.startswith(prefix)}


def has_any(names: Iterable[str], prefix: str) -> bool:
    """Whether any of the names begins with a prefix."""
    return any(name.startswith(prefix) for name in names)


def _line(error: Exception) -> str:
    return next(iter(str(error).splitlines()), type(error).__name__).partition(". ")[0][:120]


def _unreadable(path: Path, what: str) -> StylesearchError:
    return StylesearchError(
        f"The checkpoint {path} {what}.", hint="Copy it from its source again.", code="checkpoint_unreadable"
    )


def _unsafe(path: Path, what: str) -> StylesearchError:
    return StylesearchError(
        f"The checkpoint {path} holds {what}, which only code could load; nothing of it was run.",
        hint="Ask its makers for a safetensors file.",
        code="checkpoint_unsafe",
    )


def _invalid(message: str) -> StylesearchError:
    return StylesearchError(
        f"The checkpoint {message}", hint="These weights are of no use; get others.", code="weights_invalid"
    )
