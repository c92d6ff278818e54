"""Runs from captions to an export, on pictures made by code and on the drawn archive."""

import io
import json
import tarfile
import warnings
from pathlib import Path
from random import Random

import numpy as np
import pyarrow.parquet as pq
import pytest
from PIL import Image
from sqlalchemy import text

from stylesearch.curation.made_copies import made_copy

pytestmark = pytest.mark.usefixtures("one_thread")

ARTISTS = ("Paul Klee", "Otto Dix", "Emil Nolde", "Rose")


def copy_of(picture: Image.Image, kind: str, seed: int = 0) -> Image.Image:
    return Image.fromarray(made_copy(np.asarray(picture), kind, Random(seed)))


@pytest.fixture
def lists(tmp_path: Path) -> list[object]:
    artists, mediums = tmp_path / "artists.txt", tmp_path / "mediums.txt"
    artists.write_text("\n".join(ARTISTS))
    mediums.write_text("ink\nwatercolour | aquarelle\nart\n")
    return ["--artists", artists, "--mediums", mediums]


@pytest.fixture
def rows(draw):
    """Thirty captioned pictures: some without a tag, a blank one, an exact copy, and copies of two kinds with other tags."""
    pictures = [draw(number) for number in range(30)]
    found = []
    for number, picture in enumerate(pictures):
        artist = ARTISTS[number % 3]
        medium = ("ink", "an aquarelle", "chalk")[number % 3 - 1]
        caption = f"Picture {number} by {artist}, {medium}" if number < 24 else f"Picture {number}"
        found.append(
            (
                f"p{number:02d}",
                picture,
                caption,
                {"title": f"Subject {number % 5}", "image_license": "CC0-1.0", "aesthetic": 5 + number / 10},
            )
        )
    found.append(
        (
            "q0",
            pictures[0],
            "the same file, watercolour",
            {"title": "Subject 0", "image_license": "CC0-1.0", "aesthetic": 9},
        )
    )
    found.append(
        (
            "q1",
            copy_of(pictures[1], "flip"),
            "mirrored, ink, Paul Klee",
            {"title": "Subject 1", "aesthetic": 9},
        )
    )
    small = copy_of(pictures[2], "resize")
    found.append(
        (
            "q2",
            small,
            "small, by Paul Klee",
            {"title": "Subject 2", "image_license": "CC-BY-NC-4.0", "aesthetic": 9},
        )
    )
    found.append(
        ("q3", Image.new("RGB", (90, 90), "white"), "nothing, by Otto Dix", {"title": "", "aesthetic": 9})
    )
    found.append(("q4", None, "gone, by Otto Dix", {"title": "", "aesthetic": 9}))
    found.append(("q5", draw("rose"), "a rose, not by Emil Nolde", {"title": "", "aesthetic": 9}))
    return found


@pytest.fixture
def run(environment, run_command, captioned, rows, lists, tmp_path):
    """Run ``curate run`` on the rows; options may be added."""

    def go(*options, table=None, name="styles", folder="run"):
        table = table or captioned(rows)
        where = ["--table", table, "--into", "pictures", "--map", "content=title"]
        return run_command("curate", "run", tmp_path / folder, "--name", name, *where, *lists, *options)

    return go


def counts(folder: Path, stage: str) -> dict:
    return json.loads(next(folder.glob(f"?-{stage}.json")).read_text())["counts"]


def exported(folder: Path) -> dict[str, dict]:
    return {row["source_id"]: row for row in pq.read_table(folder / "export/images.parquet").to_pylist()}


