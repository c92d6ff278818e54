"""The pages of administration: users, tokens, collections, near-duplicates, encoders, the audit log."""

import re
from html import unescape

import pytest
from PIL import Image
from sqlalchemy import text

from web.app import create_app


@pytest.fixture
def pictures(tmp_path):
    folder = tmp_path / "pictures"
    folder.mkdir()
    picture = Image.new("RGB", (64, 48), (200, 9, 9))
    picture.paste((20, 20, 220), (8, 5, 40, 30))
    picture.save(folder / "a.png")
    picture.putpixel((0, 0), (201, 9, 9))
    picture.save(folder / "b.png")
    return folder


@pytest.fixture
def app(settings, ingest_folder, pictures):
    ingest_folder(settings, pictures, "toys", title="Toys")
    return create_app(settings)


@pytest.fixture
def admin(as_role):
    return as_role("admin")


@pytest.fixture
def send(token):
    def post(client, address, page=None, **form):
        return client.post(address, data={"csrf_token": token(client, page or address), **form})

    return post


def version(client, page: str) -> str:
    return re.search(r'name="version" value="(\d+)"', client.get(page).text)[1]


def rows(database, statement: str) -> list[tuple]:
    with database.session() as session:
        return [tuple(row) for row in session.execute(text(statement))]


def test_what_waits_is_counted(admin, as_role):
    page = admin.get("/admin").text
    assert re.search(r"<strong>1</strong> pairs that look alike", page)
    assert "users" in page
    page = as_role("curator").get("/admin").text
    assert "/admin/users" not in page
    assert "Administration" not in as_role("viewer").get("/").text


def test_a_user_is_added_and_gets_a_link(admin, send, client):
    made = send(admin, "/admin/users", email="New@example.org", name="<i>New", role="curator")
    assert made.status_code == 200
    assert made.headers["Cache-Control"] == "no-store"
    link = re.search(r"http://localhost(/invitations/[\w-]+)", made.text)[1]
    assert "new@example.org" in client.get(link).text
    page = admin.get("/admin/users").text
    assert "&lt;i&gt;New" in page
    assert "nothing yet" in page
    again = send(admin, "/admin/users", email="new@example.org", name="Typed", role="curator")
    assert again.status_code == 400
    assert "already" in again.text
    assert 'value="Typed"' in again.text
    for wrong in ({"email": "x"}, {"name": ""}, {"role": "king"}, {"role": "visitor"}):
        form = {"email": "other@example.org", "name": "O", "role": "viewer", **wrong}
        assert send(admin, "/admin/users", **form).status_code == 400


def test_a_user_is_changed(admin, send, as_role, database):
    viewer = as_role("viewer")
    (number,) = rows(database, "SELECT id FROM \"user\" WHERE role = 'viewer'")[0]
    page = f"/admin/users/{number}"
    assert viewer.get("/admin/runs").status_code == 403
    form = {"version": version(admin, page), "name": "Vic", "role": "curator"}
    assert send(admin, page, **form).status_code == 303
    assert viewer.get("/admin/runs").status_code == 200
    late = send(admin, page, **{**form, "name": "Victor", "role": "viewer"})
    assert late.status_code == 409
    assert "has changed this meanwhile" in late.text
    assert re.search(r'<th scope="row">name</th><td dir="auto">Vic</td><td dir="auto">Victor</td>', late.text)
    form = {"version": version(admin, page), "name": "Vic", "role": "curator", "disabled": "yes"}
    assert send(admin, page, **form).status_code == 303
    assert viewer.get("/admin/runs").status_code == 401
    assert send(admin, f"{page}/invite", page).status_code == 200
    for wrong in ({"version": "x"}, {"version": ""}, {"role": ""}, {"name": "x" * 201}):
        assert send(admin, page, **{**form, **wrong}).status_code == 400
    assert admin.get("/admin/users/99999").status_code == 404


def test_the_only_administrator_stays_one(admin, send, database):
    (number,) = rows(database, "SELECT id FROM \"user\" WHERE role = 'admin'")[0]
    page = f"/admin/users/{number}"
    answer = send(admin, page, version=version(admin, page), name="Admin", role="viewer")
    assert answer.status_code == 409
    assert "only administrator" in answer.text


def test_everybodys_tokens_are_seen_and_revoked(admin, as_role, send):
    viewer = as_role("viewer")
    send(viewer, "/account/tokens", "/account", label="Theirs", scope="read", days="30")
    page = admin.get("/admin/tokens").text
    assert "Theirs" in page
    number = re.search(r"/admin/tokens/(\d+)/revoke", page)[1]
    assert send(admin, f"/admin/tokens/{number}/revoke", "/admin/tokens").status_code == 303
    assert "There is no token yet" in admin.get("/admin/tokens").text
    assert send(admin, f"/admin/tokens/{number}/revoke", "/account").status_code == 404


