"""Shards by their commands: made known, filled, looked at, emptied and forgotten; and all that can go wrong."""

import json
import re

import psycopg
import pytest
from sqlalchemy import make_url

from stylesearch.local.layout import Layout
from stylesearch.local.postgres import SUPERUSER, postgres_url


@pytest.fixture
def address(servers, databases_of_test):
    """Makes an empty database on the run's own server; returns its URL."""
    return lambda: servers.url_of(databases_of_test())


def refused(outcome, says: str, hint: str) -> None:
    """One line that says what is wrong and what to do, and an exit code that scripts see."""
    assert (outcome.code, outcome.out, len(outcome.err.splitlines())) == (1, "", 1)
    assert says in outcome.err
    assert hint in outcome.err
    assert "Traceback" not in outcome.err


def listed(run_command) -> dict[str, list[str]]:
    """What ``list`` says of each shard."""
    lines = [
        re.split(r"\s*[│┃]\s*", line.strip(" │┃")) for line in run_command("shards", "list").out.splitlines()
    ]
    return {line[0]: line[1:] for line in lines if len(line) == 4 and line[0] not in ("Shard", "")}


def test_from_the_first_shard_to_the_last(archive_environment, run_command, address):
    assert run_command("shards", "list").out.strip() == "There is no shard yet."
    for name in ("one", "two"):
        assert run_command("shards", "add", name, address()).out.strip() == f"{name} is known"
    assert listed(run_command) == {name: ["active", "yes", "nothing"] for name in ("one", "two")}
    before = results(run_command)
    done = run_command("shards", "split")
    assert (done.code, done.err) == (0, "")
    assert done.out.startswith("lite is kept by one, two; moved in ")
    assert all(keeps.startswith("lite: about ") for _, _, keeps in listed(run_command).values())
    assert results(run_command) == before
    run_command("shards", "add", "three", address())
    moved = run_command("shards", "rebalance").out
    assert 0 < int(re.fullmatch(r"moved (\d+) descriptors\n", moved)[1]) < 30
    assert run_command("shards", "rebalance").out == "moved 0 descriptors\n"
    drained = run_command("shards", "drain", "one")
    assert drained.out.endswith("'stylesearch shards remove one' forgets it\n")
    assert listed(run_command)["one"] == ["draining", "yes", "nothing"]
    assert run_command("shards", "remove", "one").out.strip() == "one is forgotten"
    assert set(listed(run_command)) == {"three", "two"}
    assert results(run_command) == before
    assert run_command("shards", "join").out.startswith(
        "lite is kept by the catalogue's own server; moved in "
    )
    assert results(run_command) == before
    for name in ("three", "two"):
        assert run_command("shards", "remove", name).code == 0
    assert run_command("shards", "list").out.strip() == "There is no shard yet."


def results(run_command) -> list[dict]:
    return json.loads(run_command("search", "--work", 1, "-k", 29, "--json").out)["results"]


def test_what_cannot_be_added_is_told(archive_environment, run_command, address, servers):
    known = address()
    assert run_command("shards", "add", "one", known).code == 0
    own = archive_environment.settings.database_url.get_secret_value()
    for name, url, says, hint in (
        ("one", address(), "There is a shard 'one' already", "Choose another name"),
        ("No!", address(), "'No!' cannot name a shard", "small letters and digits"),
        ("1st", address(), "'1st' cannot name a shard", "a letter first"),
        ("away", "postgresql://nobody:x@127.0.0.1:1/x", "The shard 'away' cannot be reached", "See that its server runs"),
        ("odd", "mysql://nobody@nowhere/x", "What is to be a shard is no PostgreSQL URL", "Write postgresql://"),
        ("odd", "nonsense", "no PostgreSQL URL", "Write postgresql://"),
        ("own", own, "is not empty: it has a table descriptor", "a database of its own"),
        ("gone", servers.url_of("no_such_database"), "The shard 'gone' cannot be reached", "does not exist"),
    ):  # fmt: skip
        refused(run_command("shards", "add", name, url), says, hint)
    assert set(listed(run_command)) == {"one"}
    assert run_command("shards", "add", "one").code == 2


def test_a_wrong_password_is_not_shown(archive_environment, run_command, address):
    url = make_url(address()).set(password="not-the-password").render_as_string(hide_password=False)
    outcome = run_command("shards", "add", "one", url)
    refused(outcome, "The shard 'one' cannot be reached", "password authentication failed")
    assert "not-the-password" not in outcome.err


