"""Every kind of bad input: one clear line that says what to do, a non-zero exit, no traceback, nothing half-written."""

import json
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image
from sqlalchemy import text

from stylesearch.catalog import database as databases
from stylesearch.catalog.database import open_database
from stylesearch.encoders import lite, registry
from stylesearch.settings import get_settings


def assert_one_line(outcome, *, code: int = 1, says: str) -> None:
    assert outcome.code == code, outcome
    assert outcome.err.startswith("error: "), outcome.err
    assert outcome.err.count("\n") == 1, outcome.err
    assert says in outcome.err, outcome.err
    assert "Traceback" not in outcome.err


def png(path: Path, size: tuple[int, int] = (40, 30)) -> Path:
    Image.new("RGB", size, "teal").save(path)
    return path


def bad_images(folder: Path) -> dict[str, tuple[Path, str]]:
    whole = png(folder / "whole.png", (300, 300)).read_bytes()
    jpeg = folder / "cut.jpg"
    Image.effect_noise((400, 400), 90).convert("RGB").save(jpeg, quality=95)
    files: dict[str, tuple[bytes, str]] = {
        "none.png": (b"this is no image, only text", "not an image"),
        "empty.png": (b"", "empty"),
        "cut.png": (whole[: len(whole) // 2], "cut off or damaged"),
        "cut.jpg": (jpeg.read_bytes()[:3000], "cut off or damaged"),
        "bomb.png": (_bomb(whole), "pixels"),
        "entities.svg": (
            (
                b'<!DOCTYPE svg [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;">]>'
                b'<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><desc>&b;</desc></svg>'
            ),
            "entit",
        ),
        "xxe.svg": (
            (
                b'<!DOCTYPE svg [<!ENTITY a SYSTEM "file:///etc/passwd">]>'
                b'<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><text>&a;</text></svg>'
            ),
            "entit",
        ),
        "external.svg": (
            (
                b'<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9" xmlns:x="http://www.w3.org/1999/xlink">'
                b'<image x:href="http://127.0.0.1/a.png" width="9" height="9"/></svg>'
            ),
            "outside",
        ),
    }
    made = {}
    for name, (data, says) in files.items():
        (folder / name).write_bytes(data)
        made[name] = (folder / name, says)
    return made


def _bomb(whole: bytes) -> bytes:
    import struct
    import zlib

    header = b"IHDR" + struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0)
    return whole[:8] + struct.pack(">I", 13) + header + struct.pack(">I", zlib.crc32(header)) + whole[33:]


NAMES = ["none.png", "empty.png", "cut.png", "cut.jpg", "bomb.png", "entities.svg", "xxe.svg", "external.svg"]


@pytest.mark.parametrize("command", ["search", "report"])
@pytest.mark.parametrize("name", NAMES)
def test_bad_image(
    name: str, command: str, archive_environment, run_command: Callable, tmp_path: Path
) -> None:
    path, says = bad_images(tmp_path)[name]
    out = tmp_path / "out"
    options = ["--out", out] if command == "report" else []
    outcome = run_command(command, path, *options)
    assert_one_line(outcome, says=says)
    assert not out.exists()
    with archive_environment.database.session() as session:
        assert session.scalar(text("SELECT count(*) FROM report")) == 0


def test_bad_images_in_a_folder_go_into_quarantine_and_the_rest_goes_on(
    environment, run_command: Callable, tmp_path: Path
) -> None:
    bad = bad_images(tmp_path)
    outcome = run_command("ingest", "folder", tmp_path, "--collection", "mixed", "--inline")
    assert outcome.code == 0, outcome.err
    assert f"ingested 1 + duplicates 0 + unchanged 0 + quarantined {len(bad)}" in outcome.out
    listed = run_command("ingest", "errors", "--csv").out
    for name, (_, says) in bad.items():
        assert any(line.startswith(f"{name},") and says in line for line in listed.splitlines()), (
            name,
            listed,
        )


def test_file_over_the_limit(archive_environment, run_command: Callable, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setenv("STYLESEARCH_MAX_FILE_BYTES", "50")
    assert_one_line(run_command("search", png(tmp_path / "a.png")), says="more than 50 bytes")


def test_missing_image(archive_environment, run_command: Callable, tmp_path: Path) -> None:
    assert_one_line(run_command("search", tmp_path / "no.png"), says="cannot be read: No such file")


def test_missing_folder(environment, run_command: Callable, tmp_path: Path) -> None:
    assert_one_line(run_command("ingest", "folder", tmp_path / "no", "-c", "x"), says="does not exist")
    _assert_nothing_made(environment)


def test_empty_folder(environment, run_command: Callable, tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    assert_one_line(run_command("ingest", "folder", empty, "-c", "x"), says="holds no images")
    _assert_nothing_made(environment)


def _assert_nothing_made(settings) -> None:
    with open_database(settings).session() as session:
        assert session.scalar(text("SELECT count(*) FROM collection")) == 0
        assert session.scalar(text("SELECT count(*) FROM ingest_run")) == 0


def test_bad_collection_name(environment, run_command: Callable, drawn_folder: Path) -> None:
    assert_one_line(
        run_command("ingest", "folder", drawn_folder, "-c", "Bad Name", "--inline"),
        says="cannot name a collection",
    )
    _assert_nothing_made(environment)


def test_unknown_license_at_ingest(environment, run_command: Callable, drawn_folder: Path) -> None:
    outcome = run_command("ingest", "folder", drawn_folder, "-c", "x", "--license", "CC-NOPE", "--inline")
    assert_one_line(outcome, says="'CC-NOPE' is unknown")
    _assert_nothing_made(environment)


@pytest.mark.parametrize(
    ("options", "code", "says"),
    [
        (["--flavour", "sweet"], 2, "No such option"),
        (["-w", "license:CC-NOPE"], 1, "'CC-NOPE' is unknown"),
        (["-w", 'artist:"Woodcut hend"'], 1, "Did you mean: Woodcut hand"),
        (["-w", "collection:nope"], 1, "Collections: drawn"),
        (["-k", "0"], 1, "Ask for 1 to 1000"),
        (["--mode", "psychic"], 2, "'psychic' is not one of"),
        (["--unlike", "work:soon"], 1, "'soon' is no number of a work"),
        (["--unlike", "nothing.png"], 1, "nothing.png cannot be read"),
        (["--per-artist", "0"], 1, "no number of works an artist"),
        (["--after", "here"], 1, "There is no such page"),
        (["--like", "words:storm at sea"], 1, "cannot be given words"),
        (["--readout", "csls"], 1, "index measure"),
        (["--readout", "whitened"], 1, "index measure"),
        (["--encoder", "csd"], 1, "There is no encoder"),
    ],
)
def test_bad_filter(
    options: list[str], code: int, says: str, archive_environment, run_command: Callable
) -> None:
    assert_one_line(run_command("search", "--work", 1, *options), code=code, says=says)


@pytest.mark.parametrize(
    ("line", "column", "says"),
    [
        ("reuse:free", 6, "'free' is no reuse class"),
        ("cat year:1900..1800", 9, "the wrong way round"),
        ("medium:ink artits:x", 11, "Did you mean artist?"),
        ('artist:"Jane Doe', 7, "not closed"),
    ],
)
def test_a_filter_that_cannot_be_read_is_shown_with_its_place(
    line: str, column: int, says: str, archive_environment, run_command: Callable
) -> None:
    outcome = run_command("search", "--work", 1, "-w", line)
    told, shown, caret = outcome.err.splitlines()
    assert outcome.code == 1
    assert told.startswith("error: ")
    assert says in told
    assert shown == line
    assert caret == " " * column + "^"


def test_unknown_work_and_command(archive_environment, run_command: Callable) -> None:
    assert_one_line(run_command("search", "--work", 10**6), says="There is no work 1000000")
    assert_one_line(run_command("serch"), code=2, says="No such command 'serch'")
    assert_one_line(run_command("search"), code=2, says="Give an IMAGE, --work ID or --like EXAMPLE")


def test_empty_gallery(environment, run_command: Callable, tmp_path: Path) -> None:
    assert_one_line(run_command("search", png(tmp_path / "a.png")), says="Take in a collection first")


def test_bad_setting(run_command: Callable, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STYLESEARCH_WEB_PORT", "many")
    assert_one_line(run_command("doctor"), says="STYLESEARCH_WEB_PORT cannot be used")


def test_bad_settings_file(run_command: Callable, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    file = tmp_path / "stylesearch.toml"
    monkeypatch.setenv("STYLESEARCH_CONFIG", str(file))
    file.write_text("web_port = [")
    assert_one_line(run_command("doctor"), says=f"{file} cannot be read")
    file.write_text("no_such_setting = 1")
    assert_one_line(run_command("doctor"), says="STYLESEARCH_NO_SUCH_SETTING cannot be used")


def test_bad_database_url(run_command: Callable, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STYLESEARCH_DATABASE_URL", "mysql://nobody@nowhere/x")
    assert_one_line(run_command("search", "--work", 1), says="no PostgreSQL URL")
    monkeypatch.setenv("STYLESEARCH_DATABASE_URL", "postgresql://nobody@127.0.0.1:9/x")
    assert_one_line(run_command("search", "--work", 1), says="cannot be reached")


def test_old_pgvector(archive, run_command: Callable, monkeypatch: pytest.MonkeyPatch) -> None:
    url = archive.settings.database_url.get_secret_value()
    databases._open.pop(url).close()
    monkeypatch.setattr(databases, "MINIMUM_PGVECTOR", (99, 0, 0))
    monkeypatch.setenv("STYLESEARCH_DATABASE_URL", url)
    monkeypatch.setenv("STYLESEARCH_HOME", str(archive.settings.home))
    assert_one_line(run_command("search", "--work", 1), says="needs 99.0.0 or later")


def test_port_in_use(archive_environment, run_command: Callable) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        assert_one_line(run_command("serve", "--port", port, "--no-warm"), says="--port")


def test_output_that_cannot_be_written(archive_environment, run_command: Callable, tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("in the way")
    image = next(archive_environment.folder.rglob("*.svg"))
    assert_one_line(run_command("report", image, "--out", file / "below"), says="cannot be written")
    assert_one_line(
        run_command("search", image, "--sheet", tmp_path / "no" / "sheet.png"), says="cannot be written"
    )


@pytest.mark.skipif(os.geteuid() != 0, reason="mounting a small disk needs root")
@pytest.mark.parametrize("how", ["inline", "workers"])
def test_full_disk(how: str, environment, broker, drawn_folder: Path, tmp_path: Path) -> None:
    """A store on a disk of 256 KB: the command says that it is full; with room, the same command ends well."""
    small = tmp_path / "small"
    small.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", small], capture_output=True, check=False
    )
    if mounted.returncode != 0:
        pytest.skip("this machine does not let root mount")
    command = [sys.executable, "-m", "stylesearch", "ingest", "folder", drawn_folder, "-c", "drawn"]
    command += ["--inline"] if how == "inline" else ["--workers", "1"]
    surroundings = os.environ | {
        "STYLESEARCH_STORE_URL": str(small),
        "STYLESEARCH_INGEST_LEASE_SECONDS": "4",
        "STYLESEARCH_INGEST_BATCH_SIZE": "8",
    }
    try:
        done = subprocess.run(command, env=surroundings, capture_output=True, text=True, check=False)
        assert done.returncode == 1
        assert "error: " in done.stderr
        assert "disk" in done.stderr.splitlines()[-1]
        assert "Traceback" not in done.stderr.splitlines()[-1]
        subprocess.run(["mount", "-o", "remount,size=64m", small], check=True)
        done = subprocess.run(command, env=surroundings, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        assert "ingested 30 + duplicates 0 + unchanged 0 + quarantined 0" in done.stdout
    finally:
        subprocess.run(["umount", small], check=True)


def test_debug_shows_the_traceback(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "stylesearch", "--debug", "ingest", "folder", tmp_path / "no", "-c", "x"],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"STYLESEARCH_HOME": str(tmp_path / "home")},
    )
    assert done.returncode == 1
    assert "Traceback" in done.stderr


def test_nothing_is_asked_of_the_machine_for_help() -> None:
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "stylesearch", "--help"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert "Find works near an image in style" in done.stdout
    assert " torch" not in done.stderr


def test_doctor(archive_environment, run_command: Callable) -> None:
    outcome = run_command("doctor", "--json")
    findings = json.loads(outcome.out)
    assert outcome.code == 0, findings
    assert {finding["subject"] for finding in findings} >= {
        "Database",
        "Broker",
        "Encoders",
        "Image store",
        "Device",
    }
    assert all(finding["ok"] for finding in findings)


def test_doctor_says_what_to_do(
    run_command: Callable, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("STYLESEARCH_HOME", str(tmp_path))
    monkeypatch.setenv("STYLESEARCH_DATABASE_URL", "postgresql://nobody@127.0.0.1:9/x")
    monkeypatch.setenv("STYLESEARCH_REDIS_URL", "redis://127.0.0.1:9/0")
    monkeypatch.setenv("STYLESEARCH_ENCODER", "nope")
    get_settings.cache_clear()
    outcome = run_command("doctor", "--json")
    assert outcome.code == 1
    problems = {finding["subject"]: finding for finding in json.loads(outcome.out) if not finding["ok"]}
    assert set(problems) == {"Database", "Catalogue", "Shards", "Broker", "Encoders"}
    assert all(finding["advice"] for finding in problems.values())


def test_doctor_finds_that_the_graph_of_lite_is_missing(
    archive_environment, run_command: Callable, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    shutil.copyfile(lite.WEIGHTS, tmp_path / "lite.safetensors")
    monkeypatch.setattr(lite, "WEIGHTS", tmp_path / "lite.safetensors")
    monkeypatch.setattr(registry, "_built", {})
    monkeypatch.setenv("STYLESEARCH_DEVICE", "cpu")
    outcome = run_command("doctor", "--json")
    assert outcome.code == 1
    (problem,) = (finding for finding in json.loads(outcome.out) if not finding["ok"])
    assert problem["subject"] == "Encoders"
    assert "lite.onnx, which belongs beside the weights, cannot be read" in problem["found"]
    assert problem["advice"].startswith("Install stylesearch again")


def test_demo_finds_out_at_once_that_its_port_is_taken(
    environment, run_command: Callable, monkeypatch
) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        monkeypatch.setenv("STYLESEARCH_WEB_PORT", str(other.getsockname()[1]))
        assert_one_line(run_command("demo", "--drawn"), says="STYLESEARCH_WEB_PORT")
    _assert_nothing_made(environment)
