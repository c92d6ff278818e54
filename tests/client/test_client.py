"""The client against a real server."""

import csv
import io
import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest

from stylesearch.client import Client
from stylesearch.client.transport import ApiError
from stylesearch.errors import ImageError, InputError, NotFoundError, ServiceError
from stylesearch.wire.artists import ArtistsQuery
from stylesearch.wire.collections import CollectionChange
from stylesearch.wire.reports import ReportFiles, ReportRequest
from stylesearch.wire.runs import ItemsQuery
from stylesearch.wire.searches import ExampleGiven, SearchRequest
from stylesearch.wire.works import WorksQuery


@pytest.fixture
def client(served) -> Iterator[Client]:
    with Client(served.url, token=served.token) as client:
        yield client


@pytest.fixture
def work(client) -> int:
    return next(client.works()).work_id


def test_works_come_page_after_page(client):
    works = list(client.works(WorksQuery(limit=7, sort="title")))
    assert len({work.work_id for work in works}) == 30
    detail = client.work(works[0].work_id)
    assert detail.title == works[0].title
    assert detail.credits
    assert list(client.works(WorksQuery(q=["reuse:permission"]))) == []
    assert json.loads(client.manifest(works[0].work_id))["type"] == "Manifest"


def test_artists_and_collections(client):
    artists = list(client.artists(ArtistsQuery(limit=2)))
    assert client.artist(artists[0].artist_id).name == artists[0].name
    (collection,) = client.collections()
    assert client.collection("drawn") == collection


def test_a_collection_is_changed(client):
    try:
        assert client.change_collection("drawn", CollectionChange(title="Drawings")).title == "Drawings"
    finally:
        client.change_collection("drawn", CollectionChange(title="Drawn by stylesearch"))
    assert client.collection("drawn").title == "Drawn by stylesearch"


def test_a_search_goes_on_for_as_long_as_it_is_asked(client, work):
    request = SearchRequest(examples=[ExampleGiven(work=work)], where="has:image", k=8)
    page = client.search(request)
    hits = list(client.search_all(request))
    assert hits[:8] == page.results
    assert len({hit.work_id for hit in hits}) == 29


def test_a_picture_is_sent_and_reported_on(client, picture_file):
    file = client.upload(picture_file)
    assert client.search(SearchRequest(examples=[ExampleGiven(file=file.file)])).results
    report = client.make_report(ReportRequest(file=file.file, name="it.png"))
    text = client.report_file(report.report_id)
    signature = client.report_signature(report.report_id)
    assert json.loads(text)["document"]["query"]["name"] == "it.png"
    assert client.check_report(ReportFiles(file=text.decode(), signature=signature.decode())).holds
    assert client.report_pdf(report.report_id).startswith(b"%PDF-")
    assert b"<html" in client.report_html(report.report_id)


def test_runs_and_items(client):
    (run,) = client.runs()
    assert client.run(run.run_id).counts == run.counts
    assert len(list(client.items(run.run_id, ItemsQuery(limit=7)))) == run.counts.discovered
    assert client.retry_run(run.run_id).opened == 0


def test_exports_are_streamed(client):
    table = b"".join(client.export("works", "csv", WorksQuery(q=["has:image"])))
    assert len(list(csv.DictReader(io.StringIO(table.decode())))) == 30
    lines = b"".join(client.export("artists", "jsonl")).splitlines()
    assert [json.loads(line)["name"] for line in lines] == [artist.name for artist in client.artists()]
    with pytest.raises(InputError) as caught:
        list(client.export("works", "csv", WorksQuery(q=["artits:x"])))
    assert caught.value.code == "unknown_filter"


def test_errors_are_those_of_the_server(client, served):
    with pytest.raises(NotFoundError) as caught:
        client.work(999_999)
    assert (caught.value.code, caught.value.message) == ("unknown_work", "There is no work 999999 here.")
    assert caught.value.hint
    with pytest.raises(InputError) as refused:
        list(client.works(WorksQuery(q=["text:'x' )"])))
    assert refused.value.code == "filter_syntax"
    assert refused.value.detail.endswith("^")
    with pytest.raises(ImageError):
        client.upload(b"no picture")
    with pytest.raises(ImageError) as kept:
        client.fetch("http://127.0.0.1/x.png")
    assert kept.value.code == "address_refused"
    with Client(served.url) as nobody, pytest.raises(ApiError) as unknown:
        nobody.change_collection("drawn", CollectionChange(title="x"))
    assert unknown.value.code == "sign_in"

    with Client(served.url, token="nonsense") as stranger, pytest.raises(ApiError):
        stranger.collection("drawn")


