"""Pictures on a real server: fetched, looked at again, refused, put off."""

import io
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest
from PIL import Image
from sqlalchemy import text

from stylesearch.catalog.records import WorkRecord
from stylesearch.images.store import open_store
from stylesearch.ingest import getting, preparing
from stylesearch.ingest.driving import drive
from stylesearch.ingest.pipeline import Pipeline
from stylesearch.ingest.run import Into, discover, open_run
from stylesearch.ingest.sources.protocol import Found, Page

PACKET = (
    b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description'
    b' xmlns:plus="http://ns.useplus.org/ldf/xmp/1.0/" plus:DataMining="http://ns.useplus.org/ldf/vocab/DMI-PROHIBITED"/>'
    b"</rdf:RDF></x:xmpmeta>"
)


@dataclass
class Addresses:
    """A source of web addresses."""

    found: list[Found]
    uri: str = "list:web"
    kind: str = "table"

    def pages(self, cursor):
        yield Page(tuple(self.found), None, len(self.found))


@dataclass
class Web:
    """A catalogue that takes addresses in."""

    site: object
    database: object
    settings: object
    encoder: object
    pipelines: list[Pipeline] = field(default_factory=list)

    def found(self, path: str, *, version: str | None = None, **said: object) -> Found:
        return Found(path, self.site.url + path, None, WorkRecord(**said), version)

    def begin(self, *found: Found):
        source = Addresses(list(found))
        with self.database.session() as session:
            run, _ = open_run(session, source, Into("web"), spec=self.encoder.spec)
        discover(self.database, run.id, source, on_progress=lambda done, total: None)
        self.pipelines.append(Pipeline(self.database, open_store(self.settings), self.encoder, self.settings))
        return self.pipelines[-1], run.id

    def take(self, *found: Found):
        pipeline, run_id = self.begin(*found)
        return drive(pipeline, run_id, on_progress=lambda counts: None)

    def rows(self, statement: str) -> list[tuple]:
        with self.database.session() as session:
            return [tuple(row) for row in session.execute(text(statement))]

    def states(self) -> dict[str, str]:
        return dict(
            self.rows(
                "SELECT source_id, coalesce(error_code, state) FROM ingest_item WHERE run_id = (SELECT max(id) FROM ingest_run)"
            )
        )


@pytest.fixture
def web(site, database, settings, one_pixel_encoder) -> Iterator[Web]:
    quick = {"fetch_private": "127.0.0.1", "fetch_tries": 1, "ingest_batch_size": 4}
    web = Web(site, database, settings.model_copy(update=quick), one_pixel_encoder)
    yield web
    for pipeline in web.pipelines:
        pipeline.close()


def picture(colour: object, size: tuple[int, int] = (40, 30), extra: bytes = b"") -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", size, colour).save(buffer, "PNG")
    return buffer.getvalue() + extra


def serve_versioned(site, path: str, body: bytes, version: str) -> None:
    """Have a path answer with 304 to who knows its version."""

    def page(handler) -> None:
        known = handler.headers["If-None-Match"] == version
        handler.send_response(304 if known else 200)
        handler.send_header("ETag", version)
        handler.send_header("Content-Type", "image/png")
        handler.send_header("Content-Length", str(0 if known else len(body)))
        handler.end_headers()
        if not known:
            handler.wfile.write(body)

    site.pages[path] = page


def test_pictures_are_fetched_and_taken_in(web, site):
    for name in ("a", "b"):
        site.serve(f"/{name}.png", picture((name == "a" and "red") or "blue"), Content_Type="image/png")
    counts = web.take(web.found("/a.png", title="A"), web.found("/b.png"))
    assert counts.ingested == 2
    assert web.rows("SELECT source_id, title FROM work ORDER BY 1") == [("/a.png", "A"), ("/b.png", "b")]
    assert web.rows("SELECT count(*) FROM image WHERE octet_length(sha256) = 32") == [(2,)]


def test_a_second_time_nothing_is_sent_decoded_or_written(web, site):
    serve_versioned(site, "/a.png", picture("red"), '"1"')
    site.serve("/b.png", picture("blue"), Content_Type="image/png")  # a server that has no versions
    found = [web.found("/a.png", version="x"), web.found("/b.png"), web.found("/a.png", version="x")]
    assert web.take(*found).ingested == 2
    before = web.rows("SELECT id, xmin::text, updated_at FROM work ORDER BY 1")
    described, asked = web.encoder.described, site.asked["/a.png"]
    assert web.take(*found).unchanged == 2
    assert site.asked["/a.png"] == asked  # its source says that nothing has changed
    assert web.take(web.found("/a.png"), web.found("/b.png")).unchanged == 2
    assert site.asked["/a.png"] == asked + 1
    assert [sent.get("if-none-match") for sent in site.headers if "if-none-match" in sent] == ['"1"']
    assert web.encoder.described == described
    assert web.rows("SELECT id, xmin::text, updated_at FROM work ORDER BY 1")[1:] == before[1:]


