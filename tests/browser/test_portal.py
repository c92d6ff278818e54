"""The portal's pages in a real browser: accessible in light and dark, on a phone, by keyboard alone, and without shifting."""

import re
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from stylesearch.attribution.calibrating import calibrate_gallery
from stylesearch.catalog import encoders
from stylesearch.images.decode import decode
from stylesearch.search import stylemap

pytestmark = [pytest.mark.browser, pytest.mark.usefixtures("mapped")]

PAGES = {
    "home": "/",
    "works": "/search?q=reuse:open",
    "results": "/search?work=1&work=2&unlike=work:7",
    "no-results": "/search?work=1&q=nothing-like-it",
    "part": "/part?work=1&of=work:1",
    "work": "/works/1",
    "compare": "/compare?a=work:1&b=work:8",
    "artists": "/artists",
    "artist": "/artists/1",
    "collections": "/collections",
    "collection": "/collections/drawn",
    "map": "/map?work=1",
    "reports": "/reports",
    "error": "/search?q=artits:x",
}


@pytest.fixture
def mapped(archive_environment):
    """An archive with a style map and a calibration."""
    database = archive_environment.database
    with database.session() as session:
        encoder = encoders.active(session, "lite")
    stylemap.build(database, encoder)
    calibrate_gallery(database, lambda session: encoders.active(session, "lite"), check=False)
    return archive_environment


@pytest.fixture
def picture(archive, tmp_path: Path) -> Path:
    drawing = min((archive.folder / "woodcut").glob("*.svg"))
    pixels = decode(drawing.read_bytes(), max_bytes=10**7, max_pixels=10**7, shortest_side=600).pixels
    path = tmp_path / "query.png"
    Image.fromarray(pixels).save(path)
    return path


def test_every_page_is_accessible_and_fits(
    open_page, check_page, screenshots: Path, size: str, scheme: str
) -> None:
    page = open_page(size=size, color_scheme=scheme)
    for name, address in PAGES.items():
        page.goto(address)
        page.evaluate("document.querySelectorAll('img').forEach(image => { image.loading = 'eager' })")
        page.wait_for_load_state("networkidle")
        check_page(page)
        page.screenshot(path=screenshots / f"{name}-{size}-{scheme}.png")
    page.goto("/works/1")
    page.get_by_role("button", name="Make a report").click()
    page.wait_for_url("**/reports/*")
    page.goto("/reports")
    expect(page.locator("tbody tr")).to_have_count(1)
    check_page(page)


def test_pages_fit_from_right_to_left_and_in_german(open_page, check_page) -> None:
    page = open_page(size="phone", locale="de-DE")
    for name, address in PAGES.items():
        page.goto(address)
        check_page(page)
        page.evaluate("document.documentElement.dir = 'rtl'")
        width = page.evaluate("[document.documentElement.scrollWidth, document.documentElement.clientWidth]")
        assert width[0] <= width[1], name
    assert page.locator("html").get_attribute("lang") == "de"


@pytest.mark.parametrize("size", ["desktop", "phone"])
def test_nothing_moves_while_a_page_comes_in_slowly(open_page, size: str) -> None:
    page = open_page(size=size)
    # So slow that pages are drawn before all of them has come.
    line = page.context.new_cdp_session(page)
    speed = {"downloadThroughput": 60 * 1024, "uploadThroughput": 60 * 1024, "latency": 20}
    line.send("Network.emulateNetworkConditions", {"offline": False, **speed})
    line.send("Emulation.setCPUThrottlingRate", {"rate": 4})
    page.add_init_script(
        "window.shifted = 0;"
        "new PerformanceObserver(list => { for (const one of list.getEntries()) window.shifted += one.value })"
        ".observe({ type: 'layout-shift', buffered: true })"
    )
    for address in PAGES.values():
        page.goto(address)
        page.wait_for_load_state("networkidle")
        assert page.evaluate("window.shifted") < 0.01, address


def test_rows_of_results_are_filled_by_pictures_of_one_height(open_page) -> None:
    page = open_page("/search?work=1")
    boxes = page.locator(".grid .mat").evaluate_all(
        "all => all.map(one => one.getBoundingClientRect().toJSON())"
    )
    rows: dict[int, list[dict]] = {}
    for box in boxes:
        rows.setdefault(round(box["top"]), []).append(box)
    assert len(rows) > 2
    for row in rows.values():
        assert max(box["height"] for box in row) - min(box["height"] for box in row) < 2


