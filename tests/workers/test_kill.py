"""An ingest through real servers and a real worker, with each of them killed in the middle."""

import contextlib
import hashlib
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import psutil
import psycopg
import pytest
from PIL import Image

from stylesearch.demo.drawings import draw_collection
from stylesearch.encoders.decoding import decode_for
from stylesearch.encoders.registry import get_encoder
from stylesearch.local import services
from stylesearch.local.layout import Layout
from stylesearch.search.vectors import unpack_halfvecs

STYLES, SUBJECTS = 5, 25


@dataclass
class Command:
    """A running command. Its output goes into a file: a pipe that nobody reads would stop it when it is full."""

    process: subprocess.Popen[bytes]
    output: Path

    def poll(self) -> int | None:
        return self.process.poll()

    def kill(self) -> None:
        self.process.kill()

    def finish(self, *, seconds: float = 300) -> str:
        """Wait for its end; return what it said."""
        self.process.wait(seconds)
        return self.output.read_text(errors="replace")


@dataclass
class Installation:
    """A data folder of its own, with its own servers, and the processes started in it."""

    home: Path
    children: list[Command] = field(default_factory=list)
    attempts: int = 3

    @property
    def environment(self) -> dict[str, str]:
        return {
            **os.environ,
            "STYLESEARCH_HOME": str(self.home),
            "STYLESEARCH_INGEST_LEASE_SECONDS": "6",
            "STYLESEARCH_INGEST_BATCH_SIZE": "8",
            "STYLESEARCH_EMBED_BATCH_SIZE": "8",
            "STYLESEARCH_INGEST_MAX_ATTEMPTS": str(self.attempts),
        }

    def ingest(self, folder: Path) -> Command:
        return self.start("ingest", "folder", str(folder), "--collection", "drawn", "--workers", "2")

    def start(self, *arguments: str) -> Command:
        output = self.home.parent / f"output-{len(self.children)}.txt"
        with output.open("wb") as file:
            process = subprocess.Popen(
                [sys.executable, "-m", "stylesearch", *arguments],
                env=self.environment,
                stdout=file,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self.children.append(Command(process, output))
        return self.children[-1]

    def query(self, statement: str) -> list[tuple]:
        url = services.ensure(self.home).database_url
        with psycopg.connect(url) as connection:
            return connection.execute(statement).fetchall()

    def ingested(self) -> int:
        try:
            return self.query("SELECT count(*) FROM ingest_item WHERE state = 'ingested'")[0][0]
        except psycopg.Error:  # not there yet, or just killed
            return 0

    def rows(self) -> list[tuple]:
        """What the catalogue holds, in terms that do not hang on the order of writing."""
        return self.query(
            """
            SELECT work.source_id, work.title, work.year_from, work.medium, work.keywords, license.uri, image.sha256,
                   image.perceptual_hash, image.width, image.height, array_agg(artist.name ORDER BY artist.name)
            FROM work JOIN image ON image.work_id = work.id JOIN descriptor ON descriptor.image_id = image.id
            JOIN license ON license.id = work.image_license_id
            JOIN work_artist ON work_artist.work_id = work.id JOIN artist ON artist.id = work_artist.artist_id
            GROUP BY work.id, image.id, license.id ORDER BY work.source_id
            """
        )

    def spooled(self) -> list[Path]:
        """What lies in the spool; what a killed worker has left may lie there until upkeep finds it."""
        return [path for path in (self.home / "store" / "spool").rglob("*") if path.is_file()]

    def open_items(self) -> int:
        return self.query(
            "SELECT count(*) FROM ingest_item WHERE spool_key IS NOT NULL OR lease_until IS NOT NULL"
        )[0][0]

    def counts(self) -> list[tuple]:
        return self.query(
            """
            SELECT (SELECT count(*) FROM work), (SELECT count(*) FROM image), (SELECT count(*) FROM descriptor),
                   (SELECT count(*) FROM artist), (SELECT count(*) FROM work_artist), (SELECT count(*) FROM ingest_run),
                   (SELECT count(*) FROM ingest_item WHERE state = 'ingested'), (SELECT count(*) FROM ingest_item)
            """
        )

    def descriptors(self) -> np.ndarray:
        rows = self.query(
            """
            SELECT halfvec_send(vector) FROM descriptor JOIN image ON image.id = image_id
            JOIN work ON work.id = work_id ORDER BY source_id
            """
        )
        return unpack_halfvecs([row[0] for row in rows])

    def clear(self) -> None:
        for child in self.children:
            if child.poll() is None:
                os.killpg(child.process.pid, signal.SIGKILL)
            child.process.wait()
        services.release(self.home)
        services.stop(self.home)


@pytest.fixture
def installation() -> Iterator[Installation]:
    parent = Path(tempfile.mkdtemp(prefix="stylesearch-kill-"))
    parent.chmod(0o711)
    installation = Installation(parent / "home")
    yield installation
    installation.clear()
    shutil.rmtree(parent, ignore_errors=True)


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("to-take-in")
    draw_collection(folder, styles=STYLES, subjects=SUBJECTS)
    return folder


def worker_of(command: Command) -> psutil.Process | None:
    for child in psutil.Process(command.process.pid).children():
        if "workers" in child.cmdline():
            return child
    return None


def kill_worker(installation: Installation, command: Command) -> None:
    worker = worker_of(command)
    assert worker is not None
    for process in [worker, *worker.children(recursive=True)]:
        process.kill()
    command.kill()  # the same command is given again


def kill_broker(installation: Installation, command: Command) -> None:
    os.kill(Layout(installation.home).read_state()["valkey_pid"], signal.SIGKILL)
    command.kill()


def kill_database(installation: Installation, command: Command) -> None:
    os.kill(Layout(installation.home).read_state()["postgres_pid"], signal.SIGKILL)
    command.kill()


def kill_everything(installation: Installation, command: Command) -> None:
    state = Layout(installation.home).read_state()
    kill_worker(installation, command)
    for name in ("pid", "postgres_pid", "valkey_pid"):
        os.kill(state[name], signal.SIGKILL)


@pytest.fixture(scope="module")
def undisturbed(folder: Path) -> Iterator[Installation]:
    """The same collection taken in without any mishap."""
    parent = Path(tempfile.mkdtemp(prefix="stylesearch-kill-"))
    parent.chmod(0o711)
    installation = Installation(parent / "home")
    command = installation.ingest(folder)
    said = command.finish()
    assert command.poll() == 0, said
    assert f"ingested {STYLES * SUBJECTS}" in said
    assert installation.spooled() == []
    yield installation
    installation.clear()
    shutil.rmtree(parent, ignore_errors=True)


def celery_processes(command: Command, kind: str) -> list[psutil.Process]:
    """The processes of one kind of worker, its main process first."""
    supervisor = worker_of(command)
    if supervisor is None:
        return []
    for worker in supervisor.children():
        if kind in " ".join(worker.cmdline()):
            return [worker, *worker.children(recursive=True)]
    return []


def kill_stage(installation: Installation, command: Command, kind: str) -> None:
    for process in celery_processes(command, kind):
        process.kill()
    command.kill()


def kill_fetching(installation: Installation, command: Command) -> None:
    kill_stage(installation, command, "ingest")


def kill_describing(installation: Installation, command: Command) -> None:
    kill_stage(installation, command, "embed")


@pytest.mark.slow
@pytest.mark.parametrize(
    "kill", [kill_fetching, kill_describing, kill_worker, kill_broker, kill_database, kill_everything]
)
def test_same_command_again_ends_with_the_same_rows(
    kill: Callable, installation: Installation, undisturbed: Installation, folder: Path
) -> None:
    command = installation.ingest(folder)
    deadline = time.monotonic() + 120
    while installation.ingested() < STYLES * SUBJECTS // 4:
        assert time.monotonic() < deadline, "the ingest does not move"
        assert command.poll() is None, command.finish()
        time.sleep(0.2)
    kill(installation, command)
    command.finish()
    again = installation.ingest(folder)
    said = again.finish()
    assert again.poll() == 0, said
    assert installation.counts() == undisturbed.counts()
    assert installation.rows() == undisturbed.rows()
    assert installation.open_items() == 0
    difference = np.abs(installation.descriptors() - undisturbed.descriptors())
    assert difference.max() < 1e-3  # a batch's size may turn the last bit of half precision


@pytest.mark.slow
def test_run_goes_on_by_itself_when_a_server_is_killed(
    installation: Installation, undisturbed: Installation, folder: Path
) -> None:
    command = installation.ingest(folder)
    killed = 0
    while command.poll() is None:
        if installation.ingested() >= (killed + 1) * 30 and killed < 3:
            name = ("valkey_pid", "postgres_pid", "valkey_pid")[killed]
            os.kill(Layout(installation.home).read_state()[name], signal.SIGKILL)
            killed += 1
        time.sleep(0.2)
    said = command.finish()
    assert killed >= 2
    assert command.poll() == 0, said
    assert installation.rows() == undisturbed.rows()
    assert installation.counts() == undisturbed.counts()


KILLS = 21
MANY = int(os.environ.get("TESTS_KILL_ITEMS", "420"))


@pytest.fixture(scope="module")
def many(tmp_path_factory) -> Path:
    """Many small pictures, no two alike."""
    folder = tmp_path_factory.mktemp("many")
    generator = np.random.default_rng(3)
    for number in range(MANY):
        coarse = generator.integers(0, 255, (5, 5, 3)).astype(np.uint8)
        Image.fromarray(coarse).resize((90, 70)).save(folder / f"{number:05}.png")
    return folder


def kill_something(installation: Installation, command: Command, turn: int, chance: random.Random) -> None:
    """Kill a worker's process, Redis or PostgreSQL, each in its turn."""
    what = turn % 3
    if what == 0:
        kind = ("ingest", "embed")[turn // 3 % 2]
        processes = celery_processes(command, kind)
        if processes:
            with contextlib.suppress(psutil.NoSuchProcess):
                chance.choice(processes).kill()
        return
    name = ("valkey_pid", "postgres_pid")[what - 1]
    with contextlib.suppress(ProcessLookupError, KeyError, TypeError):
        os.kill(Layout(installation.home).read_state()[name], signal.SIGKILL)


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_one_run_bears_twenty_kills(many: Path, figure) -> None:
    chance = random.Random(5)
    parent = Path(tempfile.mkdtemp(prefix="stylesearch-kill-"))
    parent.chmod(0o711)
    installation = Installation(parent / "home", attempts=20)
    try:
        command = installation.ingest(many)
        turn = 0
        while command.poll() is None:
            if turn < KILLS and installation.ingested() >= turn * MANY // (KILLS + 1):
                time.sleep(chance.random())
                kill_something(installation, command, turn, chance)
                turn += 1
            time.sleep(0.1)
        said = command.finish()
        assert turn == KILLS, "the run was over before it was killed often enough"
        assert command.poll() == 0, said
        assert f"ingested {MANY} + duplicates 0 + unchanged 0 + quarantined 0" in said
        expected = {path.name: hashlib.sha256(path.read_bytes()).digest() for path in many.iterdir()}
        found = installation.query(
            "SELECT source_id, sha256 FROM work JOIN image ON work_id = work.id JOIN descriptor ON image_id = image.id"
        )
        assert len(found) == MANY
        assert {name: bytes(digest) for name, digest in found} == expected
        assert installation.open_items() == 0
        encoder = get_encoder("lite", device="cpu")
        some = sorted(expected)[:: MANY // 20]
        pictures = [
            decode_for(encoder, (many / name).read_bytes(), max_bytes=2**20, max_pixels=2**20).pixels
            for name in some
        ]
        vectors = dict(zip(sorted(expected), installation.descriptors(), strict=True))
        assert np.abs(np.stack([vectors[name] for name in some]) - encoder.encode(pictures)).max() < 2e-3
        figure(f"{turn} kills in a run over {MANY} items: {said.splitlines()[-1]}")
    finally:
        installation.clear()
        shutil.rmtree(parent, ignore_errors=True)
