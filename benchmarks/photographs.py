"""Photographs of about two megapixels for the benchmark of ingestion, as many as are wanted and no two alike.

Each is cut out of one of a few real photographs, turned, tinted, laid over with a second one, grained as a sensor's noise
would, and saved as JPEG. So they take as long to decode as photographs do, and compress as well. The same number gives the
same picture on every machine with the same libraries.
"""

import os
from concurrent.futures import ProcessPoolExecutor
from functools import lru_cache
from pathlib import Path

import numpy as np
from PIL import Image, ImageChops

from stylesearch.encoders.devices import usable_processors
from stylesearch.local.apt import fetch

PACKAGES = ("mate-backgrounds", "ukui-wallpapers")
BASES = (
    "mate-backgrounds/usr/share/backgrounds/mate/abstract/Elephants_3840x2160.jpg",
    "mate-backgrounds/usr/share/backgrounds/mate/nature/*.jpg",
    "ukui-wallpapers/usr/share/backgrounds/*.jpg",
)
PIXELS = 2_000_000
SHAPES = ((4, 3), (3, 2), (1, 1), (3, 4), (2, 3), (16, 9))
GREY = 128
GRAINS = (2.0, 4.0, 6.0, 9.0)
"""How far a sensor's noise spreads, in levels of 255."""

GRAIN_SIDE = 2200
"""Wider than the widest picture."""

PART = 16
"""Pictures that one call makes."""


def make_photographs(folder: Path, number: int, packages: Path) -> list[Path]:
    """Return the paths of so many photographs; those that are there already are left as they are.

    Parameters
    ----------
    folder:
        Where they are kept; made if it is missing.
    packages:
        Folder of unpacked Debian packages, where missing ones are fetched to.
    """
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / f"{place:05d}.jpg" for place in range(number)]
    missing = [place for place, path in enumerate(paths) if not path.exists()]
    if missing:
        fetch(PACKAGES, packages)
        parts = [missing[first : first + PART] for first in range(0, len(missing), PART)]
        with ProcessPoolExecutor(usable_processors()) as pool:
            for done, _ in enumerate(pool.map(_make, parts, [folder] * len(parts), [packages] * len(parts))):
                if done % 16 == 0:
                    print(f"made {done * PART} of {len(missing)} photographs", flush=True)
    return paths


def _make(places: list[int], folder: Path, packages: Path) -> None:
    for place in places:
        path = folder / f"{place:05d}.jpg"
        beside = path.with_suffix(f".{os.getpid()}")
        dice = np.random.default_rng([7, place])
        photograph(dice, packages).save(beside, "JPEG", quality=int(dice.integers(80, 94)))
        beside.rename(path)


def photograph(dice: np.random.Generator, packages: Path) -> Image.Image:
    """Return a picture that the dice decide."""
    across, down = SHAPES[dice.integers(len(SHAPES))]
    pixels = PIXELS * dice.uniform(0.9, 1.1)
    width = round((pixels * across / down) ** 0.5)
    size = width, round(pixels / width)
    mixed = Image.blend(_cut(dice, packages, size), _cut(dice, packages, size), dice.uniform(0.0, 0.4))
    gamma, tint = dice.uniform(0.8, 1.25), dice.uniform(0.75, 1.2, 3)
    levels = np.outer(tint, (np.arange(256) / 255) ** gamma * 255).clip(0, 255).round().astype(int)
    grain = _grain()[dice.integers(len(GRAINS))]
    left, top = (int(dice.integers(grain.width - side + 1)) for side in size)
    laid_over = grain.crop((left, top, left + size[0], top + size[1]))
    return ImageChops.add(mixed.point(levels.ravel().tolist()), laid_over, offset=-GREY)


def _cut(dice: np.random.Generator, packages: Path, size: tuple[int, int]) -> Image.Image:
    bases = _bases(packages)
    base = bases[dice.integers(len(bases))]
    share = dice.uniform(0.6, 1.0) * min(base.width / size[0], base.height / size[1])
    width, height = (round(side * share) for side in size)
    left, top = dice.integers(0, base.width - width + 1), dice.integers(0, base.height - height + 1)
    cut = base.resize(size, Image.Resampling.BICUBIC, (left, top, left + width, top + height))
    return cut.transpose(Image.Transpose.FLIP_LEFT_RIGHT) if dice.random() < 0.5 else cut


@lru_cache(maxsize=1)
def _bases(packages: Path) -> list[Image.Image]:
    paths = sorted(path for pattern in BASES for path in packages.glob(pattern))
    return [Image.open(path).convert("RGB") for path in paths]


@lru_cache(maxsize=1)
def _grain() -> list[Image.Image]:
    dice = np.random.default_rng(11)
    noise = dice.standard_normal((GRAIN_SIDE, GRAIN_SIDE))
    return [
        Image.fromarray((noise * spread + GREY).clip(0, 255).round().astype(np.uint8)).convert("RGB")
        for spread in GRAINS
    ]
