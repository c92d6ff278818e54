"""What the encoder `lite` is trained on: kinds of worlds, how many pictures, from which packages, under which licences.

    python benchmarks/lite_data.py --packages FOLDER

FOLDER keeps the Debian packages, which are fetched into it if they are missing. Nothing is trained and nothing measured: the
same plan that training follows is made and counted. The tables are written to benchmarks/results/lite_data.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path

from record import arguments, table, write

from stylesearch.catalog.debian_copyright import UNKNOWN, Copyright, package_copyright
from stylesearch.local.apt import fetch
from stylesearch.training.data.packages import (
    ART,
    DRAWINGS,
    FONTS,
    ICON_THEMES,
    OFFICE_STYLES,
    TEST_PACKAGES,
    TRAINING_PACKAGES,
)
from stylesearch.training.lite.plan import SHARES, plan
from stylesearch.training.lite.worlds import HANDS, STYLES, ListedWorld, RestyledWorld, World

GROUPS = {
    "Icon themes": ICON_THEMES,
    "Buttons of an office program": OFFICE_STYLES,
    "Games' art, cards, chess sets, emoji": ART,
    "Drawings": DRAWINGS,
    "Fonts": FONTS,
    "Measured on, never trained on": tuple(sorted(TEST_PACKAGES)),
}

FAMILIES_OF_LICENCES = (
    ("stated in prose only, which no machine reads", UNKNOWN),
    ("GNU GPL", r"GPL"),
    ("GNU LGPL", r"LGPL"),
    ("Mozilla Public License", r"MPL"),
    ("Creative Commons, attribution and share alike", r"CC-BY-SA"),
    ("Creative Commons, attribution", r"CC-BY"),
    ("public domain, or as if", r"CC0|public-domain|Unlicense"),
    ("SIL Open Font License", r"OFL|SIL"),
    ("MIT, BSD, Apache and the like", r"MIT|Expat|BSD|Apache|Artistic"),
)
"""What a package's short name of a licence begins with, by what it is called here; a choice of several counts as its first."""


def main() -> None:
    parser = arguments(__doc__, "lite_data")
    options = parser.parse_args()

    fetch(sorted({*TRAINING_PACKAGES, *TEST_PACKAGES}), options.packages)
    worlds, dropped = plan(options.packages)
    licences = counted_licences({path for world in worlds for path in files_of(world)}, options.packages)
    themes = sorted({one.style for world in worlds if world.name == "icons" for one in world.pictures})
    report(options.out, counted_kinds(worlds), licences, themes, str(dropped))


def report(
    out: Path, kinds: Sequence[Sequence[str]], licences: Counter[str], themes: Sequence[str], dropped: str
) -> None:
    families: Counter[str] = Counter()
    for licence, count in licences.items():
        families[family_of(licence)] += count
    sections = [
        "How often each kind of world is shown, and what is in it:",
        table(("", "share of batches", "worlds", "styles", "files taken from"), kinds),
        f"As copies of what is measured on, {dropped.replace('left out', 'there were left out', 1)}.",
        "Files that pictures are made from, by the licence that their packages state:",
        table(("", "files"), [(name, f"{count:,}") for name, count in families.most_common()]),
        "Packages:",
        "\n".join(
            f"- {title}: {', '.join(f'`{name}`' for name in names)}." for title, names in GROUPS.items()
        ),
        f"Icon themes, those of one family under one name: {', '.join(themes)}.",
    ]
    values = {"kinds": kinds, "licences": licences, "packages": GROUPS, "themes": themes, "dropped": dropped}
    write(out, "What lite is trained on", sections, values, {})


def family_of(licence: str) -> str:
    """Return which kind of licence a short name is of; packages spell one licence in many ways."""
    return next(
        (title for title, pattern in FAMILIES_OF_LICENCES if re.match(pattern, licence, re.IGNORECASE)),
        "others",
    )


def files_of(world: World) -> Iterable[Path]:
    """Return the files that a world's pictures are made from."""
    if isinstance(world, ListedWorld):
        return (listed.path for listed in world.pictures)
    if isinstance(world, RestyledWorld):
        return world.files
    return (font.path for font in world.fonts)


def counted_kinds(worlds: Sequence[World]) -> list[tuple[str, ...]]:
    """Return of each kind its share, its worlds, its styles and the files that it is made from."""
    by_kind: dict[str, list[World]] = defaultdict(list)
    for world in worlds:
        by_kind[world.kind].append(world)
    return [
        (
            kind,
            f"{SHARES[kind] / sum(SHARES.values()):.0%}",
            str(len(those)),
            f"{sum(map(styles_of, those)):,}",
            f"{len({path for world in those for path in files_of(world)}):,}",
        )
        for kind, those in by_kind.items()
    ]


def styles_of(world: World) -> int:
    if isinstance(world, ListedWorld):
        return len({listed.style for listed in world.pictures})
    return STYLES if isinstance(world, RestyledWorld) else HANDS


def counted_licences(paths: Iterable[Path], packages: Path) -> Counter[str]:
    """Return how many files stand under each licence."""
    stated: dict[str, Copyright] = {}
    found: Counter[str] = Counter()
    for path in paths:
        package, *inside = path.relative_to(packages).parts
        if package not in stated:
            stated[package] = package_copyright(packages / package)
        found[stated[package].licence("/".join(inside))] += 1
    return found


if __name__ == "__main__":
    main()
