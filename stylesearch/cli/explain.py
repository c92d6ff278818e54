"""``stylesearch explain``: why two images are near in style, as a picture and in words."""

from __future__ import annotations

import json
from contextlib import nullcontext
from pathlib import Path

import click
from rich.table import Table
from rich.text import Text

from stylesearch.attribution.explanation import Explanation
from stylesearch.attribution.explanation import explain as explain_pictures
from stylesearch.attribution.palette import Palette
from stylesearch.cli.encode import output_file
from stylesearch.cli.progress import console, errors
from stylesearch.cli.search import read_image
from stylesearch.encoders.decoding import decode_for
from stylesearch.encoders.protocol import Encoder, Pixels, PreparingEncoder
from stylesearch.encoders.registry import get_encoder
from stylesearch.errors import ImageError
from stylesearch.settings import Settings, get_settings

PICTURE = Path("explanation.png")


@click.command()
@click.argument("first", type=click.Path(path_type=Path))
@click.argument("second", type=click.Path(path_type=Path))
@click.option("--encoder", "slug", metavar="SLUG", help="Encoder; default: the setting STYLESEARCH_ENCODER.")
@click.option(
    "--weights", type=click.Path(path_type=Path), metavar="FILE", help="Checkpoint for the encoder."
)
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    metavar="PICTURE.png",
    help="Picture to write; default: explanation.png in this folder, none with --json.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def explain(
    first: Path, second: Path, slug: str | None, weights: Path | None, out: Path | None, as_json: bool
) -> None:
    """Show why the images FIRST and SECOND are near in style, or far.

    Prints what each depth of the encoder adds to the score, and what people would name: palettes, contrast, line weight,
    texture. The picture shows it too, with a heat map over both images. Neither database nor services are needed.

    Depths are told for the encoder lite. With any other, each image is described fifty times, which takes a while
    without a graphics card.

    \b
    stylesearch explain a.png b.jpg --out why.png
    stylesearch explain a.png b.jpg --json
    """  # noqa: D301
    settings = get_settings()
    picture = out or (None if as_json else PICTURE)
    with output_file(picture) if picture else nullcontext() as file:
        encoder = get_encoder(
            slug or settings.encoder,
            device=settings.device,
            precision=settings.precision,
            weights=weights,
            folder=settings.encoders_folder,
        )
        pictures = _decoded(encoder, first, settings), _decoded(encoder, second, settings)
        with errors.status("Explaining"):
            explanation = explain_pictures(encoder, *pictures)
        if file is not None:
            from stylesearch.attribution.explanation_picture import draw_explanation

            names = first.name, second.name
            draw_explanation(explanation, pictures, names).save(file, format="PNG")
    if as_json:
        click.echo(json.dumps(explanation.to_json(), ensure_ascii=False, indent=2))
    else:
        show(explanation)
    if picture:
        errors.print(f"picture: {picture}", highlight=False, markup=False, emoji=False, soft_wrap=True)


def _decoded(encoder: Encoder, path: Path, settings: Settings) -> Pixels:
    """Read and decode one of the two files; an error says which.

    Raises
    ------
    InputError
        If it cannot be read.
    ImageError
        If it cannot be taken.
    """
    limits = {"max_bytes": settings.max_file_bytes, "max_pixels": settings.max_pixels}
    data = read_image(path, max_bytes=settings.max_file_bytes)
    full = isinstance(encoder, PreparingEncoder) and encoder.full_size
    try:
        return decode_for(encoder, data, **limits, full=full).pixels
    except ImageError as error:
        raise ImageError(f"{path}: {error.message}", hint=error.hint, code=error.code) from None


def show(explanation: Explanation) -> None:
    """Print an explanation."""
    console.print(
        f"Likeness in style: {explanation.score:.3f}, by the encoder {explanation.encoder.slug}.",
        highlight=False,
        markup=False,
    )
    if explanation.depths:
        table = Table("Depth", "Patches", "Adds", title="Where the score comes from", title_justify="left")
        for one in explanation.depths:
            table.add_row(one.depth.name, f"{one.depth.reach:.0f} % of the side", f"{one.contribution:+.3f}")
        table.add_row("what any two pictures share", "", f"{explanation.ordinary:+.3f}")
        console.print(table)
    colours = Table("First", "Second", title="Colours", title_justify="left")
    colours.add_row(*(_swatches(one.palette) for one in explanation.traits))
    console.print(colours)
    for title, findings in (
        ("What differs", explanation.differences),
        ("What is alike", explanation.likenesses),
    ):
        if findings:
            console.print(f"{title}:", highlight=False)
        for finding in findings:
            console.print(f"  {finding.sentence}", highlight=False, markup=False)


def _swatches(palette: Palette) -> Text:
    lines = [
        Text.assemble(("██", swatch.hex), f" {swatch.name} {100 * swatch.share:.0f} %") for swatch in palette
    ]
    return Text("\n").join(lines)
