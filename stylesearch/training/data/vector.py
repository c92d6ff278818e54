"""Restyling vector drawings: the same shapes with other paint, so that edges stay crisp."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
from lxml import etree

from stylesearch.images.decode import decode
from stylesearch.images.svg import guard_svg
from stylesearch.training.data.cascade import frame, not_restylable
from stylesearch.training.data.painter import Painter
from stylesearch.training.data.pixels.palette import Colour, Palette, colour, sample_palette

_MAX_BYTES = 8 * 1024**2
_MAX_PIXELS = 4_000_000
_MEASURED_SIDE = 160
_WHITE = 248


@dataclass(frozen=True, slots=True)
class VectorStyle:
    """A manner of painting shapes.

    Attributes
    ----------
    palette:
        One mapping of all colours.
    fill:
        ``keep``; ``flat`` for gradients evened out; ``gradient``, ``radial`` or ``gloss`` for every flat area made
        one; ``paper`` for all areas in one colour; ``none``.
    stroke:
        ``keep``; ``one`` for a line of one colour round everything; ``own`` for one of each area's own darker
        colour; ``none``.
    ink, paper:
        Colours of that line and of ``paper`` areas.
    weight:
        Width of that line as a share of the drawing's side.
    dash:
        Length of its dashes in widths; 0 for an unbroken line.
    rounded:
        Whether its joins and ends are round.
    opacity:
        Factor on the areas' opacity.
    hard:
        Whether soft shadows and faint highlights are left out.
    angle, contrast:
        Direction (radians) and strength of added gradients.
    beneath:
        ``nothing``; ``shadow`` or ``echo`` for a dark or a pale copy set off by ``offset``; ``sticker`` for a border
        as wide as ``offset``.
    offset:
        As a share of the drawing's side.
    badge:
        ``nothing``, ``page``, ``disc`` or ``tile``: what the drawing stands on.
    badge_colour:
        Its colour.
    """

    palette: Palette = field(default_factory=Palette)
    fill: str = "keep"
    stroke: str = "keep"
    ink: Colour = (0.0, 0.0, 0.0)
    paper: Colour = (1.0, 1.0, 1.0)
    weight: float = 0.01
    dash: float = 0.0
    rounded: bool = True
    opacity: float = 1.0
    hard: bool = False
    angle: float = 0.0
    contrast: float = 0.5
    beneath: str = "nothing"
    offset: float = 0.02
    badge: str = "nothing"
    badge_colour: Colour = (1.0, 1.0, 1.0)

    @property
    def name(self) -> str:
        """What it is made of, in a few words; manners of one name may still differ in numbers."""
        line = f"{self.stroke} line" + (f" {self.weight:.3f}" if self.stroke in ("one", "own") else "")
        dash = " dashed" if self.dash and self.stroke in ("one", "own") else ""
        thin = f" at {self.opacity:.1f}" if self.opacity < 1 else ""
        return f"{self.palette.kind} / {self.fill} fill{thin} / {line}{dash} / {self.beneath} beneath / on {self.badge}"

    def apply(self, svg: bytes) -> bytes:
        """Paint a drawing in this manner.

        Parameters
        ----------
        svg:
            An SVG document, gzipped or not.

        Returns
        -------
        bytes
            The drawing, as an SVG document that needs nothing from outside.

        Raises
        ------
        ImageError
            ``svg_not_restylable`` for a drawing that holds pixel images, has nothing to paint or a style sheet that
            is not simple; what :func:`stylesearch.images.svg.guard_svg` raises.
        """
        root = _parsed(svg)
        Painter(self, root).paint()
        return etree.tostring(root, encoding="utf-8", xml_declaration=True)


def tightened(svg: bytes, *, margin: float = 0.04) -> bytes:
    """Move a drawing's frame close to what is drawn, so that widths taken from the frame suit the drawing.

    Parameters
    ----------
    svg:
        An SVG document, gzipped or not.
    margin:
        White left on each side, as a share of the longer side of what is drawn.

    Returns
    -------
    bytes
        The drawing; as it was where it fills its frame or keeps other proportions than its frame has.

    Raises
    ------
    ImageError
        As :meth:`VectorStyle.apply` does; what :func:`stylesearch.images.decode.decode` raises.
    """
    root = _parsed(svg)
    left, top, width, height = frame(root)
    shown = decode(svg, max_bytes=_MAX_BYTES, max_pixels=_MAX_PIXELS, shortest_side=_MEASURED_SIDE)
    inked = shown.pixels.min(axis=2) < _WHITE
    rows, columns = np.flatnonzero(inked.any(axis=1)), np.flatnonzero(inked.any(axis=0))
    scale = width / inked.shape[1]
    if not rows.size or abs(scale * inked.shape[0] / height - 1) > 0.05:
        return svg
    x, y = left + columns[0] * scale, top + rows[0] * scale
    wide, high = (columns[-1] + 1 - columns[0]) * scale, (rows[-1] + 1 - rows[0]) * scale
    room = margin * max(wide, high)
    if max(wide + 2 * room, high + 2 * room) >= max(width, height):
        return svg
    box = (x - room, y - room, wide + 2 * room, high + 2 * room)
    root.set("viewBox", " ".join(f"{number:.6g}" for number in box))
    root.set("width", f"{box[2]:.6g}")
    root.set("height", f"{box[3]:.6g}")
    return etree.tostring(root, encoding="utf-8", xml_declaration=True)


def _parsed(svg: bytes) -> etree._Element:
    safe = guard_svg(svg, max_bytes=_MAX_BYTES)
    if safe.rasters:
        raise not_restylable("pixel images are embedded in it")
    parser = etree.XMLParser(no_network=True, remove_comments=True, remove_pis=True)
    try:
        return etree.fromstring(safe.xml, parser)
    except etree.XMLSyntaxError:
        raise not_restylable("it is not well formed") from None


def sample_vector_style(rng: np.random.Generator) -> VectorStyle:
    """Draw a manner of painting shapes."""
    fill = str(
        rng.choice(
            ["keep", "flat", "gradient", "radial", "gloss", "paper", "none"],
            p=[0.22, 0.28, 0.12, 0.06, 0.06, 0.1, 0.16],
        )
    )
    lines = {
        "keep": [0.45, 0.2, 0.15, 0.2],
        "flat": [0.15, 0.3, 0.2, 0.35],
        "paper": [0.0, 0.8, 0.2, 0.0],
        "none": [0.0, 0.65, 0.35, 0.0],
    }
    stroke = str(rng.choice(["keep", "one", "own", "none"], p=lines.get(fill, [0.25, 0.25, 0.2, 0.3])))
    hue = float(rng.random())
    inks = {
        "black": colour(float(rng.uniform(0.0, 0.2)), 0.0, 0.0),
        "dark": colour(float(rng.uniform(0.25, 0.45)), float(rng.uniform(0.06, 0.15)), hue),
        "bright": colour(float(rng.uniform(0.5, 0.7)), float(rng.uniform(0.1, 0.22)), hue),
        "white": (1.0, 1.0, 1.0),
    }
    tone = str(rng.choice(["black", "dark", "bright", "white"], p=[0.5, 0.25, 0.2, 0.05]))
    dark_ground = tone == "white"
    badge = (
        "page"
        if dark_ground
        else str(rng.choice(["nothing", "page", "disc", "tile"], p=[0.66, 0.16, 0.09, 0.09]))
    )
    lightness = float(rng.uniform(0.15, 0.4)) if dark_ground else float(rng.choice([0.25, 0.6, 0.85, 0.94]))
    return VectorStyle(
        palette=sample_palette(rng),
        fill=fill,
        stroke=stroke,
        ink=inks[tone],
        paper=colour(float(rng.uniform(0.85, 1.0)), float(rng.choice([0.0, 0.04, 0.1])), float(rng.random())),
        weight=float(rng.choice([0.004, 0.007, 0.012, 0.02, 0.03])),
        dash=float(rng.choice([0.0, 0.0, 0.0, 0.0, 1.5, 3.0])),
        rounded=bool(rng.random() < 0.6),
        opacity=float(rng.uniform(0.3, 0.7)) if rng.random() < 0.15 else 1.0,
        hard=bool(fill not in ("keep",) or rng.random() < 0.2),
        angle=float(rng.choice([math.pi / 2, math.pi / 4, 0.0, -math.pi / 2])),
        contrast=float(rng.uniform(0.25, 0.7)),
        beneath=str(rng.choice(["nothing", "shadow", "echo", "sticker"], p=[0.74, 0.1, 0.06, 0.1])),
        offset=float(rng.choice([0.012, 0.025, 0.04])),
        badge=badge,
        badge_colour=colour(lightness, float(rng.uniform(0.0, 0.14)), float(rng.random())),
    )
