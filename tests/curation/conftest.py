"""Pictures made by code, and sets made of them."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw

SIDE = 160


def drawn(seed: object, side: int = SIDE) -> Image.Image:
    """A picture of its own: some shapes in some colours on a ground."""
    dice = random.Random(f"picture {seed}")

    def colour() -> tuple[int, int, int]:
        return (dice.randrange(256), dice.randrange(256), dice.randrange(256))

    picture = Image.new("RGB", (side, side), colour())
    draw = ImageDraw.Draw(picture)
    for _ in range(dice.randint(5, 9)):
        x, y = dice.uniform(-0.1, 0.9) * side, dice.uniform(-0.1, 0.9) * side
        box = [x, y, x + dice.uniform(0.15, 0.55) * side, y + dice.uniform(0.15, 0.55) * side]
        kind = dice.randrange(3)
        if kind == 0:
            draw.ellipse(box, fill=colour())
        elif kind == 1:
            draw.rectangle(box, fill=colour())
        else:
            points = [(dice.uniform(0, side), dice.uniform(0, side)) for _ in range(3)]
            draw.polygon(points, fill=colour())
    return picture


@pytest.fixture(scope="session")
def draw() -> Callable[..., Image.Image]:
    return drawn


@pytest.fixture(scope="session")
def pixels() -> Callable[..., np.ndarray]:
    return lambda seed, side=SIDE: np.asarray(drawn(seed, side))


@pytest.fixture
def captioned(tmp_path: Path) -> Callable[..., Path]:
    """Writes pictures with a table of captions: ``captioned([(id, picture, caption, more columns), …])`` returns the table."""

    def write(rows, name: str = "captions.jsonl") -> Path:
        folder = tmp_path / "pictures"
        folder.mkdir(exist_ok=True)
        lines = []
        for source_id, picture, caption, more in rows:
            path = folder / f"{source_id}.png"
            if picture is not None:
                picture.save(path)
            row = {"id": source_id, "image": f"pictures/{path.name}", "caption": caption, **more}
            lines.append(json.dumps(row, ensure_ascii=False))
        table = tmp_path / name
        table.write_text("\n".join(lines), "utf-8")
        return table

    return write