def test_a_table_becomes_a_set(run, run_command, tmp_path, environment):
    outcome = run()
    assert outcome.code == 0, outcome.err
    folder = tmp_path / "run"
    matches = counts(folder, "matches")
    assert matches["captions"] == 36
    assert matches["matched"] == 24 + 5
    assert matches["without_a_tag"] == 6 + 0
    assert matches["left_by_tags"] == 1  # a rose: held back
    assert matches["denied"] == 1
    images = counts(folder, "images")
    assert images["missing"] == {"file_missing": 1}
    copies = counts(folder, "copies")
    assert copies["exact"] == 1
    assert copies["blank"] == 1
    assert copies["merged"] == 2
    assert copies["kept"] == 24
    found = exported(folder)
    assert len(found) == 24
    # The labels of copies are merged into the one of the best resolution.
    assert set(found["p00"]["tags"]) == {"artist: Paul Klee", "medium: watercolour"}
    assert set(found["p01"]["tags"]) == {"artist: Otto Dix", "artist: Paul Klee", "medium: ink"}
    assert "q2" not in found
    assert set(found["p02"]["tags"]) >= {"artist: Emil Nolde", "artist: Paul Klee"}
    assert found["p00"]["license"] == "http://creativecommons.org/publicdomain/zero/1.0/"
    assert {row["content"] for row in found.values()} == {f"Subject {number}" for number in range(5)}
    assert "24 images" in outcome.out
    checked = run_command("curate", "check", folder)
    assert checked.code == 0, checked.err
    # Running it again does nothing anew.
    again = run_command("curate", "resume", folder)
    assert again.out.count("(as before)") == 6


def test_shards_hold_what_the_tables_say(run, tmp_path):
    assert run("--shard-images", 5).code == 0
    folder = tmp_path / "run/export"
    rows = {row["key"]: row for row in pq.read_table(folder / "images.parquet").to_pylist()}
    seen = set()
    for shard in sorted((folder / "shards").glob("*.tar")):
        with tarfile.open(shard) as tar:
            members = {member.name: tar.extractfile(member).read() for member in tar}
        keys = {name.partition(".")[0] for name in members}
        assert len(keys) <= 5
        for key in keys:
            about = json.loads(members[f"{key}.json"])
            assert about["tags"] == rows[key]["tags"]
            assert about["splits"] == {name: rows[key][name] for name in ("side", "by_artist", "by_content")}
            assert rows[key]["shard"] == f"shards/{shard.name}"
            assert shard.name.startswith(rows[key]["by_artist"])
            Image.open(io.BytesIO(members[f"{key}.png"])).verify()
        seen |= keys
    assert seen == set(rows)


@pytest.mark.filterwarnings(
    "ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning"
)  # webdataset's own
def test_webdataset_and_training_read_the_shards(run, tmp_path):
    import webdataset as wds

    from stylesearch.training.datasets import Decoding
    from stylesearch.training.shards import picture_shards

    assert run().code == 0
    shards = sorted(map(str, (tmp_path / "run/export/shards").glob("*.tar")))
    samples = list(wds.WebDataset(shards, shardshuffle=False).decode("rgb8"))
    assert len(samples) == 24
    data = picture_shards([tmp_path / "run/export/shards"], decoding=Decoding(shortest_side=32))
    assert len(data.labels.tags) == 24
    assert "artist: Paul Klee" in data.labels.tag_names
    assert data.load(0).shape[2] == 3


def test_the_croissant_file_validates(run, tmp_path):
    import mlcroissant as mlc

    assert run().code == 0
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of its own libraries
        dataset = mlc.Dataset(jsonld=str(tmp_path / "run/export/croissant.json"))
        assert not dataset.metadata.ctx.issues.errors
        images = list(dataset.records("images"))
        tags = list(dataset.records("tags"))
    assert len(images) == 24
    assert {row["tags/kind"] for row in tags} == {b"artist", b"medium"}
    written = exported(tmp_path / "run")
    by_id = {row["images/source_id"].decode(): row for row in images}
    assert by_id.keys() == written.keys()
    assert [tag.decode() for tag in by_id["p00"]["images/tags"]] == written["p00"]["tags"]


def test_the_card_says_what_was_left_out(run, tmp_path):
    assert run().code == 0
    card = (tmp_path / "run/export/README.md").read_text()
    for line in (
        "| captions |",
        "file_missing",
        "copies of another | 2",
        "nothing to be seen | 1",
        "| artist | Paul Klee |",
    ):
        assert line in card
    assert "images: 24" in card
    for plot in ("tags", "together", "removals"):
        assert (tmp_path / f"run/export/plots/{plot}.png").stat().st_size > 5000
    sheets = sorted((tmp_path / "run/export/tags").glob("*.png"))
    assert len(sheets) == 5
    with Image.open(sheets[0]) as sheet:
        assert sheet.width > 500