def test_a_part_is_chosen_by_dragging(open_page, picture: Path) -> None:
    page = open_page()
    page.set_input_files("input[type=file]", picture)
    page.wait_for_url("**/search?image=*")
    before = results(page)
    page.get_by_role("link", name=re.compile("^Choose a part of")).first.click()
    frame = page.locator("[data-frame]").bounding_box()
    assert frame is not None
    page.mouse.move(frame["x"] + 10, frame["y"] + 10)
    page.mouse.down()
    page.mouse.move(frame["x"] + frame["width"] / 2, frame["y"] + frame["height"] / 3, steps=4)
    page.mouse.up()
    width = int(page.get_by_role("spinbutton", name="Width").input_value())
    assert width == pytest.approx(
        int(page.get_by_role("spinbutton", name="Width").get_attribute("max")) * 0.49, abs=20
    )
    page.get_by_role("button", name="Search with this part").click()
    page.wait_for_url("**/search?like=file*")
    expect(page.locator(".tray")).to_contain_text("a part of it")
    assert results(page) != before


def results(page: Page) -> list[str]:
    return page.locator(".results .card-link").evaluate_all("all => all.map(one => one.pathname)")


def test_a_part_is_chosen_by_keyboard(open_page) -> None:
    page = open_page("/part?work=1&of=work:1")
    box = page.locator(".part-box")
    box.focus()
    left, width = (
        int(page.get_by_role("spinbutton", name="From the left").input_value()),
        int(page.get_by_role("spinbutton", name="Width").input_value()),
    )
    for key in ("ArrowLeft", "ArrowLeft", "Shift+ArrowRight"):
        page.keyboard.press(key)
    assert int(page.get_by_role("spinbutton", name="From the left").input_value()) < left
    assert int(page.get_by_role("spinbutton", name="Width").input_value()) > width
    assert str(int(page.get_by_role("spinbutton", name="Width").input_value())) in (
        box.get_attribute("aria-label") or ""
    )
    page.get_by_role("button", name="Search with this part").press("Enter")
    page.wait_for_url("**/search?like=image*")


def test_examples_for_and_against_and_a_link_to_share(open_page) -> None:
    page = open_page("/search?work=1")
    first = results(page)
    page.locator(".results .card").nth(3).get_by_role("link", name=re.compile("^Not like")).click()
    page.wait_for_url("**unlike=work*")
    expect(page.locator(".example-against")).to_have_count(1)
    assert results(page) != first
    page.locator(".results .card").nth(1).get_by_role("link", name=re.compile("^Also like")).click()
    expect(page.locator(".tray .example")).to_have_count(3)
    shared, found = page.url, results(page)
    assert results(open_page(shared)) == found
    page.locator(".example-against").get_by_role("link", name=re.compile("^Search without")).click()
    expect(page.locator(".example-against")).to_have_count(0)
    page.go_back()
    assert page.url == shared


def test_the_map_is_brushed(open_page) -> None:
    page = open_page("/map")
    expect(page.locator(".map-key").first).to_be_visible()
    canvas = page.locator("[data-canvas]")
    page.get_by_role("button", name="chooses a part").click()
    box = canvas.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + 2, box["y"] + 2)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] - 2, steps=5)
    page.mouse.up()
    told = page.locator("[data-chosen-words]")
    expect(told).to_have_text(re.compile(r"\d+ works chosen"))
    number = int(re.search(r"\d+", told.inner_text())[0])
    page.get_by_role("link", name="Show these works").first.click()
    page.wait_for_url("**/search?q=map*")
    expect(page.locator(".chip")).to_contain_text("In a part of the style map")
    expect(page.locator("main")).to_contain_text(f"{number} works.")
    page.get_by_role("link", name="Show on the style map").click()
    expect(page.locator("[data-chosen-words]")).to_have_text(f"{number} works chosen")


def test_the_map_is_used_by_keyboard(open_page, screenshots: Path) -> None:
    page = open_page("/map?q=reuse:open")
    expect(page.locator(".map-key").first).to_be_visible()
    page.locator("[data-canvas]").focus()
    for key in ("+", "+", "+", "+", "ArrowLeft", "ArrowUp", "Enter"):
        page.keyboard.press(key)
    told = page.locator("[data-chosen-words]")
    expect(told).not_to_be_empty()
    page.wait_for_load_state("networkidle")  # pictures of what is in view
    page.screenshot(path=screenshots / "map-near.png")
    page.keyboard.press("Escape")
    expect(told).to_be_empty()
    page.get_by_label("Coloured by").select_option("rights")
    expect(page.locator(".map-key").first).to_contain_text("licensed")
    page.locator(".map-key").first.press("Enter")
    assert page.locator(".map-key").first.get_attribute("aria-pressed") == "true"


