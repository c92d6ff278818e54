"""CSD: contrastive style descriptors, from a checkpoint in the published layout."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from stylesearch.encoders.checkpoints import WeightsFile, has_any, load_strictly
from stylesearch.encoders.preprocessing import Preprocessing
from stylesearch.encoders.tower import UNKNOWN_LICENSE, TowerEncoder
from stylesearch.errors import InputError, StylesearchError

if TYPE_CHECKING:
    from torch import Tensor, nn

SIDE = 224
"""Side of the square, in pixels, that the published checkpoints take."""

_SLUG = re.compile(r"csd-(.+?)(?:-(\d{3,4}))?")
_LARGEST_SIDE = 1792


@dataclass(frozen=True, slots=True)
class Architecture:
    """One size of CSD.

    Attributes
    ----------
    tower:
        open_clip's name of the model whose image tower it is.
    width, patch:
        Length of a token, and side of a patch in pixels: what tells a checkpoint's architecture.
    dim:
        Length of a descriptor.
    """

    tower: str
    width: int
    patch: int
    dim: int


ARCHITECTURES = {
    "vit-l-14": Architecture("ViT-L-14-quickgelu", width=1024, patch=14, dim=768),
    "vit-b-16": Architecture("ViT-B-16-quickgelu", width=768, patch=16, dim=512),
}


@dataclass(frozen=True, slots=True)
class Variant:
    """An architecture at a size.

    Attributes
    ----------
    architecture:
        A key of :data:`ARCHITECTURES`.
    image_size:
        Side of the square it takes, in pixels.
    """

    architecture: str
    image_size: int = SIDE

    @property
    def slug(self) -> str:
        """Its name as an encoder: ``csd-vit-l-14``, ``csd-vit-l-14-336``."""
        size = "" if self.image_size == SIDE else f"-{self.image_size}"
        return f"csd-{self.architecture}{size}"

    @property
    def grid(self) -> int:
        """Patches along a side."""
        return self.image_size // ARCHITECTURES[self.architecture].patch


def slugs() -> list[str]:
    """Return the slugs people ask for; another size may be put behind each."""
    return [f"csd-{name}" for name in ARCHITECTURES]


def variant_of(slug: str) -> Variant | None:
    """Return what a slug names, or ``None`` if it is not of this family.

    Raises
    ------
    InputError
        ``unknown_encoder``, if the size in it is not one that the architecture can take.
    """
    match = _SLUG.fullmatch(slug)
    if match is None or match[1] not in ARCHITECTURES:
        return None
    size, patch = int(match[2] or SIDE), ARCHITECTURES[match[1]].patch
    if size % patch or not patch < size <= _LARGEST_SIDE:
        raise InputError(
            f"{slug} cannot be: {size} pixels are not a whole number of patches of {patch}, or too many.",
            hint=f"Use csd-{match[1]} for {SIDE} pixels, or another multiple of {patch}.",
            code="unknown_encoder",
        )
    return Variant(match[1], size)


def build_module(architecture: str, image_size: int = SIDE, *, custom_content: bool = False) -> nn.Module:
    """Build the network, with random weights.

    Parameters
    ----------
    architecture:
        ``vit-l-14`` or ``vit-b-16``; with ``csd-`` before it, it means the same.
    image_size:
        Side of the square it takes, in pixels; a multiple of the patch, 14 or 16.
    custom_content:
        Whether the content head is the one of two layers that the training script can make, instead of a matrix.

    Returns
    -------
    torch.nn.Module
        Its attributes ``backbone``, ``last_layer_style`` and ``last_layer_content`` are named as in the published
        checkpoints; ``forward`` takes ``[n, 3, image_size, image_size]`` and returns features ``[n, width]``, content
        ``[n, dim]`` and style ``[n, dim]``, the last two of unit norm.

    Raises
    ------
    InputError
        ``unknown_encoder``, if there is no such architecture.
    """
    from stylesearch.encoders.csd_network import CSDNetwork

    found = ARCHITECTURES.get(architecture.removeprefix("csd-"))
    if found is None:
        raise InputError(
            f"There is no CSD architecture {architecture!r}.",
            hint=f"Known: {', '.join(ARCHITECTURES)}.",
            code="unknown_encoder",
        )
    return CSDNetwork(found.tower, image_size=image_size, custom_content=custom_content)


def recognise(state: Mapping[str, Tensor]) -> Variant | None:
    """Return which CSD a checkpoint is of, told by its keys and shapes, or ``None`` if it is not CSD at all.

    A checkpoint that is CSD and lacks something is still recognised, so that the strict loading can name what it lacks.
    """
    from stylesearch.encoders.csd_network import grid_side

    if not has_any(state, "backbone.") or not has_any(state, "last_layer_"):
        return None
    for name, architecture in ARCHITECTURES.items():
        if architecture.width == _width(state):
            side = grid_side(state)
            return Variant(name, side * architecture.patch if side else SIDE)
    return None


def _width(state: Mapping[str, Tensor]) -> int | None:
    """Return the width that a checkpoint speaks of, by the first tensor that is there."""
    for name in ("backbone.class_embedding", "backbone.conv1.weight", "last_layer_style"):
        if name in state and state[name].ndim:
            return int(state[name].shape[0])
    return None


def load_module(state: Mapping[str, Tensor], variant: Variant, what: str) -> nn.Module:
    """Build the network and fill it with a checkpoint.

    Parameters
    ----------
    state:
        As `stylesearch.encoders.checkpoints.read_state` returns it.
    variant:
        What to build. Where it has another size than 224, the position embedding is interpolated to it.
    what:
        What is loaded, for messages.

    Raises
    ------
    StylesearchError
        ``weights_mismatch``, naming the first tensor that does not fit.
    """
    import torch

    from stylesearch.encoders.csd_network import interpolate_positions

    custom = "last_layer_content" not in state and has_any(state, "last_layer_content.")
    with torch.device("meta"):  # no random weights: they take time and would advance the caller's generator
        module = build_module(variant.architecture, variant.image_size, custom_content=custom)
    if variant.image_size != SIDE:
        state = interpolate_positions(state, variant.grid)
    load_strictly(module, state, what)
    return module


class CSDEncoder(TowerEncoder):
    """Describes style with CSD; weights come from a file, for none are built in.

    Parameters
    ----------
    slug:
        ``csd-vit-l-14``, ``csd-vit-b-16``, or either with a size behind it, such as ``csd-vit-l-14-336``.
    weights:
        The checkpoint, ``torch.save`` or safetensors, in the published layout.
    name:
        Slug in the encoder's identity, by default the same.
    policy:
        Whole-image policy; ``crop`` is what the original does.
    license:
        SPDX id of the weights.
    device, precision:
        Where and how it computes.

    Raises
    ------
    InputError
        ``unknown_encoder`` or ``unknown_policy``.
    """

    def __init__(
        self,
        slug: str,
        weights: WeightsFile | Path,
        *,
        name: str | None = None,
        policy: str | None = None,
        license: str = UNKNOWN_LICENSE,  # noqa: A002
        device: str = "auto",
        precision: str = "auto",
    ) -> None:
        variant = variant_of(slug)
        if variant is None:
            raise InputError(
                f"There is no encoder {slug!r}.", hint=f"Known: {', '.join(slugs())}.", code="unknown_encoder"
            )
        self.variant = variant
        self._weights = weights if isinstance(weights, WeightsFile) else WeightsFile(weights)
        super().__init__(
            slug=name or slug,
            dim=ARCHITECTURES[variant.architecture].dim,
            preprocessing=Preprocessing("crop", variant.image_size).with_policy(policy),
            license=license,
            device=device,
            precision=precision,
        )

    @property
    def weights(self) -> WeightsFile:
        """The checkpoint."""
        return self._weights

    def build(self) -> nn.Module:
        return load_module(self.weights.read(), self.variant, f"the checkpoint {self.weights.path}")

    def describe(self, network: nn.Module, images: Tensor) -> Tensor:
        style: Tensor = network(images)[2]
        return style


def no_weights(slug: str) -> StylesearchError:
    """Return the error that an encoder of this family was asked for without weights."""
    return InputError(
        f"The encoder {slug} has no weights here.",
        hint="Add its checkpoint with 'stylesearch encoders add PATH', or name it with --weights.",
        code="weights_missing",
    )
