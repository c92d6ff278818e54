import gzip
import io

import pytest
from PIL import Image

from web.app import create_app


def test_a_thumbnail_is_a_small_webp(client, catalogue):
    answer = client.get(f"/media/thumbnails/{catalogue.digest(catalogue.first_work())}.webp")
    assert answer.status_code == 200
    assert answer.mimetype == "image/webp"
    assert max(Image.open(io.BytesIO(answer.data)).size) <= 400


def test_a_preview_is_larger_and_drawn_from_the_original(client, catalogue):
    answer = client.get(f"/media/previews/{catalogue.digest(catalogue.first_work())}.webp")
    assert answer.status_code == 200
    assert answer.mimetype == "image/webp"
    assert max(Image.open(io.BytesIO(answer.data)).size) == 1200


def test_an_svg_original_is_served_locked_in(client, catalogue):
    work = catalogue.first_work()
    answer = client.get(f"/media/originals/{catalogue.digest(work)}")
    assert answer.status_code == 200
    assert answer.data == catalogue.original(work)
    assert answer.mimetype == "image/svg+xml"
    assert (
        answer.headers["Content-Security-Policy"] == "default-src 'none'; style-src 'unsafe-inline'; sandbox"
    )
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_a_gzipped_drawing_is_served_so_that_a_browser_reads_it(
    settings, database, ingest_folder, drawn_folder, tmp_path
):
    folder = tmp_path / "packed"
    folder.mkdir()
    drawing = min(drawn_folder.rglob("*.svg")).read_bytes()
    (folder / "one.svgz").write_bytes(gzip.compress(drawing))
    ingest_folder(settings, folder, "packed")
    client = create_app(settings).test_client()
    digest = client.get("/").text.split("/media/thumbnails/")[1][:64]
    answer = client.get(f"/media/originals/{digest}")
    assert answer.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(answer.data) == drawing


def test_a_visitors_image_is_drawn_small(client, query_url):
    digest = query_url.split("=")[1]
    answer = client.get(f"/media/queries/{digest}.webp")
    assert answer.status_code == 200
    assert answer.mimetype == "image/webp"
    assert "private" in answer.headers["Cache-Control"]
    assert client.get(f"/media/queries/{'1' * 64}.webp").status_code == 404


@pytest.mark.parametrize("kind", ["thumbnails/{}.webp", "previews/{}.webp", "originals/{}"])
def test_what_a_browser_holds_is_not_sent_again(client, catalogue, kind):
    address = "/media/" + kind.format(catalogue.digest(catalogue.first_work()))
    first = client.get(address)
    assert first.cache_control.public
    assert first.cache_control.max_age >= 24 * 3600
    again = client.get(address, headers={"If-None-Match": first.headers["ETag"]})
    assert again.status_code == 304
    assert again.data == b""
    assert again.headers["ETag"] == first.headers["ETag"]
    other = client.get(address, headers={"If-None-Match": '"something-else"'})
    assert other.status_code == 200


def test_part_of_an_original_can_be_asked_for(client, catalogue):
    work = catalogue.first_work()
    answer = client.get(f"/media/originals/{catalogue.digest(work)}", headers={"Range": "bytes=0-9"})
    assert answer.status_code == 206
    assert answer.data == catalogue.original(work)[:10]


@pytest.mark.parametrize(
    "path",
    [
        "thumbnails/../../web_secret_key.webp",
        "thumbnails/..%2f..%2fweb_secret_key.webp",
        "originals/../../../etc/passwd",
        "originals/%2e%2e%2f%2e%2e%2fweb_secret_key",
        "originals//etc/passwd",
        "originals/" + "g" * 64,
        "originals/" + "A" * 64,
        "originals/" + "0" * 63,
        "originals/" + "0" * 64 + "%0a",
        "originals/" + "0" * 64 + "%00",
        "originals/" + "0" * 64,
        "queries/" + "0" * 64,
        "queries/..%2foriginals%2f.webp",
    ],
)
def test_nothing_but_images_can_be_reached(client, path):
    assert client.get(f"/media/{path}").status_code == 404


def test_a_query_is_no_original(client, query_url):
    digest = query_url.split("=")[1]
    assert client.get(f"/media/originals/{digest}").status_code == 404
    assert client.get(f"/media/thumbnails/{digest}.webp").status_code == 404
