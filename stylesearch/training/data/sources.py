"""Where in the packages the pictures lie, and what tells their style and their content."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from stylesearch.catalog.debian_copyright import UNKNOWN

_GEMS = "usr/share/rubygems-integration/all/gems"
_WESNOTH = "usr/share/games/wesnoth/1.16/data/core/images"
_CODE = re.compile(r"^(?:emoji_)?u?", re.IGNORECASE)

Box = tuple[float, float, float, float]
"""Left, top, right and bottom as shares of a sheet's sides."""


@dataclass(frozen=True, slots=True)
class Source:
    """Pictures of a package.

    Attributes
    ----------
    package:
        Debian package.
    pattern:
        Their files, as a glob below the package.
    style:
        Name of their style; ``{folder}`` and ``{stem}`` stand for the file's.
    named:
        What names the content: ``stem``, ``code`` (an emoji's code points), ``card``, or nothing.
    smallest:
        Least side in pixels of a picture that is taken.
    without:
        Names that match this are left out.
    licence:
        What the package says in prose, where it says nothing a machine can read.
    """

    package: str
    pattern: str
    style: str
    named: str = ""
    smallest: int = 48
    without: str = "$^"
    licence: str = UNKNOWN


SOURCES = (
    Source("ruby-gemojione", f"{_GEMS}/*/assets/svg/*.svg", "EmojiOne", "code"),
    Source("ruby-tanuki-emoji", f"{_GEMS}/*/app/assets/images/tanuki_emoji/*.png", "Noto emoji", "code"),
    # Left out: decks that are another one's bitmap or recoloured copy, and those after Tango, which is measured on.
    Source(
        "gnome-cards-data",
        "usr/share/aisleriot/cards/*.svgz",
        "cards {stem}",
        "card",
        without=r"bitmap|4_color|skat|^tango|[^\x00-\x7f]",
    ),
    Source("pychess", "usr/share/pychess/pieces/*/[bw]?.svg", "chess {folder}", "stem"),
    Source(
        "wm-icons",
        "usr/share/icons/wm-icons/[456]*/*.png",
        "wm {folder}",
        "stem",
        without=r"^(48x48-gnome|48x48-aquafusion)$",
    ),
    Source("brainparty-data", "usr/share/games/brainparty/*.png", "Brain Party"),
    Source(
        "minetest-data",
        "usr/share/games/minetest/games/minetest_game/mods/*/textures/*.png",
        "Minetest",
        smallest=16,
    ),
    Source(
        "pingus-data",
        "usr/share/games/pingus/data/images/**/*.png",
        "Pingus",
        without=r"^(editor|fonts|cursors)$",
        licence="GPL-2+",
    ),
    Source("tuxmath-data", "usr/share/tuxmath/images/**/*.png", "Tux Math"),
    Source("tuxpaint-data", "usr/share/tuxpaint/starters/*.*", "Tux Paint outlines"),
    Source(
        "wesnoth-1.16-data",
        f"{_WESNOTH}/portraits/**/*.*",
        "Wesnoth portraits",
        smallest=200,
        licence="GPL-2+",
    ),
    Source("wesnoth-1.16-data", f"{_WESNOTH}/units/*/*.png", "Wesnoth units", without="-", licence="GPL-2+"),
    Source("wesnoth-1.16-data", f"{_WESNOTH}/attacks/*.png", "Wesnoth arms", licence="GPL-2+"),
    Source("wesnoth-1.16-data", f"{_WESNOTH}/items/*.png", "Wesnoth things", licence="GPL-2+"),
)
"""Pictures whose style is told by where they lie."""

BASES = (
    Source("tuxpaint-data", "usr/share/tuxpaint/templates/*.*", "photographs"),
    Source("tuxpaint-stamps-default", "usr/share/tuxpaint/stamps/**/*.png", "stamps"),
)
"""Pictures of many makers and so of no one style: photographs, cut-outs, cartoons; for restyling only."""

_SUITS = ("clubs", "diamonds", "hearts", "spades")
_RANKS = {0: "ace", 10: "jack", 11: "queen", 12: "king"}
_LAST_ROW = ("black joker", "red joker", "back")


def card_boxes() -> dict[str, Box]:
    """Return where on a deck's sheet, 13 cards wide and 5 high, the cards with a drawing of their own lie."""
    places = {
        f"{name} of {suit}": (column, row)
        for row, suit in enumerate(_SUITS)
        for column, name in _RANKS.items()
    }
    places |= {name: (column, 4) for column, name in enumerate(_LAST_ROW)}
    return {name: (c / 13, r / 5, (c + 1) / 13, (r + 1) / 5) for name, (c, r) in places.items()}


def content_of(source: Source, path: Path) -> str | None:
    """Return what a file depicts as far as its name says."""
    if source.named == "stem":
        return f"{source.package} {path.stem.lower()}"
    if source.named == "code":
        return "emoji " + _CODE.sub("", path.stem.lower()).replace("_", "-")
    return None
