"""The embedded encoder: how each channel of a small network behaves over a picture, read by a head trained on styles."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from stylesearch.encoders.checkpoints import WeightsFile
from stylesearch.encoders.devices import resolve_device, usable_processors
from stylesearch.encoders.preprocessing import LITE_SCALE, Preprocessing
from stylesearch.encoders.protocol import Depth, Descriptors, Dissected, Pixels
from stylesearch.encoders.tower import DEVICE_SQUARES, SquareEncoder
from stylesearch.errors import InputError, StylesearchError

SLUG = "lite"
DIM = 256
PREPROCESSING = Preprocessing("squash", mean=LITE_SCALE[0], std=LITE_SCALE[1])

WEIGHTS = Path(__file__).with_name("weights") / "lite.safetensors"
"""The weights; beside them lies the graph, of the same name with ``.onnx``, which says what is computed with them and
holds none itself."""

PROCESSOR_SQUARES = 2
"""Squares that go through the network together on a processor: the maps of more do not fit its cache."""

DEPTHS_SEEN = tuple(
    Depth(name, 100 * pixels / PREPROCESSING.size)
    for name, pixels in (
        ("finest marks and edges", 3),
        ("fine marks and colours", 7),
        ("strokes and texture", 19),
        ("small forms and shading", 67),
        ("larger forms", 147),
    )
)
"""What each feature map sees, the stem's first, and how wide its patches are: what the strides and kernels add up to."""

DIGEST = "weights_sha256"
"""Entry of a graph's metadata: the SHA-256, in hex, of the weights file it was made for."""


_FATAL = 4
"""As grave as what ONNX Runtime prints must be; of all else it raises errors."""

_HINT = (
    "Install stylesearch again; for weights of your own, make both files anew with 'stylesearch train-lite'."
)


def graph_of(weights: Path) -> Path:
    """Return where the graph to a weights file lies."""
    return weights.with_suffix(".onnx")


class LiteEncoder(SquareEncoder):
    """Describes style on a processor, with weights that come with the package.

    On a processor ONNX Runtime computes, which is quicker there than torch; elsewhere torch, with the same weights.

    Parameters
    ----------
    weights:
        Another weights file than the installed one; its graph lies beside it.
    policy:
        Whole-image policy instead of ``squash``.
    device:
        ``auto``, ``cpu``, ``mps``, ``cuda`` or ``cuda:N``.

    Raises
    ------
    InputError
        ``unknown_policy``.
    """

    full_size = False

    def __init__(self, *, weights: Path = WEIGHTS, policy: str | None = None, device: str = "auto") -> None:
        super().__init__(
            slug=SLUG,
            dim=DIM,
            preprocessing=PREPROCESSING.with_policy(policy),
            license="Apache-2.0",
            device=device,
        )
        self._weights_path = weights
        self._session: Any = None
        self._tensors: Any = None
        self._network: Any = None
        self._device = ""

    @cached_property
    def weights(self) -> WeightsFile:
        """The weights file."""
        return WeightsFile(self._weights_path)

    def load(self) -> None:
        with self._lock:
            if self._device:
                return
            device = resolve_device(self._device_name)
            if device == "cpu":
                self._session, self._tensors = _open_session(self.weights)
            else:
                self._build(device)
            self._device = device

    def _build(self, device: str) -> Any:
        """Return the network as torch runs it, which on a processor only explanations need."""
        with self._lock:
            if self._network is None:
                from stylesearch.encoders.lite_network import build_network

                what = f"the weights {self.weights.path}"
                self._network = build_network(self.weights.read(), what).to(device)
            return self._network

    @property
    def depths(self) -> tuple[Depth, ...]:
        """The depths, the one that sees the smallest patches first."""
        return DEPTHS_SEEN

    def dissect(self, pixels: Pixels) -> Dissected:
        """Look into a picture.

        Raises
        ------
        InputError
            If the array is not pixels, or the encoder does not take pictures whole in one square.
        StylesearchError
            If the weights, or what says what is ordinary, cannot be used.
        """
        from stylesearch.encoders.lite_dissection import DissectedByLite, ordinary_of, read_ordinary

        if self.preprocessing.policy != PREPROCESSING.policy:
            raise InputError(
                f"Only the policy {PREPROCESSING.policy} can be explained, not {self.preprocessing.policy}.",
                hint="Leave out the policy.",
                code="unknown_policy",
            )
        network = self._build(resolve_device(self._device_name))
        ordinary = read_ordinary(ordinary_of(self.weights.path))
        return DissectedByLite(network, ordinary, self.prepare(pixels)[0])

    def describe_squares(self, squares: Sequence[Pixels]) -> Descriptors:
        size = DEVICE_SQUARES if self._session is None else PROCESSOR_SQUARES
        batches = [np.stack(squares[start : start + size]) for start in range(0, len(squares), size)]
        return np.concatenate([self._run(batch) for batch in batches])

    def _run(self, batch: Pixels) -> Descriptors:
        if self._session is not None:
            descriptors: Descriptors = self._session.run(None, {"pixels": batch})[0]
            return descriptors
        import torch

        with torch.inference_mode():
            found: Descriptors = self._network(torch.from_numpy(batch).to(self._device)).cpu().numpy()
        return found


def _open_session(weights: WeightsFile) -> tuple[Any, Any]:
    """Return a session of ONNX Runtime on the graph, and the weights in memory, which must be kept as long.

    The weights are handed over by name, so that what is computed with is what the digest is of, whatever becomes of the
    file; the graph's own references to it are for other programs.

    Raises
    ------
    StylesearchError
        ``weights_missing``, if either file cannot be read; ``weights_mismatch``, if the two do not belong together.
    """
    import onnxruntime
    from safetensors.numpy import load

    data, path = weights.read_bytes(), graph_of(weights.path)
    try:
        graph = path.read_bytes()
    except OSError as error:
        raise StylesearchError(
            f"The graph {path}, which belongs beside the weights, cannot be read: {error.strerror}.",
            hint=_HINT,
            code="weights_missing",
        ) from None
    if weights.sha256.encode() not in graph:
        raise _mismatch(f"The graph {path} was not made for the weights {weights.path}, or is damaged.")
    options = onnxruntime.SessionOptions()
    options.log_severity_level = _FATAL
    options.intra_op_num_threads = usable_processors()
    # Threads that wait in a busy loop take the processor from those that decode the next pictures.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    try:
        tensors = {name: onnxruntime.OrtValue.ortvalue_from_numpy(one) for name, one in load(data).items()}
        options.add_external_initializers(list(tensors), list(tensors.values()))
        session = onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # noqa: BLE001 - ONNX Runtime's errors have nothing but this in common
        what = next(iter(str(error).splitlines()), type(error).__name__)
        raise _mismatch(f"The graph {path} cannot be run: {what.rstrip('.')}.") from None
    return session, tensors


def _mismatch(message: str) -> StylesearchError:
    return StylesearchError(message, hint=_HINT, code="weights_mismatch")