def test_a_server_without_pgvector_is_told(archive_environment, run_command, shard_server):
    """PostgreSQL 18 can be told where to look for extensions: somewhere else, for who signs in to this database."""
    url = shard_server.make()
    name = make_url(url).database
    with psycopg.connect(
        postgres_url(Layout(shard_server.home), None, database=name, user=SUPERUSER), autocommit=True
    ) as there:
        there.execute("DROP EXTENSION IF EXISTS vector")
        there.execute(f"ALTER DATABASE {name} SET extension_control_path = '/nowhere'")
    refused(
        run_command("shards", "add", "bare", url),
        "The shard 'bare' has no pgvector 0.8.4 or later",
        "Install it on that server",
    )


def test_what_cannot_be_done_without_shards_is_told(archive_environment, run_command):
    refused(
        run_command("shards", "split"), "There is no shard that could keep", "stylesearch shards add NAME URL"
    )
    for command in ("rebalance", "join"):
        refused(run_command("shards", command), "'lite' is not split", "stylesearch shards split")
    for command in ("drain", "remove"):
        refused(run_command("shards", command, "one"), "There is no shard 'one'", "Shards: none yet")
        assert run_command("shards", command).code == 2
    for command in ("split", "rebalance", "join"):
        refused(run_command("shards", command, "--encoder", "nobody"), "'nobody'", "encoders backfill nobody")


def test_what_cannot_be_done_with_a_split_gallery_is_told(split_environment, run_command):
    refused(run_command("shards", "split"), "'lite' is split already", "stylesearch shards rebalance")
    refused(
        run_command("shards", "remove", "one"),
        "still keeps parts of galleries",
        "stylesearch shards drain one",
    )
    refused(run_command("shards", "drain", "three"), "There is no shard 'three'", "Shards: one, two")
    assert run_command("shards", "drain", "one").code == 0
    refused(
        run_command("shards", "drain", "two"),
        "no other shard that could keep what 'two' keeps",
        "shards join",
    )
    assert listed(run_command)["two"][0] == "active"


def test_a_shard_that_is_away_is_told(split_environment, run_command):
    split_environment.server.kill()
    assert listed(run_command)["two"][1] == "no"
    for command in (("join",), ("drain", "one"), ("rebalance",)):
        refused(
            run_command("shards", *command), "The shard 'two' cannot be reached", "See that its server runs"
        )
    split_environment.server.start()
    assert run_command("shards", "join").code == 0


def test_the_index_of_a_split_gallery(split_environment, run_command):
    told = run_command("index", "status").out
    assert "split over 2 shards" in told
    assert told.count("whole") == 3
    assert run_command("index", "build").out.strip() == "already there"
    assert run_command("index", "rebuild").out.startswith("rebuilt in")
    assert run_command("index", "warm").out.startswith("read ")
    verified = run_command("index", "verify", "--sample", "5")
    assert verified.out.strip() == "recall 1.000 of the 10 nearest, over 5 searches"
    found = json.loads(run_command("index", "status", "--json").out)
    assert (found["rows"], [part["shard"] for part in found["parts"]]) == (30, ["one", "two"])
    assert [(one["kind"], one["valid"], one["recall"]) for one in found["indexes"]] == [("hnsw", True, 1.0)]
    for command in ("build", "rebuild", "verify"):
        refused(
            run_command("index", command, "--kind", "binary"),
            "of the kind binary is not to be had in a gallery that is split",
            "Use the kind hnsw",
        )
    refused(
        run_command("index", "measure"), "csls is not to be had in a gallery that is split", "by the cosine"
    )
    for readout in ("csls", "whitened"):
        outcome = run_command("search", "--work", 1, "--readout", readout)
        refused(outcome, f"{readout} is not to be had in a gallery that is split", "Search by the cosine")
    refused(run_command("search", "--work", 1, "--mode", "binary"), "of the kind binary", "Use the kind hnsw")
    split_environment.server.kill()
    away = run_command("index", "status")
    assert away.code == 0
    assert "not known: the shard does not answer" in away.out
    assert "not whole on each shard" in away.out
    for command in ("build", "rebuild", "verify", "warm"):
        refused(
            run_command("index", command), "The shard 'two' cannot be reached", "See that its server runs"
        )


def test_doctor_sees_shards(split_environment, run_command):
    def shards() -> dict:
        findings = json.loads(run_command("doctor", "--json").out)
        return next(finding for finding in findings if finding["subject"] == "Shards")

    assert shards()["found"] == "2, all of which answer"
    split_environment.server.kill()
    assert (shards()["ok"], shards()["found"]) == (False, "The shard 'two' cannot be reached: no answer.")
