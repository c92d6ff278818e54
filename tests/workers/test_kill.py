"""An ingest through real servers and a real worker, with each of them killed in the middle."""

import contextlib
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import psutil
import psycopg
import pytest
from PIL import Image

from stylesearch.catalog.halfvecs import unpack_halfvecs
from stylesearch.demo.drawings import draw_collection
from stylesearch.local import services
from stylesearch.local.layout import Layout

# Where the suite is pointed at two servers that somebody else runs, these would kill the same local ones once more.
pytestmark = pytest.mark.skipif("TESTS_DATABASE_URL" in os.environ, reason="kills servers of its own only")
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

    def finish(self, *, seconds: float = 1200) -> str:
        """Wait for its end; return what it said."""
        self.process.wait(seconds)
        return self.output.read_text(errors="replace")


@dataclass
class Installation:
    """A data folder of its own, with its own servers, and the processes started in it."""

    home: Path
    children: list[Command] = field(default_factory=list)

    @property
    def environment(self) -> dict[str, str]:
        return {
            **os.environ,
            "STYLESEARCH_HOME": str(self.home),
            "STYLESEARCH_INGEST_LEASE_SECONDS": "6",
            "STYLESEARCH_INGEST_BATCH_SIZE": "8",
            "STYLESEARCH_EMBED_BATCH_SIZE": "8",
        }

    def ingest(self, folder: Path, *hands: str) -> Command:
        hands = hands or ("--workers", "2")
        return self.start("ingest", "folder", str(folder), "--collection", "drawn", *hands)

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

    def done(self) -> int:
        """How many items have come to their end; 0 where nobody can tell."""
        try:
            return self.query("SELECT count(*) FROM ingest_item WHERE state IN ('ingested', 'quarantined')")[
                0
            ][0]
        except psycopg.Error:  # not there yet, or just killed
            return 0

    def outcomes(self) -> list[tuple]:
        """What became of each file, and which file has the picture of a double."""
        return self.query(
            """
            SELECT item.source_id, item.state, item.error_code, work.source_id FROM ingest_item AS item
            LEFT JOIN image ON image.id = item.image_id LEFT JOIN work ON work.id = image.work_id ORDER BY 1
            """
        )

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
                   (SELECT count(*) FROM artist), (SELECT count(*) FROM work_artist),
                   (SELECT count(*) FROM ingest_item WHERE state = 'ingested')
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


@contextlib.contextmanager
def installed() -> Iterator[Installation]:
    parent = Path(tempfile.mkdtemp(prefix="stylesearch-kill-"))
    parent.chmod(0o711)
    installation = Installation(parent / "home")
    try:
        yield installation
    finally:
        installation.clear()
        shutil.rmtree(parent, ignore_errors=True)


@pytest.fixture
def make_installation() -> Iterator[Callable[[], Installation]]:
    with contextlib.ExitStack() as stack:
        yield lambda: stack.enter_context(installed())


@pytest.fixture
def installation(make_installation) -> Installation:
    return make_installation()


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
    with installed() as installation:
        command = installation.ingest(folder)
        said = command.finish()
        assert command.poll() == 0, said
        assert f"ingested {STYLES * SUBJECTS}" in said
        assert installation.spooled() == []
        yield installation


def celery_processes(command: Command, kind: str) -> list[psutil.Process]:
    """The processes of one kind of worker, its main process first; or the one that looks after both kinds."""
    supervisor = worker_of(command)
    if supervisor is None:
        return []
    if kind == "supervisor":
        return [supervisor]
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
    while installation.done() < STYLES * SUBJECTS // 4:
        assert time.monotonic() < deadline, "the ingest does not move"
        assert command.poll() is None, command.finish()
        time.sleep(0.05)
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
        if installation.done() >= (killed + 1) * 30 and killed < 3:
            name = ("valkey_pid", "postgres_pid", "valkey_pid")[killed]
            os.kill(Layout(installation.home).read_state()[name], signal.SIGKILL)
            killed += 1
        time.sleep(0.05)
    said = command.finish()
    assert killed >= 2
    assert command.poll() == 0, said
    assert installation.rows() == undisturbed.rows()
    assert installation.counts() == undisturbed.counts()


