import pytest
from sqlalchemy import text

from stylesearch.catalog.curations import ensure_curation
from stylesearch.curation.verdicts import copy_verdicts, keep_pairs, keep_tags, tag_verdicts


@pytest.fixture
def digests(archive) -> list[str]:
    with archive.database.session() as session:
        return [
            bytes(one).hex()
            for one in session.scalars(text("SELECT sha256 FROM image ORDER BY sha256 LIMIT 4"))
        ]


@pytest.fixture
def curated(archive, digests):
    """A set with tags to look at and a group of three images."""

    def tag(key: str, **values: object) -> dict[str, object]:
        return {
            "kind": "artist", "key": key, "name": key.title(), "flags": [], "near": [], "captions": 3, "images": 2,
            "outcome": "used", **values,
        }  # fmt: skip

    first, second, third, _ = digests
    with archive.database.session() as session:
        found = ensure_curation(session, "styles")
        keep_tags(
            session,
            found.id,
            [
                tag("paul klee"),
                tag("rose", flags=["ambiguous"], outcome="held", captions=9),
                tag("alfonse mucha", near=["alphonse mucha"], name="<i>Alfonse"),
                tag("alphonse mucha", near=["alfonse mucha"]),
            ],
        )
        pairs = [(first, second, 0.91), (second, third, 0.85)]
        keep_pairs(
            session,
            found.id,
            [
                {
                    "sha256_a": bytes.fromhex(a),
                    "sha256_b": bytes.fromhex(b),
                    "score": score,
                    "kind": "copy",
                    "component": 7,
                }
                for a, b, score in pairs
            ],
        )
        curation_id = found.id
    yield "styles"
    with archive.database.session() as session:
        session.execute(text("DELETE FROM curation WHERE id = :id"), {"id": curation_id})


@pytest.fixture
def client(as_role):
    return as_role("curator")


def said(archive, of=tag_verdicts):
    with archive.database.session() as session:
        return of(session, "styles")


def test_sets_are_listed_with_what_there_is_to_look_at(client, curated):
    page = client.get("/admin/curations")
    assert page.status_code == 200
    assert "styles" in page.text
    assert '>3<span class="hidden"> tags of styles to look at<' in page.text
    assert '>1<span class="hidden"> groups of copies of styles to look at<' in page.text


def test_no_set_is_told(client):
    assert "No set has been made yet" in client.get("/admin/curations").text


def test_tags_to_look_at_come_first_and_are_escaped(client, curated):
    page = client.get("/admin/curations/styles/tags").text
    assert page.index("Rose") < page.index("Alphonse")
    assert "&lt;i&gt;Alfonse" in page
    assert "Paul Klee" not in page
    assert "Paul Klee" in client.get("/admin/curations/styles/tags?which=all").text
    assert "nothing to look at" in client.get("/admin/curations/styles/tags?which=decided").text


def test_a_verdict_on_a_tag_is_kept_and_taken_back(client, curated, token, archive):
    where = "/admin/curations/styles/tags"
    form = {"csrf_token": token(client, where), "kind": "artist", "key": "rose"}
    answer = client.post(f"{where}?which=open&page=1", data={**form, "verdict": "keep"})
    assert answer.status_code == 303
    assert answer.headers["Location"] == "/admin/curations/styles/tags?which=open&page=1"
    assert said(archive).keep == {("artist", "rose")}
    assert "Rose" not in client.get(where).text
    assert "kept" in client.get(f"{where}?which=decided").text
    client.post(where, data={**form, "verdict": "undecided"})
    assert not said(archive).keep


def test_a_tag_is_joined_to_another(client, curated, token, archive):
    where = "/admin/curations/styles/tags"
    form = {"csrf_token": token(client, where), "kind": "artist", "key": "alfonse mucha", "verdict": "join"}
    assert client.post(where, data={**form, "join": "nobody"}).status_code == 404
    assert client.post(where, data={**form, "join": "Alfonse Mucha"}).status_code == 400
    assert client.post(where, data={**form, "join": "alphonse mucha"}).status_code == 303
    assert said(archive).join == {("artist", "alfonse mucha"): "alphonse mucha"}


def test_groups_are_shown_with_their_pictures(client, curated, digests):
    page = client.get("/admin/curations/styles/copies").text
    assert "Score 0.850 – 0.910" in page
    for digest in digests[:3]:
        assert f"/media/thumbnails/{digest}.webp" in page
    assert digests[3] not in page


def test_a_group_is_judged_and_taken_back(client, curated, token, archive, digests):
    where = "/admin/curations/styles/copies"
    form = {"csrf_token": token(client, where), "group": "7"}
    assert client.post(where, data={**form, "verdict": "same"}).status_code == 303
    assert len(said(archive, copy_verdicts).same) == 2
    client.post(where, data={**form, "verdict": "undecided"})
    assert not said(archive, copy_verdicts).same
    assert client.post(where, data={**form, "verdict": "apart"}).status_code == 400  # none is ticked
    client.post(where, data={**form, "verdict": "apart", "image": [digests[2]]})
    assert said(archive, copy_verdicts).different == {(digests[1], digests[2])}


def test_verdicts_outlive_the_next_run(client, curated, token, archive, digests):
    where = "/admin/curations/styles/copies"
    client.post(where, data={"csrf_token": token(client, where), "group": "7", "verdict": "different"})
    with archive.database.session() as session:
        keep_pairs(session, ensure_curation(session, "styles").id, [])
        keep_tags(session, ensure_curation(session, "styles").id, [])
    assert len(said(archive, copy_verdicts).different) == 2
    assert "nothing to look at" in client.get(where).text


@pytest.mark.parametrize(
    "form",
    [
        {"verdict": "burn"},
        {"verdict": "same", "group": "x"},
        {"verdict": "same", "group": "9" * 30},
        {"verdict": "apart", "group": "7", "image": "../../etc/passwd"},
    ],
)
def test_forms_that_make_no_sense_are_refused(client, curated, token, form, archive):
    where = "/admin/curations/styles/copies"
    answer = client.post(where, data={"csrf_token": token(client, where), "group": "7", **form})
    assert answer.status_code == 400
    assert not said(archive, copy_verdicts).different


def test_what_is_not_there(client, curated, token):
    for address in ("/admin/curations/other/tags", "/admin/curations/other/copies"):
        assert client.get(address).status_code == 404
    where = "/admin/curations/styles/tags"
    form = {"csrf_token": token(client, where), "verdict": "keep"}
    assert client.post(where, data={**form, "kind": "artist", "key": "nobody"}).status_code == 404
    assert client.post(where, data={**form, "kind": "ghost", "key": "rose"}).status_code == 400
    assert client.get(f"{where}?which=odd&page=minus").status_code == 200


def test_a_form_without_its_token_changes_nothing(client, curated, archive):
    form = {"kind": "artist", "key": "rose", "verdict": "drop"}
    assert client.post("/admin/curations/styles/tags", data=form).status_code == 400
    assert not said(archive).drop


def test_what_is_withdrawn_is_not_shown(client, curated, catalogue, archive, digests):
    with archive.database.session() as session:
        work_id = session.scalar(
            text("SELECT work_id FROM image WHERE sha256 = :sha"), {"sha": bytes.fromhex(digests[0])}
        )
    catalogue.withdraw(work_id)
    page = client.get("/admin/curations/styles/copies").text
    assert f"/media/thumbnails/{digests[0]}" not in page
    assert "no longer here" in page
