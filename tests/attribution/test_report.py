import html.parser
import io
import json
import re

import pytest
from PIL import Image
from sqlalchemy import text

from stylesearch.attribution.composing import Subject
from stylesearch.attribution.gallery import read_gallery
from stylesearch.attribution.render import render_html
from stylesearch.attribution.report import ReportMaker, find_report
from stylesearch.attribution.sealed import canonical
from stylesearch.attribution.sheets import terms
from stylesearch.attribution.wording import (
    REUSE_LABELS,
    WHAT_IT_IS,
    copies_sentence,
    limits,
    nearest_sentence,
)
from stylesearch.catalog import encoders
from stylesearch.errors import ImageError, NotFoundError
from stylesearch.images.store import ImageStore, open_store
from stylesearch.search.conditions import ByArtist
from stylesearch.search.filters import EVERYTHING
from stylesearch.search.grammar import parse
from stylesearch.search.query import StyleQuery
from stylesearch.search.service import StyleSearch

NASTY = '<script>alert("1")</script>&"\'><img src=http://evil.example/x onerror=alert(1)>'


class Page(html.parser.HTMLParser):
    """What a page holds and what it would load."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.loads: list[str] = []
        self.links: list[str] = []
        self.handlers: list[str] = []
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        for name, value in attrs:
            if name.startswith("on"):
                self.handlers.append(name)
            elif name in ("src", "srcset", "data", "poster", "background") or (name == "href" and tag != "a"):
                self.loads.append(value or "")
            elif name == "href":
                self.links.append(value or "")

    def handle_data(self, data):
        self.text += data


@pytest.fixture
def document(maker, drawing):
    return maker.make(drawing.read_bytes(), name=drawing.name).view


def test_a_report_is_kept_as_it_was_given(archive, maker, drawing):
    saved = maker.make(drawing.read_bytes(), name=drawing.name, where=parse("reuse:open"))
    with archive.database.session() as session:
        kept = find_report(session, saved.public_id)
        row = session.execute(text("SELECT * FROM report")).one()
        gallery = read_gallery(session, encoders.active(session, "lite"))
    assert kept == saved
    assert canonical(kept.document) == canonical(saved.document), "the very bytes that were signed"
    assert kept.file() == saved.file()
    assert row.public_id == saved.public_id == saved.document["id"]
    assert row.query_sha256.hex() == saved.document["query"]["sha256"]
    assert row.parameters == saved.document["parameters"]
    assert row.gallery_digest == gallery.digest == saved.document["record"]["gallery"]["digest"]
    assert json.loads(json.dumps(saved.document)) == saved.document


def test_a_report_may_take_longer_than_a_search(archive, maker, drawing):
    example, _ = maker.style_search.decode_and_describe(drawing.read_bytes())
    with archive.database.session() as session:
        usual = session.scalar(text("SHOW statement_timeout"))
        maker.compose(session, Subject(drawing.read_bytes(), "a.png", example, EVERYTHING), public_id="a", created_at="2026-01-01T00:00:00+00:00")  # fmt: skip
        assert session.scalar(text("SHOW statement_timeout")) == usual


def test_each_report_has_an_id_of_its_own(archive, maker, drawing):
    ids = {maker.make(drawing.read_bytes(), name="x").public_id for _ in range(3)}
    assert len(ids) == 3
    assert all(len(one) >= 20 for one in ids)
    with archive.database.session() as session, pytest.raises(NotFoundError) as caught:
        find_report(session, "none")
    assert caught.value.code == "unknown_report"


def test_what_a_report_says(document, drawing, archive):
    assert (document["format"], document["version"]) == ("stylesearch-report", 2)
    assert document["query"]["name"] == drawing.name
    assert document["query"]["media_type"] == "image/svg+xml"
    (copy,) = document["copies"]["exact"]
    assert copy["source_id"] == drawing.relative_to(archive.folder).as_posix()
    assert [one["rank"] for one in document["nearest"]] == list(range(1, len(document["nearest"]) + 1))
    assert copy["work_id"] not in {one["work_id"] for one in document["nearest"]}
    near = {one["work_id"] for one in document["copies"]["near"]}
    assert not near & {one["work_id"] for one in document["nearest"]}
    assert sum(document["reuse"].values()) == len(document["nearest"])
    parameters = document["parameters"]
    assert (parameters["readout"], parameters["method"], parameters["complete"]) == ("cosine", "exact", True)
    assert "exclude_images" not in parameters["query"], "a copy that is withdrawn leaves no trace"
    assert document["record"]["encoder"]["slug"] == "lite"
    assert document["record"]["gallery"]["images"] == 30


def test_the_limits_are_in_every_report(document, maker):
    assert document["limits"] == limits(calibrated=False)
    assert limits(calibrated=True) != limits(calibrated=False)
    wording = (
        "This report describes resemblance of style within this collection. It is not evidence of training use, copying,"
        " authorship or infringement."
    )
    assert document["limits"][0] == WHAT_IT_IS == wording
    page = Page(render_html(document, maker.store))
    assert all(limit in page.text for limit in document["limits"])


def test_filters_are_kept_and_told(maker, drawing, archive):
    with archive.database.session() as session:
        artist = session.scalar(text("SELECT name FROM artist ORDER BY id DESC LIMIT 1"))
    saved = maker.make(drawing.read_bytes(), name="x", where=ByArtist(artist))
    parameters = saved.document["parameters"]
    assert parse(parameters["filter"]) == ByArtist(artist)
    asked = StyleQuery.from_json(parameters["query"])
    assert asked.where == ByArtist(artist)
    assert [one.to_json() for one in asked.examples] == [{"file": saved.document["query"]["sha256"]}]
    assert [one["name"] for one in saved.document["artists"]] == [artist]
    assert f"works by {artist}" in Page(render_html(saved.view, maker.store)).text
    with pytest.raises(NotFoundError):
        maker.make(drawing.read_bytes(), name="x", where=ByArtist("Nobody At All"))


def test_the_page_needs_nothing_else(document, maker):
    html_text = render_html(document, maker.store)
    page = Page(html_text)
    assert page.loads
    assert all(load.startswith("data:image/webp;base64,") for load in page.loads)
    near = len(document["copies"]["near"])
    assert len(page.loads) == 1 + len(document["nearest"]) + len(document["copies"]["exact"]) + 2 * near
    assert not {"script", "link", "iframe", "object", "embed", "base", "form"} & set(page.tags)
    assert page.handlers == []
    assert all(link.startswith(("http://", "https://")) for link in page.links)
    style = re.search(r"<style>(.*?)</style>", html_text, re.DOTALL)[1]
    assert "url(" not in style
    assert "@import" not in style
    assert "http" not in style


def test_markup_in_names_stays_text(maker, drawing, execute):
    execute(
        "UPDATE work SET title = :nasty, date_text = :nasty, medium = :nasty, credit_line = :nasty",
        nasty=NASTY,
    )
    execute("UPDATE artist SET name = :nasty || id", nasty=NASTY)
    execute("UPDATE collection SET title = :nasty", nasty=NASTY)
    execute("UPDATE license SET label = :nasty", nasty=NASTY)
    document = maker.make(drawing.read_bytes(), name=NASTY).view
    page = Page(render_html(document, maker.store))
    assert "script" not in page.tags
    assert page.handlers == []
    assert not any("evil" in load for load in page.loads)
    assert NASTY in page.text


def test_a_name_is_tidied(archive, maker, drawing):
    saved = maker.make(drawing.read_bytes(), name="caf\udce9\0 " + "x" * 500)
    assert saved.document["query"]["name"].startswith("caf x")
    assert len(saved.document["query"]["name"]) == 200
    with archive.database.session() as session:
        assert find_report(session, saved.public_id) == saved
    assert maker.make(drawing.read_bytes(), name="\0").document["query"]["name"] == "unnamed"


def test_every_reuse_class_has_a_label():
    from stylesearch.catalog.rights import REUSE_CLASSES

    assert set(REUSE_LABELS) == {*REUSE_CLASSES, "unknown"}


def test_a_page_without_its_pictures_is_still_a_page(document, tmp_path):
    page = Page(render_html(document, ImageStore(str(tmp_path))))
    assert page.loads == []
    assert document["answer"] in page.text


def test_the_picture_examined_is_kept_small(archive, maker):
    buffer = io.BytesIO()
    Image.new("RGB", (900, 500), "teal").save(buffer, "PNG")
    document = maker.make(buffer.getvalue(), name="teal.png").document
    sha256 = bytes.fromhex(document["query"]["sha256"])
    with Image.open(io.BytesIO(maker.store.read(maker.store.thumbnail_key(sha256)))) as picture:
        assert max(picture.size) <= 400
    assert not maker.store.exists(maker.store.original_key(sha256))
    assert document["copies"]["exact"] == []


def test_an_empty_gallery_is_told(database, settings, drawing):
    maker = ReportMaker(StyleSearch(database, settings), open_store(settings))
    with pytest.raises(NotFoundError) as caught:
        maker.make(drawing.read_bytes(), name="x")
    assert caught.value.code == "empty_gallery"


def test_what_is_no_image_makes_no_report(archive, maker):
    with pytest.raises(ImageError):
        maker.make(b"only words", name="x")
    with archive.database.session() as session:
        assert session.scalar(text("SELECT count(*) FROM report")) == 0


@pytest.mark.parametrize(
    ("artists", "expected"),
    [
        ([], "Nobody stands out: the 3 works nearest in style are by 0 artists."),
        ([("Ann", 2, 9)], "Nobody stands out: the 3 works nearest in style are by 1 artist."),
        (
            [("Ann", 3, 9), ("Bo", 3, 9)],
            "Nobody stands out: the 3 works nearest in style are by 2 artists, led by no single one.",
        ),
        (
            [("Ann", 3, 9), ("Bo", 1, 9)],
            "Of the 3 works nearest in style, 3 are by Ann, who has 9 works here.",
        ),
    ],
)
def test_without_a_calibration_the_answer_counts_and_no_more(artists, expected):
    assert nearest_sentence(3, artists, least=3) == expected


def test_copies_come_first_in_the_answer():
    assert copies_sentence(exact=1, near=2) == "This very file is in the archive. "
    assert copies_sentence(exact=0, near=2) == "The archive holds what looks like the same picture. "
    assert copies_sentence(exact=0, near=0) == ""
    assert nearest_sentence(0, [], least=3) == "No other work here could be compared with it."


def test_what_a_licence_allows_is_a_sentence():
    assert terms({"commercial": True, "derivatives": False, "attribution": True, "ai_training": None}) == (
        "Allows commercial use; asks for credit; does not allow changes."
    )
    assert terms(None) == terms({}) == ""


def test_the_command_writes_its_files(archive_environment, run_command, drawing, tmp_path):
    out = tmp_path / "new" / "reports"
    done = run_command("report", drawing, "--out", out)
    assert (done.code, done.err) == (0, "")
    names = [f"{drawing.stem}.report.{suffix}" for suffix in ("json", "html", "sig")]
    assert [line.rsplit("/", 1)[1] for line in done.out.split()] == names
    assert sorted(path.name for path in out.iterdir()) == sorted(names)
    document = json.loads((out / names[0]).read_text())["document"]
    with archive_environment.database.session() as session:
        found = find_report(session, document["id"])
    assert found.file() == (out / names[0]).read_bytes()
    assert found.signature.to_bytes() == (out / names[2]).read_bytes()
    assert document["answer"] in Page((out / names[1]).read_text()).text


def test_mistakes_are_told_in_one_line(environment, run_command, drawing, tmp_path):
    for arguments, code in [([drawing], 1), ([tmp_path / "none.png"], 1), ([], 2)]:
        done = run_command("report", *arguments)
        assert done.code == code
        assert len(done.err.splitlines()) == 1
        assert list(tmp_path.glob("*.report.*")) == []
