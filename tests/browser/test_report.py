"""A report in a real browser: readable in light and dark, in print, by keyboard and by screen readers."""

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Browser

from stylesearch.attribution.calibrating import calibrate_gallery
from stylesearch.attribution.model_study import Generated, study
from stylesearch.attribution.overview import FAILED, OUTCOME_LABELS, Line, failed, overview_files
from stylesearch.attribution.render import render_html
from stylesearch.attribution.report import ReportMaker
from stylesearch.attribution.study_files import write_study
from stylesearch.attribution.sure_works import sure_works
from stylesearch.catalog import encoders
from stylesearch.encoders.protocol import EncoderSpec
from stylesearch.images.decode import decode
from stylesearch.images.store import open_store
from stylesearch.search.service import StyleSearch

pytestmark = pytest.mark.browser


@pytest.fixture
def page_file(archive, tmp_path: Path) -> Path:
    """A calibrated report on a near copy."""
    calibrate_gallery(archive.database, lambda session: encoders.active(session, "lite"), check=False)
    drawing = min(archive.folder.rglob("*.svg"))
    pixels = decode(drawing.read_bytes(), max_bytes=10**8, max_pixels=10**8, shortest_side=500).pixels
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    store = open_store(archive.settings)
    maker = ReportMaker(StyleSearch(archive.database, archive.settings), store)
    path = tmp_path / "report.html"
    path.write_text(render_html(maker.make(buffer.getvalue(), name="copy.png").view, store), encoding="utf-8")
    return path


@pytest.mark.parametrize("look", [{"scheme": "light"}, {"scheme": "dark"}, {"media": "print"}])
@pytest.mark.parametrize("size", [(1280, 900), (390, 844)])
def test_a_report_is_accessible_and_fits(
    browser: Browser, check_page, page_file: Path, screenshots: Path, look, size
) -> None:
    context = browser.new_context(
        viewport={"width": size[0], "height": size[1]}, color_scheme=look.get("scheme", "light"), offline=True
    )
    page = context.new_page()
    broken: list[str] = []
    page.on("pageerror", lambda error: broken.append(str(error)))
    page.goto(page_file.as_uri())
    page.emulate_media(media=look.get("media", "screen"), color_scheme=look.get("scheme", "light"))
    check_page(page)
    assert page.evaluate("[...document.images].every(image => image.complete && image.naturalWidth > 0)")
    assert page.locator("h2").all_inner_texts()[1:4] == [
        "What the file says of itself", "Copies in the archive", "Resemblance of style",
    ]  # fmt: skip
    assert page.locator("figure svg").count() == 1
    assert broken == []
    name = f"report-{size[0]}-{'-'.join(look.values())}.png"
    page.screenshot(path=screenshots / name, full_page=True)
    context.close()


@pytest.mark.parametrize("look", [{"scheme": "light"}, {"scheme": "dark"}, {"media": "print"}])
@pytest.mark.parametrize("size", [(1280, 900), (390, 844)])
def test_an_overview_is_accessible_and_fits(
    browser: Browser, check_page, tmp_path: Path, screenshots: Path, look, size
) -> None:
    lines = [
        Line(
            f"folder/picture-{number}.png", "x", "00001.report.html", outcome, ("Ann", "Bo")[: number % 3],
            "In style the image resembles no artist's works here more than works by others do.", "valid", 1, 2,
            "Creative Commons Attribution 4.0", "open",
        )
        for number, outcome in enumerate(set(OUTCOME_LABELS) - {FAILED})
    ]  # fmt: skip
    files = overview_files(
        [*lines, failed("a-very-long-name-without-any-space" * 3, "The file is not an image.")]
    )
    path = tmp_path / "overview.html"
    path.write_bytes(files["overview.html"])
    page = browser.new_page(
        color_scheme=look.get("scheme", "light"), viewport={"width": size[0], "height": size[1]}
    )
    page.goto(path.as_uri())
    page.emulate_media(media=look.get("media", "screen"), color_scheme=look.get("scheme", "light"))
    check_page(page)
    page.screenshot(path=screenshots / f"overview-{size[0]}-{'-'.join(look.values())}.png", full_page=True)
    page.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_study_is_accessible_and_its_table_sorts(
    browser: Browser, check_page, tmp_path: Path, screenshots: Path, scheme
) -> None:
    dice = np.random.default_rng(0)
    rows = dice.normal(size=(90, 16))
    names = [f"artist {number}" for number in range(3) for _ in range(10)]
    works = sure_works(rows[:30], [frozenset([name]) for name in names], np.arange(30))
    generated = [
        Generated(f"{n}.png", names[n] if n < 30 else None, kind="simple" if n % 2 else "content")
        for n in range(60)
    ]
    found = study(generated, rows[30:], works)
    spec = EncoderSpec("lite", 16, "0" * 64, "none", "CC0-1.0")
    write_study(tmp_path, found, generated, spec, lambda one: None, lambda artist: [])
    page = browser.new_page(color_scheme=scheme, viewport={"width": 1280, "height": 900})
    page.goto((tmp_path / "study.html").as_uri())
    check_page(page)
    names_shown = page.locator("#artists tbody th")
    assert names_shown.all_inner_texts() == [one.artist for one in found.artists]
    page.get_by_role("button", name="Artist").click()
    assert names_shown.all_inner_texts() == ["artist 2", "artist 1", "artist 0"]
    page.keyboard.press("Enter")
    assert names_shown.all_inner_texts() == ["artist 0", "artist 1", "artist 2"]
    page.screenshot(path=screenshots / f"study-{scheme}.png", full_page=True)
    page.close()