KILLS = 21
MANY = int(os.environ.get("TESTS_KILL_ITEMS", "2000"))
VICTIMS = ("worker", "Redis", "PostgreSQL")


@pytest.fixture(scope="module")
def many(tmp_path_factory) -> Path:
    """Many small pictures by some artists; a few are doubles, and a few are no pictures."""
    folder = tmp_path_factory.mktemp("many")
    generator = np.random.default_rng(3)
    lines = ["path,title,artist,keywords,license"]
    for number in range(MANY):
        name = f"{number:05}.png"
        if number % 100 == 99:
            shutil.copy(folder / f"{number - 1:05}.png", folder / name)
        elif number % 200 == 50:
            (folder / name).write_bytes(b"no picture: %d" % number)
        else:
            coarse = generator.integers(0, 255, (5, 5, 3)).astype(np.uint8)
            Image.fromarray(coarse).resize((90, 70)).save(folder / name, compress_level=1)
        lines.append(f"{name},Picture {number},Artist {number % 30},k{number % 7};all,CC0-1.0")
    (folder / "metadata.csv").write_text("\n".join(lines) + "\n")
    return folder


def kill_something(installation: Installation, command: Command, victim: str, chance: random.Random) -> bool:
    """Kill a worker's process, Redis or PostgreSQL; return whether there was anything to kill."""
    try:
        if victim == "worker":
            kind = chance.choice(("ingest", "ingest", "embed", "supervisor"))
            process = chance.choice(celery_processes(command, kind))
        else:
            name = {"Redis": "valkey", "PostgreSQL": "postgres"}[victim]
            process = psutil.Process(int(Layout(installation.home).read_state()[f"{name}_pid"]))
            if name not in process.name():
                return False
        if process.status() == psutil.STATUS_ZOMBIE:
            return False
        process.kill()
    except (psutil.Error, IndexError, KeyError):  # it is just being started again
        return False
    return True


def kill_and_kill_again(installation: Installation, command: Command) -> Counter:
    """Kill a worker, Redis and PostgreSQL in turn, each time at a random moment, until the run is over.

    The next moment lies within this kill's share of what is left of the first three quarters: where the run goes fast and
    the kills come late, they come closer together, and none is left over at its end. What is just being started again
    is passed over: the others may finish the work meanwhile.
    """
    chance = random.Random(5)
    killed: Counter = Counter()
    moment = 1
    while command.poll() is None:
        turn, done = killed.total(), installation.done()
        if turn < KILLS and done >= moment:
            in_turn = (VICTIMS[(turn + further) % 3] for further in range(3))
            victim = next(
                (name for name in in_turn if kill_something(installation, command, name, chance)), None
            )
            if victim is not None:
                killed[victim] += 1
                moment = done + 1 + chance.randrange(max(1, (MANY * 3 // 4 - done) // (KILLS - turn)))
        time.sleep(0.2 * chance.random())
    return killed


def summary(said: str) -> str:
    return next(line for line in said.splitlines() if line.startswith("discovered")).split(" (")[0]


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_one_run_bears_twenty_kills(
    installation: Installation, make_installation, many: Path, figure
) -> None:
    command = installation.ingest(many)
    began = time.monotonic()
    killed = kill_and_kill_again(installation, command)
    seconds = time.monotonic() - began
    said = command.finish()
    assert command.poll() == 0, said
    assert killed.total() == KILLS, "the run was over before it was killed often enough"
    assert set(killed) == set(VICTIMS)
    undisturbed = make_installation()
    calm = undisturbed.ingest(many, "--inline")
    calmly_said = calm.finish()
    assert calm.poll() == 0, calmly_said
    assert summary(said) == summary(calmly_said)
    assert installation.outcomes() == undisturbed.outcomes()
    assert len(installation.outcomes()) == MANY
    assert installation.rows() == undisturbed.rows()
    assert installation.counts() == undisturbed.counts()
    assert installation.open_items() == 0
    # A batch's size may turn the last bit of half precision.
    assert np.abs(installation.descriptors() - undisturbed.descriptors()).max() < 1e-3
    victims = ", ".join(f"{name} {number}" for name, number in killed.items())
    figure(
        f"kill -9 in one run over {MANY} items: {killed.total()} times ({victims}), {seconds:.0f} s;"
        f" then {summary(said)}, and all rows as in an undisturbed run"
    )
