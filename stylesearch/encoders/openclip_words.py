"""The text side of open_clip models: words in the space of the pictures' descriptors."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from stylesearch.encoders.checking import checked
from stylesearch.encoders.checkpoints import load_strictly
from stylesearch.encoders.protocol import Descriptors
from stylesearch.errors import InputError

if TYPE_CHECKING:
    from torch import Tensor, nn

# Where a text side stands in a checkpoint of a whole model: beside ``visual.``, or behind a name of its own.
_BESIDE = ("transformer.", "token_embedding.", "ln_final.")
_BESIDE_NAMES = ("positional_embedding", "text_projection")
_OWN = "text."


def no_words(slug: str, why: str) -> InputError:
    """Return the error that an encoder cannot be given words."""
    return InputError(
        f"The encoder {slug!r} cannot be given words: {why}.",
        hint="Search with a picture, or use an open_clip encoder whose checkpoint has its text side.",
        code="no_words",
    )


class WordReader:
    """Describes words with a model's text side.

    Parameters
    ----------
    name:
        The model, as ``open_clip.list_models`` gives it.
    config:
        Its configuration.
    quick_gelu:
        Whether its weights were trained with QuickGELU.
    state:
        The checkpoint of the whole model.
    slug:
        Of the encoder, for messages.
    device:
        Where it computes.

    Raises
    ------
    InputError
        ``no_words``.
    StylesearchError
        ``weights_mismatch``, naming the first tensor that does not fit.
    """

    def __init__(
        self,
        name: str,
        config: Mapping[str, Any],
        *,
        quick_gelu: bool,
        state: Mapping[str, Tensor],
        slug: str,
        device: str,
    ) -> None:
        text: Mapping[str, Any] = config["text_cfg"]
        if text.get("hf_model_name") or text.get("hf_tokenizer_name"):
            raise no_words(slug, "parts of its text side would have to be fetched from the net")
        own = {key: value for key, value in state.items() if key.startswith(_OWN)}
        beside = {
            key: value for key, value in state.items() if key.startswith(_BESIDE) or key in _BESIDE_NAMES
        }
        if not own and not beside:
            raise no_words(slug, "its checkpoint is of the image side alone")
        tensors = {key.removeprefix(_OWN): value for key, value in own.items()} or beside
        self._network = _build(config, quick_gelu=quick_gelu)
        load_strictly(self._network, tensors, f"the text side of {slug}")
        self._network.requires_grad_(requires_grad=False).eval().to(device)
        self._tokens = _tokenizer(name)
        self._device = device
        self._dim = int(config["embed_dim"])

    def describe(self, words: Sequence[str]) -> Descriptors:
        """Return ``[len(words), dim]`` float32, unit norm, finite."""
        import torch
        from torch.nn import functional

        if not words:
            return np.empty((0, self._dim), np.float32)
        with torch.inference_mode():
            found = self._network(self._tokens(list(words)).to(self._device))
            pooled = found[0] if isinstance(found, tuple) else found
            unit = functional.normalize(pooled.float(), dim=1).cpu().numpy()
        return checked(unit, count=len(words), dim=self._dim)


def _build(config: Mapping[str, Any], *, quick_gelu: bool) -> nn.Module:
    import torch
    from open_clip.model import _build_text_tower  # what every open_clip model builds its text side with

    with torch.random.fork_rng(devices=[]):
        network: nn.Module = _build_text_tower(int(config["embed_dim"]), {**config["text_cfg"]}, quick_gelu)
    return network


def _tokenizer(name: str) -> Callable[[list[str]], Tensor]:
    import open_clip

    tokenizer: Callable[[list[str]], Tensor] = open_clip.get_tokenizer(name)
    return tokenizer
