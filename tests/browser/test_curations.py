"""Tags and copies of a style-tagged set, reviewed by a curator."""

from pathlib import Path

import pytest
from axe_core_python.sync_playwright import Axe
from playwright.sync_api import Browser, expect
from sqlalchemy import text

from stylesearch.accounts.roles import Role
from stylesearch.accounts.users import add_user
from stylesearch.catalog.curations import ensure_curation
from stylesearch.curation.verdicts import keep_pairs, keep_tags

pytestmark = pytest.mark.browser

PASSWORD = "four quiet herons wade"
SIZES = {"desktop": (1440, 900), "phone": (390, 844)}


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


def test_review(size: str, scheme: str, wanted, portal: str, browser: Browser, screenshots: Path) -> None:
    width, height = SIZES[size]
    context = browser.new_context(viewport={"width": width, "height": height}, color_scheme=scheme)
    page = context.new_page()

    def look(what: str) -> None:
        assert [violation["id"] for violation in Axe().run(page)["violations"]] == []
        assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
        page.screenshot(path=screenshots / f"{what}-{size}-{scheme}.png", full_page=True)

    page.goto(f"{portal}/login")
    page.get_by_label("E-mail address").fill("curator@example.org")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.goto(f"{portal}/admin/curations")
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
    context.close()