def test_a_new_version_of_the_same_bytes_is_remembered(web, site):
    serve_versioned(site, "/a.png", picture("red"), '"1"')
    web.take(web.found("/a.png", version="old"))
    assert web.take(web.found("/a.png", version="new")).unchanged == 1
    assert web.rows("SELECT source_version, fetch_version FROM work") == [("new", 'etag:"1"')]
    asked = site.asked["/a.png"]
    assert web.take(web.found("/a.png", version="new")).unchanged == 1
    assert site.asked["/a.png"] == asked


@pytest.mark.parametrize("version", ["1", "2", None])
def test_what_is_said_anew_is_written_without_decoding(web, site, version):
    serve_versioned(site, "/a.png", picture("red", extra=PACKET), '"1"')
    web.take(web.found("/a.png", version="1", title="Old"))
    before = web.rows("SELECT id, xmin::text FROM image")
    counts = web.take(web.found("/a.png", version=version, title="New"))
    assert counts.ingested == 1
    assert web.encoder.described == 1
    assert web.rows("SELECT title, source_version, fetch_version, ai_training FROM work") == [
        ("New", version, 'etag:"1"', False)
    ]
    assert web.rows("SELECT id, xmin::text FROM image") == before
    assert web.take(web.found("/a.png", version=version, title="New")).unchanged == 1


def test_a_picture_that_has_changed_replaces_the_old_one(web, site):
    serve_versioned(site, "/a.png", picture("red"), '"1"')
    web.take(web.found("/a.png", version="1"))
    serve_versioned(site, "/a.png", picture("blue"), '"2"')
    assert web.take(web.found("/a.png", version="2")).ingested == 1
    assert web.rows("SELECT count(*) FROM image JOIN descriptor ON image_id = id") == [(1,)]
    assert web.rows("SELECT fetch_version FROM work") == [('etag:"2"',)]


def test_the_same_bytes_under_two_addresses_are_one_work(web, site):
    for name in ("a", "b", "c"):
        site.serve(f"/{name}.png", picture("red"), Content_Type="image/png")
    counts = web.take(web.found("/a.png"), web.found("/b.png"))
    assert (counts.ingested, counts.duplicate) == (1, 1)
    counts = web.take(web.found("/c.png"))
    assert (counts.ingested, counts.duplicate) == (0, 1)
    assert web.rows("SELECT count(DISTINCT image_id), count(*) FROM ingest_item") == [(1, 3)]
    assert web.encoder.described == 1


def test_bytes_that_were_withdrawn_stay_out(web, site):
    data = picture("red")
    site.serve("/a.png", data, Content_Type="image/png")
    with web.database.session() as session:
        session.execute(
            text("INSERT INTO withdrawal (sha256, reason) VALUES (sha256(:data), 'asked')"), {"data": data}
        )
    web.take(web.found("/a.png"))
    assert web.states() == {"/a.png": "withdrawn"}
    assert web.rows("SELECT count(*) FROM image") == [(0,)]


def test_each_bad_answer_is_told_and_the_others_go_on(web, site):
    good = picture("red")
    expected = {
        "/page.png": "fetch_type", "/gone.png": "fetch_status", "/large.png": "fetch_too_large",
        "/away.png": "redirect_refused", "/words.png": "image_unreadable", "/cut.png": "image_truncated",
        "/good.png": "ingested",
    }  # fmt: skip
    site.serve("/page.png", b"<html>", Content_Type="text/html")
    site.serve("/large.png", b"x" * 60_000, Content_Type="image/png")
    site.serve("/away.png", status=302, Location="http://169.254.169.254/")
    site.serve("/words.png", b"only words", Content_Type="image/png")
    site.serve("/cut.png", picture("red", (900, 900))[:400], Content_Type="image/png")
    site.serve("/good.png", good, Content_Type="image/png")
    web.settings = web.settings.model_copy(update={"max_file_bytes": 50_000})
    web.take(*(web.found(path) for path in expected))
    assert web.states() == expected


