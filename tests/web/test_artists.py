"""Artists and collections: lists of them, and a page each."""

import re
from html import unescape

import pytest

from stylesearch.attribution.calibrating import calibrate_gallery
from stylesearch.catalog import encoders
from web.app import create_app


@pytest.fixture(scope="session")
def calibrated(archive) -> None:
    calibrate_gallery(archive.database, lambda session: encoders.active(session, "lite"), check=False)


def artists(client) -> dict[str, str]:
    return {
        unescape(name): address
        for address, name in re.findall(
            r'<a href="(/artists/\d+)" dir="auto">([^<]+)</a>', client.get("/artists").text
        )
    }


def test_artists_are_listed_by_name_and_found_by_a_part_of_it(client):
    found = artists(client)
    assert len(found) == 6
    name = next(iter(found))
    only = client.get("/artists", query_string={"q": name[:5].upper()})
    assert name in unescape(only.text)
    none = client.get("/artists?q=%25nobody_")
    assert none.status_code == 200
    assert "no artist whose name holds" in none.text


def test_an_artist_is_shown_with_works_and_neighbours(client, calibrated):
    for name, address in artists(client).items():
        page = client.get(address)
        assert page.status_code == 200
        text = unescape(page.text)
        assert "5 works here" in text
        assert page.text.split('id="works"')[1].split("</section>")[0].count("card-link") == 5
        _, judged, rest = page.text.partition('id="neighbours"')
        assert bool(judged) == ("fewer than 5 works" not in text)
        neighbours = rest.split("</section>")[0]
        assert (1 if judged else 0) <= neighbours.count("card-link") <= 5
        assert f">{name}<" not in neighbours
        near = page.text.split('id="near"')[1].split("</section>")[0]
        assert near.count("card-link") == 5  # one by each of the others
        measured = re.search(r"(can|cannot) be told from others’ here|too little here", text)
        assert bool(measured) == bool(judged)


def test_without_a_calibration_the_page_says_what_is_not_known(
    settings, database, ingest_folder, drawn_folder, tmp_path
):
    folder = tmp_path / "one"
    folder.mkdir()
    drawing = min(drawn_folder.rglob("*.svg"))
    (folder / "one.svg").write_bytes(drawing.read_bytes())
    (folder / "metadata.csv").write_text("path,title,artist\none.svg,One,Jane Doe\n")
    ingest_folder(settings, folder, "one")
    client = create_app(settings).test_client()
    page = client.get(next(iter(artists(client).values())))
    assert "Nobody has measured yet" in page.text
    assert 'id="neighbours"' not in page.text


def test_a_name_leads_to_the_artist(client):
    name, address = next(iter(artists(client).items()))
    answer = client.get("/artists/by-name", query_string={"name": name})
    assert answer.headers["Location"] == address
    assert client.get("/artists/by-name?name=Nobody").status_code == 404
    assert client.get("/artists/by-name?name=%00").status_code == 404


@pytest.mark.parametrize("artist", ["0", "999999", "x", "9223372036854775808"])
def test_an_artist_that_is_not_there_is_404(client, artist):
    assert client.get(f"/artists/{artist}").status_code == 404


def test_collections_are_listed_and_shown(client):
    listed = client.get("/collections")
    assert 'href="/collections/drawn"' in listed.text
    assert "30 works" in listed.text
    shown = client.get("/collections/drawn")
    assert "Drawn by stylesearch" in shown.text
    assert shown.text.count("card-link") == 24
    assert client.get("/collections/drawn?page=2").text.count("card-link") == 6
    for link in re.findall(r'class="facts-row">.*?</section>', shown.text, re.DOTALL):
        for address in re.findall(r'href="([^"]+)"', link):
            assert client.get(unescape(address)).status_code == 200


def test_a_collection_that_is_not_there_is_404(client):
    for slug in ("none", "%00", "Drawn", "a" * 5000):
        assert client.get(f"/collections/{slug}").status_code == 404
