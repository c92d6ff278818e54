import os
import re
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator

import pytest

START = "from web.command import serve; serve()"


@pytest.fixture
def running(archive_environment) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """The portal as a process of its own on a free port, and its address."""
    process = subprocess.Popen(
        [sys.executable, "-c", START, "--port", "0", "--no-warm"],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )
    assert process.stdout is not None
    line = process.stdout.readline()
    found = re.search(r"http://127\.0\.0\.1:\d+", line)
    assert found, line + process.stdout.read()
    yield process, found[0]
    process.kill()
    process.wait()
    process.stdout.close()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_listens_when_it_says_so_and_stops_cleanly(running, number):
    process, address = running
    with urllib.request.urlopen(f"{address}/healthz") as answer:
        assert answer.status == 200
        assert not answer.headers["Server"] or "waitress" not in answer.headers["Server"]
    process.send_signal(number)
    rest, _ = process.communicate(timeout=60)
    assert process.returncode == 0
    assert rest.strip() == "The portal has stopped."


def test_a_large_upload_is_answered_with_a_page(running, archive):
    _, address = running
    host, port = address.removeprefix("http://").split(":")
    size = archive.settings.max_upload_bytes + 1024**2
    with socket.create_connection((host, int(port)), timeout=60) as connection:
        connection.sendall(
            f"POST /search HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n"
            f"Content-Type: multipart/form-data; boundary=x\r\nContent-Length: {size}\r\n\r\n".encode()
        )
        for _ in range(size // 1024**2):
            connection.sendall(bytes(1024**2))
        connection.sendall(bytes(size % 1024**2))
        answer = b""
        while part := connection.recv(65536):
            answer += part
    assert answer.startswith(b"HTTP/1.1 413 ")
    assert b"larger than 32 MB" in answer


def test_a_port_in_use_is_named_with_the_way_out(archive_environment, run_command):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        outcome = run_command("serve", "--port", port, "--no-warm")
    assert outcome.code == 1
    assert f"port {port}" in outcome.err
    assert f"--port {port + 1}" in outcome.err


def test_a_host_that_is_not_ours_is_explained(archive_environment, run_command):
    outcome = run_command("serve", "--host", "192.0.2.1", "--port", "0", "--no-warm")
    assert outcome.code == 1
    assert "192.0.2.1" in outcome.err
    assert "--host" in outcome.err
