"""The pictures in a report and in a study are whole SVG, and show the numbers that they are of."""

import pytest
from lxml import etree

from stylesearch.attribution.model_study import ArtistStudy, Retrieval
from stylesearch.attribution.null_plot import LEFT, PRINTED, RIGHT, WIDTH, description, null_plot
from stylesearch.attribution.reliability_plot import reliability_plot
from stylesearch.attribution.study_plot import LONGEST, study_plot

NASTY = '"><script>alert(1)</script>'
SVG = "{http://www.w3.org/2000/svg}"


def null(score: float) -> dict:
    return {
        "artist": NASTY,
        "standard_score": score,
        "low": -4.0,
        "high": 8.0,
        "shares": [0.25, 0.5, 0.25, 0.0],
    }


@pytest.mark.parametrize(
    ("score", "place"), [(-4.0, LEFT), (2.0, (LEFT + WIDTH - RIGHT) / 2), (99.0, WIDTH - RIGHT)]
)
def test_the_score_stands_where_it_belongs_among_those_of_others(score, place):
    root = etree.fromstring(null_plot(null(score)))
    mark = next(line for line in root.iter(f"{SVG}line") if line.get("stroke") == "var(--mark)")
    assert float(mark.get("x1")) == pytest.approx(place)
    assert len(list(root.iter(f"{SVG}rect"))) == 3, "a bar for each share that is not nothing"
    assert NASTY in root.get("aria-label")
    text = " ".join(root.itertext())
    assert ("→" in text) == (score > 8)


def test_the_plot_is_told_in_words():
    assert "about 25 %" in description(null(2.0))
    assert "less than 1 %" in description(null(6.0))


def test_in_print_the_colours_are_given():
    plot = null_plot(null(1.0), colours=PRINTED)
    assert "var(" not in plot
    assert "var(" not in reliability_plot([{"said": 0.5, "seen": 0.4, "share": 1.0}], colours=PRINTED)


def test_reliability_is_on_the_diagonal_where_it_holds():
    bins = [{"said": 0.1, "seen": 0.1, "share": 0.5}, {"said": 0.9, "seen": 0.6, "share": 0.5}]
    dots = list(etree.fromstring(reliability_plot(bins)).iter(f"{SVG}circle"))
    (x, y), (x2, y2) = ((float(dot.get("cx")), float(dot.get("cy"))) for dot in dots)
    assert x2 - x == pytest.approx(160)
    assert y - y2 == pytest.approx(100), "what was said too surely is below the diagonal"


def artist(name: str, *, baseline: float = 0.1) -> ArtistStudy:
    return ArtistStudy(
        artist=name, images=20, works=5, gss=0.6, low=0.5, high=0.7, baseline=baseline, ceiling=0.9, strength=0.5,
        intra=0.8, kinds={}, retrieval=Retrieval("all", 20, 0.5, 0.5),
    )  # fmt: skip


def test_each_artist_of_a_study_has_a_line():
    plot = study_plot([artist(NASTY), artist("x" * 80), artist("No baseline", baseline=float("nan"))])
    root = etree.fromstring(plot)
    assert "<script" not in plot
    filled = [dot for dot in root.iter(f"{SVG}circle") if dot.get("fill") == "var(--mark)"]
    assert len(filled) == 3 + 1, "and one in the legend"
    hollow = [dot for dot in root.iter(f"{SVG}circle") if dot.get("fill") == "var(--paper)"]
    assert len(hollow) == 2 + 1
    assert "x" * (LONGEST - 1) + "…" in " ".join(root.itertext())
