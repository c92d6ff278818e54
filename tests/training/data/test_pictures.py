import gzip
import zlib

import numpy as np
import pytest
from PIL import Image

from stylesearch.catalog.debian_copyright import UNKNOWN
from stylesearch.errors import ImageError
from stylesearch.training.data.pictures import MOST_OF_A_SERIES, pictures, read
from stylesearch.training.data.sources import Source, card_boxes

RIGHTS = (
    "Format: https://www.debian.org/copyright-format/1.0/\n\nFiles: *\nCopyright: 2000\nLicense: GPL-2+\n"
)


def _save(path, *, size=(64, 48), seed=None):
    path.parent.mkdir(parents=True, exist_ok=True)
    noise = np.random.default_rng(zlib.crc32(path.name.encode()) if seed is None else seed)
    Image.fromarray(noise.integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)).save(path)
    return path


def _sets(root):
    for folder in ("round", "square"):
        for name in ("king", "queen", f"only-{folder}"):
            _save(
                root / "some-chess/usr/share/pieces" / folder / f"{name}.png",
                seed=len(folder + name) + len(name) * 100,
            )
    rights = root / "some-chess/usr/share/doc/some-chess/copyright"
    rights.parent.mkdir(parents=True)
    rights.write_text(RIGHTS)


CHESS = Source("some-chess", "usr/share/pieces/*/*.png", "chess {folder}", "stem")


def test_styles_are_folders_and_contents_the_names_that_two_share(tmp_path):
    _sets(tmp_path)
    found = pictures(tmp_path, sources=[CHESS, Source("not-there", "**/*", "none")])
    assert {picture.style for picture in found} == {"chess round", "chess square"}
    assert len(found) == 6
    contents = {picture.path.stem: picture.content for picture in found}
    assert contents["king"] == "some-chess king"
    assert contents["only-round"] is None
    assert {picture.licence for picture in found} == {"GPL-2+"}
    assert len({picture.key for picture in found}) == 6
    assert all(len(picture.sha256) == 64 for picture in found)
    assert found == pictures(tmp_path, sources=[CHESS])


def test_small_long_broken_linked_and_copied_files_are_left_out(tmp_path):
    folder = tmp_path / "game/art"
    kept = _save(folder / "good.png")
    _save(folder / "small.png", size=(40, 200))
    _save(folder / "long.png", size=(64, 400))
    (folder / "copy.png").write_bytes(kept.read_bytes())
    (folder / "link.png").symlink_to(kept)
    (folder / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n cut off")
    (folder / "text.png").write_text("no picture")
    _save(folder / "font-a.png")
    found = pictures(tmp_path, sources=[Source("game", "art/*", "game", without="^font")])
    assert [picture.path.name for picture in found] in (["good.png"], ["copy.png"])
    assert found[0].licence == UNKNOWN
    assert (
        pictures(tmp_path, sources=[Source("game", "art/good.png", "game", licence="MIT")])[0].licence
        == "MIT"
    )


def test_of_a_movement_only_a_few_steps_are_taken(tmp_path):
    for number in range(30):
        _save(tmp_path / "game/art" / f"walk-{number:02}.png", seed=number)
    for number in range(4):
        _save(tmp_path / "game/art" / f"tree{number}.png", seed=100 + number)
    names = [picture.path.stem for picture in pictures(tmp_path, sources=[Source("game", "art/*", "game")])]
    assert sum(name.startswith("walk") for name in names) == MOST_OF_A_SERIES
    assert sum(name.startswith("tree") for name in names) == 4
    assert {"walk-00", "walk-29"} <= set(names)


def test_no_more_of_a_style_than_asked_for(tmp_path):
    for number in range(12):
        _save(tmp_path / "game/art" / f"{chr(97 + number)}.png", seed=number)
    found = pictures(tmp_path, sources=[Source("game", "art/*", "game")], most=5)
    assert len(found) == 5
    assert found[0].path.stem == "a"
    assert found[-1].path.stem == "l"


def test_emoji_of_different_spelling_are_one_content(tmp_path):
    _save(tmp_path / "one/1F1F2-1F1ED.png")
    _save(tmp_path / "two/emoji_u1f1f2_1f1ed.png")
    sources = [Source("one", "*.png", "one", "code"), Source("two", "*.png", "two", "code")]
    assert {picture.content for picture in pictures(tmp_path, sources=sources)} == {"emoji 1f1f2-1f1ed"}


def _deck(path, shade):
    cards = "".join(
        f'<rect x="{10 * column}" y="{14 * row}" width="10" height="14" fill="rgb({20 * column},{50 * row},{shade})"/>'
        for column in range(13)
        for row in range(5)
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(
        gzip.compress(
            f'<svg xmlns="http://www.w3.org/2000/svg" width="130" height="70">{cards}</svg>'.encode()
        )
    )


def test_decks_are_cut_into_cards(tmp_path):
    for name, shade in (("plain", 0), ("fancy", 255)):
        _deck(tmp_path / "decks" / f"{name}.svgz", shade)
    found = pictures(tmp_path, sources=[Source("decks", "*.svgz", "cards {stem}", "card")])
    assert len(found) == 2 * len(card_boxes())
    queen = next(
        picture
        for picture in found
        if picture.style == "cards fancy" and picture.content == "card queen of hearts"
    )
    pixels = read(queen)
    assert pixels.shape[0] > pixels.shape[1] > 60
    assert np.median(pixels.reshape(-1, 3), axis=0).tolist() == [220, 100, 255]
    assert len({picture.key for picture in found}) == len(found)


def test_tiny_pictures_are_enlarged_square_by_square(tmp_path):
    _save(tmp_path / "game/tile.png", size=(16, 16))
    (found,) = pictures(tmp_path, sources=[Source("game", "*.png", "game", smallest=16)])
    pixels = read(found)
    assert pixels.shape == (192, 192, 3)
    assert (pixels[:12, :12] == pixels[0, 0]).all()


def test_a_file_that_went_bad_is_an_error(tmp_path):
    path = _save(tmp_path / "game/a.png")
    (found,) = pictures(tmp_path, sources=[Source("game", "*.png", "game")])
    path.write_bytes(b"gone")
    with pytest.raises(ImageError):
        read(found)
