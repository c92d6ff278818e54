"""``stylesearch evaluate`` from end to end, on drawings that cross styles with subjects."""

import csv
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from stylesearch.demo.drawings import draw_collection
from stylesearch.encoders.registry import get_encoder
from stylesearch.evaluation import plots, protocols

STYLES, SUBJECTS = 4, 3


@pytest.fixture(scope="module")
def drawn(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("drawn")
    draw_collection(folder, styles=STYLES, subjects=SUBJECTS)
    return folder


@pytest.fixture
def described(drawn, run_command, tmp_path) -> Path:
    """Descriptors of the drawings, as a first call of crossed leaves them."""
    assert (
        run_command(
            "evaluate", "crossed", drawn, "--out", tmp_path / "first", "--no-plots", "--device", "cpu"
        ).code
        == 0
    )
    (file,) = (tmp_path / "first").glob("descriptors-lite-*.npz")
    return file


def figures(outcome):
    assert outcome.code == 0, outcome.err
    return json.loads(outcome.out)


def test_crossed_prints_and_writes(drawn, run_command, tmp_path):
    out = tmp_path / "out"
    outcome = run_command(
        "evaluate", "crossed", drawn, "--out", out, "--baseline", "rgb-histogram", "--device", "cpu"
    )
    assert outcome.code == 0, outcome.err
    for word in (
        "lite",
        "rgb-histogram",
        "mAP@10",
        "AUC",
        "4 styles by 3 contents",
        "12 queries in 12 images",
    ):
        assert word in outcome.out
    assert "k = 100 was lowered to 11" in outcome.err
    assert {path.name.split("-lite-")[0].split("-rgb")[0] for path in out.iterdir()} == {
        "crossed.json", "crossed.md", "crossed-metrics.png", "crossed-metrics.svg", "crossed-pairs.png", "crossed-pairs.svg",
        "crossed-precision.png", "crossed-precision.svg", "descriptors",
    }  # fmt: skip
    with Image.open(out / "crossed-metrics.png") as image:
        image.load()
        assert (image.format, image.size) == ("PNG", (800, 450))
    found = json.loads((out / "crossed.json").read_text(encoding="utf-8"))
    assert [result["encoder"]["slug"] for result in found["results"]] == ["lite", "rgb-histogram"]
    assert found["results"][0]["encoder"]["digest"] == get_encoder("lite", device="cpu").spec.digest
    assert found["results"][0]["encoder"]["weights_sha256"]
    # The drawings have a style by construction, and lite was made to find it; by chance 2 in 11 would be found.
    assert found["results"][0]["pairs"]["auc"] > 0.8
    assert found["results"][0]["retrieval"]["recall_at"]["1"] > 0.8


def test_a_second_call_does_not_describe_again(drawn, run_command, tmp_path, monkeypatch):
    first = run_command(
        "evaluate", "crossed", drawn, "--out", tmp_path, "--no-plots", "--device", "cpu", "--json"
    )
    encoder = get_encoder("lite", device="cpu")
    monkeypatch.setattr(type(encoder), "encode", lambda self, images: pytest.fail("described again"))
    again = run_command(
        "evaluate", "crossed", drawn, "--out", tmp_path, "--no-plots", "--device", "cpu", "--json"
    )
    assert figures(first)["results"] == figures(again)["results"]


def test_unreadable_images_are_listed_and_counted(drawn, run_command, tmp_path):
    folder = tmp_path / "drawings"
    shutil.copytree(drawn, folder)
    broken = sorted(folder.rglob("*.svg"))[0]
    broken.write_text("no drawing")
    outcome = run_command("evaluate", "crossed", folder, "--device", "cpu", "--json")
    found = figures(outcome)
    name = broken.relative_to(folder).as_posix()
    assert list(found["unreadable"]) == [name]
    assert f"{name}: The file is not an image." in outcome.err
    assert "1 image could not be read" in outcome.err
    assert (found["images"], found["results"][0]["retrieval"]["queries"]) == (11, 11)


def test_crossed_from_a_table(drawn, run_command, tmp_path):
    table = tmp_path / "table.jsonl"
    paths = sorted(drawn.rglob("*.svg"))
    rows = [{"path": str(path), "style": path.parent.name, "content": path.stem} for path in paths]
    table.write_text("\n".join(map(json.dumps, rows)))
    options = ("--device", "cpu", "--json", "--k", 1, "--k", 2)
    by_table, by_folder = (
        figures(run_command("evaluate", "crossed", source, *options)) for source in (table, drawn)
    )
    assert by_table["results"] == by_folder["results"]
    assert list(by_table["results"][0]["retrieval"]["map_at"]) == ["1", "2"]


def test_wikiart_and_domainnet(drawn, run_command, tmp_path):
    paths = sorted(drawn.rglob("*.svg"))
    wikiart, domainnet = tmp_path / "wikiart", tmp_path / "domainnet"
    for index, path in enumerate(paths):
        target = wikiart / "Genre" / f"{path.parent.name}_{path.stem}.svg"
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, target)
        domain = ("clipart", "sketch", "quickdraw", "real")[index // SUBJECTS]
        target = domainnet / domain / path.stem / f"{index}.svg"
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, target)
    found = figures(run_command("evaluate", "wikiart", wikiart, "--device", "cpu", "--json", "--seed", 4))
    result = found["results"][0]
    assert (result["gallery"], result["queries"] + result["unanswerable"]) == (10, 2)
    assert found["seed"] == 4
    assert any("not the CSD paper's" in note for note in found["notes"])
    classes = tmp_path / "classes.txt"
    classes.write_text(f"{paths[0].stem}\n")
    outcome = run_command(
        "evaluate", "domainnet", domainnet, "--query-classes", classes, "--device", "cpu", "--json"
    )
    result = figures(outcome)["results"][0]
    assert (result["queries"], result["gallery"], result["ks"]) == (3, 6, [1, 6])


