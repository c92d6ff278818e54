"""The benchmarks say how they are run, and count what they say that they count."""

import importlib
import json
import subprocess
import sys
import threading
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from PIL import Image

from stylesearch.encoders.checkpoints import file_sha256
from stylesearch.encoders.lite import WEIGHTS
from stylesearch.evaluation.labels import Relevance
from stylesearch.evaluation.metrics import map_at
from stylesearch.evaluation.ranking import rank, unit
from stylesearch.evaluation.verification import two_folds
from stylesearch.training.data.artists import Clipart

FOLDER = Path(__file__).parent.parent / "benchmarks"
HELPERS = {
    "contenders",
    "hard_gallery",
    "ingest_report",
    "photographs",
    "planted_drawings",
    "record",
    "searchers",
    "searchers_peers",
    "searchers_postgres",
    "stopwatches",
    "turns",
}
NEEDS = {
    "search": " --work FOLDER",
    "search_shards": " --work FOLDER",
    "hnsw_settings": " --work FOLDER",
    "scale": "",
    "portal": "",
    "curation_matching": "",
    "curation_planted": "",
}
"""What those are given that look at no packages."""

NAMES = sorted({path.stem for path in FOLDER.glob("*.py")} - HELPERS)


@pytest.fixture(autouse=True)
def _beside_each_other(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let benchmarks find each other, as they do when they are run."""
    monkeypatch.syspath_prepend(FOLDER)


def load(name: str) -> ModuleType:
    return importlib.import_module(name)


@pytest.mark.parametrize("name", NAMES)
def test_each_says_how_it_is_run_and_where_it_writes(name, monkeypatch, capsys):
    module = load(name)
    given = NEEDS.get(name, " --packages FOLDER")
    assert f"python benchmarks/{name}.py{given}" in module.__doc__
    assert f"benchmarks/results/{name}" in module.__doc__
    monkeypatch.setattr(sys, "argv", [name, "--help"])
    with pytest.raises(SystemExit) as stopped:
        module.main()
    assert stopped.value.code == 0
    assert given.strip().removesuffix(" FOLDER") in capsys.readouterr().out


# What they write


def test_results_say_what_machine_they_are_of(tmp_path, capsys):
    record = load("record")
    text = record.table(("", "half | whole"), [("ours", "1")])
    figure, _ = record.plain_figure(2, 1)
    record.write(
        tmp_path / "speed", "Speed", ["Told.", text], {"rate": 1.5}, {"bars": figure}, weights=WEIGHTS
    )
    written = (tmp_path / "speed/speed.md").read_text("utf-8")
    assert written.startswith("# Speed\n\nTold.\n\n|  | half \\| whole |\n| --- | ---: |\n| ours | 1 |\n\n2")
    document = json.loads((tmp_path / "speed/speed.json").read_text("utf-8"))
    assert document["rate"] == 1.5
    assert document["weights_sha256"] == file_sha256(WEIGHTS)
    assert document["machine"]["cores"] >= 1
    assert f"{document['machine']['cores']} cores" in written
    assert f"torch {document['machine']['software']['torch']}" in written
    assert {path.suffix for path in (tmp_path / "speed").iterdir()} == {".md", ".json", ".png", ".svg"}


def test_a_trial_says_that_it_is_one(tmp_path, capsys):
    record = load("record")
    record.write(tmp_path / "speed", "Speed", ["Told."], {}, {}, limit=3)
    written = (tmp_path / "speed/speed.md").read_text("utf-8")
    assert written.startswith("# Speed\n\n**A trial, not the measurement:** at most 3 pictures")
    assert json.loads((tmp_path / "speed/speed.json").read_text("utf-8"))["limit"] == 3


# Artists


def drawings(*counts: int) -> list[Clipart]:
    names = [f"artist {number}" for number, count in enumerate(counts) for _ in range(count)]
    return [Clipart(Path(f"{place}.svg"), name, f"{place:064x}") for place, name in enumerate(names)]


def looks_of(count: int) -> Any:
    """Return looks of which no two are alike."""
    bits = np.random.default_rng(1).integers(0, 2, (count, 64))
    return np.column_stack([bits, np.ones(count)]).astype(np.float32)


def test_folds_are_those_of_the_library():
    artists = load("openclipart_artists")
    made = drawings(14, 13, 12, 16, 11)
    rows = np.random.default_rng(0).standard_normal((len(made), 8)).astype(np.float32)
    halves = artists.halves(made, looks_of(len(made)))
    scores = [
        artists.query_scores(rows[half.places], half.names, np.arange(len(half.places))) for half in halves
    ]
    expected = two_folds(rows, [drawing.artist for drawing in made], ks=[artists.K], seed=artists.SEED)
    for mine, theirs in zip(scores, expected, strict=True):
        assert mine.mean() == pytest.approx(theirs.map_at[artists.K])
    assert not set(halves[0].names) & set(halves[1].names)
    assert sorted(np.concatenate([half.places for half in halves])) == list(range(len(made)))


def test_precision_over_ranks_is_what_the_paper_counts():
    artists = load("openclipart_artists")
    hits = np.array([[True, False, True], [False, False, False]])
    assert artists.precision_over_ranks(hits) == pytest.approx([(1 + 1 / 2 + 2 / 3) / 3, 0])
    assert artists.precision_over_ranks(hits).mean() == pytest.approx(map_at(hits, 3))


def test_pictures_that_look_the_same_are_no_results_for_each_other():
    artists = load("openclipart_artists")
    made = drawings(12, 12, 12, 12)
    looks = looks_of(len(made))
    looks[1] = looks[0]
    half = next(half for half in artists.halves(made, looks) if 0 in half.places)
    groups = dict(zip(half.places.tolist(), half.groups.tolist(), strict=True))
    assert groups[0] == groups[1]
    assert len(set(groups.values())) == len(groups) - 1
    assert artists.hashes(looks)[0] == artists.hashes(looks)[1] != artists.hashes(looks)[2]


def test_an_artist_drawn_twice_counts_twice():
    artists = load("openclipart_artists")
    scores, names = np.array([0.0, 0.5, 1.0, np.nan]), np.array(["a", "a", "b", "b"])
    draws = np.array([[1, 1], [2, 0], [0, 2], [1, 2]])
    assert artists.mean_by_draw(scores, names, draws) == pytest.approx([0.5, 0.25, 1.0, 0.625])
    assert artists.mean_by_artist(scores, names) == pytest.approx(0.625)


# Long pictures


def test_strips_hold_their_squares_in_order():
    policies = load("whole_image")
    red, blue = (
        np.full((policies._SIDE,) * 2 + (3,), colour, np.uint8) for colour in ((255, 0, 0), (0, 0, 255))
    )
    wide = policies.strip([red, None, blue], upright=False)
    tall = policies.strip([red, None, blue], upright=True)
    assert wide.shape == (224, 672, 3)
    assert tall.shape == (672, 224, 3)
    assert [tuple(wide[100, x]) for x in (0, 300, 671)] == [(255, 0, 0), (255, 255, 255), (0, 0, 255)]
    assert [tuple(tall[y, 100]) for y in (0, 300, 671)] == [(255, 0, 0), (255, 255, 255), (0, 0, 255)]


def test_strips_and_what_is_searched_show_different_things():
    policies = load("whole_image")
    icons = [policies.Icon(f"thing {n % 9}", f"theme {n % 3}", Path(f"{n}.png"), str(n)) for n in range(90)]
    made_of, searched = policies.parted(icons)
    assert len(made_of) + len(searched) == 90
    assert not {icon.content for icon in made_of} & {icon.content for icon in searched}


# Cases


def test_cases_are_chosen_by_their_rule():
    telling = load("telling_cases")
    dice = np.random.default_rng(3)
    styles = np.repeat([f"theme {n}" for n in range(6)], 8)
    contents = np.array([f"thing {n}" for n in range(8)] * 6)
    nearest = {}
    for name in (telling.ENCODER, telling.BASELINE):
        rows = unit(dice.standard_normal((48, 4)).astype(np.float32))
        groups = np.arange(48)
        nearest[name] = rank(
            rows, rows, Relevance(styles, styles), k=5, query_groups=groups, gallery_groups=groups
        ).nearest
    found = telling.Collection("Icons.", [Path()] * 48, styles, contents, ["MIT"] * 48, nearest)
    cases = telling.choose(found)
    lead = found.lead
    assert [case.rule for case in cases] == list(telling.RULES)
    assert len({styles[case.query] for case in cases}) == 4
    assert lead[cases[0].query] == lead.max()
    others = styles != styles[cases[0].query]
    assert lead[cases[1].query] == lead[others].max()
    others &= styles != styles[cases[1].query]
    assert lead[cases[2].query] == lead[others].min()
    assert not (found.right(telling.BASELINE) & found.lures(telling.BASELINE)).any()
    assert [case.query for case in telling.choose(found)] == [case.query for case in cases]


# Data


def test_licences_are_those_that_packages_state(tmp_path):
    data = load("lite_data")
    statement = "Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/\n\nFiles: *\nLicense: MIT\n"
    paths = []
    for package, text in (("one", statement), ("two", "It is free.\n")):
        folder = tmp_path / package / "usr/share"
        (folder / "doc" / package).mkdir(parents=True)
        (folder / "doc" / package / "copyright").write_text(text)
        paths += [folder / f"{number}.png" for number in range(2)]
    assert dict(data.counted_licences(paths, tmp_path)) == {"MIT": 2, "see debian/copyright": 2}


def test_speed_is_measured_on_the_same_network():
    speed = load("lite_speed")
    weights = speed.LiteEncoder(device="cpu").weights.read()
    plain = speed.PlainLite(speed.build_network(weights, "the weights").head).eval()
    squares = np.random.default_rng(0).integers(0, 256, (2, 224, 224, 3), dtype=np.uint8)
    ours = speed.LiteEncoder(device="cpu").encode_prepared([square[None] for square in squares])
    theirs = speed.in_torch(plain)(squares)
    assert np.sum(ours * theirs, axis=1) == pytest.approx(1, abs=1e-3)


def test_nothing_is_written_where_contenders_do_not_compute_the_same(tmp_path):
    speed = load("lite_speed")
    squares = [np.zeros((1, 1, 3), np.uint8)]
    names = ("lite", "torch, plain, 32 at a time")
    contenders = [speed.Contender(name, len, squares, speed.PLAIN_BATCH, [1.0]) for name in names]
    unlike = {names[0]: np.array([[1.0, 0.0]]), names[1]: np.array([[0.0, 1.0]])}
    with pytest.raises(SystemExit, match=r"do not compute the same: a cosine of 0\.0"):
        speed.report(tmp_path / "speed", contenders, unlike, Path("weights"))
    assert not (tmp_path / "speed").exists()


def test_every_batch_is_tried():
    speed = load("lite_speed")
    seen = []

    def describe(squares: Any) -> Any:
        seen.append(len(squares))
        return np.ones((len(squares), 2), np.float32)

    assert speed.best_batch(describe, [np.zeros((1, 1, 3), np.uint8)] * 32) in speed.BATCHES
    assert set(seen) == set(speed.BATCHES)


# Ingestion


@pytest.fixture
def packages(tmp_path: Path) -> Path:
    """Where photographs would be unpacked, with two that are small and drawn."""
    ramps = np.indices((300, 400)).sum(axis=0) % 256
    names = (
        "mate-backgrounds/usr/share/backgrounds/mate/nature/a.jpg",
        "ukui-wallpapers/usr/share/backgrounds/b.jpg",
    )
    for number, name in enumerate(names, start=1):
        path = tmp_path / "packages" / name
        path.parent.mkdir(parents=True)
        colours = np.stack([ramps, ramps // number, ramps[::-1]], axis=-1)
        Image.fromarray(colours.astype(np.uint8)).save(path)
    return tmp_path / "packages"


@pytest.fixture
def taken(packages: Path, tmp_path: Path) -> Path:
    """A folder of photographs."""
    folder = tmp_path / "pictures"
    folder.mkdir()
    load("photographs")._make([0, 1, 2], folder, packages)
    return folder


def test_photographs_are_the_same_each_time_and_no_two_alike(packages, taken, tmp_path):
    photographs = load("photographs")
    again = tmp_path / "again"
    again.mkdir()
    photographs._make([0, 1], again, packages)
    files = [path.read_bytes() for path in sorted(taken.iterdir())]
    assert [path.read_bytes() for path in sorted(again.iterdir())] == files[:2]
    assert len(set(files)) == 3
    # Nothing is fetched for what is there.
    for path in photographs.make_photographs(taken, 3, tmp_path / "nowhere"):
        with Image.open(path) as image:
            assert image.width * image.height == pytest.approx(photographs.PIXELS, rel=0.11)


def test_a_clock_counts_what_is_called_inside_for_itself():
    ticks = iter(range(100))
    clocks = load("stopwatches").Clocks(lambda: float(next(ticks)))
    inner = clocks.clocked(lambda: None, "inner")
    outer = clocks.clocked(lambda: [inner(), inner()], "outer")
    outer()
    # It was read at 0, 1, 2, 3, 4 and 5: all took five, of which each of the inner ones took one.
    assert clocks.seconds == {"inner": 2.0, "outer": 3.0}


def test_clocks_are_on_functions_that_there_are_and_taken_off_again():
    contenders = load("contenders")

    def functions() -> list[Any]:
        return [getattr(owner, name) for owner, name, _ in contenders.PLACES]

    before = functions()
    with load("stopwatches").Clocks().on(contenders.PLACES):
        assert not set(functions()) & set(before)
    assert functions() == before
    assert {stage for *_, stage in contenders.PLACES} <= set(load("ingest_report").STAGES)


def test_threads_of_libraries_are_told_apart():
    stopwatches = load("stopwatches")
    with stopwatches.ThreadWatch() as watch:
        own = threading.get_native_id()
        watch._look()
    assert own not in watch.seconds


def test_processes_are_told_apart_by_their_command_lines():
    command = [sys.executable, "-c", "import sys; print(flush=True); sys.stdin.read()", "told-by-this"]
    with (
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process,
        load("stopwatches").Watch([("told-by-this", "ours")]) as watch,
    ):
        process.stdout.readline()
        watch._look()
        process.stdin.close()
        process.wait()
    assert watch.peak_process_bytes["ours"] > 1e6
    assert watch.peak_all >= watch.peak_bytes["ours"]


def measured_ingestion(turns: ModuleType) -> dict[str, Any]:
    """Two rounds of each contender, of which the second took twice as long."""
    seconds = {
        turns.DECODING: 4,
        turns.FIRST: 6,
        turns.DESCRIBING: 2,
        turns.WORKERS: 10,
        turns.INLINE: 9,
        turns.PLAIN: 30,
    }
    stages = {
        turns.INLINE: {"decode, thumbnail": 8.0, "index": 1.0},
        turns.PLAIN: {"decode": 20.0, "index": 1.0},
    }
    vectors = {"a.jpg": np.array([0.6, 0.8]), "b.jpg": np.array([1.0, 0.0])}
    roles, memory = {turns.DATABASE: 3.0}, {"others": 10**8}
    return {
        name: turns.Turns(
            100,
            [turns.Turn(n * taken, stages.get(name, {}), roles, 10**9, memory) for n in (1, 2)],
            vectors,
        )
        for name, taken in seconds.items()
    }


def test_ingestion_is_compared_within_each_round(tmp_path, capsys):
    report, turns = load("ingest_report"), load("turns")
    path = tmp_path / "a.jpg"
    path.write_bytes(b"12")
    report.report(tmp_path / "ingest", measured_ingestion(turns), [path], 1)
    found = json.loads((tmp_path / "ingest/ingest.json").read_text("utf-8"))
    assert found["times_plain"] == {turns.WORKERS: 3.0, turns.INLINE: pytest.approx(30 / 9)}
    assert found["bounds"][report.SLOWER] == pytest.approx([100 / 6, 100 / 12])
    assert found["bounds"][report.REACHABLE] == pytest.approx([100 / 8, 100 / 16])
    assert found["share_of_bounds"][turns.WORKERS][report.REACHABLE] == pytest.approx(0.8)
    parts = found["processor_ms_by_part"][turns.INLINE]
    assert parts == pytest.approx({"decode, thumbnail": 80, "index": 10, "PostgreSQL": 20})
    written = (tmp_path / "ingest/ingest.md").read_text("utf-8")
    assert written.startswith("# Speed of ingestion\n\n**A trial, not the measurement:** at most 1 pictures.")
    assert "3.0 times as fast as the plain loop" in written


def test_ingestion_that_describes_otherwise_is_not_compared(tmp_path):
    report, turns = load("ingest_report"), load("turns")
    measured = measured_ingestion(turns)
    measured[turns.PLAIN].vectors = {"a.jpg": np.array([-0.8, 0.6]), "b.jpg": np.array([1.0, 0.0])}
    with pytest.raises(SystemExit, match=r"do not describe the same: a mean cosine of 0\.5"):
        report.report(tmp_path / "ingest", measured, [], None)
    assert not (tmp_path / "ingest").exists()


def test_a_trial_of_ingestion_replaces_no_results(monkeypatch, capsys):
    ingest = load("ingest")
    monkeypatch.setattr(sys, "argv", ["ingest", "--packages", "nowhere", "--limit", "3"])
    with pytest.raises(SystemExit) as stopped:
        ingest.main()
    assert stopped.value.code == 2
    assert "name another folder with --out" in capsys.readouterr().err


@pytest.mark.usefixtures("one_thread")
def test_the_plain_loop_and_ours_take_in_the_same(environment, taken):
    contenders, ingest = load("contenders"), load("ingest")
    plain = contenders.plain_loop(sorted(taken.iterdir()), environment.database_url.get_secret_value())
    ours = contenders.inline(taken, environment.home)
    assert set(plain.stages) == {"decode", "describe", "write", "index"}
    assert {"discover", contenders.DECODE, "describe", "write", "index", "rest"} <= set(ours.stages)
    by_plain = ingest.described(environment.home, ingest.PLAIN_ROWS)
    by_ours = ingest.described(environment.home, ingest.OUR_ROWS)
    assert set(by_ours) == set(by_plain) == {path.name for path in taken.iterdir()}
    for name, vector in by_ours.items():
        assert vector @ by_plain[name] > load("ingest_report").LEAST_COSINE


@pytest.mark.parametrize("keeps", [True, False])
def test_the_first_stage_alone_keeps_what_it_is_to_keep(taken, tmp_path, keeps):
    store = tmp_path / "store"
    load("contenders")._decode_part([taken / "00000.jpg"], str(store) if keeps else None)
    assert len([path for path in store.rglob("*") if path.is_file()]) == (2 if keeps else 0)
