import io
import tarfile

import pytest

from stylesearch.errors import ImageError
from stylesearch.ingest.fetching.fetcher import Fetcher, is_remote
from stylesearch.ingest.fetching.files import locator
from stylesearch.ingest.fetching.shards import read_member, shard_locator


@pytest.fixture
def shard(tmp_path):
    path = tmp_path / "a shard #1,é.tar"
    with tarfile.open(path, "w") as archive:
        for name, data in {"a.jpg": b"first", "b.jpg": b"second " * 200}.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    return path


def test_a_member_is_read_where_it_is(shard):
    with tarfile.open(shard) as archive:
        uris = [shard_locator(shard, member.offset_data, member.size) for member in archive]
    assert [read_member(uri, max_bytes=2000) for uri in uris] == [b"first", b"second " * 200]
    assert all(uri.isascii() for uri in uris)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (lambda path: shard_locator(path, 512, 10**6), "image_too_many_bytes"),
        (lambda path: shard_locator(path, 10**9, 10), "shard_changed"),
        (lambda path: shard_locator(path.with_name("gone.tar"), 0, 10), "file_missing"),
        (lambda path: shard_locator(path.parent, 0, 10), "file_unreadable"),
        (lambda path: "tar:/a.tar", "locator_invalid"),
        (lambda path: "tar:/a.tar#-1,5", "locator_invalid"),
        (lambda path: "tar:/a%00.tar#1,5", "file_unreadable"),
    ],
)
def test_what_is_wrong_with_a_member(shard, change, code):
    with pytest.raises(ImageError) as caught:
        read_member(change(shard), max_bytes=2000)
    assert caught.value.code == code


def test_each_scheme_is_fetched_in_its_way(shard, settings, tmp_path):
    (tmp_path / "a.png").write_bytes(b"file")
    fetcher = Fetcher(settings)
    assert fetcher.fetch(locator(tmp_path / "a.png")).data == b"file"
    with tarfile.open(shard) as archive:
        member = archive.getmember("a.jpg")
    assert fetcher.fetch(shard_locator(shard, member.offset_data, member.size)).data == b"first"
    for wrong in ("ftp://x/a.png", "data:image/png;base64,AAAA", "", "/etc/passwd"):
        with pytest.raises(ImageError) as caught:
            fetcher.fetch(wrong)
        assert caught.value.code == "locator_invalid"


def test_what_is_on_the_web(site, settings):
    fetcher = Fetcher(settings.model_copy(update={"fetch_private": "127.0.0.1"}))
    url = site.serve("/a.png", b"x", Content_Type="image/png", ETag='"1"')
    got = fetcher.fetch(url)
    assert (got.data, got.media_type, got.version) == (b"x", "image/png", 'etag:"1"')
    page = site.serve("/page", b"<html>", Content_Type="text/html")
    with pytest.raises(ImageError) as caught:
        fetcher.fetch(page)
    assert caught.value.code == "fetch_type"
    assert is_remote(url)
    assert not is_remote("file:///http://x")