@pytest.mark.parametrize(
    ("columns", "kind"), [(("style", "content"), "CrossedResult"), (("style", "split"), "RetrievalResult"), (("artist",), "ArtistsResult")]
)  # fmt: skip
def test_descriptors_from_a_file(described, run_command, tmp_path, columns, kind):
    with np.load(described) as arrays:
        paths, rows = arrays["paths"].tolist(), arrays["descriptors"]
    table = tmp_path / "labels.csv"
    values = {
        "style": [Path(path).parent.name for path in paths],
        "artist": [Path(path).parent.name for path in paths],
        "content": [Path(path).stem for path in paths],
        "split": ["query" if index % SUBJECTS == 0 else "database" for index in range(len(paths))],
    }
    with table.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["path", *columns])
        writer.writerows(reversed(list(zip(paths, *(values[column] for column in columns), strict=True))))
    outcome = run_command(
        "evaluate",
        "descriptors",
        described,
        "--labels",
        table,
        "--min-works",
        2,
        "--resamples",
        5,
        "--splits",
        2,
        "--json",
    )
    result = figures(outcome)["results"][0]
    assert result["kind"] == kind
    assert result["encoder"] == {
        "slug": "lite",
        "digest": get_encoder("lite", device="cpu").spec.digest,
        "dim": rows.shape[1],
    }
    if kind == "RetrievalResult":
        expected = protocols.by_split(rows, values["style"], values["split"])
        assert result["map_at"] == {str(k): pytest.approx(value) for k, value in expected.map_at.items()}
    else:
        expected = protocols.leave_one_out(rows, values["style"])
        assert result["retrieval"]["map_at"] == {
            str(k): pytest.approx(value) for k, value in expected.map_at.items()
        }
        assert result["retrieval"]["queries"] == STYLES * SUBJECTS


def test_labels_may_be_written_relative_to_their_table(described, run_command, tmp_path):
    with np.load(described) as arrays:
        paths, rows = arrays["paths"].tolist(), arrays["descriptors"]
    np.savez(
        tmp_path / "absolute.npz",
        paths=np.array([str(tmp_path / "x" / path) for path in paths]),
        descriptors=rows,
    )
    lines = "".join(f"x/{path},{Path(path).parent.name},{Path(path).stem}\n" for path in paths)
    (tmp_path / "labels.csv").write_text(f"path,style,content\n{lines}")
    outcome = run_command(
        "evaluate", "descriptors", tmp_path / "absolute.npz", "--labels", tmp_path / "labels.csv"
    )
    assert outcome.code == 0, outcome.err
    assert "absolute" in outcome.out


def test_a_collection_of_the_catalogue(archive_environment, run_command, tmp_path):
    outcome = run_command(
        "evaluate",
        "collection",
        "drawn",
        "--min-works",
        3,
        "--resamples",
        20,
        "--splits",
        3,
        "--out",
        tmp_path / "out",
        "--json",
    )
    found = figures(outcome)
    result = found["results"][0]
    assert (found["protocol"], found["source"], found["images"]) == ("collection", "drawn", 30)
    assert result["encoder"]["slug"] == "lite"
    assert (result["artists"], len(result["gaps"]["gaps"]), len(result["folds"])) == (6, 6, 2)
    assert result["retrieval"]["recall_at"]["1"] > 0.8
    assert len(result["verification"]["cosine"]) == 3
    assert (tmp_path / "out" / "collection-gaps-lite.png").exists()
    assert "fold 2" in (tmp_path / "out" / "collection.md").read_text()


