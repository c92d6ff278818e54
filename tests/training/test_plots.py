import json
from pathlib import Path

import pytest
from PIL import Image

from stylesearch.errors import InputError
from stylesearch.training.plots import draw_curves
from stylesearch.training.runfolder import read_metrics


def metrics(path: Path, steps: int, *, evaluated: bool = False) -> Path:
    lines = [
        {
            "step": step,
            "loss": 3 / step,
            "mcl": 2 / step,
            "ssl": 1 / step,
            "rates": {"head": 0.1, "backbone": 0.01},
            "gradient_norm": None if step == 2 else 1.0,
            "images_per_second": 10.0,
        }
        for step in range(1, steps + 1)
    ]
    if evaluated:
        lines.append({"step": steps, "evaluation": {"recall": 0.5, "map": 0.25}})
    path.write_text("".join(f"{json.dumps(line)}\n" for line in lines))
    return path


@pytest.mark.parametrize(("steps", "evaluated"), [(1, True), (3, False), (500, True)])
def test_curves_are_drawn_the_same_each_time(tmp_path: Path, steps: int, evaluated: bool) -> None:
    source = metrics(tmp_path / "metrics.jsonl", steps, evaluated=evaluated)
    png, svg = draw_curves(source, tmp_path / "curves")
    with Image.open(png) as image:
        assert image.size == (1080, 840)
    drawing = svg.read_text()
    assert drawing.startswith("<?xml")
    first = png.read_bytes(), drawing
    draw_curves(source, tmp_path / "curves")
    assert (png.read_bytes(), svg.read_text()) == first


def test_held_out_figures_change_the_picture(tmp_path: Path) -> None:
    plain = draw_curves(metrics(tmp_path / "a.jsonl", 9), tmp_path / "a")
    measured = draw_curves(metrics(tmp_path / "b.jsonl", 9, evaluated=True), tmp_path / "b")
    assert plain[1].read_text() != measured[1].read_text()


def test_a_line_that_a_killed_run_left_unfinished_is_passed_over(tmp_path: Path) -> None:
    source = metrics(tmp_path / "metrics.jsonl", 4)
    source.write_text(source.read_text() + '{"step": 5, "lo')
    assert [record["step"] for record in read_metrics(source)] == [1, 2, 3, 4]
    draw_curves(source, tmp_path / "curves")


def test_nothing_to_draw(tmp_path: Path) -> None:
    with pytest.raises(InputError) as caught:
        draw_curves(tmp_path / "no.jsonl", tmp_path / "curves")
    assert caught.value.code == "no_metrics"
