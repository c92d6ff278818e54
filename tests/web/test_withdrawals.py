"""From a rights holder's form to a work that does not come back."""

import re
from html import unescape
from pathlib import Path

import pytest
from PIL import Image
from sqlalchemy import select, text

from stylesearch.catalog.works import Image as ImageRow
from stylesearch.catalog.works import Work
from stylesearch.encoders.registry import configured_encoder
from stylesearch.ingest.driving import drive
from stylesearch.ingest.run import Into, discover, make_pipeline, open_run
from stylesearch.ingest.sources.folder import FolderSource
from web.app import create_app

FORM = {
    "ground": "rights", "name": "Ann Artist", "email": "ann@artist.example",
    "statement": "I drew this.\r\n<script>alert(1)</script>",
}  # fmt: skip


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    folder = tmp_path / "pictures"
    folder.mkdir()
    for number, name in enumerate(("a", "b", "c")):
        picture = Image.new("RGB", (64, 48), (200, 40 * number, 9))
        picture.paste((20, 20, 20 + 60 * number), (4 * number, 5, 30 + 6 * number, 30))
        picture.save(folder / f"{name}.png")
    return folder


@pytest.fixture
def app(settings, ingest_folder, pictures):
    ingest_folder(settings, pictures, "toys")
    return create_app(settings)


@pytest.fixture
def works(app, database) -> dict[str, int]:
    with database.session() as session:
        return dict(session.execute(select(Work.source_id, Work.id)).all())


@pytest.fixture
def ask(client, token, works):
    def send(work="a.png", **more):
        address = f"http://localhost/works/{works[work]}" if work else ""
        form = {"csrf_token": token(client, "/withdrawals"), "address": address, **FORM, **more}
        return client.post("/withdrawals", data=form)

    return send


def decide(client, token, number, decision, **more):
    page = f"/admin/withdrawals/{number}"
    version = re.search(r'name="version" value="(\d+)"', client.get(page).text)[1]
    form = {"csrf_token": token(client, page), "version": version, "decision": decision, "everywhere": "yes"}
    return client.post(page, data={**form, **more})


def shown(client, database, work_id: int) -> set[int]:
    """Return the statuses of everything that shows a work."""
    with database.session() as session:
        digest = session.scalars(select(ImageRow.sha256).where(ImageRow.work_id == work_id)).one().hex()
    addresses = [
        f"/works/{work_id}",
        f"/media/thumbnails/{digest}.webp",
        f"/media/previews/{digest}.webp",
        f"/media/originals/{digest}",
        f"/search?work={work_id}",
    ]
    return {client.get(address).status_code for address in addresses}


def test_a_hidden_work_is_not_counted_either(client, as_role, token, ask, monkeypatch):
    monkeypatch.setattr("web.counting.LARGE", 0)  # counts are remembered

    def counted() -> list[str]:
        page = client.get("/search").text
        return re.findall(r'name="reuse"[^\n]*?<span class="count">(\d+)', page)

    before = counted()
    assert "3" in before
    ask()
    assert decide(as_role("curator"), token, 1, "hide").status_code == 303
    assert [number.replace("3", "2") for number in before] == counted()


def test_from_the_form_to_a_work_that_stays_away(
    client, as_role, token, ask, works, database, settings, pictures, ingest_folder
):
    # A report that names the work is made before.
    report = client.post("/reports", data={"csrf_token": token(client), "work": str(works["b.png"])})
    assert "a.png" in client.get(f"{report.headers['Location']}.json").text
    assert shown(client, database, works["a.png"]) == {200}

    answer = ask()
    assert answer.status_code == 303
    follow = answer.headers["Location"]
    assert "waits for a person" in client.get(follow).text
    assert shown(client, database, works["a.png"]) == {200}  # nobody hides a work by asking

    curator = as_role("curator")
    listed = curator.get("/admin/withdrawals").text
    number = int(re.search(r"/admin/withdrawals/(\d+)", listed)[1])
    page = curator.get(f"/admin/withdrawals/{number}").text
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert "<script>alert" not in page

    assert decide(curator, token, number, "grant", note="With our apologies.").status_code == 303
    assert shown(client, database, works["a.png"]) == {404}
    assert shown(curator, database, works["a.png"]) == {404}
    assert f"/works/{works['a.png']}" not in client.get(f"/search?work={works['b.png']}").text
    assert f"/works/{works['a.png']}" not in client.get("/").text
    masked = client.get(f"{report.headers['Location']}.json").text
    assert "a.png" not in masked
    told = client.get(follow).text
    assert "has been withdrawn" in told
    assert "With our apologies." in told

    # It is not taken in again: not as itself, not under another name, not into another collection.
    (pictures / "renamed.png").write_bytes((pictures / "a.png").read_bytes())
    Image.new("RGB", (64, 48), (1, 2, 3)).save(pictures / "a.png")
    ingest_folder(settings, pictures, "toys")
    ingest_folder(settings, pictures, "others")
    assert shown(client, database, works["a.png"]) == {404}
    with database.session() as session:
        there = set(
            session.execute(
                text("SELECT source_id FROM work WHERE withdrawn_at IS NULL AND collection_id = 1")
            ).scalars()
        )
        assert there == {"b.png", "c.png"}
        others = set(session.execute(text("SELECT source_id FROM work WHERE collection_id <> 1")).scalars())
        assert others == {"a.png", "b.png", "c.png"}  # whose a.png is another picture by now
        out = session.execute(
            text("SELECT count(*) FROM ingest_item WHERE error_code = 'withdrawn'")
        ).scalar()
        assert out == 3

    assert decide(curator, token, number, "reopen").status_code == 303
    assert shown(client, database, works["a.png"]) == {200}


