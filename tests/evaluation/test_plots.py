import sys
from pathlib import Path
from xml.etree import ElementTree as ET

import numpy as np
import pytest
from PIL import Image

from stylesearch.errors import InputError, StylesearchError
from stylesearch.evaluation import plots
from stylesearch.evaluation.artists import measure_artists
from stylesearch.evaluation.files import write_files
from stylesearch.evaluation.protocols import crossed
from stylesearch.evaluation.tables import Evaluation, Outcome


def evaluation_of(protocol, *results):
    outcomes = tuple(
        Outcome({"slug": f"de/scriber {k}", "digest": "0" * 64}, result) for k, result in enumerate(results)
    )
    return Evaluation(protocol, "drawn", 36, {}, 0, (), "2026-01-02T03:04:05+00:00", outcomes)


@pytest.fixture(scope="module")
def crossed_evaluation():
    dice = np.random.default_rng(0)
    styles, contents = [f"s{k % 6}" for k in range(36)], [f"c{k // 6}" for k in range(36)]
    return evaluation_of(
        "crossed", *(crossed(dice.standard_normal((36, 8)), styles, contents) for _ in range(2))
    )


@pytest.fixture(scope="module")
def artists_evaluation():
    dice = np.random.default_rng(0)
    names = [f"artist {k % 6}" for k in range(36)]
    return evaluation_of(
        "collection", measure_artists(dice.standard_normal((36, 8)), names, resamples=20, splits=2)
    )


def test_files_are_whole_and_the_same_each_time(crossed_evaluation, tmp_path):
    written = write_files(crossed_evaluation, tmp_path / "one")
    again = write_files(crossed_evaluation, tmp_path / "other")
    assert [path.name for path in written] == [
        "crossed.json", "crossed.md", "crossed-metrics.png", "crossed-metrics.svg", "crossed-precision.png", "crossed-precision.svg",
        "crossed-pairs.png", "crossed-pairs.svg",
    ]  # fmt: skip
    assert sorted(path.name for path in (tmp_path / "one").iterdir()) == sorted(path.name for path in written)
    for one, other in zip(written, again, strict=True):
        assert one.read_bytes() == other.read_bytes()
    heights = {"metrics": 450, "precision": 450, "pairs": 560}
    for path in written:
        if path.suffix == ".png":
            with Image.open(path) as image:
                image.load()
                assert (image.format, image.size) == ("PNG", (800, heights[path.stem.split("-")[1]]))
                assert len(image.convert("RGB").getcolors(2**20)) > 20
        elif path.suffix == ".svg":
            root = ET.fromstring(path.read_text(encoding="utf-8"))
            assert root.tag == "{http://www.w3.org/2000/svg}svg"


def test_artists_get_a_forest_of_gaps(artists_evaluation, tmp_path):
    written = write_files(artists_evaluation, tmp_path)
    (forest,) = [
        path for path in written if path.name.startswith("collection-gaps") and path.suffix == ".png"
    ]
    assert forest.name == "collection-gaps-de-scriber-0.png"
    with Image.open(forest) as image:
        assert image.size == (800, round(100 * (1.6 + 0.22 * 6)))


def texts(figure):
    import matplotlib.text

    return [found.get_text() for found in figure.findobj(matplotlib.text.Text) if found.get_text()]


def test_plots_say_what_they_show(crossed_evaluation, artists_evaluation):
    drawn = plots.plots_of(crossed_evaluation)
    assert {
        "36 queries in 36 images" in " ".join(texts(drawn[name])) for name in ("metrics", "precision")
    } == {True}
    result = crossed_evaluation.outcomes[1].result
    assert f"de/scriber 1: AUC {result.pairs.auc:.3f}" in texts(drawn["pairs"])
    assert "same style, other content, 90 pairs" in texts(drawn["pairs"])
    assert {"R@1", "mAP@10", "lured", "AUC", "de/scriber 0", "de/scriber 1"} <= set(texts(drawn["metrics"]))
    forest = texts(plots.plots_of(artists_evaluation)["gaps-de/scriber 0"])
    assert "artist 3 (6)" in forest
    assert any(text.startswith("open: ") for text in forest)


def test_bars_are_the_figures(crossed_evaluation):
    lines = [("one", {"R@1": 0.25, "AP": 0.5}), ("other", {"R@1": 1.0, "AP": 0.0})]
    (axes,) = plots.metric_bars("title", lines, ["R@1", "AP"]).axes
    assert [[bar.get_height() for bar in bars] for bars in axes.containers if hasattr(bars, "patches")] == [
        [25, 50],
        [100, 0],
    ]


def test_a_reader_s_own_settings_change_nothing(crossed_evaluation, tmp_path):
    import matplotlib as mpl

    plain = write_files(crossed_evaluation, tmp_path / "plain")
    with mpl.rc_context({"font.size": 30, "axes.facecolor": "black", "savefig.dpi": 30, "figure.dpi": 20}):
        styled = write_files(crossed_evaluation, tmp_path / "styled")
    assert [path.read_bytes() for path in plain] == [path.read_bytes() for path in styled]
    assert "matplotlib.pyplot" not in sys.modules


def test_a_place_that_cannot_be_written_is_refused(crossed_evaluation, tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(InputError) as raised:
        write_files(crossed_evaluation, tmp_path / "file" / "out")
    assert raised.value.code == "not_writable"
    (tmp_path / "crossed-metrics.png").mkdir()
    with pytest.raises(InputError) as raised:
        write_files(crossed_evaluation, tmp_path)
    assert raised.value.code == "not_writable"


def test_without_matplotlib_it_says_what_to_do(crossed_evaluation, tmp_path: Path, monkeypatch):
    monkeypatch.setattr(plots, "find_spec", lambda name: None)
    with pytest.raises(StylesearchError, match="Install matplotlib") as raised:
        write_files(crossed_evaluation, tmp_path)
    assert raised.value.code == "matplotlib_missing"
    assert (tmp_path / "crossed.json").exists()
    write_files(crossed_evaluation, tmp_path, plots=False)
