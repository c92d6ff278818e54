"""The portal while a part of the gallery is away: it says so, and goes on by itself when it is back."""

import re
import time

import pytest

from stylesearch.search import service
from web.app import create_app

CUT_SHORT = "A part of the archive does not answer at the moment"
NOTE = "A part of the archive could not be looked through just now"


@pytest.fixture
def client(split_archive):
    return create_app(split_archive.settings.model_copy(update={"metrics": True})).test_client()


def up(client) -> dict[str, str]:
    return dict(
        re.findall(
            r'^stylesearch_shard_up\{shard="(\w+)"\} (\S+)$', client.get("/metrics").text, re.MULTILINE
        )
    )


def test_pages_say_that_a_part_is_away(split_archive, client, monkeypatch):
    monkeypatch.setattr(service, "DOWN_SECONDS", 0.3)
    here, there = (split_archive.kept_by(shard)[0] for shard in ("one", "two"))
    assert CUT_SHORT not in client.get(f"/search?work={here}").text
    assert NOTE not in client.get(f"/works/{here}").text
    split_archive.server.kill()
    page = client.get(f"/search?work={here}")
    assert page.status_code == 200
    assert CUT_SHORT in page.text
    assert "The time for the search ended" not in page.text
    assert "Every one of them was compared" not in page.text
    assert NOTE in client.get(f"/works/{here}").text
    lost = client.get(f"/works/{there}")
    assert lost.status_code == 200
    assert "cannot be reached" in lost.text
    assert client.get(f"/search?work={there}").status_code == 503
    split_archive.server.start()
    deadline = time.monotonic() + 60
    while CUT_SHORT in client.get(f"/search?work={here}").text:
        assert time.monotonic() < deadline
        time.sleep(0.1)
    assert NOTE not in client.get(f"/works/{there}").text


def test_a_shard_that_is_away_is_a_figure(split_archive, client):
    assert up(client) == {"one": "1.0", "two": "1.0"}
    page = client.get("/metrics").text
    kept = re.findall(
        r'^stylesearch_shard_descriptors\{encoder="lite",shard="\w+"\} (\S+)$', page, re.MULTILINE
    )
    assert sum(map(float, kept)) == 30
    assert 'stylesearch_descriptors{encoder="lite",status="active"} 30.0' in page
    assert 'stylesearch_shard_index_bytes{encoder="lite",shard="two"}' in page
    split_archive.server.kill()
    answer = client.get("/metrics")
    assert answer.status_code == 200
    assert up(client) == {"one": "1.0", "two": "0.0"}
    assert 'stylesearch_descriptors{encoder="lite",status="active"} 30.0' in answer.text
    assert 'stylesearch_shard_index_bytes{encoder="lite",shard="two"}' not in answer.text
