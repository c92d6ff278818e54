import numpy as np
import pytest

from stylesearch.encoders.lite import LiteEncoder
from stylesearch.evaluation.protocols import crossed
from stylesearch.training.data.packages import ICON_THEMES
from stylesearch.training.whitening import fit, inner, main, scatter_of_contents


def _crossed(styles=5, contents=40, size=24, *, seed=0):
    """Statistics in which content is loud and style is quiet, each in directions of its own."""
    random = np.random.default_rng(seed)
    axes = np.linalg.qr(np.random.default_rng(99).normal(size=(size, size)))[0]
    rows, style_names, content_names = [], [], []
    style_codes = random.normal(size=(styles, 4)) * 0.6
    content_codes = random.normal(size=(contents, 8)) * 2
    for s in range(styles):
        for c in range(contents):
            rest = random.normal(size=size - 12) * 0.3
            rows.append(np.concatenate([style_codes[s], content_codes[c], rest]) @ axes)
            style_names.append(f"style {s}")
            content_names.append(f"content {c}")
    return np.array(rows), np.array(style_names), np.array(content_names)


def _unit(rows):
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def test_whitening_turns_content_down_for_styles_it_never_saw():
    seen, styles, contents = _crossed(seed=1)
    mean, projection = fit(seen, seen, styles, contents, dim=16)
    assert projection.shape == (24, 16)
    rows, styles, contents = _crossed(seed=2)
    before = crossed(_unit(rows - rows.mean(axis=0)), styles.tolist(), contents.tolist(), ks=(1,))
    after = crossed(_unit((rows - mean) @ projection), styles.tolist(), contents.tolist(), ks=(1,))
    assert before.pairs.auc < 0.2
    assert after.pairs.auc > before.pairs.auc + 0.3
    assert after.retrieval.recall_at[1] > before.retrieval.recall_at[1] + 0.3


def test_a_statistic_that_never_varies_stays_finite():
    rows, styles, contents = _crossed()
    rows[:, 3] = 1.5
    mean, projection = fit(rows, rows, styles, contents, dim=8)
    assert np.isfinite(mean).all()
    assert np.isfinite(projection).all()


def test_the_fit_repeats():
    rows, styles, contents = _crossed()
    first, second = (fit(rows, rows, styles, contents, dim=8)[1] for _ in range(2))
    assert np.array_equal(first, second)


def test_contents_drawn_too_seldom_say_nothing():
    rows = np.ones((4, 2))
    assert not scatter_of_contents(rows, np.array(["a", "a", "b", "b"])).any()
    assert scatter_of_contents(rows, np.array(["a", "a", "a", "b"])).tolist() == [[1, 1], [1, 1]]


@pytest.mark.parametrize(
    ("size", "expected"), [((100, 50), (58, 30)), ((1, 1), (1, 1)), ((3, 300), (3, 170))]
)
def test_the_middle_is_never_empty(size, expected):
    assert inner(np.zeros((*size, 3), np.uint8)).shape[:2] == expected


def test_the_command_fits_a_file_that_the_encoder_takes(tmp_path, capsys):
    shapes = {
        "disc": "<circle cx='32' cy='32' r='{r}' {p}/>",
        "bar": "<rect x='9' y='24' width='46' height='{r}' {p}/>",
    }
    paints = {"flat": "fill='teal'", "line": "fill='none' stroke='black' stroke-width='3'"}
    for (style, paint), package in zip(paints.items(), ICON_THEMES, strict=False):
        folder = tmp_path / "themes" / package / "usr/share/icons" / style / "scalable"
        folder.mkdir(parents=True)
        for name, shape in shapes.items():
            for r in (10, 14, 18, 22, 26):
                body = shape.format(r=r, p=paint)
                svg = f'<svg xmlns="http://www.w3.org/2000/svg" width="64" height="64">{body}</svg>'
                (folder / f"{name}{r}.svg").write_text(svg)
    out = tmp_path / "fitted.safetensors"
    main(["--themes", str(tmp_path / "themes"), "--out", str(out), "--device", "cpu"])
    assert "20 icons, whole and their middles, of 2 themes: flat, line" in capsys.readouterr().out
    pixels = np.full((30, 40, 3), 128, dtype=np.uint8)
    assert LiteEncoder(device="cpu", whitening_path=out).encode([pixels]).shape == (1, 256)
