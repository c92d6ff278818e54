"""``stylesearch explain``: a table, a picture and JSON; bad input gets one line and leaves nothing behind."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

pytestmark = pytest.mark.usefixtures("one_thread")

SVG = """<svg xmlns="http://www.w3.org/2000/svg" width="80" height="60"><rect width="80" height="60" fill="white"/>
<circle cx="30" cy="30" r="20" fill="{fill}" stroke="black" stroke-width="{width}"/></svg>"""


@pytest.fixture(autouse=True)
def _nowhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No database, no broker and a data folder of its own: none of them is needed."""
    monkeypatch.setenv("STYLESEARCH_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("STYLESEARCH_DEVICE", "cpu")
    monkeypatch.setenv("STYLESEARCH_DATABASE_URL", "postgresql://nobody@127.0.0.1:9/none")
    monkeypatch.setenv("STYLESEARCH_REDIS_URL", "redis://127.0.0.1:9/0")
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def pair(tmp_path: Path) -> tuple[Path, Path]:
    """A drawing and an image of pixels."""
    drawing, scan = tmp_path / "drawing.svg", tmp_path / "scan.png"
    drawing.write_text(SVG.format(fill="orange", width=4))
    few = np.random.default_rng(0).integers(0, 256, (5, 6, 3), dtype=np.uint8)
    Image.fromarray(few).resize((200, 150), Image.Resampling.BICUBIC).save(scan)
    return drawing, scan


def assert_one_line(outcome, *, says: str, code: int = 1) -> None:
    assert outcome.code == code, outcome
    assert outcome.err.startswith("error: "), outcome.err
    assert outcome.err.count("\n") == 1, outcome.err
    assert says in outcome.err, outcome.err


def test_it_prints_a_table_and_writes_a_picture(run_command: Callable, pair, tmp_path: Path) -> None:
    outcome = run_command("explain", *pair)
    assert outcome.code == 0, outcome
    for words in ("Likeness in style: ", "by the encoder lite", "larger forms", "What differs:"):
        assert words in outcome.out
    assert "picture: explanation.png" in outcome.err
    with Image.open(tmp_path / "explanation.png") as picture:
        assert picture.format == "PNG"
        assert picture.width > 1000


def test_json_goes_alone_and_a_picture_only_where_one_is_asked_for(
    run_command: Callable, pair, tmp_path: Path
) -> None:
    outcome = run_command("explain", *pair, "--json")
    assert outcome.code == 0, outcome
    document = json.loads(outcome.out)
    assert not (tmp_path / "explanation.png").exists()
    together = document["ordinary"] + sum(one["contribution"] for one in document["depths"])
    assert together == pytest.approx(document["score"], abs=1e-4)
    outcome = run_command("explain", *pair, "--json", "--out", tmp_path / "why.png")
    assert json.loads(outcome.out) == document
    assert (tmp_path / "why.png").is_file()


def test_another_encoder_can_be_asked(
    run_command: Callable, pair, small_csd: str, small_weights: Path
) -> None:
    outcome = run_command("explain", *pair, "--encoder", small_csd, "--weights", small_weights, "--json")
    assert outcome.code == 0, outcome
    document = json.loads(outcome.out)
    assert document["encoder"]["slug"] == small_csd
    assert document["depths"] == []
    assert document["ordinary"] is None
    assert document["regions"]["method"] == "occluded"


def test_an_image_that_cannot_be_taken_is_named(run_command: Callable, pair, tmp_path: Path) -> None:
    bad = tmp_path / "words.png"
    bad.write_bytes(b"only words")
    for arguments in ((pair[0], bad), (bad, pair[0])):
        assert_one_line(run_command("explain", *arguments), says="words.png: The file is not an image")
    assert_one_line(run_command("explain", pair[0], tmp_path / "no.png"), says="cannot be read: No such file")
    assert sorted(path.name for path in tmp_path.iterdir() if path.is_file()) == [
        "drawing.svg",
        "scan.png",
        "words.png",
    ]


def test_an_output_that_cannot_be_written_is_said_at_once(
    run_command: Callable, pair, tmp_path: Path
) -> None:
    outcome = run_command("explain", *pair, "--out", tmp_path / "no" / "why.png")
    assert_one_line(outcome, says="cannot be written")


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["--encoder", "nope"], 1, "There is no encoder 'nope'"),
        (["--encoder", "csd-vit-l-14"], 1, "weights"),
        (["--flavour", "sweet"], 2, "No such option"),
    ],
)
def test_mistakes_in_the_call(run_command: Callable, pair, arguments, code, says) -> None:
    assert_one_line(run_command("explain", *pair, *arguments), says=says, code=code)


def test_two_images_are_needed(run_command: Callable, pair) -> None:
    assert_one_line(run_command("explain", pair[0]), says="Missing argument 'SECOND'", code=2)
