"""What an SVG element's paint comes to, once attributes, style sheets and inheritance are added up."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from lxml import etree
from PIL import ImageColor

from stylesearch.errors import ImageError
from stylesearch.training.data.pixels.palette import Colour

SVG = "http://www.w3.org/2000/svg"
XLINK_HREF = "{http://www.w3.org/1999/xlink}href"

SHAPES = frozenset({"path", "rect", "circle", "ellipse", "line", "polyline", "polygon", "text", "use"})
"""Elements that are drawn."""

_INHERITED = ("fill", "stroke", "stroke-width", "fill-opacity", "stroke-opacity", "color")
_OWN = ("opacity", "filter", "stop-color", "stop-opacity", "display")
_UNTOUCHED = frozenset({"clipPath", "mask", "filter", "metadata", "script", "marker"})
_RULE = re.compile(r"([^{}]+)\{([^{}]*)\}")
_COMMENT = re.compile(r"/\*.*?\*/|<!--|-->", re.DOTALL)
_SIMPLE = re.compile(r"[.#]?[\w-]+|\w+[.#][\w-]+")
_REFERENCE = re.compile(r"""url\(\s*["']?#([^"')]+)["']?\s*\)""")
_TRANSFORM = re.compile(r"(matrix|scale|translate|rotate|skewX|skewY)\s*\(([^)]*)\)")
_NUMBER = re.compile(r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?")

_UNITS = {"in": 96.0, "cm": 96 / 2.54, "mm": 96 / 25.4, "pt": 96 / 72, "pc": 16.0}


@dataclass(frozen=True, slots=True)
class Drawn:
    """A drawn element.

    Attributes
    ----------
    element:
        The element.
    values:
        Its computed properties; those it has neither of its own nor by inheritance are missing.
    scale:
        Factor by which its transformations enlarge lengths.
    shared:
        Whether it stands in ``defs`` or the like, to be drawn from elsewhere.
    """

    element: etree._Element
    values: dict[str, str]
    scale: float
    shared: bool


def not_restylable(reason: str) -> ImageError:
    """Return the error for a drawing whose style cannot be replaced."""
    return ImageError(
        f"The SVG drawing cannot be restyled: {reason}.", hint="Leave it out.", code="svg_not_restylable"
    )


def tag(element: etree._Element) -> str:
    """Return an SVG element's name, or nothing for comments and foreign elements."""
    name: object = element.tag  # a function, for comments and the like
    if not isinstance(name, str):
        return ""
    namespace, _, local = name.rpartition("}")
    return local if namespace in ("", "{" + SVG) else ""


