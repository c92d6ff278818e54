"""Who may ask for what: every address of the portal, for every role, and for collections of every visibility.

The table is made from the addresses that the application has. One that has no line in :data:`ROUTES` makes a test fail:
whoever adds an address says whom it is for.
"""

import io
import re
from dataclasses import dataclass
from itertools import product

import pytest
from flask import Flask
from sqlalchemy import delete, select, text

from stylesearch.accounts.roles import SCOPES, Role
from stylesearch.accounts.tokens import make_token
from stylesearch.accounts.users import find_user
from stylesearch.catalog.access import Access
from stylesearch.catalog.artists import WorkArtist
from stylesearch.catalog.collections import set_visibility
from stylesearch.catalog.people import ApiToken
from stylesearch.catalog.works import Image as ImageRow
from stylesearch.catalog.works import Work
from web.app import create_app
from web.identity import demand_of
from web.media import PREVIEW_SIZE, QUERY_SIZES

VISITOR, VIEWER, CURATOR, ADMIN = Role
ALWAYS = "open"
"""For everybody, also where visitors are kept out."""


@dataclass(frozen=True)
class Row:
    """Whom an address is for.

    Attributes
    ----------
    least:
        The least role, or :data:`ALWAYS`.
    scope:
        The scope with which a token serves; ``None`` where none does.
    shows:
        Whether it shows a work, and so is there only for those who may see its collection.
    """

    least: Role | str
    scope: str | None = None
    shows: bool = False


@dataclass(frozen=True)
class Subject:
    """A work, its artist, and the digest of its image."""

    work: int
    artist: int
    digest: str


