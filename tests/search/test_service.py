import io
import json
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image
from sqlalchemy import text

from stylesearch.errors import ImageError, NotFoundError, ServiceError
from stylesearch.images.store import ImageStore, open_store
from stylesearch.search.contact_sheet import CELL, GAP, LABEL, write_contact_sheet
from stylesearch.search.query import Filters, StyleQuery
from stylesearch.search.service import StyleSearch


@pytest.fixture
def style_search(archive) -> StyleSearch:
    return StyleSearch(archive.database, archive.settings)


@pytest.fixture
def drawing(drawn_folder: Path) -> Path:
    return sorted(drawn_folder.rglob("*.svg"))[7]


def rows(archive, statement: str, **values: object) -> list[tuple]:
    with archive.database.session() as session:
        return [tuple(row) for row in session.execute(text(statement), values)]


def work_of(archive, path: Path) -> int:
    source_id = path.relative_to(archive.folder).as_posix()
    return rows(archive, "SELECT id FROM work WHERE source_id = :id", id=source_id)[0][0]


def test_a_copy_is_told_apart_from_what_resembles(archive, style_search, drawing):
    result = style_search.by_example(style_search.describe(drawing.read_bytes()), StyleQuery(k=29))
    assert [card.source_id for card in result.copies] == [drawing.relative_to(archive.folder).as_posix()]
    assert len(result.hits) == 29
    assert [hit.rank for hit in result.hits] == list(range(1, 30))
    assert result.copies[0].work_id not in {hit.card.work_id for hit in result.hits}
    assert result.ranking.matching == 29
    scores = [hit.score for hit in result.hits]
    assert scores == sorted(scores, reverse=True)
    assert result.encoder == "lite"


def test_the_nearest_are_of_the_same_style(archive, style_search):
    same = 0
    for path in sorted(archive.folder.rglob("*.svg"))[::5]:
        (first,) = style_search.by_example(style_search.describe(path.read_bytes()), StyleQuery(k=1)).hits
        same += first.card.source_id.split("/")[0] == path.parent.name
    assert same >= 5  # of six


def test_another_picture_has_no_copy(style_search):
    buffer = io.BytesIO()
    Image.new("RGB", (64, 64), "teal").save(buffer, "PNG")
    result = style_search.by_example(style_search.describe(buffer.getvalue()), StyleQuery(k=30))
    assert result.copies == ()
    assert len(result.hits) == 30


def test_what_cannot_be_taken_is_told(style_search):
    with pytest.raises(ImageError):
        style_search.describe(b"only words")


def test_searching_with_a_work_leaves_it_out(archive, style_search, drawing):
    work = work_of(archive, drawing)
    by_work = style_search.by_work(work, StyleQuery(k=29))
    assert by_work.copies == ()
    assert work not in {hit.card.work_id for hit in by_work.hits}
    by_file = style_search.by_example(style_search.describe(drawing.read_bytes()), StyleQuery(k=29))
    assert [hit.card.work_id for hit in by_work.hits] == [hit.card.work_id for hit in by_file.hits]


def test_the_same_file_in_another_collection_is_a_copy(
    archive, style_search, drawing, ingest_folder, tmp_path
):
    (tmp_path / "same.svg").write_bytes(drawing.read_bytes())
    ingest_folder(archive.settings, tmp_path, "other")
    result = style_search.by_work(work_of(archive, drawing), StyleQuery(k=30))
    assert [(card.collection, card.source_id) for card in result.copies] == [("other", "same.svg")]
    assert len(result.hits) == 29
    example = style_search.by_example(style_search.describe(drawing.read_bytes()), StyleQuery(k=30))
    assert len(example.copies) == 2


def test_withdrawn_works_are_neither_hits_nor_copies_nor_examples(archive, style_search, drawing):
    work = work_of(archive, drawing)
    example = style_search.describe(drawing.read_bytes())
    (second,) = style_search.by_example(example, StyleQuery(k=1)).hits
    with archive.database.session() as session:
        session.execute(
            text("UPDATE work SET withdrawn_at = now() WHERE id = ANY(:ids)"),
            {"ids": [work, second.card.work_id]},
        )
    result = style_search.by_example(example, StyleQuery(k=30))
    assert result.copies == ()
    assert len(result.hits) == 28
    assert second.card.work_id not in {hit.card.work_id for hit in result.hits}
    with pytest.raises(NotFoundError) as caught:
        style_search.by_work(work, StyleQuery())
    assert caught.value.code == "unknown_work"


def test_an_unknown_work_is_told(style_search):
    with pytest.raises(NotFoundError) as caught:
        style_search.by_work(10**9, StyleQuery())
    assert caught.value.code == "unknown_work"


def test_filters_hold(archive, style_search, drawing):
    ((artist,),) = rows(archive, "SELECT name FROM artist ORDER BY id LIMIT 1")
    query = StyleQuery(filters=Filters(artist=(artist,)), k=30)
    result = style_search.by_example(style_search.describe(drawing.read_bytes()), query)
    assert result.hits
    assert all(hit.card.artists == (artist,) for hit in result.hits)
    assert result.ranking.sentence == f"Works by {artist}"