def test_who_sees_a_collection_is_changed_at_once(admin, send, client, as_role, database):
    (work,) = rows(database, "SELECT min(id) FROM work")[0]
    page = "/admin/collections/toys"
    viewer, curator = as_role("viewer"), as_role("curator")

    def seen() -> list[int]:
        return [one.get(f"/works/{work}").status_code for one in (client, viewer, curator)]

    assert seen() == [200, 200, 200]
    for visibility, expected in (
        ("viewers", [404, 200, 200]),
        ("staff", [404, 404, 200]),
        ("everybody", [200] * 3),
    ):
        form = {"version": version(admin, page), "title": "Toys", "visibility": visibility}
        assert send(admin, page, **form).status_code == 303
        assert seen() == expected
    late = send(admin, page, version="1", title="Toys", visibility="staff")
    assert late.status_code == 409
    assert seen() == [200, 200, 200]
    for wrong in ({"visibility": "nobody"}, {"title": ""}, {"version": "0"}):
        form = {"version": version(admin, page), "title": "Toys", "visibility": "staff", **wrong}
        assert send(admin, page, **form).status_code == 400
    for address in ("/admin/collections/none", "/admin/collections/%00"):
        assert admin.get(address).status_code == 404
    assert "Everybody" in curator.get("/admin/collections").text
    assert curator.get(page).status_code == 403


def test_a_pair_is_judged_and_the_verdict_kept_and_taken_back(as_role, send, database):
    curator = as_role("curator")
    page = curator.get("/admin/duplicates").text
    form = dict(re.findall(r'name="(image_a|image_b|seen|here)" value="([^"]*)"', page))
    kept = send(curator, "/admin/duplicates", verdict="same", **form)
    assert kept.status_code == 303
    assert "Kept: the same picture." in curator.get(kept.headers["Location"]).text
    assert "There is nothing to judge" in curator.get("/admin/duplicates").text
    assert rows(database, "SELECT verdict, decided_by FROM near_duplicate") == [
        ("same", "Curator <curator@example.org>")
    ]
    late = send(curator, "/admin/duplicates", verdict="different", **form)
    assert late.status_code == 409
    assert "verdict is now" in unescape(late.text)
    judged = curator.get("/admin/duplicates/judged").text
    assert "The same picture" in judged
    back = send(curator, "/admin/duplicates", verdict="", **{**form, "seen": "same"})
    assert back.status_code == 303
    assert rows(database, "SELECT verdict FROM near_duplicate") == [(None,)]
    for wrong in ({"verdict": "maybe"}, {"image_a": "x"}, {"seen": "odd"}):
        assert send(curator, "/admin/duplicates", **{"verdict": "same", **form, **wrong}).status_code == 400
    assert (
        send(curator, "/admin/duplicates", verdict="same", **{**form, "image_b": "99999"}).status_code == 404
    )
    for address in ("/admin/duplicates?after=x", "/admin/duplicates/judged?skip=x"):
        assert curator.get(address).status_code == 400
    assert curator.get(f"/admin/duplicates?after={form['image_a']}-{form['image_b']}").status_code == 200


def test_encoders_are_shown(as_role, database):
    page = as_role("curator").get("/admin/encoders").text
    assert "lite" in page
    assert re.search(r"<dt>Descriptors</dt><dd>2</dd>", page)
    assert re.search(r"<dt>Still to be described</dt><dd>0</dd>", page)
    with database.session() as session:
        session.execute(text("UPDATE encoder SET status = 'retired', serving = false"))
    assert "Retired" in as_role("curator").get("/admin/encoders").text


def test_the_log_tells_what_was_done_and_is_searched(admin, send):
    page = "/admin/collections/toys"
    send(admin, page, version=version(admin, page), title="<b>Toys", visibility="staff")
    log = admin.get("/admin/audit").text
    assert "collection.visibility" in log
    assert "Admin &lt;admin@example.org&gt;" in log
    assert "everybody → staff" in log
    assert "&lt;b&gt;Toys" in log
    assert "collection.visibility" in admin.get("/admin/audit?subject=collection:toys").text
    assert "collection.visibility" not in admin.get("/admin/audit?action=session").text
    assert "Nothing like that" in admin.get("/admin/audit?actor=nobody%25").text
    assert admin.get("/admin/audit?before=x").status_code == 400
    assert admin.get("/admin/audit?before=1").status_code == 200


def test_the_log_is_shown_page_by_page(admin, monkeypatch):
    from web.admin import audit

    monkeypatch.setattr(audit, "PAGE_EVENTS", 1)
    page = admin.get("/admin/audit").text
    following = unescape(re.search(r'href="([^"]+)">Earlier ones', page)[1])
    assert admin.get(following).status_code == 200