@dataclass(slots=True)
class Cascade:
    """A document's style sheets, read once.

    Parameters
    ----------
    root:
        The document.

    Raises
    ------
    ImageError
        ``svg_not_restylable`` if a style sheet uses more than plain classes, ids and element names.
    """

    root: etree._Element
    rules: dict[str, dict[str, str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for sheet in self.root.iter(f"{{{SVG}}}style"):
            self._read(_COMMENT.sub(" ", "".join(str(part) for part in sheet.itertext())))

    def _read(self, css: str) -> None:
        rest = _RULE.sub("", css).strip()
        if rest and not rest.startswith("@"):
            raise not_restylable("its style sheet cannot be read")
        for selectors, body in _RULE.findall(css):
            for selector in selectors.split(","):
                name = selector.strip()
                if name.startswith("@"):
                    continue
                if not _SIMPLE.fullmatch(name):
                    raise not_restylable("its style sheet is not a simple one")
                self.rules.setdefault(name, {}).update(declarations(body))

    def own(self, element: etree._Element) -> dict[str, str]:
        """Return the properties that an element says itself: attributes, then style sheets, then ``style``."""
        values = {
            name: str(value) for name in (*_INHERITED, *_OWN) if (value := element.get(name)) is not None
        }
        if self.rules:
            name, classes, key = tag(element), (element.get("class") or "").split(), element.get("id")
            selectors = [
                name,
                *(f".{c}" for c in classes),
                *(f"{name}.{c}" for c in classes),
                f"#{key}",
                f"{name}#{key}",
            ]
            for selector in selectors:
                values.update(self.rules.get(selector, {}))
        values.update(declarations(element.get("style") or ""))
        return values

    def drawn(self) -> Iterator[Drawn]:
        """Yield every drawn element; what only cuts, masks or marks is left out."""
        yield from self._walk(self.root, {}, 1.0, shared=False)

    def _walk(
        self, element: etree._Element, inherited: dict[str, str], scale: float, *, shared: bool
    ) -> Iterator[Drawn]:
        name = tag(element)
        if not name or name in _UNTOUCHED:
            return
        own = self.own(element)
        if own.get("display") == "none":
            return
        values = {
            **inherited,
            **{key: value for key, value in own.items() if key in _INHERITED and value != "inherit"},
        }
        scale *= _enlargement(element.get("transform") or "")
        shared = shared or name in ("defs", "symbol", "pattern")
        if name in SHAPES:
            yield Drawn(element, {**values, **{key: own[key] for key in _OWN if key in own}}, scale, shared)
        for child in list(element):
            yield from self._walk(child, values, scale, shared=shared)


def declarations(css: str) -> dict[str, str]:
    """Read ``name: value; name: value``."""
    pairs = (part.partition(":") for part in css.split(";"))
    return {
        name.strip(): value.replace("!important", "").strip() for name, _, value in pairs if value.strip()
    }


def _enlargement(transform: str) -> float:
    total = 1.0
    for kind, body in _TRANSFORM.findall(transform):
        numbers = [float(number) for number in _NUMBER.findall(body)]
        if kind == "matrix" and len(numbers) == 6:
            total *= math.sqrt(abs(numbers[0] * numbers[3] - numbers[1] * numbers[2]))
        elif kind == "scale" and numbers:
            total *= math.sqrt(abs(numbers[0] * numbers[-1])) if len(numbers) < 3 else 1.0
    return total


def colour_of(value: str, values: dict[str, str]) -> Colour | None:
    """Return the colour that a value names; ``None`` where it names none."""
    value = value.partition("icc-color")[0].strip()
    if value.lower() == "currentcolor":
        value = values.get("color", "black")
        if value.lower() == "currentcolor":
            return (0.0, 0.0, 0.0)
    try:
        red, green, blue = ImageColor.getrgb(value)[:3]
    except ValueError:
        return None
    return red / 255, green / 255, blue / 255


def reference(value: str) -> str | None:
    """Return the id in ``url(#id)``."""
    match = _REFERENCE.match(value.strip())
    return match[1].strip() if match else None


def number(value: str | None, otherwise: float) -> float:
    """Read a number, a length or a percentage; ``otherwise`` where there is none."""
    match = _NUMBER.match((value or "").strip())
    if not match:
        return otherwise
    return float(match[0]) / (100 if (value or "").strip().endswith("%") else 1)


def frame(root: etree._Element) -> tuple[float, float, float, float]:
    """Return the drawing's own coordinates: left, top, width, height.

    Raises
    ------
    ImageError
        ``svg_not_restylable`` if it has no size.
    """
    box = [float(part) for part in _NUMBER.findall(root.get("viewBox") or "")]
    if len(box) == 4 and box[2] > 0 and box[3] > 0:
        return box[0], box[1], box[2], box[3]
    width, height = (_pixels(root.get(side) or "%") for side in ("width", "height"))
    if width <= 0 or height <= 0:
        raise not_restylable("it does not say how large it is")
    return 0.0, 0.0, width, height


def _pixels(length: str) -> float:
    """Return a length in CSS pixels; 0 for a share of something else."""
    unit = length.strip()[-2:]
    return 0.0 if length.strip().endswith("%") else number(length, 0) * _UNITS.get(unit, 1.0)
