"""A demo collection drawn by our own code: every subject in every style, so content and style are crossed.

The same shapes are rendered in each style, which makes the collection a small test bed as well as something to look
at: what two drawings of one subject differ in is style, and what two drawings of one style differ in is content.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import zip_longest
from pathlib import Path
from xml.sax.saxutils import escape

from stylesearch.demo.geometry import SIZE, Dice
from stylesearch.demo.styles.style import ALL_STYLES, Style
from stylesearch.demo.subjects.animals import ANIMALS
from stylesearch.demo.subjects.buildings import BUILDINGS
from stylesearch.demo.subjects.nature import NATURE
from stylesearch.demo.subjects.objects import OBJECTS
from stylesearch.demo.subjects.subject import Subject
from stylesearch.demo.subjects.vehicles import VEHICLES

# One of each category in turn, so that a small part of the collection still holds all sorts.
_SUBJECTS = tuple(
    subject
    for turn in zip_longest(NATURE, ANIMALS, BUILDINGS, OBJECTS, VEHICLES)
    for subject in turn
    if subject is not None
)

STYLES: tuple[str, ...] = tuple(style.name for style in ALL_STYLES)
"""Names of the styles, in the order in which :func:`draw_collection` takes them."""

SUBJECTS: tuple[str, ...] = tuple(subject.title for subject in _SUBJECTS)
"""Names of the subjects, in the order in which :func:`draw_collection` takes them."""

_PIXELS = 800
_STILL_IMAGE = "http://purl.org/dc/dcmitype/StillImage"


def draw_collection(
    folder: Path,
    *,
    styles: int = len(ALL_STYLES),
    subjects: int = len(_SUBJECTS),
    progress: Callable[[int, int], None] | None = None,
) -> int:
    """Write the drawings as ``<style>/<subject>.svg``, byte for byte the same each time.

    Parameters
    ----------
    folder:
        Where to write; made if it is missing.
    styles:
        How many styles to draw, from the first; at most 16.
    subjects:
        How many subjects to draw in each, from the first; at most 25.
    progress:
        Called after each drawing with the number done and the number there will be.

    Returns
    -------
    int
        The number of files written.
    """
    pairs = [
        (style, subject)
        for style in ALL_STYLES[: max(0, styles)]
        for subject in _SUBJECTS[: max(0, subjects)]
    ]
    for done, (style, subject) in enumerate(pairs, start=1):
        target = folder / style.slug / f"{subject.slug}.svg"
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(drawing(style, subject).encode())
        if progress is not None:
            progress(done, len(pairs))
    return len(pairs)


def drawing(style: Style, subject: Subject) -> str:
    """Return one subject in one style as an SVG document."""
    dice = Dice(f"{style.slug}/{subject.slug}")
    year = int(dice.between(style.years[0], style.years[1] + 1))
    body = style.render(subject.compose(dice), dice)
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{_PIXELS}" height="{_PIXELS}" viewBox="0 0 {SIZE} {SIZE}" version="1.1">\n'
        f"{_metadata(style, subject, year)}\n{body}\n</svg>\n"
    )


def _metadata(style: Style, subject: Subject, year: int) -> str:
    """Return Dublin Core and Creative Commons metadata, arranged as Inkscape writes it."""
    keywords = "".join(f"<rdf:li>{escape(word)}</rdf:li>" for word in subject.keywords)
    article = "an" if style.name[0] in "AEIOU" else "a"
    sentence = f"{subject.sentence}, drawn in {article} {style.name.lower()} manner."
    return (
        '<metadata><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns:cc="http://creativecommons.org/ns#" '
        'xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:dcterms="http://purl.org/dc/terms/">\n'
        '<cc:Work rdf:about="">\n'
        f'<dc:format>image/svg+xml</dc:format>\n<dc:type rdf:resource="{_STILL_IMAGE}"/>\n'
        f"<dc:title>{escape(subject.title)}</dc:title>\n<dc:date>{year}</dc:date>\n"
        f"<dc:creator><cc:Agent><dc:title>{escape(style.studio)}</dc:title></cc:Agent></dc:creator>\n"
        f"<dc:description>{escape(sentence)}</dc:description>\n<dcterms:medium>{escape(style.medium)}</dcterms:medium>\n"
        f"<dc:subject><rdf:Bag>{keywords}</rdf:Bag></dc:subject>\n"
        f'<cc:license rdf:resource="{style.license}"/>\n'
        "</cc:Work>\n</rdf:RDF></metadata>"
    )