READ = Row(VISITOR, "read")
ROUTES: dict[str, Row] = {
    "static": Row(ALWAYS),
    "health.healthz": Row(ALWAYS),
    "metrics.show": Row(ALWAYS),
    "portal.home": READ,
    "portal.upload": READ,
    "portal.results": Row(VISITOR, "read", shows=True),
    "portal.work": Row(VISITOR, "read", shows=True),
    "portal.compare": READ,
    "portal.part": READ,
    "portal.suggest": READ,
    "artists.listed": READ,
    "artists.named": READ,
    "artists.shown": Row(VISITOR, "read", shows=True),
    "collections.listed": READ,
    "collections.shown": READ,
    "stylemap.show": READ,
    "stylemap.points": READ,
    "stylemap.works": READ,
    "iiif.base": READ,
    "iiif.info": Row(VISITOR, "read", shows=True),
    "iiif.part": Row(VISITOR, "read", shows=True),
    "preferences.choose": Row(ALWAYS),
    "media.thumbnails": Row(VISITOR, "read", shows=True),
    "media.small": Row(VISITOR, "read", shows=True),
    "media.previews": Row(VISITOR, "read", shows=True),
    "media.originals": Row(VISITOR, "read", shows=True),
    "media.queries": READ,
    "reports.listed": READ,
    "reports.find": READ,
    "reports.verify": READ,
    "reports.make": Row(VISITOR, "report"),
    "reports.show": READ,
    "reports.download": READ,
    "reports.signature": READ,
    "reports.as_pdf": READ,
    "reports.keys": READ,
    "reports.schema": READ,
    "withdrawals.ask": Row(ALWAYS),
    "withdrawals.asked": Row(ALWAYS),
    "withdrawals.followed": Row(ALWAYS),
    "sign_in.form": Row(ALWAYS),
    "sign_in.enter": Row(ALWAYS),
    "sign_in.leave": Row(ALWAYS),
    "sign_in.invitation": Row(ALWAYS),
    "sign_in.accept": Row(ALWAYS),
    "openid.start": Row(ALWAYS),
    "openid.back": Row(ALWAYS),
    "account.shown": Row(VIEWER),
    "account.password": Row(VIEWER),
    "account.end": Row(VIEWER),
    "account.end_others": Row(VIEWER),
    "account.make": Row(VIEWER),
    "account.revoke": Row(VIEWER),
    "admin.overview": Row(CURATOR),
    "admin.runs": Row(CURATOR),
    "admin.runs_progress": Row(CURATOR),
    "admin.run": Row(CURATOR),
    "admin.run_progress": Row(CURATOR),
    "admin.run_errors": Row(CURATOR),
    "admin.run_errors_csv": Row(CURATOR),
    "admin.run_retry": Row(CURATOR),
    "admin.duplicates": Row(CURATOR),
    "admin.duplicates_judged": Row(CURATOR),
    "admin.duplicates_judge": Row(CURATOR),
    "admin.encoders": Row(CURATOR),
    "admin.collections": Row(CURATOR),
    "admin.collection": Row(ADMIN),
    "admin.collection_change": Row(ADMIN),
    "admin.withdrawals": Row(CURATOR),
    "admin.withdrawal": Row(CURATOR),
    "admin.withdrawal_concern": Row(CURATOR),
    "admin.withdrawal_decide": Row(CURATOR),
    "admin.users": Row(ADMIN),
    "admin.users_add": Row(ADMIN),
    "admin.user": Row(ADMIN),
    "admin.user_change": Row(ADMIN),
    "admin.user_invite": Row(ADMIN),
    "admin.tokens": Row(ADMIN),
    "admin.token_revoke": Row(ADMIN),
    "admin.audit": Row(ADMIN),
    "admin.curations": Row(CURATOR),
    "admin.curation_tags": Row(CURATOR),
    "admin.curation_judge_tag": Row(CURATOR),
    "admin.curation_copies": Row(CURATOR),
    "admin.curation_judge_copies": Row(CURATOR),
    "api.search_by_address": READ,
    "api.search_by_body": READ,
    "api.take_file": READ,
    "api.list_all_works": READ,
    "api.read_work": Row(VISITOR, "read", shows=True),
    "api.list_artists": READ,
    "api.read_artist": READ,
    "api.list_collections": READ,
    "api.read_collection": READ,
    "api.change_one_collection": Row(ADMIN, "admin"),
    "api.list_reports": Row(ADMIN, "admin"),
    "api.make_report": Row(VISITOR, "report"),
    "api.check_report": Row(VISITOR, "report"),
    "api.read_report_schema": Row(ALWAYS),
    "api.read_report": READ,
    "api.read_signature": READ,
    "api.read_report_html": READ,
    "api.read_report_pdf": READ,
    "api.list_runs": Row(CURATOR, "ingest"),
    "api.begin_run": Row(CURATOR, "ingest"),
    "api.read_run": Row(CURATOR, "ingest"),
    "api.list_items": Row(CURATOR, "ingest"),
    "api.retry_run": Row(CURATOR, "ingest"),
    "api.read_manifest": Row(VISITOR, "read", shows=True),
    "api.search_manifests": READ,
    "api.list_work_manifests": READ,
    "api.list_manifests": READ,
    "api.harvest": READ,
    "api.harvest_by_form": READ,
    "api.read_index": Row(ALWAYS),
    "api.read_description": Row(ALWAYS),
}

REFUSED = (401, 403)


@pytest.fixture
def closed(archive) -> Flask:
    return create_app(archive.settings.model_copy(update={"web_visitors": False}))


@pytest.fixture
def subject(archive) -> Subject:
    """A work."""
    with archive.database.session() as session:
        row = session.execute(
            select(Work.id, WorkArtist.artist_id, ImageRow.sha256)
            .join(ImageRow, ImageRow.work_id == Work.id)
            .join(WorkArtist, WorkArtist.work_id == Work.id)
            .order_by(Work.id)
        ).first()
    assert row is not None
    return Subject(row.id, row.artist_id, bytes(row.sha256).hex())


