"""Signing in, administration and withdrawals in a real browser: in light and dark, on a desk and on a phone, by keyboard."""

import re
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Page, expect
from sqlalchemy import text

from stylesearch.accounts.roles import Role
from stylesearch.accounts.tokens import make_token
from stylesearch.accounts.users import add_user
from stylesearch.catalog.access import Access
from stylesearch.catalog.collections import set_visibility

pytestmark = pytest.mark.browser

PASSWORD = "four quiet herons wade"


@pytest.fixture
def staffed(archive_environment, run_command, tmp_path: Path):
    """An archive with an administrator and a viewer, something in quarantine, and two pictures that look alike."""
    archive = archive_environment
    folder = tmp_path / "taken"
    folder.mkdir()
    (folder / f"{'long name ' * 12}.png").write_bytes(b"only words")
    picture = Image.new("RGB", (320, 240), (200, 9, 9))
    picture.paste((20, 20, 220), (40, 25, 200, 150))
    picture.save(folder / "alike one.png")
    picture.putpixel((0, 0), (201, 9, 9))
    picture.save(folder / "alike two.png")
    assert run_command("ingest", "folder", folder, "--collection", "taken", "--inline").code == 0
    with archive.database.session() as session:
        admin = add_user(
            session, email="admin@example.org", name="Ada Min", role=Role.ADMIN, password=PASSWORD
        )
        add_user(session, email="viewer@example.org", name="Vic Viewer", role=Role.VIEWER, password=PASSWORD)
        make_token(session, admin, label="Harvester", scopes=["read", "ingest"], days=90)
        work = session.execute(text("SELECT min(id) FROM work")).scalar_one()
        session.execute(
            text(
                "INSERT INTO withdrawal_request (public_id, work_id, address, ground, name, email, statement)"
                " VALUES ('known', :work, :address, 'rights', 'Ann Artist', 'ann@artist.example',"
                " 'I drew it in 1990, and nobody asked me. ' || repeat('Averylongwordwithoutanyspace', 8))"
            ),
            {"work": work, "address": f"http://127.0.0.1/works/{work}"},
        )
    return archive


def enter(page: Page, email: str = "admin@example.org") -> None:
    page.goto("/login")
    page.get_by_label("E-mail address").fill(email)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("button", name="Sign out")).to_be_visible()


def test_every_page_is_accessible_and_fits(
    size: str, scheme: str, staffed, open_page, check_page, screenshots: Path
) -> None:
    page = open_page("/login", size=size, color_scheme=scheme)

    def look(name: str, address: str | None = None) -> None:
        if address is not None:
            page.goto(address)
        page.wait_for_load_state("networkidle")
        check_page(page)
        page.screenshot(path=screenshots / f"{name}-{size}-{scheme}.png", full_page=True)

    with staffed.database.session() as session:
        run_id = session.execute(text("SELECT max(id) FROM ingest_run")).scalar_one()
        work = session.execute(text("SELECT max(id) FROM work")).scalar_one()
    look("login")
    look("login-wanted", "/admin/users")
    look("withdraw", f"/withdrawals?work={work}")
    look("withdraw-followed", "/withdrawals/known")
    enter(page)
    look("account", "/account")
    for name, address in (
        ("admin", "/admin"),
        ("admin-runs", "/admin/runs"),
        ("admin-run", f"/admin/runs/{run_id}"),
        ("admin-errors", f"/admin/runs/{run_id}/errors"),
        ("admin-duplicates", "/admin/duplicates"),
        ("admin-withdrawals", "/admin/withdrawals"),
        ("admin-withdrawal", "/admin/withdrawals/1"),
        ("admin-encoders", "/admin/encoders"),
        ("admin-collections", "/admin/collections"),
        ("admin-collection", "/admin/collections/taken"),
        ("admin-users", "/admin/users"),
        ("admin-user", "/admin/users/1"),
        ("admin-tokens", "/admin/tokens"),
        ("admin-audit", "/admin/audit"),
        ("admin-denied", "/admin/nothing"),
    ):
        look(name, address)
    page.goto("/admin/duplicates")
    judging = page.get_by_role("button", name="The same picture")
    for left in range(judging.count(), 0, -1):
        judging.first.click()
        expect(judging).to_have_count(left - 1)
    look("admin-duplicates-none")
    look("admin-verdicts", "/admin/duplicates/judged")
    page.goto("/admin/users")
    page.get_by_label("E-mail address").fill("new@example.org")
    page.get_by_label("Name", exact=True).fill("New")
    page.get_by_role("button", name="Add").click()
    look("admin-invited")
    link = page.locator("#link").inner_text()
    page.get_by_role("button", name="Sign out").click()
    look("invitation", link)


