import json

import pytest
from sqlalchemy import text

from stylesearch.catalog.database import open_database

pytestmark = pytest.mark.usefixtures("archive_environment")


def test_the_state_is_told(run_command):
    told = run_command("index", "status").out
    assert told.startswith("lite (active): about 30 descriptors of 256 numbers")
    assert "whole" in told
    found = json.loads(run_command("index", "status", "--json").out)
    assert (found["rows"], [one["kind"] for one in found["indexes"]]) == (30, ["hnsw"])


def test_what_is_there_is_not_built_again(run_command):
    assert run_command("index", "build").out.strip() == "already there"
    assert run_command("index", "build", "--kind", "binary").out.startswith("built in")
    assert run_command("index", "build", "--kind", "binary").out.strip() == "already there"
    assert run_command("index", "rebuild").out.startswith("rebuilt in")
    assert run_command("index", "warm").out.startswith("read ")


def test_what_an_index_finds_is_measured_and_kept(archive, run_command):
    verified = run_command("index", "verify", "--sample", "5")
    assert verified.out.strip() == "recall 1.000 of the 10 nearest, over 5 searches"
    (one,) = json.loads(run_command("index", "status", "--json").out)["indexes"]
    assert (one["recall"], one["sample"]) == (1.0, 5)
    with open_database(archive.settings).session() as session:
        assert session.execute(text("SELECT kind, k, gallery FROM index_check")).all() == [("hnsw", 10, 30)]


def test_an_index_that_is_missing_cannot_be_verified(run_command):
    missing = run_command("index", "verify", "--kind", "binary")
    assert missing.code == 1
    assert "stylesearch index build --kind binary" in missing.err


def test_an_encoder_is_named(run_command):
    assert run_command("index", "status", "--encoder", "lite").out.startswith("lite")
    assert (
        "Nothing here has been described with the encoder 'nobody'"
        in run_command("index", "build", "--encoder", "nobody").err
    )
