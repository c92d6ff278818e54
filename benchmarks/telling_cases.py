"""Eight queries with their nearest pictures by `lite` and by a network's pooled feature, side by side in one picture.

    python benchmarks/telling_cases.py --packages FOLDER

FOLDER keeps the Debian packages, which are fetched into it if they are missing. Queries and what is searched are those of
crossed_icons.py, where a right answer is an icon of the same theme, and of openclipart_artists.py, where it is a drawing by
the same artist. Nothing of either was trained on. Copies of a picture are no answers.

The cases are chosen by this rule, so that nobody picks what looks best. For every query it is counted how many of the five
nearest are right by either descriptor. Of each of the two collections four cases are shown, of four different styles:

1. and 2. where `lite` has most more right answers than the pooled feature;
3. where it has most fewer;
4. one drawn at random.

Of equal ones that comes first whose wrong answers show the query's own thing most often, and then one by a fixed draw.

The picture is written to docs/images/telling-cases.png. What it shows, with sources and licences, and how often which of the
two is ahead, goes to benchmarks/results/telling_cases.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from crossed_icons import NAME as ICONS
from crossed_icons import measured_icons
from matplotlib import font_manager
from numpy.typing import NDArray
from openclipart_artists import LIMITS, halves, look_describer, measured_drawings
from openclipart_artists import NAME as ARTISTS
from PIL import Image, ImageDraw, ImageFont, ImageOps
from record import arguments, table, write

from stylesearch.catalog.debian_copyright import package_copyright
from stylesearch.cli.progress import progress_bar
from stylesearch.encoders.lite import WEIGHTS
from stylesearch.encoders.protocol import Descriptors
from stylesearch.evaluation.describing import baseline_describer, describe_images, encoder_describer
from stylesearch.evaluation.labels import Indices, Mask, Relevance
from stylesearch.evaluation.ranking import rank, unit
from stylesearch.images.decode import decode
from stylesearch.training.data.artists import Clipart
from stylesearch.training.data.icons import Icon

PICTURE = Path(__file__).parent.parent / "docs" / "images" / "telling-cases.png"
SHOWN = 5
ENCODER, BASELINE = "lite", "pooled"
AHEAD, BEHIND, DRAWN = f"{ENCODER} furthest ahead", f"{ENCODER} furthest behind", "drawn at random"
RULES = (AHEAD, AHEAD, BEHIND, DRAWN)
_SEED = 1


@dataclass(frozen=True)
class Collection:
    """Pictures that are searched among one another.

    Attributes
    ----------
    title:
        What it is called in the picture.
    paths:
        The files.
    styles:
        What makes an answer right.
    contents:
        What each shows; empty where that is not known.
    licences:
        Short names.
    nearest:
        By descriptor ``[n, SHOWN]`` places in the collection, the nearest first.
    """

    title: str
    paths: Sequence[Path]
    styles: NDArray[np.str_]
    contents: NDArray[np.str_]
    licences: Sequence[str]
    nearest: dict[str, Indices]

    def right(self, descriptor: str) -> Mask:
        """Return ``[n, SHOWN]``: which answers are right."""
        return self.styles[self.nearest[descriptor]] == self.styles[:, None]

    def lures(self, descriptor: str) -> Mask:
        """Return ``[n, SHOWN]``: which answers are wrong and show the query's own thing."""
        same = self.contents[self.nearest[descriptor]] == self.contents[:, None]
        return same & (self.contents != "")[:, None] & ~self.right(descriptor)

    @property
    def lead(self) -> Indices:
        """``[n]``: how many more right answers the encoder has than the baseline."""
        return self.right(ENCODER).sum(axis=1) - self.right(BASELINE).sum(axis=1)


@dataclass(frozen=True)
class Case:
    """A query to show, and why."""

    collection: Collection
    query: int
    rule: str


def main() -> None:
    parser = arguments(__doc__, "telling_cases", limit="most pictures of one style, to try it out")
    parser.add_argument("--picture", type=Path, default=PICTURE)
    options = parser.parse_args()

    kept = options.out.parent
    collections = [
        icons(options.packages, options.limit, kept / ICONS),
        drawings(options.packages, options.limit, kept / ARTISTS),
    ]
    cases = [case for collection in collections for case in choose(collection)]
    options.picture.parent.mkdir(parents=True, exist_ok=True)
    sheet(cases).save(options.picture, optimize=True)
    report(options.out, collections, cases, options.packages, options.limit)
    print(f"written: {options.picture}")