def addresses(app: Flask, subject: Subject) -> list[tuple[str, str, str]]:
    """Return endpoint, method and address of everything that the application answers."""
    values = {"digest": subject.digest, "work_id": subject.work, "artist_id": subject.artist, "number": 999_999,
              "run_id": 999_999, "slug": "none", "filename": "style.css", "region": "full", "size": "64,",
              "rotation": "0", "quality": "default"}  # fmt: skip
    of_previews = {"size": PREVIEW_SIZE, "kind": "webp"}
    found = []
    with app.test_request_context():
        adapter = app.create_url_adapter(None) or app.url_map.bind("localhost")
        for rule in app.url_map.iter_rules():
            own = {
                "iiif.part": {"kind": "jpg"},
                "media.previews": of_previews,
                "media.queries": {"size": QUERY_SIZES[0]},
            }
            known = values | own.get(rule.endpoint, {})
            filled = {name: known.get(name, "none") for name in rule.arguments}
            url = adapter.build(rule.endpoint, filled, method=next(iter(rule.methods - {"HEAD", "OPTIONS"})))
            if rule.endpoint == "portal.results":
                url += f"?work={subject.work}"
            found += [(rule.endpoint, method, url) for method in sorted(rule.methods - {"HEAD", "OPTIONS"})]
    return found


def test_every_address_has_a_line_and_no_line_is_left_over(app):
    endpoints = {rule.endpoint for rule in app.url_map.iter_rules()}
    assert endpoints - set(ROUTES) == set(), "say in ROUTES whom the new address is for"
    assert set(ROUTES) - endpoints == set()


def test_the_lines_say_what_the_views_demand(app):
    for endpoint, row in ROUTES.items():
        if endpoint == "static":
            continue
        demand = demand_of(app.view_functions[endpoint])
        told = Row(ALWAYS) if demand.open else Row(demand.role, demand.scope, row.shows)
        assert (told.least, told.scope) == (row.least, row.scope), endpoint


def may(row: Row, role: Role, *, visitors: bool) -> bool:
    if row.least == ALWAYS:
        return True
    least = VIEWER if row.least is VISITOR and not visitors else Role(row.least)
    return role.covers(least)


@pytest.mark.parametrize(("role", "visitors"), list(product(Role, (True, False))))
def test_each_role_is_let_through_where_its_line_says_so(app, closed, sign_in, subject, role, visitors):
    """A form without its token goes no further than that: 400 says that the role would have been enough."""
    portal = app if visitors else closed
    for endpoint, method, url in addresses(portal, subject):
        client = sign_in(portal.test_client(), role.value)
        answer = client.open(url, method=method)
        let_through = answer.status_code not in REFUSED
        expected = may(ROUTES[endpoint], role, visitors=visitors)
        assert let_through == expected, (endpoint, method, url, answer.status_code)
        if not let_through:
            assert answer.status_code == (401 if role is VISITOR else 403), (endpoint, url)
        assert answer.status_code < 500, (endpoint, url, answer.text)
        answer.close()


@pytest.mark.parametrize("scope", list(SCOPES))
def test_a_token_serves_where_its_scope_says_so(app, archive, as_role, subject, scope):
    as_role("admin")
    with archive.database.session() as session:
        user = find_user(session, "admin@example.org")
        _, token = make_token(session, user, label="Matrix", scopes=[scope], days=1)
    headers = {"Authorization": f"Bearer {token}"}
    try:
        for endpoint, method, url in addresses(app, subject):
            if endpoint in ("reports.make", "portal.upload") and method == "POST":
                data = {"image": (io.BytesIO(b"no image"), "x.png")} if endpoint == "portal.upload" else {}
            else:
                data = {}
            answer = app.test_client().open(url, method=method, headers=headers, data=data)
            row = ROUTES[endpoint]
            if endpoint == "sign_in.enter":
                continue  # says 401 itself, of a password that is none
            expected = row.least == ALWAYS or row.scope == scope
            assert (answer.status_code not in REFUSED) == expected, (endpoint, method, answer.status_code)
            answer.close()
    finally:
        with archive.database.session() as session:
            session.execute(delete(ApiToken).where(ApiToken.label == "Matrix"))


SEES = {
    VISITOR: {Access.EVERYBODY},
    VIEWER: {Access.EVERYBODY, Access.VIEWERS},
    CURATOR: set(Access),
    ADMIN: set(Access),
}


