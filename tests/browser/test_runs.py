"""What went into quarantine, seen and tried again from the portal's own machine."""

from pathlib import Path

import pytest
from axe_core_python.sync_playwright import Axe
from playwright.sync_api import Browser, expect

pytestmark = pytest.mark.browser


@pytest.fixture
def wanted(archive_environment, run_command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An archive whose last run has something in quarantine, and a setting that wants runs to be shown."""
    monkeypatch.setenv("STYLESEARCH_WEB_RUNS", "true")
    folder = tmp_path / "taken"
    folder.mkdir()
    (folder / f"{'long name ' * 12}.png").write_bytes(b"only words")
    assert run_command("ingest", "folder", folder, "--collection", "taken", "--inline").code == 0


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(("name", "width"), [("desktop", 1440), ("phone", 390)])
def test_runs(
    name: str, width: int, scheme: str, wanted, portal: str, browser: Browser, screenshots: Path
) -> None:
    context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)
    page = context.new_page()

    def look(what: str) -> None:
        assert [violation["id"] for violation in Axe().run(page)["violations"]] == []
        assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
        page.screenshot(path=screenshots / f"{what}-{name}-{scheme}.png", full_page=True)

    page.goto(f"{portal}/runs")
    look("runs")
    page.locator("tbody a").first.click()
    expect(page.get_by_role("heading", name="Quarantine")).to_be_visible()
    expect(page.locator("main")).to_contain_text("image_unreadable")
    look("run")
    page.get_by_role("button", name="Try again").click()
    expect(page.get_by_role("status")).to_contain_text("1 are still open")
    look("run-open")
    context.close()