def test_rights_filter_the_export(run, tmp_path):
    assert run("--reuse", "restricted").code == 1
    outcome = run("--reuse", "open", folder="open", name="open")
    assert outcome.code == 0, outcome.err
    found = exported(tmp_path / "open")
    assert {row["reuse"] for row in found.values()} == {"open"}
    assert counts(tmp_path / "open", "export")["other_rights"] == 24 - len(found)


def test_reserved_images_are_left_out(run, database, tmp_path, run_command):
    assert run("--until", "images").code == 0
    with database.session() as session:
        session.execute(text("UPDATE work SET ai_training = false WHERE source_id = 'p03'"))
    (tmp_path / "run/3-images.json").unlink()
    assert run_command("curate", "resume", tmp_path / "run").code == 0
    assert "p03" not in exported(tmp_path / "run")
    assert counts(tmp_path / "run", "export")["reserved"] == 1


def test_numbers_bound_what_is_taken(run, captioned, rows, tmp_path):
    rows[3][3]["aesthetic"] = "unknown"
    rows[4][3].pop("aesthetic")
    outcome = run("--where", "aesthetic>=6", table=captioned(rows))
    assert outcome.code == 0, outcome.err
    matches = counts(tmp_path / "run", "matches")
    assert matches["unscored"] == 2
    assert matches["out_of_bounds"] == 10 - 2
    assert "p02" not in exported(tmp_path / "run")


def test_tags_in_too_many_captions_or_too_few_are_dropped(run, tmp_path):
    assert run("--most", 10, "--fewest", 9, "--until", "matches").code == 0
    tags = pq.read_table(tmp_path / "run/2-matches-tags.parquet").to_pylist()
    assert {row["outcome"] for row in tags if row["captions"] > 10} <= {"too_many", "held"}
    assert {row["outcome"] for row in tags if row["captions"] < 9} <= {"too_few", "held"}
    assert sum(row["outcome"] == "used" for row in tags) >= 1


def test_first_works_of_listed_artists_are_queries(run, tmp_path):
    listed = tmp_path / "listed.txt"
    listed.write_text("paul klee\n")
    assert run("--split", "first", "--first-works", 3, "--listed", listed).code == 0
    found = exported(tmp_path / "run")
    queries = [name for name, row in found.items() if row["side"] == "query"]
    assert queries == ["p00", "p01", "p02"]
    assert all("artist: Paul Klee" in found[name]["tags"] for name in queries)


def test_parts_change_nothing_of_what_comes_out(run, tmp_path):
    assert run().code == 0
    assert run("--part", 4, folder="parts").code == 0
    for path in sorted((tmp_path / "run/export").rglob("*")):
        if path.is_file():
            other = tmp_path / "parts/export" / path.relative_to(tmp_path / "run/export")
            assert path.read_bytes() == other.read_bytes(), path.name


def test_verdicts_are_kept_and_applied_by_the_next_run(run, run_command, tmp_path, database):
    assert run().code == 0
    listed = run_command("curate", "tags", "styles").out
    assert "Rose" in listed
    assert "ambiguous" in listed
    groups = run_command("curate", "copies", "styles").out
    assert "mirrored" not in groups
    with database.session() as session:
        number = session.scalar(text("SELECT min(component) FROM curation_pair"))
    assert run_command("curate", "mark", "styles", number, "--different").code == 0
    assert run_command("curate", "decide", "styles", "artist", "ROSE", "--keep").code == 0
    assert run_command("curate", "decide", "styles", "medium", "ink", "--same-as", "watercolour").code == 0
    assert run_command("curate", "resume", tmp_path / "run").code == 0
    found = exported(tmp_path / "run")
    assert found["q5"]["tags"] == ["artist: Rose"]
    assert not any("medium: ink" in row["tags"] for row in found.values())
    copies = counts(tmp_path / "run", "copies")
    assert copies["merged"] == 1
    assert copies["said_different"] == 1
    # A run in a new folder knows them too, and taking one back undoes it.
    assert run(folder="fresh").code == 0
    assert exported(tmp_path / "fresh").keys() == found.keys()
    assert run_command("curate", "decide", "styles", "artist", "rose", "--undecided").code == 0
    assert run_command("curate", "resume", tmp_path / "fresh").code == 0
    assert "q5" not in exported(tmp_path / "fresh")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["decide", "styles", "artist", "nobody", "--keep"], "no artist 'nobody'"),
        (["decide", "styles", "artist", "rose"], "Say --keep"),
        (["decide", "styles", "artist", "rose", "--same-as", "Rose"], "another one"),
        (["decide", "other", "artist", "rose", "--keep"], "no set 'other'"),
        (["mark", "styles", "9999", "--same"], "no such group"),
        (["mark", "styles", "0"], "Say --same"),
        (["tags", "other"], "no set 'other'"),
        (["resume", "nowhere"], "no folder"),
    ],
)
def test_reviews_that_make_no_sense_are_refused(run, run_command, arguments, said):
    assert run().code == 0
    outcome = run_command("curate", *arguments)
    assert outcome.code in (1, 2)
    assert said in outcome.err


