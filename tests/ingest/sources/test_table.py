import hashlib
import json
import os

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from stylesearch.catalog.records import Credit, WorkRecord
from stylesearch.errors import InputError
from stylesearch.ingest.fetching.files import locator
from stylesearch.ingest.sources import table
from stylesearch.ingest.sources.table import TableSource, from_options
from stylesearch.settings import Settings


@pytest.fixture
def folder(tmp_path):
    path = tmp_path / "scans"
    path.mkdir()
    for name in ("a", "b", "c"):
        (path / f"{name}.jpg").write_bytes(name.encode())
    return path


@pytest.fixture
def take(harvest):
    def take(path, text: str | None = None, cursor: str | None = None, **options):
        if text is not None:
            path.write_text(text, encoding="utf-8")
        return harvest(TableSource(path, **options), cursor)

    return take


def test_rows_with_paths(folder, take):
    result = take(folder / "t.csv", "path,title\na.jpg,A\nb.jpg,B\n")
    assert result.ids == ["a.jpg", "b.jpg"]
    assert result.titles == ["A", "B"]
    assert [one.sha256 for one in result.found] == [hashlib.sha256(name).digest() for name in (b"a", b"b")]
    assert result.found[0].locator == locator(folder / "a.jpg")
    assert [(page.cursor, page.total) for page in result.pages] == [(None, 2)]


def test_rows_with_addresses(folder, take):
    result = take(folder / "t.csv", "id,image_url,etag\n7,https://e.org/7.jpg,v1\n8,https://e.org/8.jpg,\n")
    assert result.ids == ["7", "8"]
    assert [one.locator for one in result.found] == ["https://e.org/7.jpg", "https://e.org/8.jpg"]
    assert [one.version for one in result.found] == ["row:v1", None]
    assert result.found[0].sha256 is None


ROW = {
    "Inventarnummer": "7", "Bilddatei": "a.jpg", "Titel": "Scheune", "Künstler": "Ann Lee; Umkreis Bo Ek",
    "Datierung": "um 1890", "Technik": "Tusche", "Schlagwörter": "Schnee;Rot", "Lizenz": "CC0-1.0", "Regal": "3",
}  # fmt: skip
RECORD = WorkRecord(
    title="Scheune",
    credits=(Credit("Ann Lee"), Credit("Bo Ek", qualifier="circle of")),
    date_text="um 1890",
    year_from=1890,
    year_to=1890,
    medium="Tusche",
    keywords=("schnee", "rot"),
    work_rights="CC0-1.0",
    extra={"Regal": "3", "credited_as": "Umkreis Bo Ek"},
)


@pytest.mark.parametrize("kind", ["csv", "jsonl", "parquet"])
def test_usual_names_need_no_mapping_in_any_format(folder, take, kind):
    path = folder / f"t.{kind}"
    if kind == "csv":
        path.write_text(f"{'|'.join(ROW)}\n{'|'.join(ROW.values())}\n".replace("|", "\t"))
    elif kind == "jsonl":
        path.write_text(json.dumps(ROW, ensure_ascii=False) + "\n")
    else:
        pq.write_table(pa.Table.from_pylist([ROW]), path)
    (found,) = take(path).found
    assert (found.source_id, found.record, found.error) == ("7", RECORD, None)


def test_columns_can_be_named(folder, take):
    text = "a,b,c,title\n1,a.jpg,Named,Unmapped\n"
    (found,) = take(folder / "t.csv", text, columns={"id": "a", "image": "b", "title": "c"}).found
    assert (found.source_id, found.record) == ("1", WorkRecord(title="Named", extra={"title": "Unmapped"}))


@pytest.mark.parametrize(
    ("columns", "said"),
    [({"image": "picture"}, "no column 'picture'"), ({"colour": "path"}, "no field 'colour'")],
)
def test_a_mapping_that_does_not_fit_is_told(folder, take, columns, said):
    with pytest.raises(InputError, match=said) as caught:
        take(folder / "t.csv", "path\na.jpg\n", columns=columns)
    assert caught.value.code == "table_columns"


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("title,shelf\nA,1\n", "table_columns"),
        ("path,title\n", "table_empty"),
        ("path,path\na,b\n", "table_columns"),
    ],
)
def test_a_table_that_cannot_be_taken_is_told(folder, take, text, code):
    with pytest.raises(InputError) as caught:
        take(folder / "t.csv", text)
    assert caught.value.code == code