def icons(packages: Path, most: int | None, cache: Path) -> Collection:
    """Return the icons of the test themes."""
    listed = measured_icons(packages, most)
    found, (looks, *descriptors) = described(listed, packages, cache)
    return collection(
        "Icons of six themes. Right: of the same theme.",
        packages,
        found,
        [icon.content for icon in found],
        descriptors,
        np.arange(len(looks)),
    )


def drawings(packages: Path, most: int | None, cache: Path) -> Collection:
    """Return the drawings of both halves of the artists; nobody's answers come from the other half."""
    listed = measured_drawings(packages, most)
    found, (looks, *descriptors) = described(listed, packages, cache)
    groups = np.empty(len(found), np.int64)
    for half in halves(found, looks):
        groups[half.places] = half.groups
    return collection(
        "Drawings of the Open Clip Art Library. Right: by the same artist.",
        packages,
        found,
        [""] * len(found),
        descriptors,
        groups,
    )


def described(
    listed: Sequence[Icon] | Sequence[Clipart], packages: Path, cache: Path
) -> tuple[list[Icon | Clipart], tuple[Descriptors, ...]]:
    describers = [
        look_describer(),
        encoder_describer(ENCODER, device="cpu"),
        baseline_describer(BASELINE, device="cpu"),
    ]
    paths = [one.path.relative_to(packages).as_posix() for one in listed]
    with progress_bar("describing", "pictures") as bar:
        found = describe_images(describers, packages, paths, limits=LIMITS, cache=cache, on_progress=bar)
    return [listed[place] for place in found.places], found.descriptors


def collection(
    title: str,
    packages: Path,
    pictures: Sequence[Icon | Clipart],
    contents: Sequence[str],
    descriptors: Sequence[Descriptors],
    groups: Indices,
) -> Collection:
    styles = np.array([one.style if isinstance(one, Icon) else one.artist for one in pictures])
    relevance = Relevance(styles, styles)
    nearest = {}
    for name, rows in zip((ENCODER, BASELINE), descriptors, strict=True):
        ranking = rank(unit(rows), unit(rows), relevance, k=SHOWN, query_groups=groups, gallery_groups=groups)
        nearest[name] = ranking.nearest
    return Collection(
        title,
        [one.path for one in pictures],
        styles,
        np.array(contents),
        licences(packages, [one.path for one in pictures]),
        nearest,
    )


def licences(packages: Path, paths: Sequence[Path]) -> list[str]:
    """Return the short name of each file's licence, as its package states it."""
    stated = {}
    found = []
    for path in paths:
        package, *inside = path.relative_to(packages).parts
        if package not in stated:
            stated[package] = package_copyright(packages / package)
        found.append(stated[package].licence("/".join(inside)))
    return found


def choose(found: Collection) -> list[Case]:
    """Choose a collection's cases by the rule of this file's first lines."""
    order = list(range(len(found.paths)))
    random.Random(_SEED).shuffle(order)
    lead = found.lead
    lured = {name: found.lures(name).sum(axis=1) for name in (ENCODER, BASELINE)}
    ranked = {
        AHEAD: sorted(order, key=lambda place: (-lead[place], -lured[BASELINE][place])),
        BEHIND: sorted(order, key=lambda place: (lead[place], -lured[ENCODER][place])),
        DRAWN: order,
    }
    cases: list[Case] = []
    for rule in RULES:
        shown = {found.styles[case.query] for case in cases}
        cases.append(
            Case(found, next(place for place in ranked[rule] if found.styles[place] not in shown), rule)
        )
    return cases


# The picture

_MARGIN, _THUMB, _GAP, _BETWEEN = 40, 152, 14, 54
_LINE = 27
_CELL = _THUMB + _GAP
_CASE_HEAD, _CASE_FOOT = 46, _LINE + 26
_TITLE, _LEGEND, _GROUP = 150, 90, 64
_INK, _SOFT, _FAINT = "#1a1a1a", "#5f6368", "#d5d8dc"
_RIGHT, _LURE = "#0072B2", "#D55E00"


def _font(size: int, *, bold: bool = False) -> ImageFont.FreeTypeFont:
    path = font_manager.findfont(
        font_manager.FontProperties(family="DejaVu Sans", weight="bold" if bold else "normal")
    )
    return ImageFont.truetype(path, size)


def _left(column: int) -> int:
    """Return where a column begins: the query, five by the encoder, five by the baseline."""
    gaps = (column > 0) + (column > SHOWN)
    return _MARGIN + column * _CELL + gaps * _BETWEEN


def _width() -> int:
    return _left(2 * SHOWN) + _THUMB + _MARGIN


