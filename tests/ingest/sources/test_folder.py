import hashlib
import json
import os
import socket
import stat
from pathlib import Path

import pytest

from stylesearch.catalog.records import Credit, WorkRecord
from stylesearch.errors import ImageError, InputError
from stylesearch.ingest.fetching.files import locator, read_file
from stylesearch.ingest.sources import folder as folders
from stylesearch.ingest.sources.folder import FolderSource


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "folder"
    path.mkdir()
    return path


def put(folder: Path, *names: str) -> None:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(name.encode())


def scan(folder: Path, **options):
    return [one for page in FolderSource(folder, **options).pages(None) for one in page.found]


def test_finds_images_in_the_order_of_their_paths(folder):
    put(folder, "b.png", "a/z.SVG", "a/b/c.jpeg", "B.tif", "ä.webp", "notes.txt", "README", "x.png.txt")
    found = scan(folder)
    assert [one.source_id for one in found] == ["B.tif", "a/b/c.jpeg", "a/z.SVG", "b.png", "ä.webp"]
    assert all(one.error is None for one in found)
    assert found[0].sha256 == hashlib.sha256(b"B.tif").digest()


def test_hidden_files_and_folders_are_left_out(folder):
    put(folder, ".hidden.png", ".git/a.png", "a/.b/c.png", "seen.png")
    assert [one.source_id for one in scan(folder)] == ["seen.png"]


def test_each_file_has_its_line_of_the_table(folder, tmp_path):
    put(folder, "a.png", "sub/b.png")
    (folder / "metadata.csv").write_text("path,title\nsub/b.png,B\nmissing.png,M\n")
    assert [one.record.title for one in scan(folder)] == ["", "B"]
    other = tmp_path / "other.csv"
    other.write_text("path,title\na.png,A\n")
    assert [one.record for one in scan(folder, table=other)] == [WorkRecord(title="A"), WorkRecord()]


def test_only_some_files(folder):
    put(folder, "a.png", "b.png", "c/a.png")
    assert [one.source_id for one in scan(folder, only=frozenset({"c/a.png", "x"}))] == ["c/a.png"]


def test_links(folder, tmp_path):
    put(folder, "real/a.png")
    put(tmp_path, "outside.png", "elsewhere/b.png")
    (folder / "inside.png").symlink_to(folder / "real" / "a.png")
    (folder / "outside.png").symlink_to(tmp_path / "outside.png")
    (folder / "broken.png").symlink_to(folder / "missing.png")
    (folder / "loop.png").symlink_to(folder / "loop.png")
    (folder / "round").symlink_to(folder)
    (folder / "away").symlink_to(tmp_path / "elsewhere")
    found = {one.source_id: one.error.code if one.error else one.sha256 for one in scan(folder)}
    content = hashlib.sha256(b"real/a.png").digest()
    assert found == {
        "real/a.png": content,
        "inside.png": content,
        "outside.png": "outside_source",
        "broken.png": "broken_link",
        "loop.png": "broken_link",
    }


@pytest.fixture
def odd_files(folder):
    """What has the name of an image and is none: a pipe that nobody writes into, a socket, a device, a folder."""
    os.mkfifo(folder / "pipe.png")
    (folder / "link to pipe.png").symlink_to(folder / "pipe.png")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(os.path.relpath(folder / "socket.png"))
    (folder / "folder.png").mkdir()
    found = {"pipe.png", "link to pipe.png", "socket.png"}
    try:
        os.mknod(folder / "endless.png", stat.S_IFCHR | 0o600, os.makedev(1, 5))  # /dev/zero
    except OSError:
        return found
    return found | {"endless.png"}


def test_what_is_no_file_is_told_and_not_waited_for(folder, odd_files):
    put(folder, "a.png", "folder.png/b.png")
    found = {one.source_id: one.error.code if one.error else None for one in scan(folder)}
    assert found == dict.fromkeys(odd_files, "file_unreadable") | {"a.png": None, "folder.png/b.png": None}
    for name in odd_files:  # as it would be, had it taken a picture's place since
        with pytest.raises(ImageError) as caught:
            read_file(locator(folder / name), max_bytes=100)
        assert caught.value.code == "file_unreadable"


def make_too_deep(folder: Path) -> None:
    """Make folders in folders until the path is longer than the system takes; an image lies at the bottom."""
    before = Path.cwd()
    try:
        os.chdir(folder)
        for _ in range(25):
            Path("d" * 200).mkdir()
            os.chdir("d" * 200)
        Path("deep.png").write_bytes(b"deep")
    finally:
        os.chdir(before)


def test_a_folder_that_cannot_be_read_is_told_and_the_rest_goes_on(folder):
    put(folder, "a.png")
    make_too_deep(folder)
    (page,) = FolderSource(folder).pages(None)
    good, bad = page.found
    assert (good.source_id, good.error, page.total) == ("a.png", None, 2)
    assert bad.error.code == "subfolder_unreadable"
    assert bad.source_id.startswith("ddd")
    assert bad.source_id.endswith("/")
    assert bad.locator == ""


