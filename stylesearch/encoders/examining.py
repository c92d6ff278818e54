"""Looking into a weights file: which encoder it is for, and whether it fits without a gap."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from stylesearch.encoders import csd, lite, openclip
from stylesearch.encoders.checkpoints import WeightsFile
from stylesearch.encoders.preprocessing import Preprocessing
from stylesearch.errors import InputError

if TYPE_CHECKING:
    from torch import Tensor

_CLIP_SIGNS = ("visual.conv1.weight", "visual.trunk.patch_embed.proj.weight", "visual.class_embedding")
_LITE_SIGN = "head.whitening.weight"


@dataclass(frozen=True, slots=True)
class Examined:
    """What was found in a weights file that fits.

    Attributes
    ----------
    family:
        What builds the encoder: ``csd-vit-l-14``, ``openclip:ViT-B-32``.
    dim:
        Length of a descriptor.
    preprocessing:
        How pictures are prepared for it.
    tensors, parameters:
        How many tensors the file has, and how many numbers in them.
    kinds:
        The tensors' types, such as ``float32``.
    """

    family: str
    dim: int
    preprocessing: Preprocessing
    tensors: int
    parameters: int
    kinds: tuple[str, ...]


def examine(weights: WeightsFile, *, family: str | None = None, policy: str | None = None) -> Examined:
    """Read a weights file, recognise it by its keys, and fill the network with it.

    Parameters
    ----------
    weights:
        The file.
    family:
        What it is for, where it cannot or should not be told: a slug of CSD, or ``openclip:MODEL``.
    policy:
        Whole-image policy, by default the family's own.

    Raises
    ------
    InputError
        ``checkpoint_unknown``, if it is in no layout that is known, or that of ``lite``, which is not added;
        ``unknown_encoder`` or ``unknown_policy``.
    StylesearchError
        As `stylesearch.encoders.checkpoints.read_state` and ``load_strictly`` do, naming what is wrong.
    """
    state = weights.read()
    if family == lite.SLUG or (family is None and _LITE_SIGN in state):
        raise InputError(
            f"The weights {weights.path} are for the encoder lite, which is built in.",
            hint="Use them with --encoder lite --weights FILE; their graph must lie beside them.",
            code="checkpoint_unknown",
        )
    family = family or _recognised(state, weights)
    what = f"the checkpoint {weights.path}"
    if family.startswith(openclip.PREFIX):
        model = openclip.Model.find(family)
        preparation, dim = model.preprocessing.with_policy(policy), model.dim
        openclip.load_tower(model, state, what)
    else:
        encoder = csd.CSDEncoder(family, weights, policy=policy)
        preparation, dim = encoder.preprocessing, csd.ARCHITECTURES[encoder.variant.architecture].dim
        csd.load_module(state, encoder.variant, what)
    return Examined(
        family=family,
        dim=dim,
        preprocessing=preparation,
        tensors=len(state),
        parameters=sum(tensor.numel() for tensor in state.values()),
        kinds=tuple(sorted({str(tensor.dtype).removeprefix("torch.") for tensor in state.values()})),
    )


def _recognised(state: Mapping[str, Tensor], weights: WeightsFile) -> str:
    variant = csd.recognise(state)
    if variant is not None:
        return variant.slug
    clip = any(sign in state for sign in _CLIP_SIGNS)
    what = "It looks like a CLIP model" if clip else f"Its first tensor is called {next(iter(state))}"
    raise InputError(
        f"The checkpoint {weights.path} is in no layout that can be told by its keys. {what}.",
        hint="Say what it is for with --as, such as --as openclip:ViT-B-32.",
        code="checkpoint_unknown",
    )
