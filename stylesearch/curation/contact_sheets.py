"""A contact sheet of a tag: some of its images, side by side."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont, UnidentifiedImageError

from stylesearch.errors import NotFoundError
from stylesearch.files import written_whole
from stylesearch.images.store import ImageStore

CELL, GAP, HEAD = 150, 8, 30
COLUMNS, ROWS = 6, 2
PAPER, INK = "#ffffff", "#1d1b18"


def write_sheet(path: Path, title: str, digests: Sequence[str], store: ImageStore) -> None:
    """Write the sheet as PNG, from the images' thumbnails; those that are not there stay empty.

    Parameters
    ----------
    digests:
        Hex digests of the images' files; of more than twelve, the first.

    Raises
    ------
    OSError
        If it cannot be written.
    """
    shown = digests[: COLUMNS * ROWS]
    rows = max(1, -(-len(shown) // COLUMNS))
    sheet = Image.new("RGB", (GAP + COLUMNS * (CELL + GAP), HEAD + rows * (CELL + GAP)), PAPER)
    ImageDraw.Draw(sheet).text((GAP, 7), title, INK, font=ImageFont.load_default(14))
    for number, digest in enumerate(shown):
        left = GAP + number % COLUMNS * (CELL + GAP)
        top = HEAD + number // COLUMNS * (CELL + GAP)
        try:
            data = store.read(store.thumbnail_key(bytes.fromhex(digest)))
            with Image.open(io.BytesIO(data)) as picture:
                picture.thumbnail((CELL, CELL))
                sheet.paste(picture, (left + (CELL - picture.width) // 2, top + (CELL - picture.height) // 2))
        except (NotFoundError, UnidentifiedImageError):
            continue
    with written_whole(path) as file:
        sheet.save(file, format="PNG")