@pytest.mark.parametrize("visibility", list(Access))
def test_a_collection_is_seen_by_those_whom_it_is_for(app, archive, sign_in, subject, visibility):
    """Everything that shows a work is there for those who may see it, and is not there at all for others."""
    showing = [one for one in addresses(app, subject) if ROUTES[one[0]].shows]
    assert len(showing) >= 5
    with archive.database.session() as session:
        set_visibility(session, "drawn", visibility)
    try:
        for role in Role:
            client = sign_in(app.test_client(), role.value)
            expected = 200 if visibility in SEES[role] else 404
            for endpoint, method, url in showing:
                answer = client.open(url, method=method)
                assert answer.status_code == expected, (endpoint, role, answer.status_code)
            home = client.get("/").text
            assert ('href="/works/' in home) == (expected == 200), role
    finally:
        with archive.database.session() as session:
            set_visibility(session, "drawn", Access.EVERYBODY)


def test_a_hidden_collection_leaves_no_trace_beside_others(app, archive, sign_in, subject):
    """With half of the works in a collection for the staff, nobody else meets them: not in results, counts or names."""
    work = subject.work
    with archive.database.session() as session:
        session.execute(
            text("INSERT INTO collection (slug, title, visibility) VALUES ('vault', 'Vault', 'staff')")
        )
        vault = "(SELECT id FROM collection WHERE slug = 'vault')"
        moved = "(SELECT work_id FROM work_artist WHERE artist_id <> (SELECT artist_id FROM work_artist WHERE work_id = :work LIMIT 1))"
        session.execute(text("ALTER TABLE image DROP CONSTRAINT fk_image_work"))
        session.execute(text(f"UPDATE work SET collection_id = {vault} WHERE id IN {moved}"), {"work": work})
        session.execute(
            text(f"UPDATE image SET collection_id = {vault} WHERE work_id IN {moved}"), {"work": work}
        )
        hidden = {
            str(one) for one in session.scalars(text(f"SELECT id FROM work WHERE collection_id = {vault}"))
        }
        names = set(
            session.scalars(
                text(
                    f"SELECT name FROM artist JOIN work_artist ON artist_id = artist.id JOIN work ON work.id = work_id"
                    f" WHERE collection_id = {vault}"
                )
            )
        )
    assert hidden
    try:
        for role in (VISITOR, VIEWER):
            client = sign_in(app.test_client(), role.value)
            for address in ("/", f"/works/{work}", f"/search?work={work}&k=200"):
                page = client.get(address).text
                assert set(re.findall(r"/works/(\d+)", page)) & hidden == set(), (role, address)
                assert not [name for name in names if name in page], (role, address)
                assert "Vault" not in page
            for query in ("collection%3Avault",):
                assert client.get(f"/search?work={work}&q={query}").status_code == 404
        staff = sign_in(app.test_client(), "curator").get(f"/search?work={work}&k=200").text
        assert set(re.findall(r"/works/(\d+)", staff)) & hidden
    finally:
        with archive.database.session() as session:
            drawn = "(SELECT id FROM collection WHERE slug = 'drawn')"
            session.execute(text(f"UPDATE work SET collection_id = {drawn} WHERE collection_id = {vault}"))
            session.execute(text(f"UPDATE image SET collection_id = {drawn} WHERE collection_id = {vault}"))
            session.execute(text("DELETE FROM collection WHERE slug = 'vault'"))
            session.execute(
                text(
                    "ALTER TABLE image ADD CONSTRAINT fk_image_work FOREIGN KEY (work_id, collection_id)"
                    " REFERENCES work (id, collection_id) ON DELETE CASCADE"
                )
            )


def test_every_change_needs_a_form_of_ours(app, as_role, subject):
    """No address changes anything for a form that another site could have made."""
    client = as_role("admin")
    for endpoint, method, url in addresses(app, subject):
        if method == "POST":
            answer = client.post(url, headers={"Origin": "https://evil.example"})
            assert answer.status_code == 400, endpoint
            assert "does not belong to your visit" in answer.text, endpoint
