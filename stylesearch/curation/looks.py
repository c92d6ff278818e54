"""The built-in copy descriptor: how a picture looks at a small size, and where in it another may lie.

It knows no objects and no styles. Two pictures are compared by laying one over a part of the other, as it is or
mirrored, moving and sizing that part until they agree best, and looking at how well they do, place by place. What a
strip of letters covers is let go of. So it finds crops, flips, resized and recompressed copies and such with an overlay; no
rotation, no heavy filter, and no copy within a collage.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from stylesearch.images.decode import Pixels

if TYPE_CHECKING:
    from torch import Tensor

SIDE = 64
"""In pixels, of a look: the picture squeezed into a square."""

COARSE, FINE = 8, 32
TILES = 4
LET_GO = 0.3
"""Share of what there is to see that may disagree: a strip of text covers about so much."""

FAINT = 30.0
"""In grey levels squared, of a tile's variance: less is no structure."""

BLANK = 4.0
"""In grey levels: a look that varies less has nothing in it to be compared by."""

FLOOR = 0.6
"""From which coarse agreement on two pictures are looked at closely."""

PROMISING = 0.3
"""From which agreement on, after a first look, it is worth looking more closely."""

SCALES = (0.88, 0.76)
_FIRST, _LAST = 0.06, 0.01
_NARROWEST = 0.4

Look = NDArray[np.uint8]
"""``[64, 64, 3]``."""

Looks = NDArray[np.uint8]
"""``[n, 64, 64, 3]``."""

Boxes = NDArray[np.float32]
"""``[n, 4]``: left, right, top, bottom, as shares of the sides."""


@dataclass(frozen=True, slots=True)
class View:
    """A part of a picture, perhaps mirrored."""

    box: tuple[float, float, float, float]
    mirrored: bool


def _views() -> tuple[View, ...]:
    boxes = [(0.0, 1.0, 0.0, 1.0)]
    for scale in SCALES:
        starts = (0.0, (1 - scale) / 2, 1 - scale)
        boxes += [(x, x + scale, y, y + scale) for x in starts for y in starts]
    return tuple(View(box, mirrored) for mirrored in (False, True) for box in boxes)


VIEWS = _views()
"""What of a picture is looked for among all others: the whole, and parts of two sizes, each mirrored too."""


def look(pixels: Pixels) -> Look:
    """Return a picture's look.

    Parameters
    ----------
    pixels:
        ``[height, width, 3]``.
    """
    from PIL import Image

    image = Image.fromarray(pixels)
    smooth = Image.Resampling.BOX if min(image.size) >= SIDE else Image.Resampling.BILINEAR
    return np.asarray(image.resize((SIDE, SIDE), smooth))


def is_blank(looks: Looks) -> NDArray[np.bool_]:
    """Return ``[n]`` whether a look has nothing in it."""
    deviation: NDArray[np.bool_] = looks.reshape(len(looks), -1, 3).std(axis=1).max(axis=1) < BLANK
    return deviation


def keys(looks: Looks) -> NDArray[np.float32]:
    """Return ``[n, 192]`` unit vectors: the whole pictures, coarsely; what each is found by."""
    whole: NDArray[np.float32] = _coarse(looks, VIEWS[:1])[0]
    return whole


def queries(looks: Looks) -> NDArray[np.float32]:
    """Return ``[views, n, 192]`` unit vectors: what is looked for."""
    return _coarse(looks, VIEWS)


def _coarse(looks: Looks, views: Sequence[View]) -> NDArray[np.float32]:
    """Return ``[views, n, 192]``; the stretches across, which views have in common, are summed up once."""
    across = {(view.box[:2], view.mirrored): _weights(*view.box[:2], COARSE) for view in views}
    places = {stretch: COARSE * place for place, stretch in enumerate(across)}
    weights = np.concatenate([rows[:, ::-1] if key[1] else rows for key, rows in across.items()])
    narrow = looks.transpose(0, 3, 1, 2).astype(np.float32) @ weights.T  # [n, 3, 64, stretches * 8]
    vectors = np.empty((len(views), len(looks), 3 * COARSE * COARSE), np.float32)
    for number, view in enumerate(views):
        begin = places[view.box[:2], view.mirrored]
        small = _weights(*view.box[2:], COARSE) @ narrow[..., begin : begin + COARSE]  # [n, 3, 8, 8]
        vectors[number] = (small - small.mean(axis=(2, 3), keepdims=True)).reshape(len(looks), -1)
    vectors /= np.maximum(np.linalg.norm(vectors, axis=2, keepdims=True), 1e-6)
    return vectors


def _weights(begin: float, end: float, count: int) -> NDArray[np.float32]:
    """Return ``[count, 64]``: how much of each pixel is in each of so many equal parts of a stretch."""
    edges = np.linspace(begin * SIDE, end * SIDE, count + 1)
    pixels = np.arange(SIDE)
    shares = np.minimum(edges[1:, None], pixels + 1) - np.maximum(edges[:-1, None], pixels)
    shares = np.clip(shares, 0, None)
    weights: NDArray[np.float32] = (shares / shares.sum(axis=1, keepdims=True)).astype(np.float32)
    return weights


