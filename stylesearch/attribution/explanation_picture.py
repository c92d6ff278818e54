"""An explanation as one picture: heat maps over both pictures, bars by depth, palettes, and the sentences."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from stylesearch.attribution.explanation import Explanation
from stylesearch.attribution.palette import Palette
from stylesearch.attribution.regions import Regions
from stylesearch.encoders.protocol import Pixels

PAPER, INK, SOFT, RULE = "#ffffff", "#1d1b18", "#6b665d", "#d9d5cd"
ALIKE, APART = "#0072b2", "#d55e00"
"""Blue and vermilion of the palette of Okabe and Ito: told apart with all kinds of colour vision."""

_BOX, _GAP, _MARGIN = 344, 28, 40
_LEFT = 2 * _BOX + _GAP
_RIGHT = 560
_GUTTER = 48
_WIDTH = _MARGIN + _LEFT + _GUTTER + _RIGHT + _MARGIN
_TOP, _TALLEST = 118, 2000
_SWATCHES, _BAR, _LINE = 26, 22, 24
_NAME_WIDTH, _NUMBER_WIDTH = 232, 64
_DEEPEST = 0.85
"""How far the strongest region is covered by its colour."""

_MARKED = 0.6
"""From this part of the strongest region's value on, a region bears its sign as well."""

_SIGN = 20
_LONGEST_NAME = 60

Font = ImageFont.FreeTypeFont


@cache
def _font(size: int, *, bold: bool = False) -> Font:
    """Return a font with nearly all of Latin, Greek and Cyrillic, which comes with matplotlib."""
    import matplotlib as mpl

    name = "DejaVuSans-Bold.ttf" if bold else "DejaVuSans.ttf"
    return ImageFont.truetype(Path(mpl.get_data_path(), "fonts", "ttf", name), size)


def draw_explanation(
    explanation: Explanation, pictures: tuple[Pixels, Pixels], names: tuple[str, str]
) -> Image.Image:
    """Draw an explanation.

    Parameters
    ----------
    explanation:
        Of the two pictures.
    pictures:
        ``[height, width, 3]`` each, as they were given to be explained.
    names:
        What to call the pictures; shown, never trusted.
    """
    sheet = Image.new("RGB", (_WIDTH, _TALLEST), PAPER)
    draw = ImageDraw.Draw(sheet)
    score = _signed(explanation.score).lstrip("+")
    draw.text((_MARGIN, 32), f"Likeness in style: {score}", INK, font=_font(30, bold=True))
    what = f"Cosine of two descriptors by the encoder {explanation.encoder.slug}, from \u22121 to 1; no probability."
    draw.text((_MARGIN, 74), _fitted(_readable(what), _font(15), _WIDTH - 2 * _MARGIN), SOFT, font=_font(15))
    left = _draw_pictures(sheet, explanation, pictures, names)
    right = _draw_words(draw, explanation, _MARGIN + _LEFT + _GUTTER)
    return sheet.crop((0, 0, _WIDTH, max(left, right) + _MARGIN))


def _draw_pictures(
    sheet: Image.Image, explanation: Explanation, pictures: tuple[Pixels, Pixels], names: tuple[str, str]
) -> int:
    """Draw the left half: pictures, palettes, heat maps and their scale; return where it ends."""
    draw = ImageDraw.Draw(sheet)
    strongest = max(float(np.abs(one).max()) for one in explanation.regions)
    for number, (pixels, name) in enumerate(zip(pictures, names, strict=True)):
        left, top = _MARGIN + number * (_BOX + _GAP), _TOP
        caption = f"{('First', 'Second')[number]}: {_readable(name)}"
        draw.text((left, top), _fitted(caption, _font(15, bold=True), _BOX), INK, font=_font(15, bold=True))
        top += 28
        _place(sheet, _scaled(pixels), left, top)
        top += _BOX + 10
        _draw_palette(draw, explanation.traits[number].palette, left, top)
        top += _SWATCHES + 18
        _place(sheet, heated(pixels, explanation.regions[number], strongest), left, top)
    return _draw_scale(sheet, strongest, _MARGIN, top + _BOX + 16)


