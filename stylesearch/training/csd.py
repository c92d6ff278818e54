"""CSD as something to train: CLIP's image tower and the style head, by the names of the published checkpoints."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from stylesearch.encoders.checkpoints import file_sha256, has_any, read_state, subset
from stylesearch.encoders.csd import build_module, load_module, variant_of
from stylesearch.encoders.preprocessing import CLIP_SCALE
from stylesearch.errors import InputError
from stylesearch.training.datasets import TrainingSet
from stylesearch.training.trainable import ModelOptions, Trainable

_CLIP_TOWER = "visual."
_CLIP_HEAD = "proj"


class StyleOfPixels(nn.Module):
    """Takes uint8 pixels ``[n, 3, side, side]``, scales them as CLIP was trained, and returns the style head's output.

    Parameters
    ----------
    network:
        As :func:`stylesearch.encoders.csd.build_module` makes it.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network
        for name, values in zip(("mean", "std"), CLIP_SCALE, strict=True):
            self.register_buffer(name, torch.tensor(values).reshape(1, 3, 1, 1), persistent=False)

    def forward(self, pixels: Tensor) -> Tensor:
        """Return ``[n, dim]`` unit descriptors."""
        style: Tensor = self.network((pixels.float() / 255 - self.mean) / self.std)[2]
        return style


def csd(data: TrainingSet, options: ModelOptions, *, architecture: str) -> Trainable:  # noqa: ARG001 - as all builders
    """Return CSD, from random weights, a CSD checkpoint or one of CLIP (in open_clip's layout).

    The content head plays no part in the objective; it is kept as it is, so that the export has the published layout.

    Parameters
    ----------
    architecture:
        ``vit-l-14`` or ``vit-b-16``.

    Raises
    ------
    InputError
        ``unknown_encoder``, if the side is not a whole number of patches; ``image_size``, if it is below 100.
    StylesearchError
        If the checkpoint cannot be read or does not fit.
    """
    assert options.views is not None
    side = options.views.side
    variant = variant_of(f"csd-{architecture}-{side}")
    if variant is None:
        raise InputError(
            f"CSD cannot be trained at {side} pixels.",
            hint="Give an --image-size of 112 or more.",
            code="image_size",
        )
    if options.init is None:
        network = build_module(architecture, side)
    else:
        state = from_clip(read_state(options.init))
        # The file is mapped into memory, and training writes into the weights.
        own = {name: tensor.clone() for name, tensor in state.items()}
        network = load_module(own, variant, f"the checkpoint {options.init}")
    for name, parameter in network.named_parameters():
        if name.startswith("last_layer_content"):
            parameter.requires_grad_(False)
    return Trainable(
        name=variant.slug,
        module=StyleOfPixels(network),
        head=("network.last_layer_style",),
        views=options.views,
        weights=network.state_dict,
        settings={"init sha256": file_sha256(options.init) if options.init else None},
    )


def from_clip(state: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
    """Return a CLIP checkpoint's image tower as CSD starts from it, both heads from CLIP's; anything else as it is."""
    tower = subset(state, _CLIP_TOWER)
    if _CLIP_HEAD not in tower or has_any(state, "backbone."):
        return state
    head = tower.pop(_CLIP_HEAD)
    backbone = {f"backbone.{name}": tensor for name, tensor in tower.items()}
    return {**backbone, "last_layer_style": head, "last_layer_content": head}
