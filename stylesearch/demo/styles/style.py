"""The sixteen styles, with the rights and dates their drawings carry."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from stylesearch.demo.geometry import Dice, Shape
from stylesearch.demo.styles import flat, grid, line, paint

CC0 = "http://creativecommons.org/publicdomain/zero/1.0/"
CC_BY = "http://creativecommons.org/licenses/by/4.0/"
CC_BY_SA = "http://creativecommons.org/licenses/by-sa/4.0/"
CC_BY_NC = "http://creativecommons.org/licenses/by-nc/4.0/"
IN_COPYRIGHT = "http://rightsstatements.org/vocab/InC/1.0/"


@dataclass(frozen=True, slots=True)
class Style:
    """A way of drawing.

    Attributes
    ----------
    name:
        What it is called; its studio is named "<name> hand".
    medium:
        What its drawings look to be made with.
    years:
        First and last year its drawings are dated.
    license:
        The URI of the licence or rights statement on its drawings.
    render:
        Turns shapes, back to front, into SVG elements.
    """

    name: str
    medium: str
    years: tuple[int, int]
    license: str
    render: Callable[[list[Shape], Dice], str]

    @property
    def slug(self) -> str:
        """The name as a folder name."""
        return self.name.lower().replace(" ", "-")

    @property
    def studio(self) -> str:
        """The maker that its drawings credit."""
        return f"{self.name} hand"


ALL_STYLES = (
    Style("Poster", "screen print", (1928, 1939), CC0, flat.poster),
    Style("Woodcut", "woodcut", (1880, 1893), CC0, line.woodcut),
    Style("Ink", "ink", (1894, 1906), CC0, line.ink),
    Style("Watercolour", "watercolour", (1887, 1902), CC_BY, paint.watercolour),
    Style("Halftone", "offset print", (1958, 1969), CC_BY_NC, grid.halftone),
    Style("Mosaic", "mosaic", (1902, 1915), CC_BY_SA, grid.mosaic),
    Style("Stained glass", "stained glass", (1890, 1904), CC_BY, flat.stained_glass),
    Style("Blueprint", "cyanotype", (1911, 1924), CC0, line.blueprint),
    Style("Blackboard", "chalk", (1936, 1948), CC_BY_SA, paint.chalk),
    Style("Pointillist", "oil paint", (1884, 1896), CC0, paint.pointillist),
    Style("Paper cut", "cut paper", (1999, 2014), CC_BY, flat.papercut),
    Style("Deco", "gouache", (1922, 1935), CC_BY_NC, flat.deco),
    Style("Crayon", "wax crayon", (1975, 1988), CC_BY_SA, paint.crayon),
    Style("Cross stitch", "embroidery", (1948, 1961), CC_BY, grid.cross_stitch),
    Style("Scratchboard", "scratchboard", (2003, 2020), CC_BY_NC, line.scratchboard),
    Style("Op art", "acrylic paint", (1962, 1974), IN_COPYRIGHT, line.op_art),
)
