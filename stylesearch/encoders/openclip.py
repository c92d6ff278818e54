"""Any open_clip model's image tower as a descriptor: a baseline to compare with."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stylesearch.encoders.checkpoints import WeightsFile, has_any, load_strictly
from stylesearch.encoders.openclip_words import WordReader
from stylesearch.encoders.preprocessing import Preprocessing
from stylesearch.encoders.protocol import Descriptors
from stylesearch.encoders.tower import UNKNOWN_LICENSE, TowerEncoder
from stylesearch.errors import InputError, ServiceError

if TYPE_CHECKING:
    from torch import Tensor, nn

PREFIX = "openclip:"

# Names beside ``visual.`` in a checkpoint of a whole CLIP or CoCa model: its text side and what only training needs.
_TEXT_SIDE = ("transformer.", "token_embedding.", "ln_final.", "text.", "text_decoder.")
_TEXT_NAMES = frozenset(
    [
        "attn_mask",
        "context_length",
        "input_resolution",
        "logit_bias",
        "logit_scale",
        "positional_embedding",
        "text_projection",
        "vocab_size",
    ]
)
_POLICY_OF_MODE = {"shortest": "crop", "longest": "pad", "squash": "squash"}


@dataclass(frozen=True, slots=True)
class Model:
    """An open_clip model, as its configuration and its tag describe it.

    Attributes
    ----------
    name:
        As ``open_clip.list_models`` gives it.
    tag:
        Which published weights; empty for none.
    config:
        The model's configuration.
    published:
        What open_clip knows of the tag's weights.
    """

    name: str
    tag: str
    config: Mapping[str, Any]
    published: Mapping[str, Any]

    @classmethod
    def find(cls, slug: str) -> Model:
        """Return the model of ``openclip:MODEL`` or ``openclip:MODEL/TAG``.

        Raises
        ------
        InputError
            ``unknown_encoder``, with the nearest names.
        """
        import open_clip

        name, _, tag = slug.removeprefix(PREFIX).partition("/")
        config = open_clip.get_model_config(name) if name in open_clip.list_models() else None
        if config is None:
            raise _unknown(f"open_clip has no model {name!r}.", name, open_clip.list_models())
        published = open_clip.get_pretrained_cfg(name, tag) if tag else {}
        if tag and not published:
            tags = open_clip.list_pretrained_tags_by_model(name)
            raise _unknown(f"open_clip has no weights {tag!r} for {name}.", tag, tags)
        return cls(name, tag, config, published)

    @property
    def dim(self) -> int:
        """Length of a descriptor."""
        return int(self.config["embed_dim"])

    @property
    def preprocessing(self) -> Preprocessing:
        """What open_clip does to a picture for this model: the tag's way, else CLIP's own.

        Raises
        ------
        InputError
            ``unknown_encoder``, if the model takes pictures that are not square.
        """
        from open_clip.transform import PreprocessCfg

        size = self.config["vision_cfg"].get("image_size", 224)
        sides = {size} if isinstance(size, int) else set(size)
        if len(sides) != 1:
            raise InputError(
                f"{self.name} takes pictures that are not square, which is not supported.",
                hint="Choose another model.",
                code="unknown_encoder",
            )
        known = PreprocessCfg()
        way = {**vars(known), **{key: value for key, value in self.published.items() if key in vars(known)}}
        return Preprocessing(
            _POLICY_OF_MODE[way["resize_mode"]],
            size=sides.pop(),
            mean=_triple(way["mean"]),
            std=_triple(way["std"]),
            interpolation="bilinear" if way["interpolation"] == "bilinear" else "bicubic",
            fill=int(way["fill_color"]),
        )

    @property
    def quick_gelu(self) -> bool:
        """Whether weights of the tag were trained with QuickGELU, also where the model's name does not say so."""
        return bool(self.config.get("quick_gelu") or self.published.get("quick_gelu"))

    def tower(self) -> nn.Module:
        """Build the image tower alone, with random weights; the text side would be fetched from the net for some."""
        import torch
        from open_clip.model import _build_vision_tower  # what every open_clip model builds its tower with

        vision = {**self.config["vision_cfg"]}
        if "timm_model_name" in vision:
            vision["timm_model_pretrained"] = False
        with torch.random.fork_rng(devices=[]):
            tower: nn.Module = _build_vision_tower(self.dim, vision, self.quick_gelu)
        return tower

    def published_file(self, *, online: bool) -> Path:
        """Return the tag's weights file: from the local cache, or fetched into it where that is allowed.

        Raises
        ------
        InputError
            ``weights_missing``, if it is not in the cache and may not be fetched.
        ServiceError
            ``download_failed``.
        """
        found = self._cached()
        if found is not None:
            return found
        if not online:
            raise InputError(
                f"The weights {PREFIX}{self.name}/{self.tag} are not in this machine's cache, and nothing is downloaded unasked.",
                hint="Allow it with --online, or give a file with --weights.",
                code="weights_missing",
            )
        from open_clip.pretrained import download_pretrained

        try:
            return Path(download_pretrained(self.published))
        except Exception as error:
            raise ServiceError(
                f"The weights {PREFIX}{self.name}/{self.tag} could not be downloaded: {type(error).__name__}.",
                hint="Check the connection, or give a file with --weights.",
                code="download_failed",
            ) from error

    def _cached(self) -> Path | None:
        from huggingface_hub import try_to_load_from_cache
        from open_clip.constants import HF_SAFE_WEIGHTS_NAME, HF_WEIGHTS_NAME

        repository, _, file = self.published.get("hf_hub", "").rpartition("/")
        names = (
            [file, str(Path(file).with_suffix(".safetensors"))]
            if file
            else [HF_WEIGHTS_NAME, HF_SAFE_WEIGHTS_NAME]
        )
        for name in reversed(names) if repository else ():
            found = try_to_load_from_cache(repository, name)
            if isinstance(found, str):
                return Path(found)
        url = self.published.get("url", "")
        kept = Path("~/.cache/clip").expanduser() / url.rpartition("/")[2]
        return kept if url and kept.is_file() else None