def test_train_and_evaluate_take_the_set_by_name(
    run, run_command, tmp_path, small_csd, small_weights, monkeypatch
):
    from stylesearch.training.archive import picture_curation  # noqa: F401 - it is what train uses

    assert run().code == 0
    evaluated = run_command("evaluate", "curated", "styles", "--json")
    assert evaluated.code == 0, evaluated.err
    result = json.loads(evaluated.out)
    assert result["protocol"] == "curated"
    assert run_command("evaluate", "curated", "nothing").code == 1
    assert run_command("evaluate", "curated", "styles", "--kind", "movement").code == 1


def test_a_leak_stops_the_export(run, run_command, tmp_path):
    assert run("--until", "splits").code == 0
    path = tmp_path / "run/5-splits.parquet"
    table = pq.read_table(path).to_pydict()
    table["by_artist"] = ["train" if number % 2 else "test" for number in range(len(table["by_artist"]))]
    import pyarrow as pa

    pq.write_table(pa.table(table), path)
    outcome = run_command("curate", "resume", tmp_path / "run")
    assert outcome.code == 1
    assert "leak" in outcome.err
    assert "artist" in outcome.err
    assert not (tmp_path / "run/export/images.parquet").exists()


def test_a_threshold_that_is_too_low_stops_the_run(run, run_command, tmp_path):
    outcome = run("--copy-threshold", -1)
    assert outcome.code == 1
    assert "One group of copies holds 26 of 27 images" in outcome.err
    assert "Raise it with --copy-threshold" in outcome.err
    assert "Deduplication: not done" in run_command("curate", "status", tmp_path / "run").out
    assert run("--copy-threshold", 0.85).code == 0


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--caption", "legend"], "no column 'legend'"),
        (["--where", "beauty>=5"], "no column 'beauty'"),
        (["--map", "image=picture"], "no column 'picture'"),
        (["--where", "aesthetic high"], "no bound on a column"),
        (["--name", "Not A Slug"], "cannot name a set"),
        (["--collection", "drawn"], "Give one of"),
    ],
)
def test_what_is_not_there_is_named(run, options, said):
    outcome = run(*options)
    assert outcome.code in (1, 2)
    assert said in outcome.err


def test_captions_without_any_tag_are_an_error(run, captioned, draw):
    table = captioned(
        [("a", draw(1), "nothing of the kind", {"title": ""}), ("b", draw(2), "", {"title": ""})]
    )
    outcome = run(table=table)
    assert outcome.code == 1
    assert "None of 2 captions names a tag" in outcome.err


def test_images_that_are_all_missing_are_an_error(run, captioned):
    outcome = run(
        table=captioned([("a", None, "Paul Klee", {"title": ""}), ("b", None, "Otto Dix", {"title": ""})])
    )
    assert outcome.code == 1
    assert "None of the 2 matched captions has an image: file_missing 2" in outcome.err


def test_bad_rows_are_counted(run, captioned, rows, tmp_path):
    table = captioned([*rows, ("p00", None, "again, Paul Klee", {"title": ""})])
    with table.open("a", encoding="utf-8") as file:
        file.write('\n{"id": \n{"caption": "Paul Klee", "id": "z"}\n')
    assert run(table=table, folder="bad").code == 0
    matches = counts(tmp_path / "bad", "matches")
    assert (matches["unreadable"], matches["twice"], matches["unnamed"]) == (1, 1, 1)


