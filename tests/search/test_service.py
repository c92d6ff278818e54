import io
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from sqlalchemy import text

from stylesearch.catalog.access import Access
from stylesearch.errors import ImageError, InputError, NotFoundError, ServiceError
from stylesearch.images.store import ImageStore, open_store
from stylesearch.search.conditions import ByArtist
from stylesearch.search.contact_sheet import CELL, GAP, LABEL, write_contact_sheet
from stylesearch.search.examples import (
    ArtistExample,
    DescriptorExample,
    FileExample,
    ImageExample,
    Region,
    WordsExample,
    WorkExample,
)  # fmt: skip
from stylesearch.search.query import StyleQuery
from stylesearch.search.readout import Readout
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


def by_file(style_search, data: bytes, **query):
    described = style_search.describe(data)
    return style_search.search(StyleQuery(examples=(described.example,), **query), at_hand=[described])


def by_work(style_search, work: int, **query):
    return style_search.search(StyleQuery(examples=(WorkExample(work),), **query))


def works(result) -> list[int]:
    return [hit.card.work_id for hit in result.hits]


def test_a_copy_is_told_apart_from_what_resembles(archive, style_search, drawing):
    result = by_file(style_search, drawing.read_bytes(), k=29)
    assert [card.source_id for card in result.copies] == [drawing.relative_to(archive.folder).as_posix()]
    assert len(result.hits) == 29
    assert [hit.rank for hit in result.hits] == list(range(1, 30))
    assert result.copies[0].work_id not in works(result)
    assert result.ranking.matching == 29
    scores = [hit.score for hit in result.hits]
    assert scores == sorted(scores, reverse=True)
    assert result.encoder == "lite"


def test_the_nearest_are_of_the_same_style(archive, style_search):
    same = 0
    for path in sorted(archive.folder.rglob("*.svg"))[::5]:
        (first,) = by_file(style_search, path.read_bytes(), k=1).hits
        same += first.card.source_id.split("/")[0] == path.parent.name
    assert same >= 5  # of six


def test_another_picture_has_no_copy(style_search):
    buffer = io.BytesIO()
    Image.new("RGB", (64, 64), "teal").save(buffer, "PNG")
    result = by_file(style_search, buffer.getvalue(), k=30)
    assert result.copies == ()
    assert len(result.hits) == 30


def test_what_cannot_be_taken_is_told(style_search):
    with pytest.raises(ImageError):
        style_search.describe(b"only words")


def test_searching_with_a_work_leaves_it_out(archive, style_search, drawing):
    work = work_of(archive, drawing)
    found = by_work(style_search, work, k=29)
    assert found.copies == ()
    assert work not in works(found)
    assert works(found) == works(by_file(style_search, drawing.read_bytes(), k=29))


def test_the_same_file_in_another_collection_is_a_copy(
    archive, style_search, drawing, ingest_folder, tmp_path
):
    (tmp_path / "same.svg").write_bytes(drawing.read_bytes())
    ingest_folder(archive.settings, tmp_path, "other")
    result = by_work(style_search, work_of(archive, drawing), k=30)
    assert [(card.collection, card.source_id) for card in result.copies] == [("other", "same.svg")]
    assert len(result.hits) == 29
    assert len(by_file(style_search, drawing.read_bytes(), k=30).copies) == 2


@pytest.mark.parametrize(
    "hide",
    ["UPDATE work SET withdrawn_at = now() WHERE id = ANY(:ids)",
     ("WITH vault AS (INSERT INTO collection (slug, title, visibility) VALUES ('vault', 'Vault', 'staff') RETURNING id),"
      " made AS (INSERT INTO work (collection_id, source_id, source_digest, title)"
      "          SELECT vault.id, 'w', '', 'w' FROM vault RETURNING id, collection_id)"
      " UPDATE image SET work_id = made.id, collection_id = made.collection_id FROM made WHERE work_id = ANY(:ids)")],
)  # fmt: skip
def test_what_is_hidden_is_neither_a_hit_nor_a_copy_nor_an_example(archive, style_search, drawing, hide):
    work = work_of(archive, drawing)
    (second,) = by_file(style_search, drawing.read_bytes(), k=1).hits
    with archive.database.session() as session:
        session.execute(text(hide), {"ids": [work, second.card.work_id]})
    result = by_file(style_search, drawing.read_bytes(), k=30)
    assert result.copies == ()
    assert len(result.hits) == 28
    assert second.card.work_id not in works(result)
    for example in (WorkExample(work), ImageExample(image_of(archive, work) or 10**9)):
        with pytest.raises(NotFoundError) as caught:
            style_search.search(StyleQuery(examples=(example,)))
        assert caught.value.code in ("unknown_work", "unknown_image", "work_without_image")


