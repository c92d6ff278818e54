"""Every command of the page on taking works in, run as it stands there.

The net is the server of the test: ``https://HOST/PATH`` in a command becomes ``/HOST/PATH`` on it.
"""

import io
import json
import re
import shlex
import subprocess
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import webdataset
from PIL import Image
from sqlalchemy import text

from stylesearch.catalog.database import open_database

PAGE = Path(__file__).parents[2] / "docs" / "ingest.md"
HOST = re.compile(r"https://([a-z.]+)/")


def picture(number: int, file_format: str = "JPEG") -> bytes:
    pixels = np.random.default_rng(number).integers(0, 255, (6, 8, 3)).astype(np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(pixels).resize((80, 60)).save(buffer, file_format)
    return buffer.getvalue()


def block_below(heading: str) -> str:
    """Return the commands below a heading of the page, up to the next one."""
    page = PAGE.read_text("utf-8")
    section = page[page.index(f"\n{heading}\n") + len(heading) + 2 :]
    return "".join(re.findall(r"```sh\n(.*?)```", section[: section.index("\n##")], re.DOTALL))


def commands_of(block: str) -> Iterator[str]:
    """Yield the commands of a block, with what is written into a file here and now."""
    lines = iter(block.splitlines())
    for line in lines:
        command = line
        if "<<'END'" in line:
            command += "\n" + "\n".join(iter(lambda: next(lines), "END")) + "\nEND\n"
        yield command


def manifest(url: str, *images: str) -> bytes:
    canvases = [
        {
            "id": f"{url}/canvas/{number}",
            "type": "Canvas",
            "items": [
                {
                    "type": "AnnotationPage",
                    "items": [{"motivation": "painting", "body": {"id": one, "type": "Image"}}],
                }
            ],
        }
        for number, one in enumerate(images)
    ]
    label = {"en": [f"Work of {len(images)} images"], "de": ["Werk"]}
    return json.dumps({"id": url, "type": "Manifest", "label": label, "items": canvases}).encode()


OAI = '<OAI-PMH xmlns="http://www.openarchives.org/OAI/2.0/"><ListRecords>{}</ListRecords></OAI-PMH>'
RECORD = "<record><header><identifier>oai:e:{}</identifier><datestamp>2024-02-0{}</datestamp></header><metadata>{}</metadata></record>"
BOOK = '<dc xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns="http://www.openarchives.org/OAI/2.0/oai_dc/"><dc:title>{}</dc:title></dc>'
PRINT = (
    '<lido:lido xmlns:lido="http://www.lido-schema.org"><lido:administrativeMetadata><lido:resourceWrap><lido:resourceSet>'
    "<lido:resourceRepresentation><lido:linkResource>{}</lido:linkResource></lido:resourceRepresentation></lido:resourceSet>"
    "</lido:resourceWrap></lido:administrativeMetadata></lido:lido>"
)


@pytest.fixture
def net() -> Iterator[str]:
    """The address of a server that has what the page's commands ask for."""

    def answer(path: str) -> tuple[str, bytes] | None:
        where, query = urlsplit(path).path, parse_qs(urlsplit(path).query)
        image = re.fullmatch(r"/example.org/images/(\w+)\.jpg", where)
        if image:
            return "image/jpeg", picture(sum(image[1].encode()))
        images = [f"{url}/example.org/images/{name}.jpg" for name in ("one", "three")]
        if where == "/example.org/oai":
            if query["metadataPrefix"] == ["lido"]:
                assert query["set"] == ["prints"]
                return "text/xml", OAI.format(RECORD.format("p1", 1, PRINT.format(images[0]))).encode()
            since = int(query.get("from", ["2024-02-01"])[0][-2:])
            records = "".join(
                RECORD.format(f"b{n}", n, BOOK.format(f"Book {n}"))
                for n in (1, 2)
                if n >= since or since == 31
            )
            return "text/xml", OAI.format(records).encode()
        manifests = {
            "/iiif.io/api/cookbook/recipe/0001-mvm-image/manifest.json": images[:1],
            "/example.org/iiif/1/manifest": images[1:],
            "/example.org/iiif/7/manifest": images,
        }
        if where in manifests:
            return "application/json", manifest(url + where, *manifests[where])
        if where == "/example.org/iiif/collection/drawings":
            items = [{"id": f"{url}/example.org/iiif/{n}/manifest", "type": "Manifest"} for n in (1, 7)]
            return "application/json", json.dumps({"type": "Collection", "items": items}).encode()
        return None

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            kind, body = answer(self.path) or ("text/plain", b"nothing here")
            self.send_response(404 if kind == "text/plain" else 200)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield url
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder that a reader is in, with what the page supposes to be there."""
    folder = tmp_path / "desk"
    scans, mount = folder / "scans", folder / "mnt"
    shards = mount / "pictures"
    for one in (scans, mount / "scans", shards):
        one.mkdir(parents=True)
    for number, name in enumerate(("barn.jpg", "mill.jpg")):
        (scans / name).write_bytes(picture(100 + number))
        (mount / "scans" / name).write_bytes(picture(200 + number))
    (folder / "export.csv").write_text("Bilddatei;Überschrift\nbarn.jpg;Scheune\nmill.jpg;Mühle\n", "utf-8")
    rows = [
        {"id": "P 1", "image": "barn.jpg", "title": "Barn"},
        {"id": "P 2", "image": "mill.jpg", "title": "Mill"},
    ]
    pq.write_table(pa.Table.from_pylist(rows), folder / "works.parquet")
    for shard in range(2):
        with webdataset.TarWriter(str(shards / f"0000{shard}.tar")) as writer:
            for number in range(2):
                said = json.dumps({"title": f"Sample {number}"}).encode()
                writer.write(
                    {"__key__": f"{shard}{number}", "jpg": picture(300 + 10 * shard + number), "json": said}
                )
    monkeypatch.chdir(folder)
    return folder


SOURCES = ("", "### A table", "### WebDataset shards", "### IIIF", "### OAI-PMH")
TAKEN = {
    "": [2],
    "### A table": [2, 2, 2],
    "### WebDataset shards": [4, 2],
    "### IIIF": [1, 3, 1],
    "### OAI-PMH": [1, 2, 2],
}
"""How many works each command of a section finds."""


@pytest.mark.parametrize("heading", SOURCES)
def test_the_commands_of_a_source_take_it_in(
    heading: str, net: str, desk: Path, environment, run_command: Callable, monkeypatch
) -> None:
    monkeypatch.setenv("STYLESEARCH_FETCH_PRIVATE", "127.0.0.1")
    found = []
    for command in commands_of(block_below(heading)):
        here = HOST.sub(rf"{net}/\1/", command).replace("/mnt/", f"{desk}/mnt/")
        if not here.startswith("stylesearch "):
            subprocess.run(["bash", "-ec", here], check=True, timeout=60)
            continue
        outcome = run_command(*shlex.split(here)[1:], "--inline")
        assert outcome.code == 0, (command, outcome.err)
        line = outcome.out.splitlines()[-1]
        assert "quarantined 0" in line, (command, outcome.out)
        found.append(int(re.search(r"discovered (\d+)", line)[1]))
    assert found == TAKEN[heading]


def test_the_commands_of_the_ledger(desk: Path, environment, run_command: Callable) -> None:
    (desk / "scans" / "bad.jpg").write_bytes(b"no picture")
    assert run_command("ingest", "folder", "scans", "-c", "city-museum", "--inline").code == 0
    commands = list(commands_of(block_below("## The ledger")))
    assert len(commands) == 5
    for command in commands:
        outcome = run_command(*shlex.split(command)[1:])
        assert outcome.code == 0, (command, outcome.err)
    assert "image_unreadable" in (desk / "run.html").read_text("utf-8")
    with open_database(environment).session() as session:
        assert session.scalar(text("SELECT count(*) FROM work")) == 2