def test_a_csv_and_a_parquet_table_give_the_same(run, captioned, rows, tmp_path):
    import csv

    import pyarrow as pa

    lines = [json.loads(line) for line in captioned(rows).read_text("utf-8").splitlines()]
    pq.write_table(pa.Table.from_pylist(lines), tmp_path / "captions.parquet")
    with (tmp_path / "captions.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(
            file, fieldnames=["id", "image", "caption", "title", "image_license", "aesthetic"]
        )
        writer.writeheader()
        writer.writerows(lines)
    assert run(folder="jsonl").code == 0
    for kind in ("parquet", "csv"):
        assert run(table=tmp_path / f"captions.{kind}", folder=kind).code == 0
        for name in ("images.parquet", "tags.parquet"):
            assert (tmp_path / kind / "export" / name).read_bytes() == (
                tmp_path / "jsonl/export" / name
            ).read_bytes()


def test_shards_are_a_source_too(run_command, environment, captioned, rows, lists, tmp_path):
    lines = [json.loads(line) for line in captioned(rows).read_text("utf-8").splitlines()]
    with tarfile.open(tmp_path / "in.tar", "w") as tar:
        for number, line in enumerate(lines):
            path = tmp_path / line["image"]
            if path.exists():
                tar.add(path, f"{number:03d}.png")
            for ending, said in (("json", json.dumps({"title": line["title"]})), ("txt", line["caption"])):
                data = said.encode()
                info = tarfile.TarInfo(f"{number:03d}.{ending}")
                info.size = len(data)
                tar.addfile(info, io.BytesIO(data))
    outcome = run_command(
        "curate",
        "run",
        tmp_path / "run",
        "--name",
        "shards",
        "--shards",
        tmp_path / "in.tar",
        "--into",
        "pictures",
        *lists,
    )
    assert outcome.code == 0, outcome.err
    assert len(exported(tmp_path / "run")) == 24
    assert counts(tmp_path / "run", "matches")["captions"] == 35  # the one without an image is no sample


def test_a_collection_is_a_source_too(archive_environment, run_command, tmp_path):
    mediums = tmp_path / "mediums.txt"
    mediums.write_text("watercolour\nhalftone\nwoodcut\n")
    outcome = run_command(
        "curate", "run", tmp_path / "run", "--name", "drawn", "--collection", "drawn", "--mediums", mediums,
        "--tags-of", "drawn", "--caption", "description", "--caption", "artist",
    )  # fmt: skip
    assert outcome.code == 0, outcome.err
    found = exported(tmp_path / "run")
    assert len(found) == 30
    assert all(f"artist: {row['creators'][0]}" in row["tags"] for row in found.values())
    assert run_command("evaluate", "curated", "drawn", "--kind", "artist").code == 0


def test_another_set_has_another_folder(run, run_command, tmp_path):
    assert run("--until", "tags").code == 0
    outcome = run("--until", "tags", name="others")
    assert outcome.code == 1
    assert "is the folder of the set 'styles'" in outcome.err


def test_a_damaged_recipe_is_told(run, run_command, tmp_path):
    assert run("--until", "tags").code == 0
    (tmp_path / "run/recipe.json").write_text('{"name": "styles"}')
    assert "recipe cannot be used" in run_command("curate", "resume", tmp_path / "run").err
    (tmp_path / "run/recipe.json").write_text("{")
    assert "cannot be read" in run_command("curate", "status", tmp_path / "run").err


def test_two_runs_do_not_share_a_folder(run, tmp_path):
    from stylesearch.curation.folder import RunFolder

    half_written = tmp_path / "run/export/shards/.train-00000.tar.0123456789abcdef0123456789abcdef"
    half_written.parent.mkdir(parents=True)
    half_written.write_bytes(b"half")
    with RunFolder(tmp_path / "run").held():
        assert not half_written.exists()
        outcome = run("--until", "tags")
    assert outcome.code == 1
    assert "Another run is at work" in outcome.err
    assert run("--until", "tags").code == 0