def test_an_empty_catalogue_is_told(database, settings, drawing):
    search = StyleSearch(database, settings)
    with pytest.raises(NotFoundError) as caught:
        search.by_example(search.describe(drawing.read_bytes()), StyleQuery())
    assert caught.value.code == "empty_gallery"


def test_a_gallery_of_another_encoder_is_refused(archive, style_search, drawing):
    with archive.database.session() as session:
        session.execute(text("UPDATE encoder SET digest = 'another'"))
    with pytest.raises(ServiceError) as caught:
        style_search.by_example(style_search.describe(drawing.read_bytes()), StyleQuery())
    assert caught.value.code == "encoder_changed"


@pytest.mark.parametrize("number", [0, 1, 3, 5, 12])
def test_the_contact_sheet_is_a_picture_of_the_right_size(archive, style_search, drawing, tmp_path, number):
    hits = style_search.by_work(work_of(archive, drawing), StyleQuery(k=max(1, number))).hits[:number]
    write_contact_sheet(hits, open_store(archive.settings), tmp_path / "sheet.png")
    columns = min(5, max(1, number))
    lines = max(1, -(-number // columns))
    with Image.open(tmp_path / "sheet.png") as sheet:
        assert sheet.format == "PNG"
        assert sheet.size == (GAP + columns * (CELL + GAP), GAP + lines * (CELL + LABEL + GAP))
        drawn = sheet.convert("L").point(lambda value: 255 * (value < 250)).getbbox()
    assert (drawn is None) == (number == 0)


def test_the_contact_sheet_bears_long_titles_and_missing_thumbnails(archive, style_search, drawing, tmp_path):
    (hit,) = style_search.by_work(work_of(archive, drawing), StyleQuery(k=1)).hits
    odd = replace(hit, card=replace(hit.card, title="long 長い " * 90, artists=()))
    write_contact_sheet([odd, hit], ImageStore(str(tmp_path / "empty")), tmp_path / "sheet.png")
    assert (tmp_path / "sheet.png").exists()
    with pytest.raises(ServiceError) as caught:
        write_contact_sheet([hit], open_store(archive.settings), tmp_path / "missing" / "sheet.png")
    assert caught.value.code == "not_writable"


KEYS = {
    "rank", "score", "work_id", "image_id", "source_id", "collection", "collection_title", "title", "description",
    "artists", "date_text", "year_from", "year_to", "medium", "movement", "object_type", "keywords", "source_url",
    "work_rights", "image_rights", "credit_line", "sha256", "width", "height", "media_type",
}  # fmt: skip


def test_the_command(archive_environment, run_command, drawing, tmp_path):
    sheet = tmp_path / "sheet.png"
    done = run_command("search", drawing, "-k", 4, "--json", "--sheet", sheet, "--license-reuse", "open")
    assert done.code == 0
    answer = json.loads(done.out)
    assert set(answer) == {"query", "encoder", "method", "matching", "complete", "copies", "results"}
    assert (answer["query"], answer["method"], answer["complete"]) == ("Works openly licensed", "exact", True)
    assert set(answer["encoder"]) == {"slug", "digest"}
    assert [one["rank"] for one in answer["results"]] == [1, 2, 3, 4]
    assert all(set(one) == KEYS for one in answer["results"])
    assert all(set(one) == KEYS - {"rank", "score"} for one in answer["copies"])
    assert {one["image_rights"]["reuse"] for one in answer["results"]} == {"open"}
    with Image.open(sheet) as picture:
        assert picture.format == "PNG"
    by_work = run_command("search", "--work", answer["results"][0]["work_id"], "-k", 2)
    assert by_work.code == 0
    assert "All works" in by_work.out


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        ([], 2, "Give either an IMAGE or --work ID."),
        (["DRAWING", "--work", "1"], 2, "Give either an IMAGE or --work ID."),
        (["DRAWING", "--mode", "fast"], 2, "fast"),
        (["DRAWING", "--license-reuse", "free"], 2, "free"),
        (["DRAWING", "-k", "0"], 1, "1 to 1000"),
        (["DRAWING", "--year-from", "1900", "--year-to", "1800"], 1, "wrong way round"),
        (["missing.png"], 1, "missing.png cannot be read"),
        (["DRAWING", "--artist", "Nobody At All"], 1, "There is no artist"),
        (["DRAWING", "--artist", "caf\udce9"], 1, "There is no artist"),
        (["--work", "999999"], 1, "There is no work 999999"),
    ],
)
def test_mistakes_are_told_in_one_line(archive_environment, run_command, drawing, arguments, code, said):
    done = run_command("search", *(drawing if one == "DRAWING" else one for one in arguments))
    assert done.code == code
    assert done.out == ""
    assert said in done.err
    assert len(done.err.splitlines()) == 1