@pytest.mark.parametrize(
    ("server", "token", "code"),
    [
        ("styles.example.org", None, "server_address"),
        ("ftp://styles.example.org", None, "server_address"),
        ("https://", None, "server_address"),
        ("https://me:secret@styles.example.org", None, "server_address"),
        ("http://styles.example.org", "secret", "token_in_clear"),
    ],
)
def test_servers_that_are_not_asked(server, token, code):
    with pytest.raises(InputError) as caught:
        Client(server, token=token)
    assert caught.value.code == code


def test_a_token_may_go_to_this_machine_in_clear():
    for server in (
        "http://127.0.0.1:1",
        "http://localhost:1",
        "http://[::1]:1",
        "https://styles.example.org",
    ):
        Client(server, token="secret").close()


def test_a_server_that_is_not_there():
    with Client("http://127.0.0.1:1") as client, pytest.raises(ServiceError) as caught:
        client.work(1)
    assert caught.value.code == "server_unreachable"


class Odd(BaseHTTPRequestHandler):
    """Answers as its server's ``answers`` say, one after the other."""

    def do_GET(self):
        self.server.seen.append((self.path, self.headers.get("Authorization")))
        status, headers, body = self.server.answers.pop(0)
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    do_POST = do_GET  # noqa: N815

    def log_message(self, *_arguments):
        pass


@pytest.fixture
def odd():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Odd)
    server.answers, server.seen = [], []
    Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


BUSY = json.dumps(
    {"type": "about:blank", "title": "", "status": 503, "detail": "Busy.", "hint": "Wait.", "code": "timeout"}
).encode()
COLLECTION = json.dumps(
    {
        "slug": "x", "title": "X", "provider": None, "source_url": None, "default_rights": None, "works": 1,
        "visibility": "everybody", "links": {"url": "", "works": "", "manifests": ""}, "later": "more",
    }
).encode()  # fmt: skip


def test_a_busy_server_is_asked_again_and_a_newer_one_is_understood(odd):
    with Client(f"http://127.0.0.1:{odd.server_port}", token="secret") as client:
        odd.answers += [(503, {"Retry-After": "0"}, BUSY), (200, {}, COLLECTION)]
        assert client.collection("x").title == "X"
        assert odd.seen == [("/api/v1/collections/x", "Bearer secret")] * 2
        odd.answers += [(503, {"Retry-After": "0"}, BUSY)] * 3
        with pytest.raises(ServiceError, match="Busy"):
            client.collection("x")
        odd.seen.clear()
        odd.answers += [(503, {"Retry-After": "0"}, BUSY)]
        with pytest.raises(ServiceError, match="Busy"):  # it may have been made all the same
            client.make_report(ReportRequest(work=1))
        assert len(odd.seen) == 1


def test_answers_that_are_none_of_ours(odd):
    with Client(f"http://127.0.0.1:{odd.server_port}") as client:
        for answer, code in (
            ((200, {}, b"<html>"), "answer_unreadable"),
            ((502, {}, b"<html>"), "server_unexpected"),
            ((302, {"Location": "http://127.0.0.1:1/"}, b""), "server_unexpected"),
        ):
            odd.answers.append(answer)
            with pytest.raises(ServiceError) as caught:
                client.collection("x")
            assert caught.value.code == code


def test_the_token_goes_to_no_other_server(odd):
    listed = {"items": [], "next": "http://evil.example/api/v1/collections?after=a", "total": None}
    odd.answers += [(200, {}, json.dumps(listed).encode()), (200, {}, b'{"items": [], "next": null}')]
    with Client(f"http://127.0.0.1:{odd.server_port}", token="secret") as client:
        assert list(client.collections()) == []
    assert [path for path, _ in odd.seen] == ["/api/v1/collections", "/api/v1/collections?after=a"]
