"""Tags and copies of a style-tagged set, reviewed by a curator."""

from pathlib import Path

import pytest
from playwright.sync_api import expect
from sqlalchemy import text

from stylesearch.accounts.roles import Role
from stylesearch.accounts.users import add_user
from stylesearch.catalog.curations import ensure_curation
from stylesearch.curation.verdicts import keep_pairs, keep_tags

pytestmark = pytest.mark.browser

PASSWORD = "four quiet herons wade"


@pytest.fixture
def wanted(archive_environment) -> None:
    """A set with tags and a group of copies to look at."""
    with archive_environment.database.session() as session:
        add_user(session, email="curator@example.org", name="Cora Cure", role=Role.CURATOR, password=PASSWORD)
        digests = [
            bytes(one) for one in session.scalars(text("SELECT sha256 FROM image ORDER BY sha256 LIMIT 3"))
        ]
        found = ensure_curation(session, "styles")
        rows = [
            ("rose", ["ambiguous"], []),
            ("alfonse mucha", [], ["alphonse mucha"]),
            ("alphonse mucha", [], ["alfonse mucha"]),
        ]
        keep_tags(
            session,
            found.id,
            [
                {"kind": "artist", "key": key, "name": key.title(), "flags": flags, "near": near, "captions": 1200, "images": 40,
                 "outcome": "held" if flags else "used"}
                for key, flags, near in rows
            ],
        )  # fmt: skip
        keep_pairs(
            session,
            found.id,
            [
                {"sha256_a": digests[0], "sha256_b": other, "score": 0.9, "kind": "copy", "component": 0}
                for other in digests[1:]
            ],
        )


def test_review(size: str, scheme: str, wanted, open_page, check_page, screenshots: Path) -> None:
    page = open_page("/login", size=size, color_scheme=scheme)

    def look(what: str) -> None:
        check_page(page)
        page.screenshot(path=screenshots / f"{what}-{size}-{scheme}.png", full_page=True)

    page.get_by_label("E-mail address").fill("curator@example.org")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.goto("/admin/curations")
    look("curations")
    page.get_by_role("link", name="3 tags of styles to look at").click()
    look("curation-tags")
    page.get_by_role("button", name="Drop : Rose").click()
    expect(page.locator("tbody tr")).to_have_count(2)
    page.get_by_role("button", name="The same : Alfonse Mucha").click()
    expect(page.locator("tbody tr")).to_have_count(1)
    page.get_by_role("link", name="Decided").click()
    expect(page.locator("main")).to_contain_text("the same as")
    look("curation-decided")
    page.get_by_role("link", name="Copies", exact=True).click()
    look("curation-copies")
    page.get_by_role("checkbox").first.check()
    page.get_by_role("button", name="The ticked are no copies").click()
    expect(page.locator("main")).to_contain_text("nothing to look at")
