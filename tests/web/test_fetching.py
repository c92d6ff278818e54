"""Searching with the address of an image: what is fetched, and what is not."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from web.app import create_app


class Site(ThreadingHTTPServer):
    """A web site on this machine that gives what it is told to."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.pages: dict[str, tuple[int, str, bytes]] = {}
        self.asked: list[str] = []

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.server_port}{path}"


class _Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        site: Site = self.server  # type: ignore[assignment]
        site.asked.append(self.path)
        status, kind, data = site.pages.get(self.path, (404, "text/plain", b"no"))
        self.send_response(status)
        self.send_header("Location" if status == 302 else "Content-Type", kind)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def site() -> Iterator[Site]:
    with Site() as site:
        thread = threading.Thread(target=site.serve_forever)
        thread.start()
        yield site
        site.shutdown()
        thread.join()


@pytest.fixture
def send(archive, token):
    def send(url: str, **changes: object):
        settings = archive.settings.model_copy(update=changes)
        client = create_app(settings).test_client()
        return client.post("/search", data={"csrf_token": token(client), "url": url})

    return send


def test_the_image_at_an_address_is_searched_with(send, site, picture):
    site.pages["/a.png"] = (200, "image/png", picture())
    answer = send(site.url("/a.png"), web_fetch_private="127.0.0.0/8")
    assert answer.status_code == 303
    assert answer.headers["Location"].startswith("/search?image=")


def test_an_address_of_this_network_is_refused_though_ingestion_may_ask_it(send, site, picture):
    site.pages["/a.png"] = (200, "image/png", picture())
    answer = send(site.url("/a.png"), fetch_private="all")
    assert answer.status_code == 422
    assert "not a public address" in answer.text
    assert "STYLESEARCH" not in answer.text
    assert site.asked == []


@pytest.mark.parametrize(
    "url",
    [
        "http://localhost/",
        "http://[::1]/",
        "http://169.254.169.254/latest/",
        "http://0x7f000001/",
        "http://10.0.0.1/",
    ],
)
def test_private_addresses_are_refused(send, url):
    assert send(url).status_code in (422, 502)


@pytest.mark.parametrize(
    "url",
    ["file:///etc/passwd", "ftp://example.org/a.png", "javascript:alert(1)", "x", "https://" + "a" * 3000],
)
def test_what_is_no_address_is_400(send, url):
    answer = send(url)
    assert answer.status_code in (400, 422)
    assert "passwd:" not in answer.text


def test_a_redirect_into_this_network_is_refused(send, site):
    site.pages["/away"] = (302, "http://10.0.0.1/secret.png", b"")
    answer = send(site.url("/away"), web_fetch_private="127.0.0.0/8")
    assert answer.status_code == 422


def test_what_the_other_server_does_is_told(send, site, picture):
    site.pages |= {
        "/busy": (503, "text/plain", b"busy"),
        "/page": (200, "text/html", b"<html>"),
        "/large": (200, "image/png", bytes(200_000)),
    }
    allowed = {"web_fetch_private": "127.0.0.0/8"}
    assert send(site.url("/busy"), **allowed).status_code == 502
    assert send(site.url("/none"), **allowed).status_code == 422
    assert send(site.url("/page"), **allowed).status_code == 422
    assert send(site.url("/large"), max_upload_bytes=100_000, **allowed).status_code == 422
    assert send("http://127.0.0.1:9/a.png", **allowed).status_code == 502


def test_addresses_may_be_switched_off(send, archive):
    assert send("https://example.org/a.png", web_fetch=False).status_code == 400
    page = create_app(archive.settings.model_copy(update={"web_fetch": False})).test_client().get("/").text
    assert 'name="url"' not in page
