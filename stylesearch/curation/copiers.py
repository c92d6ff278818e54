"""What tells copies: the built-in looks, or a copy descriptor in a TorchScript file, such as SSCD."""

from __future__ import annotations

import hashlib
import warnings
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from stylesearch.curation import looks
from stylesearch.errors import InputError
from stylesearch.images.decode import Pixels

Rows = NDArray[Any]
"""``[n, ...]``: what is kept of each image."""

MODEL_THRESHOLD = 0.8
"""As in the paper, with SSCD."""

MODEL_SIDE = 320
_MEAN, _DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
LARGEST_MODEL = 2 * 1024**3


class Copier(Protocol):
    """Describes pictures so that copies come near to each other.

    Attributes
    ----------
    identity:
        What makes its descriptions those that they are.
    calibrated:
        Whether its threshold is to be learnt from made copies, as its scores have no fixed meaning.
    floor:
        Least inner product from which on two images are looked at; ``None`` where the threshold itself is that.
    """

    identity: str
    calibrated: bool
    floor: float | None

    def describe(self, pictures: list[Pixels]) -> Rows:
        """Return what is kept of some pictures."""

    def blank(self, rows: Rows) -> NDArray[np.bool_]:
        """Return which of them have nothing in them to be compared by."""

    def keys(self, rows: Rows) -> NDArray[np.float32]:
        """Return ``[n, dim]`` unit vectors that each is found by."""

    def queries(self, rows: Rows) -> NDArray[np.float32]:
        """Return ``[views, n, dim]`` unit vectors that are looked for."""

    def scores(self, ones: Rows, others: Rows) -> NDArray[np.float32]:
        """Return ``[n]`` how near the images of each pair are."""


class LooksCopier:
    """The built-in descriptor; see :mod:`stylesearch.curation.looks`."""

    identity = "looks-1"
    calibrated = True
    floor: float | None = looks.FLOOR

    def describe(self, pictures: list[Pixels]) -> Rows:
        return np.stack([looks.look(pixels) for pixels in pictures])

    def blank(self, rows: Rows) -> NDArray[np.bool_]:
        return looks.is_blank(rows)

    def keys(self, rows: Rows) -> NDArray[np.float32]:
        return looks.keys(rows)

    def queries(self, rows: Rows) -> NDArray[np.float32]:
        return looks.queries(rows)

    def scores(self, ones: Rows, others: Rows) -> NDArray[np.float32]:
        return looks.agreement(ones, others)


class ModelCopier:
    """A network in a TorchScript file that takes ``[n, 3, 320, 320]``, normalised as ImageNet is, and gives ``[n, dim]``.

    A TorchScript file is a program: give only one whose origin you know.

    Raises
    ------
    InputError
        ``copy_model``, if it cannot be read, or gives something else.
    """

    calibrated = False
    floor: float | None = None

    def __init__(self, path: Path, device: str = "cpu") -> None:
        import torch

        self._path = path
        self._device = device
        try:
            if path.stat().st_size > LARGEST_MODEL:
                raise ValueError(f"it has more than {LARGEST_MODEL:,} bytes")
            with path.open("rb") as file:
                self.identity = f"model-{hashlib.file_digest(file, 'sha256').hexdigest()}-{MODEL_SIDE}"
            load: Any = torch.jit.load
            with warnings.catch_warnings():
                # Copy descriptors are published in this format, whatever comes after it.
                warnings.filterwarnings("ignore", message=".*torch.jit", category=FutureWarning)
                warnings.filterwarnings("ignore", message=".*torch.jit", category=DeprecationWarning)
                self._module = load(str(path), map_location=device).eval()
        except (OSError, RuntimeError, ValueError) as error:
            raise self._bad(next(iter(str(error).splitlines()), "it is no TorchScript")) from None

    def describe(self, pictures: list[Pixels]) -> Rows:
        import torch
        from PIL import Image

        size = (MODEL_SIDE, MODEL_SIDE)
        scaled = np.stack(
            [np.asarray(Image.fromarray(one).resize(size, Image.Resampling.BILINEAR)) for one in pictures]
        )
        batch = torch.from_numpy(scaled).permute(0, 3, 1, 2).float() / 255
        mean, deviation = (torch.tensor(values).reshape(1, 3, 1, 1) for values in (_MEAN, _DEVIATION))
        try:
            with torch.inference_mode():
                given = self._module(((batch - mean) / deviation).to(self._device))
                vectors = given.detach().float().cpu().numpy()
        except (AttributeError, RuntimeError, TypeError) as error:
            raise self._bad(next(iter(str(error).splitlines()), type(error).__name__)) from None
        if vectors.ndim != 2 or len(vectors) != len(pictures) or not np.isfinite(vectors).all():
            raise self._bad(
                f"it gives {list(vectors.shape)} for {len(pictures)} pictures, or no finite numbers"
            )
        unit: Rows = (vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9)).astype(
            np.float16
        )
        return unit

    def blank(self, rows: Rows) -> NDArray[np.bool_]:
        return np.zeros(len(rows), np.bool_)

    def keys(self, rows: Rows) -> NDArray[np.float32]:
        return rows.astype(np.float32)

    def queries(self, rows: Rows) -> NDArray[np.float32]:
        return rows.astype(np.float32)[None]

    def scores(self, ones: Rows, others: Rows) -> NDArray[np.float32]:
        products: NDArray[np.float32] = (ones.astype(np.float32) * others.astype(np.float32)).sum(axis=1)
        return products

    def _bad(self, what: str) -> InputError:
        return InputError(
            f"The copy descriptor {self._path} cannot be used: {what.rstrip('.')}.",
            hint="Give a TorchScript file of SSCD, or leave --copy-model out.",
            code="copy_model",
        )


def open_copier(model: str | None, device: str) -> Copier:
    """Return what a recipe names to tell copies by.

    Raises
    ------
    InputError
        ``copy_model``.
    """
    if model is None:
        return LooksCopier()
    from stylesearch.encoders.devices import resolve_device

    return ModelCopier(Path(model), str(resolve_device(device)))