def _height(case: Case) -> int:
    """Return how much room a case takes; contents have a line of their own."""
    return _CASE_HEAD + _THUMB + _CASE_FOOT + _LINE * bool(case.collection.contents[case.query])


def sheet(cases: Sequence[Case]) -> Image.Image:
    """Draw all cases, one a line, under a title and above the key to the marks."""
    titles = list(dict.fromkeys(case.collection.title for case in cases))
    height = _TITLE + len(titles) * _GROUP + sum(_height(case) for case in cases) + _LEGEND
    image = Image.new("RGB", (_width(), height), "white")
    pen = ImageDraw.Draw(image)
    for column, text in (
        (0, "Query"),
        (1, f"Nearest by {ENCODER}"),
        (SHOWN + 1, f"Nearest by the {BASELINE} feature"),
    ):
        pen.text((_left(column), 76), text, _INK, _font(30, bold=True))
    pen.text(
        (_MARGIN, 22),
        f"Nearest pictures by {ENCODER}, and by what a picture shows",
        _INK,
        _font(38, bold=True),
    )
    top, title = _TITLE, ""
    for case in cases:
        if case.collection.title != title:
            title = case.collection.title
            pen.rectangle((_MARGIN, top, _width() - _MARGIN, top + _GROUP - 18), fill="#f1f3f4")
            pen.text((_MARGIN + 14, top + 7), title, _INK, _font(24, bold=True))
            top += _GROUP
        _draw_case(image, pen, case, top)
        top += _height(case)
    _draw_key(pen, top)
    return image


def _draw_case(image: Image.Image, pen: ImageDraw.ImageDraw, case: Case, top: int) -> None:
    found = case.collection
    pen.text((_MARGIN, top + 8), case.rule, _SOFT, _font(21))
    for column, name in ((1, ENCODER), (SHOWN + 1, BASELINE)):
        count = int(found.right(name)[case.query].sum())
        pen.text((_left(column), top + 8), f"{count} of {SHOWN} right", _SOFT, _font(21))
    top += _CASE_HEAD
    _draw_picture(image, pen, found, case.query, (_left(0), top), "query")
    for first, name in ((1, ENCODER), (SHOWN + 1, BASELINE)):
        for rank_, place in enumerate(found.nearest[name][case.query].tolist()):
            mark = (
                "right" if found.right(name)[case.query, rank_]
                else "lure" if found.lures(name)[case.query, rank_]
                else "wrong"
            )  # fmt: skip
            _draw_picture(image, pen, found, place, (_left(first + rank_), top), mark)