def test_what_cannot_be_read_is_told_at_the_end(folder, monkeypatch):
    put(folder, "a.png", "b.png", "c.png")
    make_too_deep(folder)
    monkeypatch.setattr(folders, "PAGE", 2)
    first, last = FolderSource(folder).pages(None)
    assert [one.error is None for page in (first, last) for one in page.found] == [True, True, True, False]
    (again,) = FolderSource(folder).pages(first.cursor)
    assert [(one.source_id, str(one.error)) for one in again.found] == [
        (one.source_id, str(one.error)) for one in last.found
    ]


# What is said beside an image


def test_json_beside_an_image(folder):
    put(folder, "a.png", "b.png", "c.png", "sub/d.png")
    (folder / "a.json").write_text(json.dumps({"title": "A", "artist": "after Ann", "shelf": 3}))
    (folder / "b.png.json").write_text(json.dumps({"title": "B"}))
    (folder / "sub" / "a.json").write_text(json.dumps({"title": "of no image"}))
    (folder / "metadata.csv").write_text("path,title,license\na.png,Of the table,CC0-1.0\n")
    found = {one.source_id: one.record for one in scan(folder)}
    assert found["a.png"].title == "Of the table"
    assert found["a.png"].work_rights == "CC0-1.0"
    assert found["a.png"].credits == (Credit("Ann", qualifier="after"),)
    assert found["a.png"].extra["shelf"] == 3
    assert [found[name].title for name in ("b.png", "c.png", "sub/d.png")] == ["B", "", ""]


@pytest.mark.parametrize("kind", ["no object", "cut off", "leads out", "a folder", "nowhere"])
def test_json_that_cannot_be_read_keeps_its_image_back(folder, tmp_path, kind):
    put(folder, "a.png", "b.png")
    beside = folder / "a.json"
    if kind == "leads out":
        (tmp_path / "secret.json").write_text('{"title": "secret"}')
        beside.symlink_to(tmp_path / "secret.json")
    elif kind in ("a folder", "nowhere"):
        beside.mkdir() if kind == "a folder" else beside.symlink_to(folder / "gone.json")
    else:
        beside.write_text({"no object": "[1]", "cut off": '{"title": '}[kind])
    bad, good = scan(folder)
    assert good.error is None
    if kind in ("a folder", "nowhere"):  # is nobody's JSON file
        assert bad.error is None
    else:
        assert (bad.error.code, bad.locator, bad.record.title) == ("sidecar_unreadable", "", "")


COPYRIGHT = """\
Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/

Files: *
Copyright: 2001 Ann Lee <ann@example.org>
License: CC-BY-SA-4.0
"""


@pytest.mark.parametrize("where", ["debian/copyright", "usr/share/doc/game/copyright"])
def test_what_a_package_says_of_its_files_goes_along(folder, where):
    put(folder, "usr/share/game/a.png", where)
    (folder / where).write_text(COPYRIGHT)
    (found,) = scan(folder)
    said = {"license": "CC-BY-SA-4.0", "copyright": "2001 Ann Lee <ann@example.org>"}
    assert found.record == WorkRecord(extra={"debian_copyright": said})


def test_a_copyright_file_that_is_elsewhere_or_prose_says_nothing(folder, tmp_path):
    put(folder, "a.png")
    (folder / "debian").mkdir()
    (tmp_path / "copyright").write_text(COPYRIGHT)
    (folder / "debian" / "copyright").symlink_to(tmp_path / "copyright")
    assert scan(folder)[0].record == WorkRecord()
    (folder / "debian" / "copyright").unlink()
    (folder / "debian" / "copyright").write_text("All of this is mine.")
    assert scan(folder)[0].record == WorkRecord()


def test_a_folder_that_is_a_link_itself_is_walked(folder, tmp_path):
    put(folder, "a.png")
    (tmp_path / "link").symlink_to(folder)
    (found,) = scan(tmp_path / "link")
    assert found.error is None


def test_names_that_are_no_utf8_keep_their_bytes(folder):
    raw = os.fsencode(folder) + b"/caf\xe9.png"
    try:
        Path(os.fsdecode(raw)).write_bytes(b"bytes")
    except OSError:
        pytest.skip("this file system takes only UTF-8")
    (found,) = scan(folder)
    assert found.source_id == "caf\\xe9.png"
    assert found.locator.endswith("/caf%E9.png")
    assert read_file(found.locator, max_bytes=100) == b"bytes"


def test_two_names_that_read_alike_stay_two(folder):
    try:
        Path(os.fsdecode(os.fsencode(folder) + b"/caf\xe9.png")).write_bytes(b"one")
    except OSError:
        pytest.skip("this file system takes only UTF-8")
    put(folder, "caf\\xe9.png")
    found = scan(folder)
    assert len({one.source_id for one in found}) == 2
    assert len({one.sha256 for one in found}) == 2
    assert [one.source_id for one in scan(folder)] == [one.source_id for one in found]