def heated(pixels: Pixels, regions: Regions, strongest: float) -> Image.Image:
    """Return a picture in pale greys with its regions' contributions over it.

    Parameters
    ----------
    pixels:
        ``[height, width, 3]``.
    regions:
        Of this picture.
    strongest:
        The value, in score, that is covered most; the same for both pictures.
    """
    pale = Image.blend(
        _scaled(pixels).convert("L").convert("RGB"), Image.new("RGB", _size(pixels), PAPER), 0.35
    )
    parts = regions / strongest if strongest > 0 else np.zeros_like(regions)
    cover = Image.fromarray(_coloured(parts)).resize(pale.size, Image.Resampling.NEAREST)
    heat = Image.alpha_composite(pale.convert("RGBA"), cover).convert("RGB")
    draw = ImageDraw.Draw(heat)
    rows, columns = parts.shape
    roomy = min(heat.width / columns, heat.height / rows) >= _SIGN
    for row, column in np.argwhere(roomy & (np.abs(parts) >= _MARKED)).tolist():
        middle = (column + 0.5) * heat.width / columns, (row + 0.5) * heat.height / rows
        sign = "+" if parts[row, column] > 0 else "\u2212"
        draw.text(
            middle, sign, PAPER, font=_font(_SIGN, bold=True), anchor="mm", stroke_width=2, stroke_fill=INK
        )
    return heat


def _coloured(parts: NDArray[np.float64]) -> NDArray[np.uint8]:
    """Return ``[..., 4]`` for values of -1 to 1: a colour each side, the more opaque the further from zero."""
    colours = np.array([_rgb(APART), _rgb(ALIKE)], np.float64)
    opaque = 255 * _DEEPEST * np.abs(parts).clip(0, 1)
    return (
        np.concatenate([colours[(parts > 0).astype(int)], opaque[..., None]], axis=-1)
        .round()
        .astype(np.uint8)
    )


def _rgb(colour: str) -> tuple[int, ...]:
    return tuple(bytes.fromhex(colour[1:]))


def _size(pixels: Pixels) -> tuple[int, int]:
    height, width = pixels.shape[:2]
    scale = _BOX / max(height, width)
    return max(1, round(width * scale)), max(1, round(height * scale))


def _scaled(pixels: Pixels) -> Image.Image:
    return Image.fromarray(np.ascontiguousarray(pixels)).resize(_size(pixels), Image.Resampling.BICUBIC)


def _place(sheet: Image.Image, picture: Image.Image, left: int, top: int) -> None:
    """Put a picture into the middle of its box, with a rule about it, for many are white at the edge."""
    at = left + (_BOX - picture.width) // 2, top + (_BOX - picture.height) // 2
    sheet.paste(picture, at)
    around = (at[0] - 1, at[1] - 1, at[0] + picture.width, at[1] + picture.height)
    ImageDraw.Draw(sheet).rectangle(around, outline=RULE)


def _draw_palette(draw: ImageDraw.ImageDraw, palette: Palette, left: int, top: int) -> None:
    ends = np.cumsum([0.0, *(swatch.share for swatch in palette)]).clip(0, 1) * _BOX
    for swatch, start, end in zip(
        palette, ends[:-1].round().tolist(), ends[1:].round().tolist(), strict=True
    ):
        if end > start:
            draw.rectangle((left + start, top, left + end - 1, top + _SWATCHES), fill=swatch.hex)
    draw.rectangle((left - 1, top - 1, left + _BOX, top + _SWATCHES + 1), outline=RULE)


