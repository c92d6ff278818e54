"""The supervisor with small programs for workers."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

PROGRAM = """
import logging, sys
from workers import supervisor
from workers.supervisor import Child, Supervisor
logging.basicConfig(level="WARNING")
supervisor.FIRST_PAUSE = 0.05
supervisor.POLL_SECONDS = 0.02
Supervisor([Child(name, [sys.executable, "-c", code], pause=0.05) for name, code in zip(sys.argv[1::2], sys.argv[2::2])]).run()
"""
LASTING = """
import os, signal, sys, time
def stop(*_):
    open({path!r}, "a").write("stopped ")
    sys.exit(0)
signal.signal(signal.SIGTERM, stop)
open({path!r}, "a").write("started ")
time.sleep(100)
"""


@pytest.fixture
def start(tmp_path: Path):
    """Starts a supervisor over programs by name; what it is and what it says."""
    running: list[subprocess.Popen] = []

    def begin(**programs: str) -> subprocess.Popen:
        arguments = [text for pair in programs.items() for text in pair]
        with (tmp_path / "log").open("wb") as log:
            running.append(subprocess.Popen([sys.executable, "-c", PROGRAM, *arguments], stderr=log))
        return running[-1]

    yield begin
    for process in running:
        process.kill()
        process.wait()


def wait_for(condition) -> None:
    end = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < end, "it does not happen"
        time.sleep(0.05)


def read(path: Path) -> str:
    return path.read_text() if path.exists() else ""


def test_workers_run_until_they_are_told_to_stop(start, tmp_path):
    one, two = tmp_path / "one", tmp_path / "two"
    process = start(one=LASTING.format(path=str(one)), two=LASTING.format(path=str(two)))
    wait_for(lambda: read(one) and read(two))
    process.send_signal(signal.SIGTERM)
    assert process.wait(60) == 0
    assert read(one) == read(two) == "started stopped "


def test_a_worker_that_ends_is_started_again(start, tmp_path):
    path, lasting = tmp_path / "path", tmp_path / "lasting"
    process = start(
        ending=f"open({str(path)!r}, 'a').write('x'); raise SystemExit(3)",
        lasting=LASTING.format(path=str(lasting)),
    )
    wait_for(lambda: len(read(path)) >= 3)
    assert read(lasting) == "started "
    process.send_signal(signal.SIGINT)
    assert process.wait(60) == 0
    assert "the ending worker ended with code 3" in read(tmp_path / "log")


@pytest.mark.skipif(
    not sys.platform.startswith("linux"), reason="only Linux tells children that their parent has ended"
)
def test_workers_stop_when_the_supervisor_is_killed(start, tmp_path):
    path = tmp_path / "path"
    process = start(one=LASTING.format(path=str(path)))
    wait_for(lambda: read(path))
    os.kill(process.pid, signal.SIGKILL)
    wait_for(lambda: read(path) == "started stopped ")


def test_a_second_signal_waits_for_nobody(start, tmp_path):
    path = tmp_path / "path"
    stubborn = f"import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); open({str(path)!r}, 'a').write('x'); time.sleep(100)"
    process = start(stubborn=stubborn)
    wait_for(lambda: read(path))
    process.send_signal(signal.SIGTERM)
    time.sleep(0.5)
    assert process.poll() is None
    process.send_signal(signal.SIGTERM)
    process.wait(60)


def test_the_command_knows_its_queues(environment, run_command):
    outcome = run_command("workers", "start", "--queues", "ingest,nonsense")
    assert outcome.code == 1
    assert "There is no queue 'nonsense'" in outcome.err
