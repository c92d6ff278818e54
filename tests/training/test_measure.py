import numpy as np
import pytest

from stylesearch.training.measure import colour_histogram, figures, main, reduced

STYLES = np.repeat([f"style {k}" for k in range(4)], 12)
CONTENTS = np.tile([f"content {k}" for k in range(12)], 4)


def _one_hot(labels):
    return (np.unique(labels)[:, None] == labels).T.astype(np.float32)


def test_pure_style_is_found_every_time():
    found = figures(_one_hot(STYLES), STYLES, CONTENTS)
    assert (found.recall_at_1, found.map_at_10, found.auc) == (1.0, 1.0, 1.0)


def test_pure_content_is_taken_in_by_the_lures():
    found = figures(_one_hot(CONTENTS), STYLES, CONTENTS)
    assert (found.recall_at_1, found.auc) == (0.0, 0.0)


def test_ties_count_half():
    assert figures(np.ones((48, 1), np.float32), STYLES, CONTENTS).auc == 0.5


def test_map_is_the_mean_precision_over_ranks():
    # Two styles on a line: each query's results are known by hand from the distances.
    angles = np.array([0.0, 0.1, 0.3, 0.6, 1.0, 1.5, 2.1, 2.8, 3.0, 3.05, 3.09])
    vectors = np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)
    styles = np.array(["a", "a", "b"] + ["c"] * 8)
    contents = np.array(["x", "y", "x", *"defghijk"])
    ranked = [
        sorted((i for i in range(11) if i != q), key=lambda i: abs(angles[i] - angles[q])) for q in range(11)
    ]
    by_hand = [
        np.mean([np.mean([styles[i] == styles[q] for i in results[:r]]) for r in range(1, 11)])
        for q, results in enumerate(ranked)
    ]
    assert figures(vectors, styles, contents).map_at_10 == pytest.approx(np.mean(by_hand))


def test_the_histogram_counts_colours():
    pixels = np.zeros((2, 2, 3), np.uint8)
    pixels[0, :, 0] = 255
    histogram = colour_histogram([pixels])[0]
    assert np.flatnonzero(histogram).tolist() == [0, 7 * 64]
    assert np.linalg.norm(histogram) == pytest.approx(1)


def test_reducing_averages():
    pixels = np.zeros((4, 8, 3), np.uint8)
    pixels[:, 1::2] = 200
    assert (reduced(pixels, 2) == 100).all()


@pytest.mark.parametrize("options", [[], ["--side", "48"]])
def test_the_command_measures_the_testing_themes_only(tmp_path, capsys, options):
    paints = {"tango-icon-theme": "#c00", "oxygen-icon-theme": "#03c", "breeze-icon-theme": "#090"}
    for package, paint in paints.items():
        folder = tmp_path / package / "usr/share/icons" / package / "scalable"
        folder.mkdir(parents=True)
        for width in range(10, 58, 8):
            (folder / f"bar{width}.svg").write_text(
                f'<svg xmlns="http://www.w3.org/2000/svg" width="64" height="64">'
                f'<rect x="3" y="20" width="{width}" height="20" fill="{paint}"/></svg>'
            )
    main(["--themes", str(tmp_path), *options])
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == ["lite", "pooled", "colours"]
    assert "R@1 100.0%" in lines[0]