def test_what_is_withdrawn_while_it_is_on_its_way_does_not_arrive(
    app, settings, database, pictures, client, token, as_role, ask, works
):
    """The picture is fetched and waits to be described, when its work is withdrawn."""
    Image.new("RGB", (30, 50), (90, 9, 90)).save(pictures / "d.png")
    source = FolderSource(pictures, max_bytes=settings.max_file_bytes)
    spec = configured_encoder(settings).spec
    with database.session() as session:
        run, _ = open_run(session, source, Into("second"), spec=spec)
    discover(database, run.id, source, on_progress=lambda done, total: None)
    pipeline = make_pipeline(database, settings)
    assert pipeline.fetch_batch(run.id) == 4
    ask()
    curator = as_role("curator")
    decide(curator, token, 1, "grant")
    assert drive(pipeline, run.id, on_progress=lambda counts: None).errors == {"withdrawn": 1}
    with database.session() as session:
        names = session.execute(text("SELECT source_id FROM work WHERE collection_id <> 1")).scalars()
        assert set(names) == {"b.png", "c.png", "d.png"}


def test_a_work_is_hidden_while_somebody_looks_into_it(client, as_role, token, ask, works, database):
    follow = ask().headers["Location"]
    curator = as_role("curator")
    decide(curator, token, 1, "hide")
    assert shown(client, database, works["a.png"]) == {404}
    assert "hidden while somebody looks" in client.get(follow).text
    decide(curator, token, 1, "refuse", note="It is in the public domain.")
    assert shown(client, database, works["a.png"]) == {200}
    assert "public domain" in client.get(follow).text


def test_of_two_who_decide_the_second_is_told(as_role, token, ask, works, database, client):
    ask()
    first, second = as_role("curator"), as_role("admin")
    sign = token(second, "/admin/withdrawals/1")
    decide(first, token, 1, "grant")
    form = {"csrf_token": sign, "version": "1", "decision": "refuse"}
    late = second.post("/admin/withdrawals/1", data=form)
    assert late.status_code == 409
    assert "Curator &lt;curator@example.org&gt; has changed this meanwhile" in late.text
    assert "Look at it as it is now" in late.text
    document = second.post("/admin/withdrawals/1", data=form, headers={"Accept": "application/json"})
    assert document.json["differences"] == [{"name": "state", "now": "granted", "wanted": "refused"}]
    assert shown(client, database, works["a.png"]) == {404}


def test_the_form_knows_the_work_it_comes_from(client, works):
    page = client.get(f"/withdrawals?work={works['a.png']}")
    assert f"http://localhost/works/{works['a.png']}" in page.text
    assert "/media/thumbnails/" in page.text
    for odd in ("x", "-1", str(10**30), "%00", ""):
        assert client.get(f"/withdrawals?work={odd}").status_code == 200


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"address": "https://elsewhere.example/picture"}, "leads to no work here"),
        ({"address": "/works/999999"}, "leads to no work here"),
        ({"address": "http://[broken"}, "leads to no work here"),
        ({"address": "x" * 2001}, "characters"),
        ({"address": ""}, "is empty"),
        ({"name": "  "}, "is empty"),
        ({"email": "ann"}, "no e-mail address"),
        ({"ground": "spite"}, "Nothing that there is was chosen"),
        ({"statement": ""}, "is empty"),
        ({"statement": "x" * 5001}, "Shorten it"),
    ],
)
def test_a_form_that_cannot_be_taken_keeps_what_was_typed(ask, wrong, words):
    answer = ask(**wrong)
    assert answer.status_code == 400
    assert words in unescape(answer.text)
    if "name" not in wrong:
        assert 'value="Ann Artist"' in answer.text


def test_a_work_that_one_may_not_see_is_told_from_none(ask, works, database, as_role):
    with database.session() as session:
        session.execute(text("UPDATE collection SET visibility = 'staff'"))
    assert "leads to no work here" in ask().text


def test_where_visitors_see_nothing_the_staff_find_the_work(settings, app, works, token, sign_in, database):
    closed = create_app(settings.model_copy(update={"web_visitors": False}))
    client = closed.test_client()
    form = {"csrf_token": token(client, "/withdrawals"), "address": f"/works/{works['a.png']}", **FORM}
    answer = client.post("/withdrawals", data=form)
    assert answer.status_code == 303
    assert client.get(answer.headers["Location"]).status_code == 200
    curator = sign_in(closed.test_client(), "curator")
    page = curator.get("/admin/withdrawals/1").text
    assert "not known of which work" in page
    assert decide(curator, token, 1, "grant").status_code == 404
    form = {"csrf_token": token(curator, "/admin/withdrawals/1"), "version": "1", "work": str(works["a.png"])}
    assert curator.post("/admin/withdrawals/1/work", data=form).status_code == 303
    assert decide(curator, token, 1, "grant").status_code == 303
    assert shown(curator, database, works["a.png"]) == {404}


def test_requests_cannot_be_guessed(client, ask):
    ask()
    for address in ("/withdrawals/1", "/withdrawals/x", "/withdrawals/%00"):
        assert client.get(address).status_code == 404
