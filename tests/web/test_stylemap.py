"""The style map: its page, its table, and the file that it is drawn from."""

import gzip
import json
import re
import struct
from html import unescape

import numpy as np
import pytest

from stylesearch.catalog import encoders
from stylesearch.catalog.maps import SIZE
from stylesearch.search import stylemap
from web.app import create_app


@pytest.fixture(scope="session")
def drawn_map(archive):
    with archive.database.session() as session:
        encoder = encoders.active(session, "lite")
    return stylemap.build(archive.database, encoder)


def unpacked(answer) -> dict:
    data = gzip.decompress(answer.data)
    (length,) = struct.unpack("<I", data[:4])
    head = json.loads(data[4 : 4 + length])
    at, number = 4 + length, head["works"]
    for name, kind in (
        ("ids", "<u4"),
        ("x", "<u2"),
        ("y", "<u2"),
        ("artists", "u1"),
        ("rights", "u1"),
        ("periods", "u1"),
    ):
        size = np.dtype(kind).itemsize * number
        head[name] = np.frombuffer(data[at : at + size], kind)
        at += size
    assert at == len(data)
    return head


def test_without_a_map_the_page_says_so(settings, database):
    client = create_app(settings).test_client()
    assert "There is no style map yet" in client.get("/map").text
    assert client.get("/map/points").status_code == 404


def test_every_work_is_a_point(client, drawn_map):
    found = unpacked(client.get("/map/points"))
    assert found["works"] == 30
    assert found["map"] == drawn_map.id
    assert len(set(found["ids"].tolist())) == 30
    assert max(found["x"].max(), found["y"].max()) == SIZE
    assert len(found["colourings"]["artists"]) == 6
    assert sorted(np.bincount(found["artists"])) == [5] * 6
    assert set(found["periods"]) == {found["unknown"]} or found["colourings"]["periods"]


def test_points_are_asked_for_again_only_when_they_have_changed(client, drawn_map, catalogue):
    first = client.get("/map/points")
    assert client.get("/map/points", headers={"If-None-Match": first.headers["ETag"]}).status_code == 304
    catalogue.withdraw(catalogue.first_work())
    again = client.get("/map/points", headers={"If-None-Match": first.headers["ETag"]})
    assert unpacked(again)["works"] == 29


def test_points_are_filtered(client, drawn_map):
    assert unpacked(client.get("/map/points?q=cat"))["works"] == 6
    assert client.get("/map/points?q=artits:x").status_code == 400
    assert client.get("/map/points?q=artist:Nobody").status_code == 404


def test_the_table_says_in_words_what_the_map_shows(client, drawn_map):
    page = client.get("/map").text
    rows = re.findall(
        r"<tr><th scope=\"row\">row \d+, column \d+</th><td>(\d+)</td>.*?href=\"([^\"]+)\"", page
    )
    assert sum(int(number) for number, _ in rows) == 30
    for number, address in rows[:3]:
        listed = client.get(unescape(address)).text
        assert f"{number} work" in listed
        assert "in a part of the style map" in listed.lower()


def test_the_nearest_works_of_a_search_are_marked(client, drawn_map, catalogue):
    work = catalogue.first_work()
    page = client.get(f"/map?work={work}&q=reuse:open").text
    marked = re.search(r'data-marked="([\d,]+)"', page)[1].split(",")
    assert len(marked) == 24
    assert str(work) not in marked
    assert 'data-line="reuse:open"' in page


def test_a_chosen_part_is_shown_and_a_part_of_another_map_is_not(client, drawn_map):
    assert 'data-chosen="10,20,300,400"' in client.get(f"/map?q=map:{drawn_map.id}@10,20,300,400").text
    other = client.get(f"/map?q=map:{drawn_map.id + 9}@10,20,300,400")
    assert other.status_code == 200
    assert 'data-chosen="' not in other.text
    assert client.get(f"/search?q=map:{drawn_map.id + 9}@10,20,300,400").status_code == 404


def test_works_are_told_where_the_map_is_near_enough(client, drawn_map, catalogue):
    work = catalogue.first_work()
    told = client.get(f"/map/works?ids={work},{work + 1},999999").json
    assert set(told) == {str(work), str(work + 1)}
    assert client.get(told[str(work)]["picture"]).mimetype == "image/webp"
    catalogue.withdraw(work)
    assert set(client.get(f"/map/works?ids={work},{work + 1}").json) == {str(work + 1)}


@pytest.mark.parametrize("ids", ["", "x", "1,", ",".join(map(str, range(200))), "9" * 30])
def test_works_that_are_none_are_400(client, ids):
    assert client.get(f"/map/works?ids={ids}").status_code == 400
