"""The network under CSD: CLIP's image tower, a style head and a content head."""

from __future__ import annotations

from collections.abc import Mapping

import open_clip
import torch
from open_clip.model import CLIPVisionCfg
from open_clip.transformer import LayerNorm, QuickGELU, VisionTransformer
from torch import Tensor, nn
from torch.nn import functional


class ContentHead(nn.Module):
    """The content head that the training script makes with ``--content_proj_head custom``.

    Parameters
    ----------
    width, dim:
        Length of what comes in and of what goes out.
    """

    def __init__(self, width: int, dim: int) -> None:
        super().__init__()
        self.projection = nn.Linear(width, dim)
        self.gelu = nn.GELU()
        self.fc = nn.Linear(dim, dim)
        self.layer_norm = nn.LayerNorm(dim)

    def forward(self, features: Tensor) -> Tensor:
        projected: Tensor = self.projection(features)
        normed: Tensor = self.layer_norm(projected + self.fc(self.gelu(projected)))
        return normed


class CSDNetwork(nn.Module):
    """A CLIP image tower with two heads on the class token, named as the published checkpoints name them.

    Parameters
    ----------
    tower:
        open_clip's name of the model, such as ``ViT-L-14-quickgelu``.
    image_size:
        Side of the square it takes, in pixels; a multiple of the patch.
    custom_content:
        Whether the content head is a :class:`ContentHead` instead of a matrix.
    """

    def __init__(self, tower: str, *, image_size: int = 224, custom_content: bool = False) -> None:
        super().__init__()
        config = open_clip.get_model_config(tower)
        vision = CLIPVisionCfg(**{**config["vision_cfg"], "image_size": image_size})
        dim = config["embed_dim"]
        self.backbone = VisionTransformer(
            image_size=image_size,
            patch_size=vision.patch_size,
            width=vision.width,
            layers=vision.layers,
            heads=vision.width // vision.head_width,
            mlp_ratio=vision.mlp_ratio,
            output_dim=dim,
            act_layer=QuickGELU,
            norm_layer=LayerNorm,
        )
        head: Tensor = self.backbone.proj.detach()
        self.backbone.proj = None
        self.last_layer_style = nn.Parameter(head.clone())
        self.last_layer_content = (
            ContentHead(vision.width, dim) if custom_content else nn.Parameter(head.clone())
        )

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Describe a batch.

        Parameters
        ----------
        images:
            ``[n, 3, image_size, image_size]``, scaled as CLIP was trained.

        Returns
        -------
        tuple
            Features ``[n, width]``, content ``[n, dim]`` and style ``[n, dim]``; the last two of unit norm.
        """
        features: Tensor = self.backbone(images)
        head = self.last_layer_content
        content = head(features) if isinstance(head, ContentHead) else features @ head
        style = features @ self.last_layer_style
        return features, functional.normalize(content, dim=1), functional.normalize(style, dim=1)


def interpolate_positions(state: Mapping[str, Tensor], grid: int) -> dict[str, Tensor]:
    """Stretch or shrink a checkpoint's position embedding to another grid, bilinearly; the class token's is kept.

    Parameters
    ----------
    state:
        Tensors by name, of which ``backbone.positional_embedding`` is ``[1 + side², width]``.
    grid:
        Patches along a side of the new grid.

    Returns
    -------
    dict
        The same tensors, but for that one, ``[1 + grid², width]``. Where it is not square already, or there is none, it
        is left for the strict loading to name.
    """
    name = "backbone.positional_embedding"
    found = state.get(name)
    side = grid_side(state)
    if found is None or side is None or side == grid:
        return dict(state)
    square = found[1:].float().reshape(1, side, side, -1).permute(0, 3, 1, 2)
    stretched = functional.interpolate(square, size=(grid, grid), mode="bilinear", align_corners=False)
    rows = stretched.permute(0, 2, 3, 1).reshape(grid * grid, -1)
    return {**state, name: torch.cat([found[:1].float(), rows])}


def grid_side(state: Mapping[str, Tensor]) -> int | None:
    """Return how many patches a checkpoint's position embedding has along a side; ``None`` if it is no square."""
    found = state.get("backbone.positional_embedding")
    if found is None or found.ndim != 2:
        return None
    side = round((len(found) - 1) ** 0.5)
    return side if side > 0 and side * side == len(found) - 1 else None
