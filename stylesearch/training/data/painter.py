"""Paints a vector drawing's shapes in a given manner."""

from __future__ import annotations

import copy
import math
from typing import TYPE_CHECKING

import numpy as np
from lxml import etree

from stylesearch.training.data.cascade import (
    SVG,
    XLINK_HREF,
    Cascade,
    Drawn,
    colour_of,
    declarations,
    frame,
    not_restylable,
    number,
    reference,
    tag,
)
from stylesearch.training.data.pixels.palette import Colour

if TYPE_CHECKING:
    from stylesearch.training.data.vector import VectorStyle

_MOST_SHAPES = 4000
_LETTER = 4.0
_MIDDLE: Colour = (0.5, 0.5, 0.5)


class Painter:
    """One drawing being painted."""

    def __init__(self, style: VectorStyle, root: etree._Element) -> None:
        self._style = style
        self._root = root
        self._frame = frame(root)
        self._side = math.sqrt(self._frame[2] * self._frame[3])
        self._cascade = Cascade(root)
        self._by_id = {element.get("id"): element for element in root.iter() if element.get("id")}
        self._gradients: dict[tuple[Colour, str], str] = {}
        self._mapped: dict[Colour, Colour] = {}

    def paint(self) -> None:
        shapes = list(self._cascade.drawn())
        if not shapes or len(shapes) > _MOST_SHAPES:
            raise not_restylable("it has nothing to paint" if not shapes else "it has too many shapes")
        # Stops come first: an evened-out gradient is the mean of what its stops became.
        for stop in list(self._root.iter(f"{{{SVG}}}stop")):
            self._paint_stop(stop)
        for shape in shapes:
            self._paint_shape(shape)
        self._set_beneath()

    def _map(self, given: Colour) -> Colour:
        if given not in self._mapped:
            red, green, blue = self._style.palette.map(np.array([given], dtype=np.float64))[0]
            self._mapped[given] = (float(red), float(green), float(blue))
        return self._mapped[given]

    def _paint_stop(self, stop: etree._Element) -> None:
        values = self._cascade.own(stop)
        given = colour_of(values.get("stop-color", "black"), values)
        if given is not None:
            _set(stop, **{"stop-color": _hex(self._map(given))})

    def _paint_shape(self, shape: Drawn) -> None:
        style, values = self._style, shape.values
        if style.hard and (
            values.get("filter", "none") != "none" or number(values.get("opacity"), 1.0) < 0.35
        ):
            _set(shape.element, display="none")
            return
        fill = self._paint_of(values.get("fill", "" if shape.shared else "black"), values)
        stroke = self._paint_of(values.get("stroke", ""), values)
        changes: dict[str, str] = {}
        if fill is not None:
            changes["fill"] = self._filled(fill)
            if style.opacity < 1:
                changes["fill-opacity"] = f"{number(values.get('fill-opacity'), 1.0) * style.opacity:.3f}"
        # A line that suits a shape would fill a letter's holes.
        scale = shape.scale * (_LETTER if tag(shape.element) == "text" else 1.0)
        changes.update(self._stroked(fill, stroke, scale))
        if style.fill == "none" and "stroke" not in changes and stroke is None:
            changes["stroke"] = "none"
        if style.hard:
            changes["filter"] = "none"
        _set(shape.element, **changes)

    def _paint_of(self, value: str, values: dict[str, str]) -> Colour | str | None:
        """Return a colour in the palette, the id of a gradient or pattern, or ``None`` for no paint or none of ours."""
        if value in ("", "none", "transparent"):
            return None
        found = reference(value)
        if found is not None:
            return found if found in self._by_id else None
        given = colour_of(value, values)
        return None if given is None else self._map(given)

    def _filled(self, paint: Colour | str) -> str:
        kind = self._style.fill
        if kind == "none":
            return "none"
        if kind == "paper":
            return _hex(self._style.paper)
        if kind == "keep":
            return f"url(#{paint})" if isinstance(paint, str) else _hex(paint)
        if isinstance(paint, str) and tag(self._by_id[paint]) == "pattern":
            return f"url(#{paint})"
        even = self._evened(paint)
        return _hex(even) if kind == "flat" else f"url(#{self._gradient(even)})"

    def _evened(self, paint: Colour | str) -> Colour:
        """Return a gradient's mean colour."""
        for _ in range(8):
            if not isinstance(paint, str):
                return paint
            element = self._by_id.get(paint)
            if element is None:
                break
            stops = [self._cascade.own(stop).get("stop-color", "") for stop in element if tag(stop) == "stop"]
            colours = [found for stop in stops if (found := colour_of(stop, {})) is not None]
            if colours:
                red, green, blue = np.mean(colours, axis=0)
                return float(red), float(green), float(blue)
            paint = (element.get(XLINK_HREF) or element.get("href") or "").removeprefix("#")
        return self._map(_MIDDLE)

    def _gradient(self, even: Colour) -> str:
        """Return the id of a gradient about a colour, made when first asked for."""
        style = self._style
        key = (even, style.fill)
        if key not in self._gradients:
            name = f"restyled-{len(self._gradients)}"
            self._gradients[key] = name
            self._add_gradient(name, even)
        return self._gradients[key]

    def _add_gradient(self, name: str, even: Colour) -> None:
        style = self._style
        light = tuple(part + (1 - part) * style.contrast for part in even)
        dark = tuple(part * (1 - style.contrast) for part in even)
        if style.fill == "radial":
            kind, ends = "radialGradient", {"cx": "0.4", "cy": "0.35", "r": "0.8"}
        else:
            x, y = math.cos(style.angle) / 2, math.sin(style.angle) / 2
            kind = "linearGradient"
            ends = {
                "x1": f"{0.5 - x:.3f}",
                "y1": f"{0.5 - y:.3f}",
                "x2": f"{0.5 + x:.3f}",
                "y2": f"{0.5 + y:.3f}",
            }
        element = _new(kind, id=name, **ends)
        stops = [("0", light), ("1", dark)]
        if style.fill == "gloss":
            stops = [("0", light), ("0.49", even), ("0.51", dark), ("1", even)]
        for at, paint in stops:
            stop = _new("stop", offset=at)
            stop.set("stop-color", _hex(paint))
            element.append(stop)
        self._defs().append(element)

    def _defs(self) -> etree._Element:
        defs = self._by_id.get("restyled-defs")
        if defs is None:
            defs = _new("defs", id="restyled-defs")
            self._root.insert(0, defs)
            self._by_id["restyled-defs"] = defs
        return defs

    def _stroked(
        self, fill: Colour | str | None, stroke: Colour | str | None, scale: float
    ) -> dict[str, str]:
        style = self._style
        if style.stroke == "keep":
            if stroke is None:
                return {}
            return {"stroke": f"url(#{stroke})" if isinstance(stroke, str) else _hex(stroke)}
        if style.stroke == "none":
            # What is only a line, with no area, would be lost.
            return {"stroke": "none"} if fill is not None else self._kept(stroke)
        if fill is None and stroke is None:
            return {}
        if style.stroke == "one":
            line = style.ink
        else:
            own = self._evened(fill if fill is not None else stroke or _MIDDLE)
            share = 0.85 if style.fill == "none" else 0.5
            line = (own[0] * share, own[1] * share, own[2] * share)
        width = style.weight * self._side / max(scale, 1e-6)
        ends = "round" if style.rounded else "miter"
        return {
            "stroke": _hex(line),
            "stroke-width": f"{width:.4f}",
            "stroke-opacity": "1",
            "stroke-linejoin": ends,
            "stroke-linecap": "round" if style.rounded else "butt",
            "stroke-dasharray": f"{width * style.dash:.4f} {width * style.dash * 0.8:.4f}"
            if style.dash
            else "none",
        }

    def _kept(self, stroke: Colour | str | None) -> dict[str, str]:
        if stroke is None:
            return {}
        return {"stroke": _hex(self._evened(stroke))}

    def _set_beneath(self) -> None:
        """Put a badge and a shadow, echo or border behind everything."""
        style = self._style
        content = [
            child
            for child in self._root
            if tag(child) not in ("", "defs", "metadata", "style", "title", "desc")
        ]
        place = self._root.index(content[0]) if content else len(self._root)
        added: list[etree._Element] = []
        if style.badge != "nothing":
            added.append(self._badge())
        if style.beneath != "nothing":
            added.append(self._copy(content))
        for element in reversed(added):
            self._root.insert(place, element)

    def _badge(self) -> etree._Element:
        left, top, width, height = self._frame
        fill = _hex(self._style.badge_colour)
        if self._style.badge == "disc":
            middle = {"cx": f"{left + width / 2:g}", "cy": f"{top + height / 2:g}"}
            return _new("ellipse", **middle, rx=f"{width / 2:g}", ry=f"{height / 2:g}", fill=fill)
        corner = 0.2 * min(width, height) if self._style.badge == "tile" else 0.0
        box = {
            "x": f"{left:g}",
            "y": f"{top:g}",
            "width": f"{width:g}",
            "height": f"{height:g}",
            "rx": f"{corner:g}",
        }
        return _new("rect", **box, fill=fill)

    def _copy(self, content: list[etree._Element]) -> etree._Element:
        """Return a copy of all shapes in one colour."""
        style = self._style
        group = _new("g")
        reach = style.offset * self._side
        if style.beneath != "sticker":
            group.set("transform", f"translate({reach:g},{reach:g})")
        tone = {"shadow": (0.0, 0.0, 0.0), "sticker": style.paper}.get(style.beneath, self._map(_MIDDLE))
        group.set("opacity", {"shadow": "0.35", "echo": "0.5"}.get(style.beneath, "1"))
        group.extend([copy.deepcopy(child) for child in content])
        for shape in Cascade(group).drawn():
            if shape.shared or tag(shape.element) == "use":
                continue
            changes = {"fill-opacity": "1", "stroke-opacity": "1"}
            if shape.values.get("fill", "black") != "none":
                changes["fill"] = _hex(tone)
            if style.beneath == "sticker":
                width = number(shape.values.get("stroke-width"), 0.0) + 2 * reach / max(shape.scale, 1e-6)
                changes |= {
                    "stroke": _hex(tone),
                    "stroke-width": f"{width:.4f}",
                    "stroke-linejoin": "round",
                    "stroke-dasharray": "none",
                }
            elif shape.values.get("stroke", "none") != "none":
                changes["stroke"] = _hex(tone)
            _set(shape.element, **changes)
        for element in group.iter():
            element.attrib.pop("id", "")
        return group


def _new(name: str, **attributes: str) -> etree._Element:
    element = etree.Element(f"{{{SVG}}}{name}")
    for attribute, value in attributes.items():
        element.set(attribute, value)
    return element


def _hex(paint: tuple[float, ...]) -> str:
    return "#" + "".join(f"{round(min(1, max(0, part)) * 255):02x}" for part in paint)


def _set(element: etree._Element, **properties: str) -> None:
    """Write properties where nothing overrides them: into ``style``."""
    if not properties:
        return
    own = declarations(element.get("style") or "") | properties
    element.set("style", ";".join(f"{name}:{value}" for name, value in own.items()))
