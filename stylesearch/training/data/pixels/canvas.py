"""A picture taken apart into figure and empty ground."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from stylesearch.training.data.pixels.fields import Field, blur, grown, luminance, mixed, smoothstep

_PALE = 0.93
_STEPS_OF_FLOOD = 12
_REFERENCE_SIDE = 224


@dataclass(slots=True)
class Canvas:
    """What the parts of a restyling work on.

    Attributes
    ----------
    ink:
        ``[h, w, 3]``: the drawing's own colours, the white that shone through its edges taken out.
    figure:
        ``[h, w]``: 1 where something is drawn, 0 on empty ground. All 1 for a picture that fills its frame.
    source:
        ``[h, w, 3]``: the picture as it came.
    unit:
        Pixels that a length of 1 stands for: 1 in a picture of 224 pixels.
    """

    ink: Field
    figure: Field
    source: Field
    unit: float

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width."""
        return self.figure.shape[0], self.figure.shape[1]

    def bled(self) -> Field:
        """Return the ink with its colours spread a little over the figure's edge, for what smears or samples it."""
        weight = self.figure
        if weight.min() > 0.5:
            return self.ink
        spread = blur(self.ink * weight[..., None], 3 * self.unit)
        spread = spread / np.maximum(blur(weight, 3 * self.unit), 0.02)[..., None]
        return mixed(np.clip(spread, 0, 1), self.ink, weight)

    def tone(self) -> Field:
        """Return how much ink the drawing asks for, 0 on empty ground.

        Its own range of darkness is drawn out part of the way: whoever has only one ink to show a pale thing with
        uses more of it.
        """
        dark = 1 - luminance(self.ink)
        drawn = dark[::4, ::4][self.figure[::4, ::4] > 0.5]
        low, high = np.percentile(drawn, (4, 96)) if drawn.size else (0.0, 1.0)
        wide = np.clip(0.12 + 0.76 * (dark - low) / max(high - low, 0.1), 0, 1)
        return np.asarray((dark + 0.6 * (wide - dark)) * self.figure, dtype=np.float32)

    def darkness(self) -> Field:
        """Return how dark the drawing is, 0 on empty ground."""
        return np.asarray((1 - luminance(self.ink)) * self.figure, dtype=np.float32)


def take_apart(pixels: NDArray[np.uint8], *, through: bool) -> Canvas:
    """Find the empty ground and the drawing's own colours.

    Parameters
    ----------
    pixels:
        ``[h, w, 3]``.
    through:
        Whether everything white is empty ground, or only what reaches the frame.
    """
    source = pixels.astype(np.float32) / 255
    palest = np.minimum(np.minimum(source[..., 0], source[..., 1]), source[..., 2])
    empty = palest > _PALE
    reached = empty if through else _flooded(empty)
    unit = min(pixels.shape[:2]) / _REFERENCE_SIDE
    if not reached.any():
        return Canvas(ink=source, figure=np.ones(palest.shape, np.float32), source=source, unit=unit)
    near = grown(reached.astype(np.float32), 2)
    # An edge pixel is a mixture of white and the colour inside; the darkest neighbour stands for that colour.
    inside = grown(1 - palest, 1)
    share = np.clip((1 - palest) / np.maximum(inside, 1e-3), 0, 1)
    figure = np.where(reached, 0, np.where(near > 0, smoothstep(0.05, 0.95, share), 1)).astype(np.float32)
    weight = np.maximum(figure, 0.05)[..., None]
    unmixed = np.clip((source - (1 - figure[..., None])) / weight, 0, 1)
    ink = np.where(figure[..., None] > 0.05, unmixed, source)
    return Canvas(ink=ink.astype(np.float32), figure=figure, source=source, unit=unit)


def _flooded(empty: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return what of the empty pixels can be reached from the frame, by whole runs along rows and columns."""
    reached = np.zeros_like(empty)
    for edge in (np.s_[0], np.s_[-1], np.s_[:, 0], np.s_[:, -1]):
        reached[edge] = empty[edge]
    before = -1
    for step in range(2 * _STEPS_OF_FLOOD):
        rows, flood = (empty, reached) if step % 2 == 0 else (empty.T, reached.T)
        walls = ~rows
        walls[:, 0] = True
        run = np.cumsum(walls.ravel(), dtype=np.int32).reshape(rows.shape)
        hit = np.zeros(int(run[-1, -1]) + 1, dtype=bool)
        hit[run[flood]] = True
        flood |= hit[run] & rows
        count = int(reached.sum())
        if step % 2 and count == before:
            break
        before = count
    return reached