def image_of(archive, work: int) -> int | None:
    found = rows(archive, "SELECT id FROM image WHERE work_id = :work", work=work)
    return found[0][0] if found else None


def test_the_staff_search_with_what_is_kept_for_them(archive, drawing):
    with archive.database.session() as session:
        session.execute(text("UPDATE collection SET visibility = 'staff'"))
    work = work_of(archive, drawing)
    for access, hits in ((Access.STAFF, 24), (Access.EVERYBODY, None)):
        search = StyleSearch(archive.database, archive.settings, access=access)
        if hits is None:
            with pytest.raises(NotFoundError):
                by_work(search, work)
        else:
            assert len(by_work(search, work).hits) == hits


@pytest.mark.parametrize(
    ("example", "code"),
    [
        (WorkExample(10**9), "unknown_work"),
        (ImageExample(10**9), "unknown_image"),
        (FileExample("0" * 64), "query_expired"),
        (ArtistExample("Nobody At All"), "unknown_artist"),
    ],
)
def test_an_example_that_is_not_here_is_told(style_search, example, code):
    with pytest.raises(NotFoundError) as caught:
        style_search.search(StyleQuery(examples=(example,)))
    assert caught.value.code == code


@pytest.mark.parametrize(
    ("examples", "code"),
    [
        ((), "no_example"),
        ((WorkExample(1, against=True),), "no_example"),
        ((DescriptorExample((1.0, 2.0)),), "descriptor_dim"),
        ((WordsExample("storm at sea"),), "no_words"),
        ((ImageExample(1, Region(0, 0, 10**6, 1)),), "bad_region"),
        ((WorkExample(1), WorkExample(1, against=True, weight=2.0)), "examples_cancel"),
    ],
)
def test_an_example_that_cannot_be_used_is_told(style_search, examples, code):
    query = StyleQuery(examples=examples, readout=Readout(against="subtract", force=1))
    with pytest.raises(InputError) as caught:
        style_search.search(query)
    assert caught.value.code == code


def test_a_work_without_an_image_or_without_a_descriptor_is_told(archive, style_search, drawing):
    work = work_of(archive, drawing)
    with archive.database.session() as session:
        session.execute(
            text("DELETE FROM descriptor USING image WHERE image.id = image_id AND work_id = :w"), {"w": work}
        )
    with pytest.raises(NotFoundError) as caught:
        by_work(style_search, work)
    assert caught.value.code == "not_described"
    with archive.database.session() as session:
        session.execute(text("DELETE FROM image WHERE work_id = :work"), {"work": work})
    with pytest.raises(NotFoundError) as caught:
        by_work(style_search, work)
    assert caught.value.code == "work_without_image"


def test_a_region_is_described_as_the_same_cut_out_of_the_picture(archive, style_search, tmp_path):
    noise = np.random.default_rng(3).integers(0, 256, (600, 900, 3), dtype=np.uint8)
    whole, part = Image.fromarray(noise), Image.fromarray(noise[100:500, 300:700])
    buffers = []
    for picture in (whole, part):
        buffer = io.BytesIO()
        picture.save(buffer, "PNG")
        buffers.append(buffer.getvalue())
    store = open_store(archive.settings)
    digest = store.put_query(buffers[0])
    region = FileExample(digest, Region(300, 100, 400, 400))
    found = style_search.search(StyleQuery(examples=(region,), k=30))
    expected = by_file(style_search, buffers[1], k=30)
    assert [hit.score for hit in found.hits] == pytest.approx([hit.score for hit in expected.hits], abs=0.02)
    entire = style_search.search(StyleQuery(examples=(FileExample(digest),), k=30))
    assert works(entire) == works(by_file(style_search, buffers[0], k=30))


