"""Fetching from a hub, which here is a server of our own that speaks as much of the hub's protocol as is needed."""

import hashlib
import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from stylesearch.encoders.hub import _choose, _spdx
from stylesearch.errors import InputError

COMMIT = "0123456789abcdef0123456789abcdef01234567"
CONTENT = b"weights" * 99
FILES = ["README.md", "config.json", "pytorch_model.bin"]
FETCH = """
import json, sys
from stylesearch.encoders.hub import fetch
from stylesearch.errors import StylesearchError
try:
    found = fetch(sys.argv[1], sys.argv[2] or None)
    print(json.dumps([found.path.read_bytes().decode(), found.source, found.license]))
except StylesearchError as error:
    print(json.dumps([error.code, str(error)]))
"""


class Hub(BaseHTTPRequestHandler):
    def log_message(self, *args) -> None:
        pass

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        repository = {"id": "lab/model", "sha": COMMIT, "cardData": {"license": "cc-by-4.0"}}
        repository["siblings"] = [{"rfilename": name} for name in FILES]
        if self.path.startswith("/api/models/lab/model"):
            self.reply(json.dumps(repository).encode(), "application/json")
        elif self.path == f"/lab/model/resolve/{COMMIT}/pytorch_model.bin":
            self.reply(CONTENT, "application/octet-stream")
        else:
            self.send_response(404)
            self.send_header("X-Error-Code", "RepoNotFound")
            self.send_header("Content-Length", "0")
            self.end_headers()

    def reply(self, data: bytes, media_type: str) -> None:
        self.send_response(200)
        self.send_header("Content-Type", media_type)
        self.send_header("Content-Length", str(len(data)))
        self.send_header("ETag", f'"{hashlib.sha256(data).hexdigest()}"')
        self.send_header("X-Repo-Commit", COMMIT)
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(data)


@pytest.fixture
def hub() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Hub)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def fetched(hub: str, home: Path, repository: str, file: str = "") -> list:
    # The hub's client reads its settings when it is imported, so each runs in a process of its own.
    environment = {
        "HF_ENDPOINT": hub,
        "HF_HOME": str(home),
        "HF_HUB_DISABLE_XET": "1",
        "PATH": "/usr/bin:/bin",
    }
    arguments = [sys.executable, "-c", FETCH, repository, file]
    done = subprocess.run(arguments, env=environment, capture_output=True, text=True, timeout=120, check=True)
    return json.loads(done.stdout)


def test_the_usual_file_is_fetched_with_its_licence(hub, tmp_path: Path):
    expected = [CONTENT.decode(), "lab/model/pytorch_model.bin", "CC-BY-4.0"]
    assert fetched(hub, tmp_path, "lab/model") == expected
    assert fetched(hub, tmp_path, "lab/model", "pytorch_model.bin") == expected


def test_what_the_hub_does_not_have_is_said(hub, tmp_path: Path):
    code, message = fetched(hub, tmp_path, "lab/other")
    assert code == "download_failed"
    assert message.startswith("lab/other could not be fetched")
    assert "\n" not in message


def test_the_file_is_chosen_or_has_to_be_named():
    assert _choose("a/b", FILES) == "pytorch_model.bin"
    assert _choose("a/b", [*FILES, "model.safetensors"]) == "model.safetensors"
    assert _choose("a/b", ["x.md", "best.pth"]) == "best.pth"
    with pytest.raises(
        InputError, match=r"has 2 weights files. Name one with --file: best.pth, last.pth"
    ) as caught:
        _choose("a/b", ["last.pth", "best.pth"])
    assert caught.value.code == "hub_file"
    with pytest.raises(InputError, match="has no weights files"):
        _choose("a/b", ["x.md"])


def test_licences_are_written_as_spdx_writes_them():
    stated = {
        "mit": "MIT",
        "apache-2.0": "Apache-2.0",
        "cc-by-nc-sa-4.0": "CC-BY-NC-SA-4.0",
        "cc0-1.0": "CC0-1.0",
    }
    assert {name: _spdx(name) for name in stated} == stated
    assert _spdx("openrail++") == "LicenseRef-openrail--"
