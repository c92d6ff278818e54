"""Small drawings in the places where Debian packages keep theirs."""

import io
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image, ImageDraw, ImageFont

from stylesearch.training.data.fonts import FontFile
from stylesearch.training.data.packages import TEST_PACKAGES, TRAINING_PACKAGES

SHAPES = {
    "mail": '<rect x="4" y="12" width="40" height="24" {ink}/><path d="M4 12L24 30L44 12" {line}/>',
    "disk": '<circle cx="24" cy="24" r="20" {ink}/><circle cx="24" cy="24" r="6" {line}/>',
    "home": '<path d="M4 24L24 4L44 24V44H4Z" {ink}/><rect x="18" y="28" width="12" height="16" {line}/>',
    "flag": '<path d="M8 4V44" {line}/><path d="M8 6H42L34 16L42 26H8Z" {ink}/>',
}
THEMES = {
    "Adwaita": 'fill="#3a7" stroke="none"|fill="none" stroke="#fff" stroke-width="3"',
    "breeze": 'fill="none" stroke="#236" stroke-width="2"|fill="none" stroke="#236" stroke-width="1"',
    "faba": 'fill="#c42" stroke="#300" stroke-width="4"|fill="#fc6" stroke="none"',
    "Tango": 'fill="#fd8" stroke="#865" stroke-width="1"|fill="#aaa" stroke="#555" stroke-width="2"',
    "Numix": 'fill="#222" stroke="#e33" stroke-width="2"|fill="#e33" stroke="#222" stroke-width="2"',
}
TURNS = {"Tango": 90, "Numix": 180}
"""What is measured on is drawn lying or upside down, so that only a copy looks like a copy."""


def drawn(shape: str, theme: str = "Adwaita", *, remark: str = "", metadata: str = "") -> str:
    """One of the shapes in one of the themes."""
    ink, line = THEMES[theme].split("|")
    body = SHAPES[shape].format(ink=ink, line=line)
    if theme in TURNS:
        body = f'<g transform="rotate({TURNS[theme]} 24 24)">{body}</g>'
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" width="48" height="48" viewBox="0 0 48 48">'
        f"{metadata}{body}<!--{remark}--></svg>"
    )


def write(path: Path, data: str | bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data.encode() if isinstance(data, str) else data)
    return path


@pytest.fixture
def drawings(tmp_path: Path) -> list[Path]:
    """Vector drawings that can be restyled, two thirds of them coloured."""
    return [write(tmp_path / f"drawings/{shape}.svg", drawn(shape)) for shape in SHAPES]


@pytest.fixture
def font(tmp_path: Path) -> FontFile:
    """The face that Pillow carries, as a file."""
    path = write(tmp_path / "some.ttf", ImageFont.load_default(20).path.getvalue())
    return FontFile(path, "Some")


def _icons(root: Path) -> None:
    packages = {
        "Adwaita": "adwaita-icon-theme",
        "breeze": "breeze-icon-theme",
        "faba": "faba-icon-theme",
        "Tango": "tango-icon-theme",
        "Numix": "numix-icon-theme",
    }
    for theme, package in packages.items():
        for shape in SHAPES:
            write(root / package / f"usr/share/icons/{theme}/48x48/apps/{shape}.svg", drawn(shape, theme))
    # Faba has one from Tango, which is measured on, and one from Adwaita.
    apps = root / "faba-icon-theme/usr/share/icons/faba/48x48/apps"
    write(apps / "disk.svg", drawn("disk", "Tango", remark="retouched"))
    write(apps / "home.svg", drawn("home", "Adwaita", remark="taken over"))


def _buttons(root: Path) -> None:
    for style, theme in {"breeze": "breeze", "colibre": "faba"}.items():
        folder = root / f"libreoffice-style-{style}/usr/lib/libreoffice/share/config"
        folder.mkdir(parents=True)
        with zipfile.ZipFile(folder / f"images_{style}_svg.zip", "w") as writer:
            for shape in SHAPES:
                for number in range(6):
                    writer.writestr(f"cmd/32/{shape}{number}.svg", drawn(shape, theme, remark=str(number)))


def _artists(root: Path) -> None:
    works = {"Ada Ink": 4, "Bo Brush": 3, "Many Works": 12}
    for artist, count in works.items():
        credit = (
            '<metadata xmlns:dc="http://purl.org/dc/elements/1.1/">'
            f"<dc:creator>{artist}</dc:creator></metadata>"
        )
        for number in range(count):
            name = f"usr/share/openclipart/svg/{artist.split()[0].lower()}{number}.svg"
            text = drawn(
                list(SHAPES)[number % 4],
                list(THEMES)[number % 3],
                remark=f"{artist} {number}",
                metadata=credit,
            )
            write(root / "openclipart-svg" / name, text)


def _png(colour: str, number: int) -> bytes:
    image = Image.new("RGB", (96, 80), colour)
    ImageDraw.Draw(image).ellipse((10 + number, 10, 60 + 3 * number, 70), fill="#181848")
    file = io.BytesIO()
    image.save(file, "PNG")
    return file.getvalue()


def _art(root: Path) -> None:
    for number in range(4):
        write(root / f"brainparty-data/usr/share/games/brainparty/p{number}x.png", _png("#c8a0e0", number))
        write(root / f"tuxmath-data/usr/share/tuxmath/images/a/q{number}x.png", _png("#80d090", 9 + number))
        write(root / f"tuxpaint-data/usr/share/tuxpaint/templates/t{number}x.png", _png("#f0d060", number))


@pytest.fixture(scope="session")
def packages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with all packages that are trained and measured on, most of them empty."""
    root = tmp_path_factory.mktemp("packages")
    for name in (*TRAINING_PACKAGES, *TEST_PACKAGES):
        (root / name).mkdir()
    _icons(root)
    _buttons(root)
    _artists(root)
    _art(root)
    face = ImageFont.load_default(20).path.getvalue()
    write(root / "fonts-lobster/usr/share/fonts/some.ttf", face)
    return root


@pytest.fixture
def draw_as() -> Callable[..., str]:
    """The function that draws one of the shapes in one of the themes."""
    return drawn