def test_what_opts_out_is_left_out_unless_that_is_not_honoured(web, site):
    site.serve("/a.png", picture("red"), Content_Type="image/png", X_Robots_Tag="noimageai")
    web.take(web.found("/a.png"))
    assert web.states() == {"/a.png": "opted_out"}
    web.settings = web.settings.model_copy(update={"honour_reservations": False})
    assert web.take(web.found("/a.png")).ingested == 1
    ((reservations, ai_training),) = web.rows("SELECT extra -> 'reservations', ai_training FROM work")
    assert reservations == [{"kind": "noimageai", "found_in": "header"}]
    assert ai_training is False


def test_other_reservations_are_recorded(web, site):
    site.serve("/.well-known/tdmrep.json", b'[{"location": "/a*", "tdm-reservation": 1}]')
    site.serve("/a.png", picture("red"), Content_Type="image/png")
    site.serve("/b.png", picture("blue", extra=PACKET), Content_Type="image/png")
    site.serve("/c.png", picture("green"), Content_Type="image/png")
    said = {"reservations": [{"kind": "tdm", "found_in": "source"}]}
    assert web.take(web.found("/a.png", extra=said), web.found("/b.png"), web.found("/c.png")).ingested == 3
    assert web.rows("SELECT source_id, extra -> 'reservations', ai_training FROM work ORDER BY 1") == [
        ("/a.png", [*said["reservations"], {"kind": "tdm", "found_in": "tdmrep"}], False),
        ("/b.png", [{"kind": "plus", "found_in": "metadata", "detail": "DMI-PROHIBITED"}], False),
        ("/c.png", None, None),
    ]


def test_a_server_that_is_busy_is_asked_again_later(web, site, monkeypatch):
    monkeypatch.setattr(preparing, "FIRST_DEFERRAL", 0.05)

    def page(handler) -> None:
        data = picture("red")
        busy = site.asked["/a.png"] < 3
        handler.send_response(503 if busy else 200)
        handler.send_header("Content-Type", "image/png")
        handler.send_header("Content-Length", str(0 if busy else len(data)))
        handler.end_headers()
        if not busy:
            handler.wfile.write(data)

    site.pages["/a.png"] = page
    site.serve("/b.png", status=503)
    assert web.take(web.found("/a.png"), web.found("/b.png")).ingested == 1
    assert web.states() == {"/a.png": "ingested", "/b.png": "fetch_busy"}
    assert site.asked["/b.png"] == web.settings.ingest_max_attempts


def test_a_large_file_is_not_fetched_ahead(web, site, monkeypatch):
    monkeypatch.setattr(getting, "AHEAD_BYTES", 50)
    for number in range(6):
        site.serve(f"/{number}.png", picture((number * 40, 0, 0)), Content_Type="image/png")
    site.serve("/large.png", b"x" * 60_000, Content_Type="image/png")
    web.settings = web.settings.model_copy(update={"max_file_bytes": 50_000})
    found = [web.found(f"/{number}.png") for number in range(6)]
    assert web.take(*found, web.found("/large.png")).ingested == 6
    assert web.states()["/large.png"] == "fetch_too_large"
    assert {site.asked[one.source_id] for one in found} == {2}


def test_decoding_waits_while_the_spool_is_full(web, site):
    for number in range(9):
        site.serve(f"/{number}.png", picture((number * 20, 0, 0), (700, 700)), Content_Type="image/png")
    web.settings = web.settings.model_copy(update={"spool_max_bytes": 2**20, "ingest_batch_size": 2})
    pipeline, run_id = web.begin(*(web.found(f"/{number}.png") for number in range(9)))
    fetched = [pipeline.fetch_batch(run_id) for _ in range(9)]
    assert fetched[0] == 2
    assert fetched[-1] == 0
    ((waiting, used),) = web.rows(
        "SELECT count(*), sum(spool_bytes) FROM ingest_item WHERE state = 'prepared'"
    )
    assert waiting < 9
    assert used < 2**20 + 2 * 400_000
    assert drive(pipeline, run_id, on_progress=lambda counts: None).ingested == 9


def test_pixels_that_are_lost_are_made_again(web, site):
    site.serve("/a.png", picture("red"), Content_Type="image/png")
    pipeline, run_id = web.begin(web.found("/a.png"))
    assert pipeline.fetch_batch(run_id) == 1
    pipeline.spool.remove(key for (key,) in web.rows("SELECT spool_key FROM ingest_item"))
    assert pipeline.embed_batch(run_id) == 1
    assert web.states() == {"/a.png": "pending"}
    assert drive(pipeline, run_id, on_progress=lambda counts: None).ingested == 1
