import zipfile
from collections import defaultdict
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from stylesearch.training.data.fonts import TEXTS
from stylesearch.training.data.pictures import Picture
from stylesearch.training.lite import worlds
from stylesearch.training.lite.worlds import (
    SIDE,
    STYLES,
    WORDS,
    Drawn,
    Listed,
    ListedWorld,
    RestyledWorld,
    WrittenWorld,
)


def same(first: list[Drawn], second: list[Drawn]) -> bool:
    return len(first) == len(second) and all(
        a[1:] == b[1:] and np.array_equal(a.pixels, b.pixels) for a, b in zip(first, second, strict=True)
    )


def grid(pictures: list[Drawn]) -> dict[str, dict[str, np.ndarray]]:
    """Pixels by content and style."""
    cells: dict[str, dict[str, np.ndarray]] = defaultdict(dict)
    for picture in pictures:
        assert picture.content is not None
        cells[picture.content][picture.style] = picture.pixels
    return cells


def hue(pixels: np.ndarray) -> np.ndarray:
    """The most vivid of a picture's colours, without its lightness: red, green and blue about their mean, of unit norm."""
    flat = pixels[::4, ::4].reshape(-1, 3).astype(float)
    apart = flat - flat.mean(axis=1, keepdims=True)
    vivid = np.linalg.norm(apart, axis=1)
    mean = apart[vivid >= 0.8 * vivid.max()].mean(axis=0)
    return mean / (np.linalg.norm(mean) + 1e-9)


# As they are


def test_listed_pictures_are_drawn_with_their_labels(drawings, tmp_path, draw_as):
    broken = tmp_path / "broken.svg"
    broken.write_text("<svg")
    with zipfile.ZipFile(tmp_path / "more.zip", "w") as archive:
        archive.writestr("cmd/flag.svg", draw_as("flag", "faba"))
    sheet = tmp_path / "sheet.png"
    Image.fromarray(np.repeat(np.uint8([[10, 200]]), 64, axis=1).repeat(64, axis=0)).convert("RGB").save(
        sheet
    )
    part = Picture(sheet, "deck", "card", "MIT", "0" * 64, (0.5, 0, 1, 1))
    world = ListedWorld(
        "some",
        "icons",
        (
            Listed(drawings[0], "Adwaita", "mail"),
            Listed(broken, "Adwaita", "broken"),
            Listed(tmp_path / "none.svg", "Adwaita", "none"),
            Listed(tmp_path / "more.zip/cmd/flag.svg", "faba", "flag"),
            Listed(tmp_path / "more.zip/cmd/none.svg", "faba", "none"),
            Listed(sheet, "deck", None, part),
        ),
    )
    found = list(world.draw())
    assert [picture[1:] for picture in found] == [("Adwaita", "mail"), ("faba", "flag"), ("deck", None)]
    assert min(found[0].pixels.shape[:2]) == SIDE
    assert found[2].pixels.mean() == pytest.approx(200, abs=8)
    assert same(found, list(world.draw()))


# Restyled


def restyled(files: list[Path], medium: str = "drawn", colours: str = "own", seed: int = 1) -> RestyledWorld:
    return RestyledWorld(f"{medium}-{colours}-{seed}", medium, colours, seed, tuple(files))


@pytest.mark.parametrize("medium", ["drawn", "painted"])
def test_style_and_content_are_crossed_the_same_each_time(medium, drawings):
    world = restyled(drawings[:2], medium)
    found = list(world.draw())
    cells = grid(found)
    assert world.kind == f"{medium}, colours own"
    assert sorted(cells) == [f"{world.name} 0", f"{world.name} 1"]
    assert len({picture.style for picture in found}) == STYLES
    assert all(len(styles) > 0.7 * STYLES for styles in cells.values())
    assert all(picture.style.startswith(f"{world.name} ") for picture in found)
    assert all(picture.pixels.dtype == np.uint8 and picture.pixels.shape[2] == 3 for picture in found)
    first, second = cells.values()
    assert all(not np.array_equal(first[style], second[style]) for style in first.keys() & second.keys())
    assert same(found, list(restyled(drawings[:2], medium).draw()))
    assert not same(found, list(restyled(drawings[:2], medium, seed=2).draw()))


def test_colours_are_the_manners_the_drawings_or_nobodys(drawings):
    (own, kept, free) = (
        grid(list(restyled(drawings[:2], colours=colours).draw())) for colours in ("own", "kept", "free")
    )
    plain = next(iter(ListedWorld("x", "icons", (Listed(drawings[0], "s", None),)).draw())).pixels

    def near(cells) -> float:
        """How often a picture's most vivid colour is the drawing's own."""
        return float(
            np.mean([hue(one) @ hue(plain) > 0.9 for styles in cells.values() for one in styles.values()])
        )

    def steady(cells) -> float:
        """How often two drawings in one manner have their most vivid colour in common."""
        first, second = cells.values()
        return float(
            np.mean([hue(first[style]) @ hue(second[style]) > 0.9 for style in first.keys() & second.keys()])
        )

    assert near(kept) > 0.6 > 0.5 > max(near(own), near(free))
    assert min(steady(own), steady(kept)) > 0.9 > 0.5 > steady(free)
    assert len(own) == len(kept) == len(free) == 2


def test_what_cannot_be_restyled_is_passed_over(drawings, tmp_path):
    odd = {
        "broken.svg": "<svg",
        "pale.svg": '<svg xmlns="http://www.w3.org/2000/svg" width="48" height="48"><path d="M0 0H1" stroke="#f8f8f8"/></svg>',
        "long.svg": '<svg xmlns="http://www.w3.org/2000/svg" width="400" height="40"><rect width="400" height="40"/></svg>',
    }
    for name, text in odd.items():
        (tmp_path / name).write_text(text)
    files = [*(tmp_path / name for name in odd), tmp_path / "none.svg", drawings[0]]
    assert list(grid(list(restyled(files).draw()))) == ["drawn-own-1 0"]
    assert list(restyled(files[:-1]).draw()) == []
    assert list(restyled(files[:-1], "painted").draw()) == []


def test_a_world_takes_no_more_drawings_than_it_has_room_for(drawings, monkeypatch):
    monkeypatch.setattr(worlds, "CONTENTS", 2)
    assert len(grid(list(restyled(drawings).draw()))) == 2


# Written


def test_words_are_written_in_each_hand(font):
    world = WrittenWorld("written-3", 3, (font,))
    found = list(world.draw())
    assert world.kind == "written"
    assert len(found) == WORDS
    assert len({picture.style for picture in found}) == 1
    assert {picture.content for picture in found} <= {f"the words {text}" for text in TEXTS}
    assert len({picture.content for picture in found}) == WORDS
    assert all(picture.pixels.shape == (SIDE, SIDE, 3) for picture in found)
    assert same(found, list(WrittenWorld("written-3", 3, (font,)).draw()))
    assert not same(found, list(WrittenWorld("written-4", 4, (font,)).draw()))