def _draw_picture(
    image: Image.Image,
    pen: ImageDraw.ImageDraw,
    found: Collection,
    place: int,
    corner: tuple[int, int],
    mark: str,
) -> None:
    left, top = corner
    pixels = decode(
        found.paths[place].read_bytes(),
        max_bytes=LIMITS.max_bytes,
        max_pixels=LIMITS.max_pixels,
        shortest_side=2 * _THUMB,
    ).pixels
    inner = _THUMB - 20
    picture = Image.fromarray(pixels)
    small = max(picture.size) < inner  # a picture of few pixels is enlarged as it is, so that it shows them
    fitted = ImageOps.contain(
        picture, (inner, inner), Image.Resampling.NEAREST if small else Image.Resampling.LANCZOS
    )
    image.paste(fitted, (left + (_THUMB - fitted.width) // 2, top + (_THUMB - fitted.height) // 2))
    box = (left, top, left + _THUMB - 1, top + _THUMB - 1)
    _draw_frame(pen, box, mark)
    style, content = str(found.styles[place]), str(found.contents[place])
    strong = mark in ("query", "right")
    font, small_font = _font(20, bold=strong), _font(17)
    pen.text((left, top + _THUMB + 6), _fitting(style, font), _INK if strong else _SOFT, font)
    if content:
        below = (left, top + _THUMB + 6 + _LINE)
        pen.text(below, _fitting_content(content, small_font), _LURE if mark == "lure" else _SOFT, small_font)


def _draw_frame(pen: ImageDraw.ImageDraw, box: tuple[int, int, int, int], mark: str) -> None:
    """Draw what says of an answer whether it is right: a frame of its own kind, and a sign in its corner."""
    left, top, right, bottom = box
    if mark == "lure":
        for start in range(left, right, 16):
            pen.line((start, top, min(start + 9, right), top), _LURE, 3)
            pen.line((start, bottom, min(start + 9, right), bottom), _LURE, 3)
        for start in range(top, bottom, 16):
            pen.line((left, start, left, min(start + 9, bottom)), _LURE, 3)
            pen.line((right, start, right, min(start + 9, bottom)), _LURE, 3)
    else:
        colour, width = {"query": (_INK, 5), "right": (_RIGHT, 5), "wrong": (_FAINT, 2)}[mark]
        pen.rectangle(box, outline=colour, width=width)
    if mark == "query":
        return
    centre, radius = (right - 17, top + 17), 15
    colour = {"right": _RIGHT, "lure": _LURE, "wrong": "#9aa0a6"}[mark]
    around = (centre[0] - radius, centre[1] - radius, centre[0] + radius, centre[1] + radius)
    pen.ellipse(around, fill=colour if mark == "right" else "white", outline=colour, width=3)
    x, y = centre
    if mark == "right":
        pen.line([(x - 8, y), (x - 2, y + 6), (x + 8, y - 6)], "white", 4, joint="curve")
    else:
        pen.line((x - 6, y - 6, x + 6, y + 6), colour, 3)
        pen.line((x - 6, y + 6, x + 6, y - 6), colour, 3)


def _draw_key(pen: ImageDraw.ImageDraw, top: int) -> None:
    left = _MARGIN
    for mark, text in (
        ("right", "right: the query's style"),
        ("wrong", "wrong: another style"),
        ("lure", "wrong, and shows the same thing as the query"),
    ):
        _draw_frame(pen, (left, top + 12, left + 56, top + 60), mark)
        pen.text((left + 70, top + 24), text, _INK, _font(22))
        left += 110 + int(pen.textlength(text, _font(22)))


def _fitting(text: str, font: ImageFont.FreeTypeFont) -> str:
    """Return a text that is no wider than a picture, shortened at its end."""
    cut = text
    while font.getlength(cut) > _THUMB:
        cut = f"{cut[:-2].rstrip()}…"
    return cut


def _fitting_content(text: str, font: ImageFont.FreeTypeFont) -> str:
    """Return the same of an icon's name, whose last words say most."""
    words = text.split("-")
    while len(words) > 1 and font.getlength("-".join(words)) > _THUMB:
        words = [f"…{words[1]}", *words[2:]]
    return _fitting("-".join(words), font)


# The table


def report(
    out: Path, collections: Sequence[Collection], cases: Sequence[Case], packages: Path, limit: int | None
) -> None:
    counted = []
    for one in collections:
        lead = one.lead
        shares = [float((lead > 0).mean()), float((lead == 0).mean()), float((lead < 0).mean())]
        right = [float(one.right(name).mean()) for name in (ENCODER, BASELINE)]
        counted.append((one.title.partition(".")[0], len(one.paths), *right, *shares))
    head = (
        "", "queries", f"right of {SHOWN}, {ENCODER}", f"right of {SHOWN}, {BASELINE}", f"{ENCODER} ahead", "as many",
        f"{ENCODER} behind",
    )  # fmt: skip
    rows = [
        (
            title,
            f"{count:,}",
            *(f"{SHOWN * value:.2f}" for value in shares[:2]),
            *(f"{value:.0%}" for value in shares[2:]),
        )
        for title, count, *shares in counted
    ]
    listed, shown = [], []
    for case in cases:
        found = case.collection
        for role, place in (
            ("query", case.query),
            *(
                (name, place)
                for name in (ENCODER, BASELINE)
                for place in found.nearest[name][case.query].tolist()
            ),
        ):
            listed.append(
                {
                    "case": case.rule,
                    "role": role,
                    "style": str(found.styles[place]),
                    "content": str(found.contents[place]),
                    "file": found.paths[place].relative_to(packages).as_posix(),
                    "licence": found.licences[place],
                    "right": bool(found.styles[place] == found.styles[case.query]),
                }
            )
        shown.append(
            (
                found.title.partition(".")[0],
                case.rule,
                f"{found.styles[case.query]} {found.contents[case.query]}".strip(),
                *(str(int(found.right(name)[case.query].sum())) for name in (ENCODER, BASELINE)),
            )
        )
    used = sorted({(entry["file"].split("/")[0], entry["licence"]) for entry in listed})
    sections = [
        f"How many of the {SHOWN} nearest are right on average, and how often which has more of them:",
        table(head, rows),
        "The cases shown:",
        table(("", "chosen as", "query", ENCODER, BASELINE), shown),
        "The pictures shown are from these packages, under the licences that these state: "
        + ", ".join(f"{package} ({licence})" for package, licence in used)
        + ".",
    ]
    write(
        out,
        "Telling cases",
        sections,
        {"overall": counted, "pictures": listed},
        {},
        weights=WEIGHTS,
        limit=limit,
    )


if __name__ == "__main__":
    main()