def test_a_picture_is_zoomed_into_by_keyboard(open_page, check_page, screenshots: Path) -> None:
    page = open_page("/works/1")
    page.get_by_role("button", name="Zoom").press("Enter")
    canvas = page.locator(".zoom-canvas")
    expect(canvas).to_be_focused(timeout=60_000)  # the tiles are made first
    with page.expect_response(re.compile(r"/iiif/3/[0-9a-f]{64}/\d+,\d+,\d+,\d+/\d+,/0/default\.webp")):
        for _ in range(6):
            page.keyboard.press("+")
    page.wait_for_load_state("networkidle")
    painted = canvas.evaluate(
        "one => one.getContext('2d').getImageData(0, 0, one.width, one.height).data.some(value => value)"
    )
    assert painted
    check_page(page)
    page.screenshot(path=screenshots / "zoom.png")
    page.keyboard.press("Escape")
    expect(page.get_by_role("button", name="Zoom")).to_be_focused()


def test_a_whole_journey_by_keyboard_alone(open_page, picture: Path) -> None:
    page = open_page()

    def tab_to(name: str | re.Pattern[str], role: str = "link") -> None:
        wanted = page.get_by_role(role, name=name).first
        for _ in range(250):
            page.keyboard.press("Tab")
            if wanted.evaluate("one => one === document.activeElement"):
                outline = wanted.evaluate("one => getComputedStyle(one).outlineStyle")
                assert outline != "none", "what has the focus cannot be seen"
                return
        raise AssertionError(f"{name} is not reached")

    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the content"
    page.keyboard.press("Enter")
    page.locator("input[type=file]").focus()
    page.set_input_files("input[type=file]", picture)
    page.wait_for_url("**/search?image=*")
    tab_to("Openly licensed", "checkbox")
    page.keyboard.press("Space")
    tab_to("Apply", "button")
    page.keyboard.press("Enter")
    page.wait_for_url("**q=reuse%3Aopen*")
    tab_to(re.compile("^Compare with"))
    page.keyboard.press("Enter")
    page.wait_for_url("**/compare*")
    page.go_back()
    page.locator(".results .card-link").first.focus()
    page.keyboard.press("Enter")
    page.wait_for_url("**/works/*")
    tab_to("Make a report", "button")
    page.keyboard.press("Enter")
    page.wait_for_url("**/reports/*")
    with page.expect_download() as download:
        page.get_by_role("link", name=re.compile("PDF")).first.press("Enter")
    assert download.value.suggested_filename.endswith(".pdf")


def test_without_javascript_all_but_the_drawn_map_works(open_page) -> None:
    page = open_page(java_script_enabled=False)
    expect(page.get_by_text("drop it here")).to_be_hidden()
    page.get_by_label("Or search titles, keywords and descriptions").fill("cat")
    page.get_by_role("button", name="Search", exact=True).click()
    assert len(results(page)) == 6
    page.locator(".results .card-link").first.click()
    expect(page.locator(".zoom img")).to_be_visible()
    expect(page.get_by_role("button", name="Zoom")).to_be_hidden()
    page.get_by_role("link", name="Search with a part").click()
    page.get_by_role("button", name="Search with this part").click()
    expect(page.locator(".tray")).to_contain_text("a part of it")
    page.goto("/map")
    page.get_by_role("link", name=re.compile("^Show the works of row")).first.click()
    assert results(page)
    page.get_by_role("link", name="Reports").click()
    expect(page.get_by_role("heading", name="Verify a report")).to_be_visible()


def test_language_and_colours_are_chosen_at_the_foot(open_page) -> None:
    page = open_page("/artists", color_scheme="light")
    page.get_by_label("Language").select_option("de")
    page.get_by_label("Colours").select_option("dark")
    page.get_by_role("button", name="Set").click()
    expect(page.get_by_role("heading", name="Künstler")).to_be_visible()
    ground = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert ground == "rgb(22, 21, 19)"
    assert page.url.endswith("/artists")
