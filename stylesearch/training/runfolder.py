"""The folder of a training run: its checkpoint, its metrics, and in the end its weights."""

from __future__ import annotations

import errno
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import torch
from torch import Tensor

from stylesearch.errors import InputError, ServiceError
from stylesearch.files import written_whole
from stylesearch.local.locks import FileLock

CHECKPOINT, METRICS, WEIGHTS = "checkpoint.pt", "metrics.jsonl", "weights.safetensors"
KEPT = frozenset(("identity", "step", "module", "optimizer", "scaler"))
"""What a checkpoint holds."""

_NO_ROOM = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


class RunFolder:
    """Reads and writes a run's files; what is replaced is replaced whole or not at all.

    Attributes
    ----------
    path:
        The folder.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    @property
    def checkpoint(self) -> Path:
        """Everything a run needs to go on."""
        return self.path / CHECKPOINT

    @property
    def metrics(self) -> Path:
        """JSON Lines: one object a step, and one an evaluation."""
        return self.path / METRICS

    @property
    def weights(self) -> Path:
        """The trained weights, in the layout of the encoder they are for."""
        return self.path / WEIGHTS

    @contextmanager
    def held(self) -> Iterator[None]:
        """Keep other runs out of the folder, which is made if it is missing, for as long as the block lasts.

        Raises
        ------
        InputError
            ``run_busy``, if another run holds it.
        ServiceError
            ``not_writable``, ``disk_full``.
        """
        with self._file_errors():
            self.path.mkdir(parents=True, exist_ok=True)
            lock = FileLock(self.path / ".lock")
        try:
            if not lock.try_exclusive():
                raise InputError(
                    f"Another run is going on in {self.path}.", hint="Name another folder.", code="run_busy"
                )
            yield
        finally:
            lock.release()

    def clear(self) -> None:
        """Remove what an earlier run left."""
        with self._file_errors():
            for path in (self.checkpoint, self.metrics, self.weights):
                path.unlink(missing_ok=True)

    def save_checkpoint(self, state: Mapping[str, Any]) -> None:
        """Write the checkpoint: tensors and plain values only, so that it can be read without running code.

        Raises
        ------
        ServiceError
            ``disk_full`` or ``not_writable``; the checkpoint before is then still there.
        """
        self._replace(self.checkpoint, lambda file: _dump(dict(state), file))

    def load_checkpoint(self) -> dict[str, Any] | None:
        """Return the checkpoint, on the processor; ``None`` if there is none.

        Raises
        ------
        InputError
            ``checkpoint_unreadable``.
        """
        if not self.checkpoint.exists():
            return None
        try:
            state: dict[str, Any] = torch.load(self.checkpoint, map_location="cpu", weights_only=True)
            if not state.keys() >= KEPT:
                raise ValueError("it is no checkpoint of a run")
        except Exception as error:
            # torch raises whatever the damage makes of the file.
            raise InputError(
                f"The checkpoint {self.checkpoint} cannot be read.",
                hint="Give --fresh to begin anew, or put a whole copy of it there.",
                code="checkpoint_unreadable",
            ) from error
        return state

    def save_weights(self, tensors: Mapping[str, Tensor], training: Mapping[str, Any]) -> None:
        """Write the weights as safetensors. Errors as :meth:`save_checkpoint`.

        Parameters
        ----------
        training:
            What the file says of its making, kept as JSON under the one name ``training``: the library writes several
            names in an order of its own, and the same run is to write the same bytes.
        """
        from safetensors.torch import save

        plain = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
        data = save(plain, metadata={"training": json.dumps(training, sort_keys=True)})
        self._replace(self.weights, lambda file: file.write(data))

    def log(self, record: Mapping[str, Any]) -> None:
        """Add a line to the metrics. Errors as :meth:`save_checkpoint`."""
        with self._file_errors(), self.metrics.open("a", encoding="utf-8") as file:
            file.write(json.dumps(record, allow_nan=False) + "\n")

    def forget_after(self, step: int) -> None:
        """Drop the metrics of later steps, which are about to be made again. Errors as :meth:`save_checkpoint`."""
        kept = [line for line in read_metrics(self.metrics) if line["step"] <= step]
        text = "".join(json.dumps(line) + "\n" for line in kept)
        self._replace(self.metrics, lambda file: file.write(text.encode()))

    def _replace(self, path: Path, write: Callable[[IO[bytes]], object]) -> None:
        with self._file_errors(), written_whole(path) as file:
            write(file)

    @contextmanager
    def _file_errors(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            if error.errno in _NO_ROOM:
                raise ServiceError(
                    f"There is no room left for {self.path}.",
                    hint="Free some space and give the command again; it goes on from the last checkpoint.",
                    code="disk_full",
                ) from error
            raise ServiceError(
                f"{error.filename or self.path} cannot be written: {error.strerror or error}.",
                hint="Name another folder with --out.",
                code="not_writable",
            ) from error


def _dump(state: dict[str, Any], file: IO[bytes]) -> None:
    try:
        torch.save(state, file)
    except RuntimeError as error:
        # torch hides what the file said, such as that the disk is full, behind an error of its own.
        if isinstance(error.__context__, OSError):
            raise error.__context__ from None
        raise


def read_metrics(path: Path) -> list[dict[str, Any]]:
    """Return a run's metrics, one mapping a line; empty if there is no such file.

    A last line that a killed run left unfinished is passed over.
    """
    if not path.exists():
        return []
    records = []
    for line in path.read_text(encoding="utf-8").splitlines():
        try:
            records.append(json.loads(line))
        except json.JSONDecodeError:
            continue
    return records