def agreement(ones: Looks, others: Looks, *, chunk: int = 512) -> NDArray[np.float32]:
    """Return ``[n]``, at most 1: how well each picture agrees with the other's best part, whichever lies in which.

    Parameters
    ----------
    ones, others:
        The pictures of each pair.
    chunk:
        Pairs that are looked at together; memory holds about a megabyte for each.
    """
    found = [
        _agreement(ones[begin : begin + chunk], others[begin : begin + chunk])
        for begin in range(0, len(ones), chunk)
    ]
    return np.concatenate(found) if found else np.empty(0, np.float32)


def _agreement(ones: Looks, others: Looks) -> NDArray[np.float32]:
    import torch

    with torch.inference_mode():
        best = torch.full((len(ones),), -1.0)
        for whole, part in ((ones, others), (others, ones)):
            views = _best_views(whole, part)
            mirrored = np.array([VIEWS[view].mirrored for view in views])
            seen = np.where(mirrored[:, None, None, None], part[:, :, ::-1], part)
            boxes = torch.tensor([VIEWS[view].box for view in views])
            best = torch.maximum(best, _climb(_floats(seen), _fine(_floats(whole)), boxes))
        scores: NDArray[np.float32] = best.numpy().astype(np.float32)
    return scores


def _best_views(whole: Looks, part: Looks) -> list[int]:
    """Return for each pair the view of the second in which it looks most like the whole first."""
    scores = np.einsum("vnd,nd->nv", queries(part), keys(whole))
    chosen: list[int] = scores.argmax(axis=1).tolist()
    return chosen


def _floats(looks: Looks) -> Tensor:
    import torch

    return torch.from_numpy(np.ascontiguousarray(looks)).permute(0, 3, 1, 2).float()


def _fine(pictures: Tensor) -> Tensor:
    import torch

    return torch.nn.functional.avg_pool2d(pictures, SIDE // FINE)


def _climb(pictures: Tensor, wholes: Tensor, boxes: Tensor) -> Tensor:
    """Move the edges of each box until its part of the picture agrees best with the whole; return the agreement.

    Pairs that agree badly after the first, large moves are not looked at further.
    """
    import torch

    best = _tiled(_cut(pictures, boxes), wholes)
    active = torch.arange(len(best))
    step = _FIRST
    while step >= _LAST and len(active):
        score, box = _moved(pictures[active], wholes[active], boxes[active], best[active], step)
        best[active], boxes[active] = score, box
        active = active[score >= PROMISING]
        step /= 2
    return best


def _moved(
    pictures: Tensor, wholes: Tensor, boxes: Tensor, best: Tensor, step: float
) -> tuple[Tensor, Tensor]:
    """Return the agreement after moving each box, and each of its edges, by a step where that helps; and the boxes."""
    import torch

    for edges in ((0, 1), (2, 3), (0,), (1,), (2,), (3,)):
        for way in (-step, step):
            moved = boxes.clone()
            moved[:, list(edges)] += way
            moved.clamp_(0, 1)
            fits = (moved[:, 1] - moved[:, 0] > _NARROWEST) & (moved[:, 3] - moved[:, 2] > _NARROWEST)
            score = torch.where(fits, _tiled(_cut(pictures, moved), wholes), best)
            better = score > best
            best = torch.where(better, score, best)
            boxes = torch.where(better[:, None], moved, boxes)
    return best, boxes


def _cut(pictures: Tensor, boxes: Tensor) -> Tensor:
    """Return ``[n, 3, 32, 32]``: the part of each picture in its box."""
    import torch

    across, down = (_stretches(boxes[:, pair]) for pair in ((0, 1), (2, 3)))
    narrow = torch.einsum("ncyx,nix->ncyi", pictures, across)
    return torch.einsum("ncyi,njy->ncji", narrow, down)


def _stretches(ends: Tensor) -> Tensor:
    """Return ``[n, 32, 64]``: for each stretch, how much of each pixel is in each of its 32 parts."""
    import torch

    part = torch.linspace(0, 1, FINE + 1)
    edges = SIDE * (ends[:, :1] + (ends[:, 1:] - ends[:, :1]) * part)
    pixels = torch.arange(SIDE)
    shares = torch.minimum(edges[:, 1:, None], pixels + 1.0) - torch.maximum(
        edges[:, :-1, None], pixels.float()
    )
    shares = shares.clamp_(min=0)
    return shares / shares.sum(dim=2, keepdim=True).clamp_(min=1e-6)


def _tiled(ones: Tensor, others: Tensor) -> Tensor:
    """Return ``[n]``: the mean agreement of structure over tiles, weighted by how much there is, the worst let go of."""
    side = FINE // TILES
    count = len(ones)

    def tiles(pictures: Tensor) -> Tensor:
        parts = pictures.reshape(count, 3, TILES, side, TILES, side).permute(0, 2, 4, 1, 3, 5)
        flat = parts.reshape(count, TILES * TILES, 3, side * side)
        return flat - flat.mean(dim=3, keepdim=True)

    left, right = tiles(ones), tiles(others)
    together = (left * right).mean(dim=3).sum(dim=2)
    energy = (left.square() + right.square()).mean(dim=3).sum(dim=2) / 2
    agree = (together + FAINT / 8) / (energy + FAINT / 8)
    weight = energy.sqrt()
    order = agree.argsort(dim=1)
    agree, weight = agree.gather(1, order), weight.gather(1, order)
    before = weight.cumsum(dim=1) - weight
    left_over = (before + weight - LET_GO * weight.sum(dim=1, keepdim=True)).clamp(min=0)
    kept = left_over.minimum(weight)
    return (agree * kept).sum(dim=1) / kept.sum(dim=1).clamp_(min=1e-6)
