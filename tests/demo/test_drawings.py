import hashlib
import re
from pathlib import Path

import numpy as np
import pytest
from lxml import etree

from stylesearch.demo.drawings import STYLES, SUBJECTS, draw_collection
from stylesearch.images.decode import decode
from stylesearch.images.svg import guard_svg

MAX_BYTES = 150_000
NAMES = {
    "rdf": "http://www.w3.org/1999/02/22-rdf-syntax-ns#",
    "cc": "http://creativecommons.org/ns#",
    "dc": "http://purl.org/dc/elements/1.1/",
    "dcterms": "http://purl.org/dc/terms/",
    "svg": "http://www.w3.org/2000/svg",
}
RDF_RESOURCE = f"{{{NAMES['rdf']}}}resource"
CATEGORIES = {"animal", "building", "nature", "object", "vehicle"}
# Of every path and file, in order. It changes when a drawing is changed on purpose, and at no other time.
DIGEST = "a20798b56df475f309c030cd517a732237dbb9dc79b410c034c88adb33827370"


@pytest.fixture(scope="module")
def collection(tmp_path_factory):
    folder = tmp_path_factory.mktemp("drawings")
    assert draw_collection(folder) == 400
    return folder


@pytest.fixture(scope="module")
def files(collection):
    return sorted(collection.rglob("*.svg"))


def slug(name: str) -> str:
    return name.lower().replace(" ", "-")


def works(files: list[Path]):
    for path in files:
        yield path, etree.parse(path).find("svg:metadata/rdf:RDF/cc:Work", NAMES)


def digest(folder: Path) -> str:
    total = hashlib.sha256()
    for path in sorted(folder.rglob("*.svg"), key=lambda path: path.relative_to(folder).as_posix()):
        total.update(path.relative_to(folder).as_posix().encode() + b"\n" + path.read_bytes())
    return total.hexdigest()


def test_every_subject_is_drawn_in_every_style(collection, files):
    assert len(STYLES) == 16
    assert len(SUBJECTS) == 25
    expected = {f"{slug(style)}/{slug(subject)}.svg" for style in STYLES for subject in SUBJECTS}
    assert {path.relative_to(collection).as_posix() for path in files} == expected


def test_drawings_are_the_same_everywhere(collection):
    assert digest(collection) == DIGEST


def test_drawings_are_the_same_again(collection, tmp_path):
    draw_collection(tmp_path, styles=4, subjects=3)
    for path in tmp_path.rglob("*.svg"):
        assert path.read_bytes() == (collection / path.relative_to(tmp_path)).read_bytes()


def test_part_of_the_collection_with_progress(tmp_path):
    steps = []
    assert (
        draw_collection(
            tmp_path, styles=2, subjects=3, progress=lambda done, total: steps.append((done, total))
        )
        == 6
    )
    assert steps == [(done, 6) for done in range(1, 7)]
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(slug(style) for style in STYLES[:2])
    assert {path.stem for path in tmp_path.rglob("*.svg")} == {slug(subject) for subject in SUBJECTS[:3]}


def test_a_small_part_holds_every_category(collection):
    first = [collection / "ink" / f"{slug(subject)}.svg" for subject in SUBJECTS[:5]]
    assert {
        work.findall("dc:subject/rdf:Bag/rdf:li", NAMES)[-1].text for _, work in works(first)
    } == CATEGORIES


def test_every_file_passes_the_guard_and_is_small(files):
    for path in files:
        data = path.read_bytes()
        assert len(data) <= MAX_BYTES, path
        assert guard_svg(data, max_bytes=MAX_BYTES).rasters == ()


def test_only_plain_elements(files):
    allowed = {
        "svg",
        "metadata",
        "rect",
        "path",
        "circle",
        "ellipse",
        "g",
        "clipPath",
        "linearGradient",
        "stop",
    }
    for path in files:
        drawn = {
            etree.QName(element).localname
            for element in etree.parse(path).iter(etree.Element)
            if etree.QName(element).namespace == NAMES["svg"]
        }
        assert drawn <= allowed, path
        assert not re.search(rb"nan|inf[^o]|<text|href", path.read_bytes().split(b"</metadata>")[1]), path


def test_every_drawing_says_what_it_is(files):
    for path, work in works(files):
        assert slug(work.findtext("dc:title", namespaces=NAMES)) == path.stem
        maker = work.findtext("dc:creator/cc:Agent/dc:title", namespaces=NAMES)
        assert slug(maker) == f"{path.parent.name}-hand"
        assert 1880 <= int(work.findtext("dc:date", namespaces=NAMES)) <= 2020
        assert work.findtext("dc:format", namespaces=NAMES) == "image/svg+xml"
        assert work.find("dc:type", NAMES).get(RDF_RESOURCE).endswith("StillImage")
        assert work.findtext("dc:description", namespaces=NAMES).endswith(" manner.")
        assert work.findtext("dcterms:medium", namespaces=NAMES)
        keywords = [item.text for item in work.findall("dc:subject/rdf:Bag/rdf:li", NAMES)]
        assert len(set(keywords)) == len(keywords) >= 3
        assert keywords[-1] in CATEGORIES


def test_rights_are_spread_over_the_styles(files):
    rights = {}
    for path, work in works(files):
        rights.setdefault(work.find("cc:license", NAMES).get(RDF_RESOURCE), set()).add(path.parent.name)
    assert set(rights) == {
        "http://creativecommons.org/publicdomain/zero/1.0/",
        "http://creativecommons.org/licenses/by/4.0/",
        "http://creativecommons.org/licenses/by-sa/4.0/",
        "http://creativecommons.org/licenses/by-nc/4.0/",
        "http://rightsstatements.org/vocab/InC/1.0/",
    }
    assert rights["http://rightsstatements.org/vocab/InC/1.0/"] == {"op-art"}
    assert sum(len(styles) for styles in rights.values()) == len(STYLES)


def look(path: Path) -> np.ndarray:
    """Where a drawing's colours lie, and how much its brightness changes from pixel to pixel."""
    pixels = decode(
        path.read_bytes(), max_bytes=MAX_BYTES, max_pixels=1_000_000, shortest_side=160
    ).pixels.astype(float)
    bins, _ = np.histogramdd(pixels.reshape(-1, 3), bins=(4, 4, 4), range=[(0, 256)] * 3)
    grey = pixels.mean(axis=2)
    edges = [np.abs(np.diff(grey, axis=axis)).mean() / 64 for axis in (0, 1)]
    return np.concatenate([np.sqrt(bins.ravel() / bins.sum()), edges])


def test_every_drawing_renders_and_its_style_shows(collection):
    looks = np.array(
        [
            [look(collection / slug(style) / f"{slug(subject)}.svg") for subject in SUBJECTS]
            for style in STYLES
        ]
    )
    flat = looks.reshape(-1, looks.shape[-1])
    distances = np.linalg.norm(flat[:, None] - flat[None], axis=2)
    style = np.repeat(np.arange(len(STYLES)), len(SUBJECTS))
    subject = np.tile(np.arange(len(SUBJECTS)), len(STYLES))
    same_subject = distances[(subject[:, None] == subject) & (style[:, None] != style)]
    # No two renderings of a subject look alike, even by so plain a measure as this one.
    assert same_subject.min() > 0.25
    np.fill_diagonal(distances, np.inf)
    hit = (style[distances.argmin(axis=1)] == style).mean()
    assert hit > 0.9
