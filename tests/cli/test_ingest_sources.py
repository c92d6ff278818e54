"""The commands of each kind of source: what they say of a mistake, and one run that ends well."""

import pytest
from PIL import Image

from stylesearch.cli.ingest_table import column_options


def test_columns_are_given_as_pairs():
    assert column_options(("title=Titel", " image = My Image = 1 ")) == {
        "title": "Titel",
        "image": "My Image = 1",
    }
    assert column_options(()) == {}


@pytest.mark.parametrize(
    "arguments",
    [
        ("table", "t.csv", "--map", "title"),
        ("table", "t.csv", "--map", "=x"),
        ("table", "t.csv", "--map", "title=a", "--map", "title=b"),
        ("table", "t.csv", "--delimiter", "::"),
        ("iiif", "https://example.org/", "--size", "0"),
        ("oai",),
    ],
)
def test_a_mistake_in_the_call_is_told(run_command, arguments):
    outcome = run_command("ingest", *arguments, "--collection", "toys")
    assert outcome.code == 2
    assert outcome.err.startswith("error: ")


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("table", "missing.csv"), "does not exist"),
        (("shards", "missing.tar"), "no shards"),
        (("iiif", "example.org/manifest"), "https://"),
        (("oai", "ftp://example.org/"), "https://"),
    ],
)
def test_a_source_that_is_not_there_is_told_before_anything_is_made(
    run_command, tmp_path, monkeypatch, arguments, says
):
    monkeypatch.chdir(tmp_path)
    outcome = run_command("ingest", *arguments, "--collection", "toys", "--inline")
    assert outcome.code == 1
    assert outcome.err.count("\n") == 1
    assert says in outcome.err


def test_a_table_is_taken_in_by_the_command(run_command, tmp_path, environment):
    Image.new("RGB", (40, 30), "teal").save(tmp_path / "a.png")
    (tmp_path / "works.csv").write_text("Nr;Datei;Name\n1;a.png;Barn\n2;gone.png;Gone\n")
    columns = [("--map", pair) for pair in ("id=Nr", "image=Datei", "title=Name")]
    outcome = run_command(
        "ingest",
        "table",
        tmp_path / "works.csv",
        "--collection",
        "toys",
        "--inline",
        *(word for pair in columns for word in pair),
    )
    assert outcome.code == 0, outcome.err
    assert "discovered 2 = ingested 1 + duplicates 0 + unchanged 0 + quarantined 1" in outcome.out
    assert "file_missing: 1" in outcome.out