def test_progress_is_shown_without_loading_the_page_again(staffed, open_page) -> None:
    page = open_page()
    enter(page)
    with staffed.database.session() as session:
        run_id = session.execute(text("SELECT max(id) FROM ingest_run")).scalar_one()
    page.goto(f"/admin/runs/{run_id}")
    page.get_by_role("button", name="Try all again").click()
    expect(page.get_by_text("1 are still open")).to_be_visible()
    page.evaluate("window.still = true")
    with staffed.database.session() as session:
        session.execute(
            text(
                "UPDATE ingest_item SET state = 'quarantined', error_code = 'x', error_text = 'x' WHERE state = 'pending'"
            )
        )
        session.execute(text("UPDATE ingest_run SET state = 'finished', finished_at = now()"))
    expect(page.get_by_text("Finished at")).to_be_visible(timeout=30_000)
    expect(page.locator("[data-live-note]")).to_contain_text("Nothing moves")
    assert page.evaluate("window.still")


def test_administration_without_javascript(staffed, open_page) -> None:
    page = open_page(java_script_enabled=False)
    enter(page)
    with staffed.database.session() as session:
        run_id = session.execute(text("SELECT max(id) FROM ingest_run")).scalar_one()
    page.goto(f"/admin/runs/{run_id}")
    page.get_by_role("button", name="Try all again").click()
    expect(page.get_by_text("1 are still open")).to_be_visible()
    page.get_by_role("link", name="Count again").click()
    expect(page.get_by_role("heading", name=f"Run {run_id}")).to_be_visible()
    page.goto("/admin/collections/taken")
    page.get_by_label("The staff: curators").check()
    page.get_by_role("button", name="Change").click()
    expect(page.get_by_role("status")).to_contain_text("The collection is changed")


def tab_to(page: Page, words: str) -> None:
    for _ in range(120):
        page.keyboard.press("Tab")
        shown = page.evaluate(
            "document.activeElement.matches('a, button, input, textarea, select') ? [document.activeElement.textContent,"
            " document.activeElement.labels?.[0]?.textContent, document.activeElement.value].filter(Boolean).join(' | ') : ''"
        )
        if words in shown:
            assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") != "none"
            return
    raise AssertionError(f"{words} cannot be reached by keyboard")


def test_a_withdrawal_from_end_to_end_by_keyboard_alone(staffed, open_page) -> None:
    visitor = open_page()
    with staffed.database.session() as session:
        work = session.execute(text("SELECT max(id) FROM work")).scalar_one()
    assert visitor.goto(f"/works/{work}").status == 200
    visitor.goto(f"/withdrawals?work={work}")
    tab_to(visitor, "I hold the rights")
    visitor.keyboard.press("Space")
    tab_to(visitor, "In your words")
    visitor.keyboard.type("It is mine.")
    visitor.keyboard.press("Tab")
    visitor.keyboard.type("Ann Artist")
    visitor.keyboard.press("Tab")
    visitor.keyboard.type("ann@artist.example")
    visitor.keyboard.press("Enter")
    visitor.wait_for_url(re.compile(r"/withdrawals/[\w-]{20,}"))
    expect(visitor.locator("main")).to_contain_text("waits for a person")
    assert visitor.goto(f"/works/{work}").status == 200
    visitor.go_back()

    admin = open_page("/admin/withdrawals")
    tab_to(admin, "E-mail address")
    admin.keyboard.type("admin@example.org")
    admin.keyboard.press("Tab")
    admin.keyboard.type(PASSWORD)
    admin.keyboard.press("Enter")
    expect(admin.get_by_role("heading", name="Withdrawals")).to_be_visible()
    tab_to(admin, "Request 2")
    admin.keyboard.press("Enter")
    admin.wait_for_url("**/admin/withdrawals/2")
    tab_to(admin, "Withdraw the work")
    admin.keyboard.press("Enter")
    expect(admin.get_by_role("status")).to_contain_text("The work is withdrawn")

    visitor.reload()
    expect(visitor.locator("main")).to_contain_text("The work has been withdrawn")
    assert visitor.goto(f"/works/{work}").status == 404


def test_roles_see_what_they_are_for(staffed, open_page) -> None:
    with staffed.database.session() as session:
        set_visibility(session, "taken", Access.VIEWERS)
        work = session.execute(text("SELECT max(id) FROM work")).scalar_one()
    page = open_page()
    assert page.goto(f"/works/{work}").status == 404
    enter(page, "viewer@example.org")
    assert page.goto(f"/works/{work}").status == 200
    expect(page.get_by_role("link", name="Administration")).to_have_count(0)
    assert page.goto("/admin").status == 403
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("link", name="Sign in")).to_be_visible()
    assert page.goto(f"/works/{work}").status == 404


def test_what_was_typed_survives_a_sign_in_that_has_ended(staffed, open_page) -> None:
    page = open_page()
    enter(page)
    page.goto("/admin/collections/taken")
    page.get_by_label("Title").fill("A title that took thought")
    with staffed.database.session() as session:
        session.execute(text("DELETE FROM login_session"))
    page.get_by_role("button", name="Change").click()
    expect(page.locator("main")).to_contain_text("What you typed is kept")
    page.get_by_label("E-mail address").fill("admin@example.org")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    expect(page.locator("main")).to_contain_text("A title that took thought")
    page.get_by_role("button", name="Send it now").click()
    expect(page.get_by_role("status")).to_contain_text("The collection is changed")
    expect(page.locator("main")).to_contain_text("A title that took thought")
