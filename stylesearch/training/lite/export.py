"""Writes what the encoder ``lite`` reads: weights, and the graph that says what is computed with them."""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import logging
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from stylesearch.encoders.lite import DIGEST, PREPROCESSING, graph_of
from stylesearch.encoders.lite_network import LiteNetwork
from stylesearch.errors import StylesearchError
from stylesearch.files import written_whole

_OPSET = 20
_LENGTH_BYTES = 8


def export(network: LiteNetwork, path: Path, metadata: Mapping[str, Any]) -> None:
    """Write a network's weights, and beside them its graph.

    The graph refers to the weights file by offsets and holds no weights itself, so the two cannot contradict each other;
    it names the file's digest, so that no other is run with it.

    Parameters
    ----------
    network:
        In evaluation mode, on the processor.
    path:
        The safetensors file; the graph is called the same, with ``.onnx``.
    metadata:
        JSON values for the weights file.

    Raises
    ------
    StylesearchError
        ``exporter_missing`` without the extra ``train``.
    """
    from safetensors.torch import save

    require_exporter()
    state = {name: tensor.detach().contiguous() for name, tensor in network.state_dict().items()}
    weights = save(state, {name: json.dumps(value) for name, value in metadata.items()})
    graph = _graph(network, set(state))
    _refer(graph, weights, path.name)
    path.parent.mkdir(parents=True, exist_ok=True)
    for place, data in ((path, weights), (graph_of(path), graph.SerializeToString())):
        with written_whole(place) as file:
            file.write(data)


def require_exporter() -> None:
    """See that what writes the graph is installed.

    Raises
    ------
    StylesearchError
        ``exporter_missing``.
    """
    try:
        import onnx  # noqa: F401
        import onnxscript  # noqa: F401
    except ModuleNotFoundError as error:
        raise StylesearchError(
            f"{error.name} is not installed, which writes the graph.",
            hint="Install stylesearch[train].",
            code="exporter_missing",
        ) from None


def _graph(network: LiteNetwork, names: set[str]) -> Any:
    """Return the ONNX model of a network, whose initializers of the given names are its weights."""
    example = torch.zeros(2, PREPROCESSING.size, PREPROCESSING.size, 3, dtype=torch.uint8)
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")  # the exporter's own use of what torch is about to drop
        program = torch.onnx.export(
            network,
            (example,),
            dynamo=True,
            input_names=["pixels"],
            output_names=["descriptors"],
            dynamic_shapes=({0: torch.export.Dim("pictures", min=1, max=4096)},),
            opset_version=_OPSET,
            external_data=False,
            verbose=False,
        )
    model: Any = program.model_proto  # type: ignore[union-attr]
    written = {tensor.name for tensor in model.graph.initializer}
    assert names <= written, f"the exporter renamed {sorted(names - written)}"
    return model


def _refer(model: Any, weights: bytes, name: str) -> None:
    """Put references to the weights file in the place of the weights, and leave out what only says how it was traced."""
    from onnx import TensorProto

    length = int.from_bytes(weights[:_LENGTH_BYTES], "little")
    entries = json.loads(weights[_LENGTH_BYTES : _LENGTH_BYTES + length])
    for tensor in model.graph.initializer:
        if tensor.name in entries:
            start, end = entries[tensor.name]["data_offsets"]
            tensor.ClearField("raw_data")
            del tensor.external_data[:]
            place = {
                "location": name,
                "offset": _LENGTH_BYTES + length + start,
                "length": end - start,
            }
            for key, value in place.items():
                entry = tensor.external_data.add()
                entry.key, entry.value = key, str(value)
            tensor.data_location = TensorProto.EXTERNAL
    del model.graph.value_info[:]
    for node in model.graph.node:
        del node.metadata_props[:]
        node.doc_string = ""
    del model.metadata_props[:]
    entry = model.metadata_props.add()
    entry.key, entry.value = DIGEST, hashlib.sha256(weights).hexdigest()