def _draw_scale(sheet: Image.Image, strongest: float, left: int, top: int) -> int:
    draw = ImageDraw.Draw(sheet)
    steps = np.linspace(-1, 1, _LEFT)[None].repeat(16, axis=0)
    bar = Image.fromarray(_coloured(steps))
    sheet.paste(bar, (left, top), bar)
    draw.rectangle((left - 1, top - 1, left + _LEFT, top + 16), outline=RULE)
    for place, value, anchor in ((0, -strongest, "la"), (0.5, 0.0, "ma"), (1, strongest, "ra")):
        text = {"la": "makes them differ  ", "ma": "", "ra": "  makes them alike"}[anchor]
        number = _signed(value, 3) if value else "0"
        label = f"{number}  {text}" if anchor == "la" else f"{text}  {number}"
        draw.text((left + place * _LEFT, top + 22), label.strip(), SOFT, font=_font(14), anchor=anchor)
    what = "Colour: what the score loses without the region."
    draw.text((left, top + 46), what, SOFT, font=_font(14))
    return top + 64


def _draw_words(draw: ImageDraw.ImageDraw, explanation: Explanation, left: int) -> int:
    """Draw the right half: bars by depth, then the sentences; return where it ends."""
    top = _draw_depths(draw, explanation, left, _TOP) + 24 if explanation.depths else _TOP
    for title, colour, findings in (
        ("What differs", APART, explanation.differences),
        ("What is alike", ALIKE, explanation.likenesses),
    ):
        if not findings:
            continue
        draw.text((left, top), title, INK, font=_font(18, bold=True))
        top += 34
        for finding in findings:
            draw.rectangle((left, top + 6, left + 8, top + 14), fill=colour)
            for line in _wrapped(finding.sentence, _font(16), _RIGHT - 20):
                draw.text((left + 20, top), line, INK, font=_font(16))
                top += _LINE
            top += 6
        top += 12
    note = "This was measured in the pictures; the encoder need not go by it."
    draw.text((left, top), note, SOFT, font=_font(13))
    return top + 20


def _draw_depths(draw: ImageDraw.ImageDraw, explanation: Explanation, left: int, top: int) -> int:
    rows = [("what any two pictures share", "", explanation.ordinary, SOFT)]
    for one in explanation.depths:
        about = f"patches of {one.depth.reach:.0f} % of the side"
        rows.append((one.depth.name, about, one.contribution, ALIKE if one.contribution > 0 else APART))
    draw.text((left, top), "Where the score comes from", INK, font=_font(18, bold=True))
    top += 40
    low, high = min(0.0, *(one[2] for one in rows)), max(0.0, *(one[2] for one in rows))
    unit = (_RIGHT - _NAME_WIDTH - _NUMBER_WIDTH) / max(high - low, 1e-9)
    zero = left + _NAME_WIDTH - low * unit
    draw.line((zero, top - 4, zero, top + 2 * _BAR * len(rows) - 12), fill=INK)
    for name, about, value, colour in rows:
        draw.text((left, top + (0 if about else 4)), name, INK, font=_font(15))
        draw.text((left, top + 19), about, SOFT, font=_font(12))
        start, end = sorted((zero, zero + value * unit))
        draw.rectangle((start, top + 2, max(end, start + 1), top + 2 + _BAR), fill=colour)
        draw.text((left + _RIGHT, top + 13), _signed(value), INK, font=_font(15), anchor="rm")
        top += 2 * _BAR
    draw.text((left, top), "together: the score", INK, font=_font(15, bold=True))
    draw.text((left + _RIGHT, top), _signed(explanation.score), INK, font=_font(15, bold=True), anchor="ra")
    return top + 30


def _signed(value: float, digits: int = 2) -> str:
    text = f"{value:+.{digits}f}"
    return text.replace("-", "\u2212") if float(text) else text[1:]


def _readable(name: str) -> str:
    return "".join(one if one.isprintable() else "\ufffd" for one in name)[: 2 * _LONGEST_NAME]


def _fitted(text: str, font: Font, width: float) -> str:
    if font.getlength(text) <= width:
        return text
    while text and font.getlength(text + "…") > width:
        text = text[:-1]
    return text + "…"


def _wrapped(text: str, font: Font, width: float) -> list[str]:
    lines = [""]
    for word in text.split():
        longer = f"{lines[-1]} {word}".strip()
        if font.getlength(longer) <= width or not lines[-1]:
            lines[-1] = longer
        else:
            lines.append(word)
    return lines
