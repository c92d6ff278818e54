"""A result as one picture: thumbnails in a grid, with title, artist and score below each."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from stylesearch.errors import NotFoundError, ServiceError
from stylesearch.images.store import ImageStore
from stylesearch.search.service import Hit

CELL, LABEL, GAP = 220, 44, 12
COLUMNS = 5
PAPER, INK, SOFT = "#ffffff", "#1d1b18", "#6b665d"


def write_contact_sheet(hits: Sequence[Hit], store: ImageStore, path: Path) -> None:
    """Write the sheet as PNG.

    Raises
    ------
    ServiceError
        If the file cannot be written.
    """
    columns = min(COLUMNS, max(1, len(hits)))
    rows = max(1, -(-len(hits) // columns))
    size = (GAP + columns * (CELL + GAP), GAP + rows * (CELL + LABEL + GAP))
    sheet = Image.new("RGB", size, PAPER)
    draw = ImageDraw.Draw(sheet)
    bold, plain = ImageFont.load_default(13), ImageFont.load_default(12)
    for number, hit in enumerate(hits):
        left = GAP + number % columns * (CELL + GAP)
        top = GAP + number // columns * (CELL + LABEL + GAP)
        _paste(sheet, store, hit, left, top)
        draw.text(
            (left, top + CELL + 4), _fitted(draw, f"{hit.rank}. {hit.card.title}", bold), INK, font=bold
        )
        line = f"{hit.score:.3f}  {hit.card.artist_text}"
        draw.text((left, top + CELL + 22), _fitted(draw, line, plain), SOFT, font=plain)
    try:
        sheet.save(path, format="PNG")
    except OSError as error:
        raise ServiceError(
            f"{path} cannot be written: {error.strerror}.", hint="Name another place.", code="not_writable"
        ) from error


def _paste(sheet: Image.Image, store: ImageStore, hit: Hit, left: int, top: int) -> None:
    try:
        data = store.read(store.thumbnail_key(bytes.fromhex(hit.card.sha256)))
    except NotFoundError:
        return
    with Image.open(io.BytesIO(data)) as picture:
        picture.thumbnail((CELL, CELL))
        sheet.paste(picture, (left + (CELL - picture.width) // 2, top + (CELL - picture.height) // 2))


def _fitted(draw: ImageDraw.ImageDraw, text: str, font: ImageFont.FreeTypeFont | ImageFont.ImageFont) -> str:
    if draw.textlength(text, font=font) <= CELL:
        return text
    while text and draw.textlength(text + "…", font=font) > CELL:
        text = text[:-1]
    return text + "…"
