"""A real browser, and pages of a portal in it: a test or its folder says which, by a fixture ``portal``."""

import os
import shutil
from collections.abc import Callable, Iterator

import pytest
from axe_core_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, sync_playwright

CHROMIUM_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
ARGUMENTS = [
    "--no-sandbox",  # Chromium's own sandbox does not run under root
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]

SIZES = {"desktop": (1440, 900), "phone": (390, 844)}


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    path = next(filter(None, map(shutil.which, CHROMIUM_NAMES)), None)
    if path is None:
        assert not os.environ.get("CI"), "CI must have Chromium"
        pytest.skip("needs Chromium: apt-get install chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def open_page(browser: Browser, portal: str) -> Iterator[Callable[..., Page]]:
    """Opens a page of the portal, as somebody new, and holds it to having no error of a script and asking nobody else."""
    wrong: list[str] = []
    contexts = []

    def go(address: str = "/", *, size: str = "desktop", **options) -> Page:
        width, height = SIZES[size]
        context = browser.new_context(
            base_url=portal, viewport={"width": width, "height": height}, reduced_motion="reduce", **options
        )
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on("console", lambda told: wrong.append(told.text) if "Security Policy" in told.text else None)
        page.on(
            "request",
            lambda request: (
                None if request.url.startswith((portal, "data:", "blob:")) else wrong.append(request.url)
            ),
        )
        page.goto(address)
        return page

    yield go
    for context in contexts:
        context.close()
    assert wrong == []


@pytest.fixture(scope="session")
def check_page() -> Callable[[Page], None]:
    """Holds a page to be accessible, and to fit its window in width."""

    def check(page: Page) -> None:
        found = Axe().run(page)
        assert [(one["id"], one["nodes"][0]["html"]) for one in found["violations"]] == [], page.url
        assert page.evaluate(
            "document.documentElement.scrollWidth <= document.documentElement.clientWidth"
        ), page.url

    return check
