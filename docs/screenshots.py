"""Take the pictures of the portal's pages that stand in docs/images/portal, from a portal that runs.

    python docs/screenshots.py http://127.0.0.1:8080 --work 5 --other 60 --unlike 9 --artist 1 --email ADMIN

It needs Chromium and the package playwright. Works, artists and reports are named by their numbers. With the e-mail address of an
administrator, whose password is in the environment as STYLESEARCH_PASSWORD, the pages for the staff are taken too.
"""

from __future__ import annotations

import argparse
import io
import os
import shutil
from pathlib import Path

from PIL import Image
from playwright.sync_api import Page, sync_playwright

FOLDER = Path(__file__).parent / "images" / "portal"
SIZES = {"1440": (1440, 900), "390": (390, 844)}
CHROMIUM_NAMES = ("chromium", "chromium-browser", "google-chrome")
COLOURS = 128
"""Enough for pages; a picture then takes a fifth of the room."""


def main() -> None:
    """Take all pictures, light ones on a desk and dark ones on a phone."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("portal", help="address of the portal")
    for name in ("work", "other", "unlike", "artist"):
        parser.add_argument(f"--{name}", type=int, default=1)
    parser.add_argument("--collection", default="open-clip-art")
    parser.add_argument("--report", help="public number of a report")
    parser.add_argument("--request", help="public number of a request for a withdrawal")
    parser.add_argument("--curation", help="name of a style-tagged set")
    parser.add_argument("--email", help="of an administrator")
    options = parser.parse_args()
    FOLDER.mkdir(parents=True, exist_ok=True)
    path = next(filter(None, map(shutil.which, CHROMIUM_NAMES)), None)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox", "--disable-gpu"])
        for size, (width, height) in SIZES.items():
            scheme = "light" if size == "1440" else "dark"
            context = browser.new_context(
                viewport={"width": width, "height": height}, color_scheme=scheme, base_url=options.portal
            )
            page = context.new_page()
            page.set_default_timeout(120_000)
            for name, address in pages(options).items():
                take(page, name, address, size)
            if options.email:
                enter(page, options.email)
                for name, address in staff_pages(options).items():
                    take(page, name, address, size)
            context.close()
        browser.close()


def take(page: Page, name: str, address: str, size: str) -> None:
    """Take the picture of a page."""
    page.goto(address)
    page.wait_for_load_state("networkidle")
    if name == "map" and size == "390":
        page.locator("[data-canvas]").scroll_into_view_if_needed()
    save(page.screenshot(), FOLDER / f"{name}-{size}.png")


def enter(page: Page, email: str) -> None:
    """Sign in."""
    page.goto("/login")
    page.get_by_label("E-mail address").fill(email)
    page.get_by_label("Password").fill(os.environ["STYLESEARCH_PASSWORD"])
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url("**/")


def pages(options: argparse.Namespace) -> dict[str, str]:
    """Return the address of each page, by the name of its picture."""
    return {
        "home": "/",
        "works": "/search?q=reuse:open",
        "results": f"/search?work={options.work}&unlike=work:{options.unlike}",
        "part": f"/part?work={options.work}&of=work:{options.work}",
        "work": f"/works/{options.work}",
        "compare": f"/compare?a=work:{options.work}&b=work:{options.other}",
        "artists": "/artists",
        "artist": f"/artists/{options.artist}",
        "collections": "/collections",
        "collection": f"/collections/{options.collection}",
        "map": "/map",
        "reports": "/reports",
        "error": "/search?q=artits:x",
        "login": "/login",
        "withdraw": f"/withdrawals?work={options.work}",
        **({"report": f"/reports/{options.report}"} if options.report else {}),
        **({"withdraw-followed": f"/withdrawals/{options.request}"} if options.request else {}),
    }


def staff_pages(options: argparse.Namespace) -> dict[str, str]:
    """Return the addresses of pages for who is signed in."""
    sets = f"/admin/curations/{options.curation}"
    return {
        "account": "/account",
        "admin": "/admin",
        "admin-runs": "/admin/runs",
        "admin-run": "/admin/runs/1",
        "admin-errors": "/admin/runs/1/errors",
        "admin-duplicates": "/admin/duplicates",
        "admin-withdrawals": "/admin/withdrawals",
        "admin-withdrawal": "/admin/withdrawals/1",
        "admin-encoders": "/admin/encoders",
        "admin-collections": "/admin/collections",
        "admin-collection": f"/admin/collections/{options.collection}",
        "admin-curations": "/admin/curations",
        **({"admin-tags": f"{sets}/tags", "admin-copies": f"{sets}/copies"} if options.curation else {}),
        "admin-users": "/admin/users",
        "admin-user": "/admin/users/1",
        "admin-tokens": "/admin/tokens",
        "admin-audit": "/admin/audit",
    }


def save(picture: bytes, path: Path) -> None:
    """Keep a picture with few colours."""
    image = Image.open(io.BytesIO(picture)).convert("RGB")
    image.quantize(COLOURS, dither=Image.Dither.NONE).save(path, optimize=True)


if __name__ == "__main__":
    main()