@pytest.mark.parametrize("name", ["a b.png", "100%25.png", "a#b?.png", "new\nline.png", "ü.png", "'.png"])
def test_a_locator_leads_to_the_file_whatever_it_is_called(folder, name):
    put(folder, name)
    (found,) = scan(folder)
    assert found.source_id == name
    assert read_file(found.locator, max_bytes=100) == name.encode()


def test_a_file_over_the_limit_is_told_unread(folder):
    put(folder, "a.png", "long-name.png")
    small, large = scan(folder, max_bytes=6)
    assert small.error is None
    assert (large.error.code, large.sha256) == ("image_too_many_bytes", None)


@pytest.mark.parametrize("kind", ["missing", "file", "empty", "no images"])
def test_a_folder_that_gives_nothing_is_told(folder, kind):
    path = {"missing": folder / "missing", "file": folder / "a.txt"}.get(kind, folder)
    if kind in ("file", "no images"):
        put(folder, "a.txt")
    with pytest.raises(InputError) as caught:
        FolderSource(path).paths()
    assert caught.value.code == ("folder_missing" if kind in ("missing", "file") else "folder_empty")


def test_a_broken_table_is_told_at_once(folder):
    put(folder, "a.png")
    (folder / "metadata.csv").write_text("title\nA\n")
    with pytest.raises(InputError) as caught:
        FolderSource(folder)
    assert caught.value.code == "metadata_table"
    with pytest.raises(InputError):
        FolderSource(folder, table=folder / "missing.csv")


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_what_may_not_be_read_is_told(folder):
    put(folder, "a.png", "b.png")
    (folder / "a.png").chmod(0)
    assert [one.error and one.error.code for one in scan(folder)] == ["file_unreadable", None]
    folder.chmod(0)
    try:
        with pytest.raises(InputError) as caught:
            FolderSource(folder)
    finally:
        folder.chmod(0o700)
    assert caught.value.code == "folder_unreadable"


def test_reading_a_locator(folder):
    put(folder, "a.png")
    uri = locator(folder / "a.png")
    assert read_file(uri, max_bytes=5) == b"a.png"
    for wrong, limit, code in [
        (uri, 4, "image_too_many_bytes"),
        (locator(folder / "gone.png"), 9, "file_missing"),
        (locator(folder), 9, "file_unreadable"),
    ]:
        with pytest.raises(ImageError) as caught:
            read_file(wrong, max_bytes=limit)
        assert caught.value.code == code


def test_a_source_is_named_by_its_absolute_path(folder, monkeypatch):
    put(folder, "a.png")
    monkeypatch.chdir(folder.parent)
    assert FolderSource(Path("folder")).uri == FolderSource(folder).uri == locator(folder)


def test_pages_can_be_gone_on_with(folder, monkeypatch):
    put(folder, *(f"{number}.png" for number in range(7)))
    monkeypatch.setattr(folders, "PAGE", 3)
    pages = list(FolderSource(folder).pages(None))
    assert [len(page.found) for page in pages] == [3, 3, 1]
    assert [page.total for page in pages] == [7, 7, 7]
    assert pages[-1].cursor is None
    for number, page in enumerate(pages[:-1], start=1):
        assert list(FolderSource(folder).pages(page.cursor)) == pages[number:]
    put(folder, "0.5.png", "9.png")  # what has come meanwhile, behind the cursor and before it
    later = [one.source_id for page in FolderSource(folder).pages(pages[0].cursor) for one in page.found]
    assert later == ["3.png", "4.png", "5.png", "6.png", "9.png"]


def test_a_cursor_keeps_names_that_are_no_utf8(folder, monkeypatch):
    try:
        for name in (b"/a.png", b"/caf\xe9.png", b"/z.png"):
            Path(os.fsdecode(os.fsencode(folder) + name)).write_bytes(name)
    except OSError:
        pytest.skip("this file system takes only UTF-8")
    monkeypatch.setattr(folders, "PAGE", 1)
    pages = list(FolderSource(folder).pages(None))
    cursor = pages[1].cursor
    assert cursor.isascii()
    assert [page.found for page in FolderSource(folder).pages(cursor)] == [pages[2].found]


def test_a_source_is_opened_again_from_its_options(folder, settings):
    put(folder, "a.png", "b.png")
    (folder / "other.csv").write_text("path,title\na.png,A\n")
    source = folders.from_options(
        {"path": str(folder), "table": str(folder / "other.csv"), "only": ["a.png"]}, settings
    )
    ((page,),) = [list(source.pages(None))]
    assert [(one.source_id, one.record.title) for one in page.found] == [("a.png", "A")]
    assert source.uri == FolderSource(folder).uri
    assert source.kind == "folder"
