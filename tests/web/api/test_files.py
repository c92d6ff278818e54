import io
import zlib
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest
from PIL import Image


@pytest.fixture
def picture_server(picture):
    """A web server of this machine: /picture.png, /page, /far."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            if self.path == "/far":
                self.send_response(302)
                self.send_header("Location", "http://127.0.0.2:1/picture.png")
                self.end_headers()
                return
            found = {"/picture.png": ("image/png", picture()), "/page": ("text/html", b"<p>")}.get(self.path)
            self.send_response(200 if found else 404)
            if found:
                self.send_header("Content-Type", found[0])
            self.end_headers()
            if found:
                self.wfile.write(found[1])

        def log_message(self, *_arguments):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def test_a_picture_is_sent_and_searched_with(api, picture):
    answer = api.post("files", data=picture(), content_type="image/png")
    assert answer.status_code == 201
    assert (answer.json["width"], answer.json["height"], answer.json["media_type"]) == (90, 60, "image/png")
    assert answer.json["kept_days"] == 7
    found = api.told(answer.headers["Location"])
    assert found["results"]
    assert found["copies"] == []
    region = api.told(f"search?like=file:{answer.json['file']}@0,0,40,40&k=2")
    assert len(region["results"]) == 2
    api.refused(f"search?like=file:{answer.json['file']}@80,50,40,40", 400, "bad_region")


def test_a_picture_of_the_archive_is_told_as_a_copy(api, catalogue):
    work = catalogue.first_work()
    sent = api.post("files", data=catalogue.original(work), content_type="application/octet-stream").json
    assert sent["file"] == catalogue.digest(work)
    found = api.told(f"search?like=file:{sent['file']}")
    assert [copy["work_id"] for copy in found["copies"]] == [work]
    assert work not in [hit["work_id"] for hit in found["results"]]


def bomb() -> bytes:
    """A PNG that says it has 60,000 by 60,000 pixels."""
    file = io.BytesIO()
    Image.new("1", (8, 8)).save(file, "PNG")
    data = bytearray(file.getvalue())
    data[16:24] = (60_000).to_bytes(4) * 2
    data[29:33] = zlib.crc32(data[12:29]).to_bytes(4)
    return bytes(data)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"not a picture",
        b"%PDF-1.7",
        bomb(),
        b'<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><image href="file:///etc/passwd"/></svg>',
        b'<!DOCTYPE svg [<!ENTITY x SYSTEM "file:///etc/passwd">]><svg xmlns="http://www.w3.org/2000/svg">&x;</svg>',
    ],
)
def test_what_is_no_usable_picture(api, data):
    answer = api.post("files", data=data, content_type="image/png")
    assert answer.status_code == 422
    assert answer.json["code"].startswith(("image_", "svg_")), answer.json


def test_a_picture_over_the_limit(with_settings, picture):
    api = with_settings(max_upload_bytes=2000)
    api.refused("files", 413, "body_too_large", method="POST", data=bytes(2001), content_type="image/png")
    assert api.post("files", data=picture(), content_type="image/png").status_code == 201


def test_a_picture_of_another_kind(api):
    for kind in ("text/html", "multipart/form-data", "application/x-www-form-urlencoded", ""):
        api.refused("files", 415, "media_type", method="POST", data=b"x", content_type=kind)


@pytest.mark.parametrize(
    ("url", "status", "code"),
    [
        ("http://127.0.0.1/", 422, "address_refused"),
        ("http://localhost:8080/", 422, "address_refused"),
        ("http://[::1]/", 422, "address_refused"),
        ("http://169.254.169.254/latest/meta-data", 422, "address_refused"),
        ("http://10.0.0.1/", 422, "address_refused"),
        ("file:///etc/passwd", 400, "address_invalid"),
        ("gopher://example.org/", 400, "address_invalid"),
        ("http://user:secret@example.org/", 422, "address_invalid"),
        ("http://", 422, "address_invalid"),
        ("x" * 9000, 400, "bad_body"),
        ("", 400, "bad_body"),
    ],
)
def test_addresses_that_are_not_asked(api, url, status, code):
    api.refused("files", status, code, method="POST", json={"url": url})


def test_a_picture_is_fetched(with_settings, picture_server):
    api = with_settings(web_fetch_private="127.0.0.1")
    answer = api.post("files", json={"url": f"{picture_server}/picture.png"})
    assert answer.status_code == 201
    assert answer.json["width"] == 90
    api.refused("files", 422, "fetch_type", method="POST", json={"url": f"{picture_server}/page"})
    api.refused("files", 422, "fetch_status", method="POST", json={"url": f"{picture_server}/none"})
    api.refused("files", 422, "redirect_refused", method="POST", json={"url": f"{picture_server}/far"})
    api.refused("files", 502, "fetch_failed", method="POST", json={"url": "http://127.0.0.1:1/"})