BAD = {
    "no folder": (["crossed", "none such"], "There is no folder"),
    "an empty folder": (["crossed", "empty"], "holds no images"),
    "one style": (["crossed", "one"], "All images are of one style"),
    "styles that share nothing": (["crossed", "apart"], "not crossed"),
    "no images at all": (["crossed", "broken"], "None of the 4 images could be read"),
    "not WikiArt": (["wikiart", "loose"], "not laid out as WikiArt"),
    "not DomainNet": (["domainnet", "one"], "not laid out as DomainNet"),
    "classes that are not there": (["domainnet", "domains", "--query-classes", "classes.txt"], "0 would be queries"),
    "no file of classes": (["domainnet", "domains", "--query-classes", "none.txt"], "cannot be read"),
    "an unknown encoder": (["crossed", "broken", "--encoder", "none-such"], "none-such"),
    "no descriptors": (["descriptors", "none.npz", "--labels", "labels.csv"], "holds no descriptors"),
    "arrays that lack": (["descriptors", "lacking.npz", "--labels", "labels.csv"], "lacks an array"),
    "NaN": (["descriptors", "nan.npz", "--labels", "labels.csv"], "not finite"),
    "labels that lack": (["descriptors", "good.npz", "--labels", "labels.csv"], "no label for 1 of 3 paths, the first being c.png"),
    "no labels": (["descriptors", "good.npz", "--labels", "none.csv"], "cannot be read"),
    "few works": (["descriptors", "good.npz", "--labels", "all.csv"], "have 10 works or more"),
    "a file in the way": (["crossed", "styles", "--out", "all.csv/out", "--no-plots"], "cannot be written"),
}  # fmt: skip


@pytest.fixture
def bad_inputs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for path in (
        "one/a/x.png", "one/a/y.png", "apart/a/x.png", "apart/b/y.png", "broken/a/x.png", "broken/a/y.png", "broken/b/x.png",
        "broken/b/y.png", "loose/x.png", "domains/real/cat/x.png", "domains/sketch/dog/y.png",
    ):  # fmt: skip
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        Path(path).write_bytes(b"no image")
    for path in ("styles/a/x.png", "styles/a/y.png", "styles/b/x.png", "styles/b/y.png"):
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (20, 20), "red" if "a/" in path else "blue").save(path)
    Path("empty").mkdir()
    Path("classes.txt").write_text("elephant\n")
    Path("labels.csv").write_text("path,style\na.png,a\nb.png,b\n")
    Path("all.csv").write_text("path,style\na.png,a\nb.png,b\nc.png,b\n")
    paths = np.array(["a.png", "b.png", "c.png"])
    np.savez("good.npz", paths=paths, descriptors=np.eye(3, dtype=np.float32))
    np.savez("nan.npz", paths=paths, descriptors=np.full((3, 3), np.nan, dtype=np.float32))
    np.savez("lacking.npz", paths=paths)


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_one_line_and_an_exit_code(case, bad_inputs, run_command):
    arguments, says = BAD[case]
    outcome = run_command("evaluate", *arguments)
    assert outcome.code == 1
    line = outcome.err.splitlines()[-1]
    assert line.startswith("error: ")
    assert says in line
    assert "Traceback" not in outcome.err
    assert outcome.out == ""


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["paintings", "x"], "No such command 'paintings'"),
        (["crossed", "styles", "--k", 0], "--k"),
        (["crossed", "styles", "--baseline", "vgg"], "--baseline"),
        (
            ["crossed", "styles", "--encoder", "lite", "--encoder", "other", "--weights", "x"],
            "--weights goes with one",
        ),
        (["descriptors", "good.npz"], "--labels"),
    ],
)
def test_a_mistake_in_the_call_is_named(arguments, says, bad_inputs, run_command):
    outcome = run_command("evaluate", *arguments)
    assert outcome.code == 2
    assert says in outcome.err


def test_an_unknown_collection_is_refused(archive_environment, run_command):
    outcome = run_command("evaluate", "collection", "nowhere")
    assert (outcome.code, outcome.out) == (1, "")
    assert "Collections: drawn" in outcome.err


def test_plots_without_matplotlib_are_refused_before_anything_is_described(
    drawn, run_command, tmp_path, monkeypatch
):
    monkeypatch.setattr(plots, "find_spec", lambda name: None)
    outcome = run_command("evaluate", "crossed", drawn, "--out", tmp_path / "out")
    assert outcome.code == 1
    assert "--no-plots" in outcome.err
    assert not (tmp_path / "out").exists()
