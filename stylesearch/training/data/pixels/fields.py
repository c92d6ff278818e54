"""Numbers over the picture's plane: noise, blur, coordinates, distortion."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Field = NDArray[np.floating[Any]]
"""``[h, w]`` or ``[h, w, c]``, mostly 0 to 1."""

_Limit = float | np.floating[Any] | Field
_SMALL_SIGMA = 2.0


def smoothstep(low: _Limit, high: _Limit, values: Field) -> Field:
    """Rise from 0 to 1 between ``low`` and ``high``, without corners."""
    rise = np.clip((values - low) / (high - low), 0, 1)
    return np.asarray(rise * rise * (3 - 2 * rise), dtype=np.float32)


def resized(field: Field, height: int, width: int, *, crisp: bool = False) -> Field:
    """Return a field of another size."""
    if field.shape[:2] == (height, width):
        return field
    if field.ndim == 3:
        return np.stack(
            [resized(field[..., c], height, width, crisp=crisp) for c in range(field.shape[2])], -1
        )
    how = Image.Resampling.BOX if crisp else Image.Resampling.BICUBIC
    return np.asarray(
        Image.fromarray(np.ascontiguousarray(field)).resize((width, height), how), dtype=np.float32
    )


def blur(field: Field, sigma: float) -> Field:
    """Blur by a Gaussian of ``sigma`` pixels; edges go on as they are."""
    if sigma < 0.2:
        return field
    if sigma <= _SMALL_SIGMA:
        return _convolved(_convolved(field, sigma, 0), sigma, 1)
    factor = sigma / 1.2
    height, width = field.shape[:2]
    small = (max(1, round(height / factor)), max(1, round(width / factor)))
    if field.ndim == 3:
        return np.stack([blur(field[..., c], sigma) for c in range(field.shape[2])], -1)
    image = Image.fromarray(np.ascontiguousarray(field)).resize(small[::-1], Image.Resampling.BOX)
    reduced = _convolved(_convolved(np.asarray(image, dtype=np.float32), 1.0, 0), 1.0, 1)
    return resized(reduced, height, width)


def _convolved(field: Field, sigma: float, axis: int) -> Field:
    reach = max(1, int(2.5 * sigma + 0.5))
    weights = np.exp(-0.5 * (np.arange(-reach, reach + 1) / sigma) ** 2)
    weights /= weights.sum()
    length = field.shape[axis]
    padding = [(0, 0)] * field.ndim
    padding[axis] = (reach, reach)
    padded = np.pad(field, padding, mode="edge")
    total = np.zeros_like(field)
    for offset, weight in enumerate(weights):
        window = padded[offset : offset + length] if axis == 0 else padded[:, offset : offset + length]
        total += np.float32(weight) * window
    return total


def noise(
    rng: np.random.Generator, shape: tuple[int, int], scale: float | tuple[float, float], octaves: int = 1
) -> Field:
    """Return smooth noise of mean 0 and unit spread.

    Parameters
    ----------
    shape:
        Height and width.
    scale:
        Size of a blob in pixels; two sizes (vertical, horizontal) for streaks.
    octaves:
        How many layers, each half as large and half as strong as the one before.
    """
    down, across = scale if isinstance(scale, tuple) else (scale, scale)
    total = np.zeros(shape, dtype=np.float32)
    weight = 1.0
    for _ in range(octaves):
        rows, columns = (
            max(2, int(size / max(step, 1)) + 2) for size, step in zip(shape, (down, across), strict=True)
        )
        if down <= 1 and across <= 1:
            layer = rng.standard_normal(shape, dtype=np.float32)
        else:
            layer = resized(rng.standard_normal((rows, columns), dtype=np.float32), *shape)
        total += np.float32(weight) * layer
        down, across, weight = down / 2, across / 2, weight / 2
    return total / np.float32(max(float(total.std()), 0.25))


@lru_cache(maxsize=8)
def coordinates(height: int, width: int) -> tuple[Field, Field]:
    """Return the rows' and columns' numbers, ``[h, 1]`` and ``[1, w]``."""
    rows = np.arange(height, dtype=np.float32)[:, None]
    columns = np.arange(width, dtype=np.float32)[None, :]
    rows.flags.writeable = columns.flags.writeable = False
    return rows, columns


def warped(field: Field, down: Field | float, across: Field | float) -> Field:
    """Take every pixel from ``down`` and ``across`` pixels away, between pixels too."""
    height, width = field.shape[:2]
    rows, columns = coordinates(height, width)
    y = np.clip(rows + np.float32(0) * columns + down, 0, height - 1, dtype=np.float32)
    x = np.clip(columns + np.float32(0) * rows + across, 0, width - 1, dtype=np.float32)
    top, left = y.astype(np.int32), x.astype(np.int32)
    fy, fx = y - top, x - left
    below = np.where(top < height - 1, np.int32(width), np.int32(0))
    beside = (left < width - 1).astype(np.int32)
    corner = top * np.int32(width) + left
    flat: Field = field.reshape(height * width, -1)
    fy, fx = fy[..., None], fx[..., None]
    upper = flat.take(corner, axis=0)
    upper += (flat.take(corner + beside, axis=0) - upper) * fx
    corner += below
    lower = flat.take(corner, axis=0)
    lower += (flat.take(corner + beside, axis=0) - lower) * fx
    upper += (lower - upper) * fy
    moved: Field = upper.reshape(field.shape)
    return moved


def streaks(
    rng: np.random.Generator, shape: tuple[int, int], width: float, length: float, angle: float
) -> Field:
    """Return noise drawn out in one direction, of mean 0 and unit spread.

    Parameters
    ----------
    width, length:
        Size of a streak, in pixels.
    angle:
        Its direction in radians, from the horizontal downwards.
    """
    side = math.ceil(math.hypot(*shape)) + 2
    straight = Image.fromarray(noise(rng, (side, side), (width, length)))
    turned = straight.rotate(-math.degrees(angle), Image.Resampling.BILINEAR)
    top, left = (side - shape[0]) // 2, (side - shape[1]) // 2
    return np.asarray(turned.crop((left, top, left + shape[1], top + shape[0])), dtype=np.float32)


def gradient(field: Field) -> tuple[Field, Field]:
    """Return how a plane ``[h, w]`` rises downwards and to the right, per pixel."""
    padded = np.pad(field, 1, mode="edge")
    down = (padded[2:, 1:-1] - padded[:-2, 1:-1]) / 2
    across = (padded[1:-1, 2:] - padded[1:-1, :-2]) / 2
    return down, across


def grown(mask: Field, pixels: int) -> Field:
    """Return a mask grown by some pixels on every side (a square's reach)."""
    for axis in (0, 1):
        reach, length = pixels, mask.shape[axis]
        padding = [(0, 0), (0, 0)]
        padding[axis] = (reach, reach)
        padded = np.pad(mask, padding, mode="edge")
        best = mask
        for offset in range(2 * reach + 1):
            best = np.maximum(
                best, padded[offset : offset + length] if axis == 0 else padded[:, offset : offset + length]
            )
        mask = best
    return mask


def mixed(low: Field, high: Field, share: Field) -> Field:
    """Return ``low`` where ``share`` is 0 and ``high`` where it is 1; ``share`` is a plane."""
    weight = share[..., None]
    return np.asarray(low + (high - low) * weight, dtype=np.float32)


def luminance(pixels: Field) -> Field:
    """Return the lightness of ``[h, w, 3]`` as a plane."""
    return np.asarray(pixels @ np.array([0.299, 0.587, 0.114], dtype=np.float32), dtype=np.float32)
