"""A visitor's way through the portal: upload, filter, a work, a report."""

import re
from pathlib import Path

import pytest
from axe_core_python.sync_playwright import Axe
from PIL import Image
from playwright.sync_api import Browser, Page, expect

from stylesearch.images.decode import decode

pytestmark = pytest.mark.browser

SIZES = {"desktop": (1440, 900), "phone": (390, 844)}


@pytest.fixture
def portal(portal_of_command: str) -> str:
    """As visitors have it."""
    return portal_of_command


@pytest.fixture
def picture(archive, tmp_path: Path) -> Path:
    """A PNG of one of the archive's SVG drawings."""
    drawing = archive.folder / "woodcut" / "cat.svg"
    if not drawing.exists():
        drawing = min((archive.folder / "woodcut").glob("*.svg"))
    pixels = decode(drawing.read_bytes(), max_bytes=10**7, max_pixels=10**7, shortest_side=600).pixels
    path = tmp_path / "query.png"
    Image.fromarray(pixels).save(path)
    return path


def assert_accessible(page: Page) -> None:
    found = Axe().run(page)
    assert [violation["id"] for violation in found["violations"]] == []


def assert_fits(page: Page) -> None:
    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")


def see(page: Page, path: Path) -> None:
    """Have every lazy picture loaded, then take a screenshot."""
    page.evaluate("document.querySelectorAll('img').forEach(image => { image.loading = 'eager' })")
    page.wait_for_load_state("networkidle")
    page.screenshot(path=path)


def test_journey(
    size: str, scheme: str, browser: Browser, portal: str, picture: Path, screenshots: Path
) -> None:
    width, height = SIZES[size]
    context = browser.new_context(viewport={"width": width, "height": height}, color_scheme=scheme)
    page = context.new_page()
    foreign: list[str] = []
    page.on(
        "request",
        lambda request: (
            foreign.append(request.url) if not request.url.startswith((portal, "data:", "blob:")) else None
        ),
    )
    broken: list[str] = []
    page.on("pageerror", lambda error: broken.append(str(error)))

    def look(name: str) -> None:
        assert_accessible(page)
        assert_fits(page)
        see(page, screenshots / f"{name}-{size}-{scheme}.png")

    page.goto(portal)
    look("home")

    page.set_input_files("input[type=file]", picture)
    page.wait_for_url("**/search?image=*")  # a chosen file is sent at once
    look("results")

    if size == "phone":
        page.get_by_text("Filters", exact=True).click()
    page.get_by_label("Openly licensed").check()
    page.get_by_role("button", name="Apply").click()
    page.wait_for_url("**q=reuse%3Aopen*")
    expect(page.locator("main")).to_contain_text(re.compile("openly licensed", re.IGNORECASE))
    badges = page.locator("main li").filter(has_text="More like this")
    assert badges.count() > 0
    assert all("Open" in text for text in badges.all_inner_texts())
    shared = page.url
    look("filtered")

    page.locator("main li a[href^='/works/']").first.click()
    page.wait_for_url("**/works/*")
    look("work")
    page.go_back()
    assert page.url == shared

    page.get_by_role("button", name="Make an attribution report").click()
    page.wait_for_url("**/reports/*")
    expect(page.get_by_role("heading", name="Whose style does this image resemble?")).to_be_visible()
    expect(page.locator("body")).to_contain_text(
        "not evidence of training use, copying, authorship or infringement"
    )
    look("report")

    assert foreign == []
    assert broken == []
    context.close()


def test_keyboard_alone(browser: Browser, portal: str, picture: Path) -> None:
    context = browser.new_context(viewport={"width": 1440, "height": 900}, reduced_motion="reduce")
    page = context.new_page()
    page.goto(portal)
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent.trim()").lower().startswith("skip")
    page.locator("input[type=file]").focus()
    page.set_input_files("input[type=file]", picture)
    page.wait_for_url("**/search?image=*")
    for _ in range(200):
        page.keyboard.press("Tab")
        if (page.evaluate("document.activeElement.getAttribute('href')") or "").startswith("/works/"):
            break
    outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
    assert outline != "none", "what has the focus cannot be seen"
    page.keyboard.press("Enter")
    page.wait_for_url("**/works/*")
    context.close()


def test_without_javascript(browser: Browser, portal: str, picture: Path) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(portal)
    page.set_input_files("input[type=file]", picture)
    page.get_by_role("button", name="Find its style").click()
    page.get_by_label("Openly licensed").check()
    page.get_by_role("button", name="Apply").click()
    assert "q=reuse%3Aopen" in page.url
    page.get_by_role("button", name="Make an attribution report").click()
    expect(page.get_by_role("heading", name="Whose style does this image resemble?")).to_be_visible()
    context.close()