def test_rows_that_cannot_be_taken_are_errors_by_themselves(folder, take, tmp_path):
    (tmp_path / "outside.jpg").write_bytes(b"x")
    (folder / "link.jpg").symlink_to(tmp_path / "outside.jpg")
    (folder / "broken.jpg").symlink_to(folder / "gone.jpg")
    (folder / "large.jpg").write_bytes(b"x" * 100)
    os.mkfifo(folder / "pipe.jpg")
    rows = [
        ("1", "a.jpg"), ("", "b.jpg"), ("1", "b.jpg"), ("2", ""), ("3", "gone.jpg"), ("4", "../outside.jpg"),
        ("5", "link.jpg"), ("6", str(tmp_path / "outside.jpg")), ("7", "file:///etc/passwd"), ("8", "ftp://e.org/a.jpg"),
        ("9", "broken.jpg"), ("10", "large.jpg"), ("11", "a.jpg/x"), ("12", "c.jpg"), ("13", "."), ("14", "pipe.jpg"),
    ]  # fmt: skip
    text = "id,path\n" + "".join(f"{one},{path}\n" for one, path in rows) + "15,a.jpg,too,many\n"
    result = take(folder / "t.csv", text, max_bytes=10)
    assert len(set(result.ids)) == len(rows) + 1
    assert result.codes == {
        "row 3": "row_id_missing",
        "1 (row 4)": "row_id_twice",
        "2": "row_image_missing",
        "3": "file_missing",
        "4": "outside_source",
        "5": "outside_source",
        "6": "outside_source",
        "7": "row_image_invalid",
        "8": "row_image_invalid",
        "9": "broken_link",
        "10": "image_too_many_bytes",
        "11": "file_missing",
        "13": "file_unreadable",
        "14": "file_unreadable",
        "row 18": "row_unreadable",
    }


def test_paths_may_be_relative_to_another_folder(folder, take, tmp_path):
    (found,) = take(tmp_path / "t.csv", "path\na.jpg\n", images=folder).found
    assert found.error is None


@pytest.mark.parametrize(
    "name", ["R&amp;D.jpg", "two  spaces.jpg", "ü.jpg", "e\u0301.jpg", "100%.jpg", "a#b.jpg"]
)
def test_names_are_taken_as_they_are(folder, take, name):
    (folder / name).write_bytes(b"x")
    (found,) = take(folder / "t.csv", f"path,title\n{name},A\n").found
    assert found.locator == locator(folder / name)
    assert found.error is None


def test_paths_from_windows(folder, take):
    (folder / "sub").mkdir()
    (folder / "sub" / "d.jpg").write_bytes(b"d")
    (found,) = take(folder / "t.csv", "path\nsub\\d.jpg\n").found
    assert (found.source_id, found.error) == ("sub\\d.jpg", None)


def test_it_goes_on_behind_a_cursor_and_still_knows_doubles(folder, take, monkeypatch):
    monkeypatch.setattr(table, "PAGE", 2)
    path = folder / "t.csv"
    first = take(path, "path\na.jpg\nb.jpg\nc.jpg\na.jpg\n")
    assert [len(page.found) for page in first.pages] == [2, 2, 0]
    rest = take(path, cursor=first.pages[0].cursor)
    assert rest.ids == ["c.jpg", "a.jpg (row 5)"]
    assert rest.codes == {"a.jpg (row 5)": "row_id_twice"}


def test_a_changed_table_is_gone_through_anew(folder, take, monkeypatch):
    monkeypatch.setattr(table, "PAGE", 1)
    path = folder / "t.csv"
    cursor = take(path, "path\na.jpg\nb.jpg\n").pages[0].cursor
    assert take(path, "path\nc.jpg\na.jpg\nb.jpg\n", cursor=cursor).ids == ["c.jpg", "a.jpg", "b.jpg"]
    assert take(path, cursor="nonsense").ids == ["c.jpg", "a.jpg", "b.jpg"]


def test_hostile_values_are_made_harmless(folder, take):
    row = {
        "path": "a.jpg",
        "title": "<script>x</script>Barn\u0000\u001b[2J",
        "description": "d" * 100_000,
        "source_url": "javascript:x",
    }
    path = folder / "t.jsonl"
    path.write_text(json.dumps(row) + "\n")
    (found,) = take(path).found
    assert found.record.title == "Barn [2J"
    assert len(found.record.description) == 20_000
    assert found.record.source_url is None


def test_a_run_can_be_opened_again_from_its_options(folder, tmp_path):
    (folder / "t.csv").write_text("a;b\n1;a.jpg\n")
    options = {
        "path": str(folder / "t.csv"),
        "columns": {"image": "b"},
        "images": str(folder),
        "delimiter": ";",
    }
    source = from_options(json.loads(json.dumps(options)), Settings(home=tmp_path))
    assert (source.kind, source.uri) == ("table", locator(folder / "t.csv"))
    assert [one.error for page in source.pages(None) for one in page.found] == [None]
