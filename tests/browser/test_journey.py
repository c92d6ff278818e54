"""A visitor's way through the portal: upload, filter, a work, a report."""

import re
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from stylesearch.images.decode import decode

pytestmark = pytest.mark.browser


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


def see(page: Page, path: Path) -> None:
    """Have every lazy picture loaded, then take a screenshot."""
    page.evaluate("document.querySelectorAll('img').forEach(image => { image.loading = 'eager' })")
    page.wait_for_load_state("networkidle")
    page.screenshot(path=path)


def test_journey(size: str, scheme: str, open_page, check_page, picture: Path, screenshots: Path) -> None:
    page = open_page(size=size, color_scheme=scheme)

    def look(name: str) -> None:
        check_page(page)
        see(page, screenshots / f"{name}-{size}-{scheme}.png")

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


def test_keyboard_alone(open_page, picture: Path) -> None:
    page = open_page()
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


def test_without_javascript(open_page, picture: Path) -> None:
    page = open_page(java_script_enabled=False)
    page.set_input_files("input[type=file]", picture)
    page.get_by_role("button", name="Find its style").click()
    page.get_by_label("Openly licensed").check()
    page.get_by_role("button", name="Apply").click()
    assert "q=reuse%3Aopen" in page.url
    page.get_by_role("button", name="Make an attribution report").click()
    expect(page.get_by_role("heading", name="Whose style does this image resemble?")).to_be_visible()