def test_a_region_of_a_work_is_not_the_work(archive, style_search, drawing):
    image = image_of(archive, work_of(archive, drawing))
    ((width, height),) = rows(archive, "SELECT width, height FROM image WHERE id = :id", id=image)
    part = ImageExample(image, Region(0, 0, max(1, width // 3), max(1, height // 3)))
    found = style_search.search(StyleQuery(examples=(part,), k=29))
    entire = style_search.search(StyleQuery(examples=(ImageExample(image),), k=29))
    assert set(works(found)) == set(works(entire))  # the work itself is left out of both
    assert [hit.score for hit in found.hits] != [hit.score for hit in entire.hits]


def test_an_artist_is_searched_with_as_the_mean_of_the_works(archive, style_search):
    ((artist,),) = rows(archive, "SELECT name FROM artist ORDER BY id LIMIT 1")
    result = style_search.search(StyleQuery(examples=(ArtistExample(artist),), k=5))
    assert [hit.card.artists for hit in result.hits] == [(artist,)] * 5
    own = rows(
        archive,
        "SELECT vector::vector::real[] FROM descriptor JOIN image ON image.id = image_id"
        " JOIN work_artist USING (work_id) JOIN artist ON artist.id = artist_id WHERE name = :name",
        name=artist,
    )
    mean = np.mean([vector for (vector,) in own], axis=0)
    same = style_search.search(StyleQuery(examples=(DescriptorExample.of(mean.astype(np.float32)),), k=5))
    assert works(same) == works(result)
    with archive.database.session() as session:
        session.execute(text("UPDATE work_artist SET qualifier = 'after'"))
    with pytest.raises(NotFoundError) as caught:
        style_search.search(StyleQuery(examples=(ArtistExample(artist),)))
    assert caught.value.code == "no_prototype"


def test_several_examples_are_left_out_and_their_styles_found(archive, style_search):
    paths = sorted(archive.folder.rglob("*.svg"))
    styles = sorted({path.parent.name for path in paths})[:2]
    examples = [next(path for path in paths if path.parent.name == style) for style in styles]
    given = tuple(WorkExample(work_of(archive, path)) for path in examples)
    for fusion in ("mean", "rank"):
        result = style_search.search(StyleQuery(examples=given, k=8, readout=Readout(fusion=fusion)))
        found = [hit.card.source_id.split("/")[0] for hit in result.hits]
        assert not {example.work for example in given} & set(works(result))
        assert sum(style in styles for style in found) >= 6


def test_a_page_goes_on_where_the_one_before_ended(archive, style_search, drawing):
    query = StyleQuery(examples=(WorkExample(work_of(archive, drawing)),), k=10)
    whole = works(style_search.search(query.with_(k=29)))
    found = []
    page = query
    while page is not None:
        result = style_search.search(page)
        found += works(result)
        page = result.following
    assert found == whole


def test_filters_hold(archive, style_search, drawing):
    ((artist,),) = rows(archive, "SELECT name FROM artist ORDER BY id LIMIT 1")
    result = by_file(style_search, drawing.read_bytes(), where=ByArtist(artist), k=30)
    assert result.hits
    assert all(hit.card.artists == (artist,) for hit in result.hits)
    assert result.ranking.sentence == f"Works by {artist}"


def test_an_empty_catalogue_is_told(database, settings, drawing):
    with pytest.raises(NotFoundError) as caught:
        by_file(StyleSearch(database, settings), drawing.read_bytes())
    assert caught.value.code == "empty_gallery"


def test_a_gallery_of_another_encoder_is_refused(archive, style_search, drawing):
    with archive.database.session() as session:
        session.execute(text("UPDATE encoder SET digest = 'another'"))
    with pytest.raises(ServiceError) as caught:
        by_file(style_search, drawing.read_bytes())
    assert caught.value.code == "encoder_changed"


@pytest.mark.parametrize("number", [0, 1, 3, 5, 12])
def test_the_contact_sheet_is_a_picture_of_the_right_size(archive, style_search, drawing, tmp_path, number):
    hits = by_work(style_search, work_of(archive, drawing), k=max(1, number)).hits[:number]
    write_contact_sheet(hits, open_store(archive.settings), tmp_path / "sheet.png")
    columns = min(5, max(1, number))
    lines = max(1, -(-number // columns))
    with Image.open(tmp_path / "sheet.png") as sheet:
        assert sheet.format == "PNG"
        assert sheet.size == (GAP + columns * (CELL + GAP), GAP + lines * (CELL + LABEL + GAP))
        drawn = sheet.convert("L").point(lambda value: 255 * (value < 250)).getbbox()
    assert (drawn is None) == (number == 0)


def test_the_contact_sheet_bears_long_titles_and_missing_thumbnails(archive, style_search, drawing, tmp_path):
    (hit,) = by_work(style_search, work_of(archive, drawing), k=1).hits
    odd = replace(hit, card=replace(hit.card, title="long 長い " * 90, artists=()))
    write_contact_sheet([odd, hit], ImageStore(str(tmp_path / "empty")), tmp_path / "sheet.png")
    assert (tmp_path / "sheet.png").exists()
    with pytest.raises(ServiceError) as caught:
        write_contact_sheet([hit], open_store(archive.settings), tmp_path / "missing" / "sheet.png")
    assert caught.value.code == "not_writable"


KEYS = {
    "rank", "score", "work_id", "image_id", "source_id", "collection", "collection_title", "title", "description",
    "artists", "date_text", "year_from", "year_to", "medium", "movement", "period", "object_type", "keywords", "source_url",
    "work_rights", "image_rights", "credit_line", "sha256", "width", "height", "media_type",
}  # fmt: skip


def test_the_command(archive_environment, run_command, drawing, tmp_path):
    sheet = tmp_path / "sheet.png"
    done = run_command("search", drawing, "-k", 4, "--json", "--sheet", sheet, "-w", "reuse:open")
    assert done.code == 0
    answer = json.loads(done.out)
    assert set(answer) == {
        "query", "encoder", "method", "matching", "complete", "reason", "next", "copies", "results",
    }  # fmt: skip
    assert (answer["query"], answer["method"], answer["complete"]) == ("Works openly licensed", "exact", True)
    assert set(answer["encoder"]) == {"slug", "digest"}
    assert [one["rank"] for one in answer["results"]] == [1, 2, 3, 4]
    assert all(set(one) == KEYS for one in answer["results"])
    assert all(set(one) == KEYS - {"rank", "score"} for one in answer["copies"])
    assert {one["image_rights"]["reuse"] for one in answer["results"]} == {"open"}
    with Image.open(sheet) as picture:
        assert picture.format == "PNG"
    following = run_command(
        "search", drawing, "-k", 4, "--json", "-w", "reuse:open", "--after", answer["next"]
    )
    ranked = [one["work_id"] for one in json.loads(following.out)["results"]]
    assert len(ranked) == 4
    assert not set(ranked) & {one["work_id"] for one in answer["results"]}
    first = answer["results"][0]["work_id"]
    by_work = run_command("search", "--work", first, "-k", 2)
    assert by_work.code == 0
    assert "All works" in by_work.out
    several = run_command(
        "search", "--work", first, "--like", f"work:{ranked[0]}^2", "--unlike", drawing, "--fusion", "rank", "--per-artist", 1, "--json",
    )  # fmt: skip
    results = json.loads(several.out)["results"]
    assert len(results) == 6  # one an artist
    assert not {first, ranked[0]} & {one["work_id"] for one in results}


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        ([], 2, "Give an IMAGE, --work ID or --like EXAMPLE."),
        (["DRAWING", "--mode", "fast"], 2, "fast"),
        (["DRAWING", "-k", "0"], 1, "1 to 1000"),
        (["missing.png"], 1, "missing.png cannot be read"),
        (["DRAWING", "-w", 'artist:"Nobody At All"'], 1, "There is no artist"),
        (["DRAWING", "-w", "artist:caf\udce9"], 1, "There is no artist"),
        (["--work", "999999"], 1, "There is no work 999999"),
    ],
)
def test_mistakes_are_told_in_one_line(archive_environment, run_command, drawing, arguments, code, said):
    done = run_command("search", *(drawing if one == "DRAWING" else one for one in arguments))
    assert done.code == code
    assert done.out == ""
    assert said in done.err
    assert len(done.err.splitlines()) == 1
