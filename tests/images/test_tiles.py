import hashlib
import io
import os

import numpy as np
import pytest
from PIL import Image

from stylesearch.errors import ImageError, ServiceError
from stylesearch.images.tiles import TILE, Cut, TileCache

LIMITS = {"max_bytes": 10**8, "max_pixels": 10**8}


def picture(width: int, height: int, seed: int = 0) -> bytes:
    """A PNG whose colours tell where one is in it."""
    across = np.linspace(0, 255, width)[None, :].repeat(height, axis=0)
    down = np.linspace(0, 255, height)[:, None].repeat(width, axis=1)
    pixels = np.stack([across, down, np.full_like(across, 40 * seed)], axis=2).astype(np.uint8)
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()


def get(cache: TileCache, data: bytes):
    return cache.get(hashlib.sha256(data).hexdigest(), lambda: data, **LIMITS)


@pytest.mark.parametrize("cut", [
    Cut(0, 0, 1500, 1000, 300, 200), Cut(750, 500, 512, 256, 512, 256), Cut(1400, 900, 100, 100, 25, 25),
    Cut(0, 0, 1500, 1000, 1, 1), Cut(600, 0, 3, 3, 3, 3),
])  # fmt: skip
def test_a_part_has_its_size_and_shows_what_is_there(tmp_path, cut):
    tiled = get(TileCache(tmp_path, most_bytes=10**9), picture(1500, 1000))
    assert (tiled.width, tiled.height) == (1500, 1000)
    pixels = tiled.cut(cut).numpy()
    assert pixels.shape[:2] == (cut.out_height, cut.out_width)
    middle = pixels[cut.out_height // 2, cut.out_width // 2]
    assert middle[0] == pytest.approx(255 * (cut.left + cut.width / 2) / 1500, abs=8)
    assert middle[1] == pytest.approx(255 * (cut.top + cut.height / 2) / 1000, abs=8)


def test_a_picture_is_decoded_once_and_then_read_from_its_tiles(tmp_path):
    data = picture(TILE + 10, 40)
    cache = TileCache(tmp_path, most_bytes=10**9)
    first = get(cache, data)
    again = TileCache(tmp_path, most_bytes=10**9).get(hashlib.sha256(data).hexdigest(), lambda: b"", **LIMITS)
    assert again == first


def test_what_nobody_has_looked_at_for_longest_goes_first(tmp_path):
    files = [picture(600, 600, seed) for seed in range(4)]
    size = get(TileCache(tmp_path / "one", most_bytes=10**9), files[0]).path.stat().st_size
    cache = TileCache(tmp_path / "few", most_bytes=int(size * 2.5))
    paths = []
    for number, data in enumerate(files[:3]):
        paths.append(get(cache, data).path)
        os.utime(paths[-1], (1000 + number, 1000 + number))
        if number == 1:
            os.utime(get(cache, files[0]).path, (2000, 2000))
    get(cache, files[3])
    assert paths[0].exists()
    assert not paths[1].exists()


def test_tiles_that_were_cut_off_are_made_again(tmp_path):
    data = picture(300, 300)
    cache = TileCache(tmp_path, most_bytes=10**9)
    path = get(cache, data).path
    path.write_bytes(path.read_bytes()[:50])
    assert get(cache, data).width == 300


def test_a_file_that_is_no_image_leaves_nothing(tmp_path):
    with pytest.raises(ImageError):
        get(TileCache(tmp_path, most_bytes=10**9), b"words")
    assert list(tmp_path.rglob("*.tif")) == []


def test_a_folder_that_cannot_be_written_is_told(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(ServiceError) as caught:
        get(TileCache(tmp_path / "file" / "zoom", most_bytes=10**9), picture(20, 20))
    assert caught.value.code == "store_not_writable"