def _triple(value: Any) -> tuple[float, float, float]:
    numbers = tuple(value) if isinstance(value, (tuple, list)) else (value,) * 3
    return float(numbers[0]), float(numbers[1]), float(numbers[2])


def _unknown(message: str, wanted: str, names: list[str]) -> InputError:
    by_small = {name.lower(): name for name in names}
    near = [by_small[small] for small in difflib.get_close_matches(wanted.lower(), by_small, n=4, cutoff=0.4)]
    nearest = near or sorted(names)[:4]
    return InputError(
        message, hint=f"Nearest: {', '.join(nearest)}." if nearest else "", code="unknown_encoder"
    )


def load_tower(model: Model, state: Mapping[str, Tensor], what: str) -> nn.Module:
    """Build a model's image tower and fill it with a checkpoint, of the whole model or of the tower alone.

    Parameters
    ----------
    model:
        Which model.
    state:
        As `stylesearch.encoders.checkpoints.read_state` returns it. Names begin with ``visual.`` in a checkpoint of the
        whole model; its text side is left aside.
    what:
        What is loaded, for messages.

    Raises
    ------
    StylesearchError
        ``weights_mismatch``, naming the first tensor that does not fit.
    """
    import torch

    tower = model.tower()
    if not has_any(state, "visual."):
        load_strictly(tower, state, what)
        return tower
    image_side = {
        name: tensor
        for name, tensor in state.items()
        if name not in _TEXT_NAMES and not name.startswith(_TEXT_SIDE)
    }
    load_strictly(torch.nn.ModuleDict({"visual": tower}), image_side, what)
    return tower


class OpenClipEncoder(TowerEncoder):
    """Describes pictures with an open_clip model: by what they show more than by their style.

    Parameters
    ----------
    slug:
        ``openclip:MODEL`` or ``openclip:MODEL/TAG``. The tag names published weights, and how pictures are scaled for
        them; with ``weights`` it only says the latter.
    weights:
        A checkpoint of the whole model or of its image tower; by default the tag's.
    name:
        Slug in the encoder's identity, by default the same.
    policy:
        Whole-image policy, by default what open_clip does for this model.
    license:
        SPDX id of the weights.
    device, precision:
        Where and how it computes.
    online:
        Whether the tag's weights may be downloaded.

    Raises
    ------
    InputError
        ``unknown_encoder``, ``unknown_policy``, or ``weights_missing`` where neither weights nor a tag are given.
    """

    def __init__(
        self,
        slug: str,
        weights: WeightsFile | Path | None = None,
        *,
        name: str | None = None,
        policy: str | None = None,
        license: str = UNKNOWN_LICENSE,  # noqa: A002
        device: str = "auto",
        precision: str = "auto",
        online: bool = False,
    ) -> None:
        self.model = Model.find(slug)
        if weights is None and not self.model.tag:
            raise InputError(
                f"{slug} names no weights.",
                hint=f"Give a file with --weights, or one of open_clip's: {slug}/TAG with --online.",
                code="weights_missing",
            )
        self._given = weights if isinstance(weights, WeightsFile | None) else WeightsFile(weights)
        self._online = online
        self._reader: WordReader | None = None
        super().__init__(
            slug=name or slug,
            dim=self.model.dim,
            preprocessing=self.model.preprocessing.with_policy(policy),
            license=license,
            device=device,
            precision=precision,
        )

    @cached_property
    def weights(self) -> WeightsFile:
        """The checkpoint; a tag's is looked for, or fetched, on first use."""
        return self._given or WeightsFile(self.model.published_file(online=self._online))

    def build(self) -> nn.Module:
        return load_tower(self.model, self.weights.read(), f"the checkpoint {self.weights.path}")

    def encode_words(self, words: Sequence[str]) -> Descriptors:
        self.load()
        with self._lock:
            if self._reader is None:
                self._reader = WordReader(
                    self.model.name,
                    self.model.config,
                    quick_gelu=self.model.quick_gelu,
                    state=self.weights.read(),
                    slug=self._slug,
                    device=self._device,
                )
        return self._reader.describe(words)

    def describe(self, network: nn.Module, images: Tensor) -> Tensor:
        found = network(images)
        pooled: Tensor = found[0] if isinstance(found, tuple) else found
        return pooled
