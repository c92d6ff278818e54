"""``stylesearch study``: a generative model examined."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import click
import numpy as np
from rich.table import Table
from sqlalchemy import select

from stylesearch.attribution.frozen import read_frozen
from stylesearch.attribution.generated import read_generated
from stylesearch.attribution.model_study import Generated, Study, typical
from stylesearch.attribution.model_study import study as examine
from stylesearch.attribution.study_files import OWN, write_study
from stylesearch.attribution.sure_works import SureWorks, sure_works
from stylesearch.catalog import upgrades
from stylesearch.catalog.database import open_database
from stylesearch.catalog.encoders import active
from stylesearch.catalog.works import Image
from stylesearch.cli.progress import console, errors, progress_bar
from stylesearch.encoders.protocol import Descriptors, Encoder
from stylesearch.encoders.registry import configured_encoder
from stylesearch.errors import ImageError, NotFoundError, ServiceError
from stylesearch.evaluation.describing import Limits, describe_images, encoder_describer
from stylesearch.images.decode import decode
from stylesearch.images.store import ImageStore, open_store
from stylesearch.images.thumbnails import thumbnail
from stylesearch.settings import Settings, get_settings

THUMBNAIL = 160

Picture = Callable[[int], bytes | None]


@click.command()
@click.argument("generated", type=click.Path(path_type=Path))
@click.option(
    "--works",
    type=click.Path(path_type=Path),
    help="Folder or table of the artists' works, in the same form; default: the gallery.",
)
@click.option(
    "--out", type=click.Path(path_type=Path, file_okay=False), required=True, help="Folder for the files."
)
@click.option("--seed", type=int, default=0, show_default=True, help="Of the intervals.")
def study(generated: Path, works: Path | None, out: Path, seed: int) -> None:
    """Examine a generative model: how near what it makes for an artist's name is to that artist's works.

    GENERATED is a CSV file with the columns path and artist, and prompt, seed and kind if known; or a folder with a folder
    for each artist, named as credited. An empty artist, or the folder _baseline, is what was generated without any artist's
    name. Descriptors are kept in the folder of the files, so a second run is quick.

    \b
    stylesearch study generated.csv --out study
    """  # noqa: D301
    settings = get_settings()
    root, listed = read_generated(generated)
    encoder, known, picture = _known(settings, works, out)
    places, rows = _described(settings, encoder, root, listed, out)
    kept = [listed[place] for place in places]
    found = examine(kept, rows, known, seed=seed)
    try:
        paths = write_study(
            out,
            found,
            kept,
            encoder.spec,
            lambda one: _thumbnail(settings, root / one.path),
            lambda artist: [picture(place) for place in typical(known, artist, OWN).tolist()],
        )
    except OSError as error:
        raise ServiceError(
            f"{error.filename or out} cannot be written: {error.strerror}.",
            hint="Name another place with --out.",
            code="not_writable",
        ) from error
    show(found)
    for path in paths:
        click.echo(path)


def _known(settings: Settings, works: Path | None, out: Path) -> tuple[Encoder, SureWorks, Picture]:
    """Return the encoder, the works that artists are known by, and what gives a picture of the one at a place.

    The works are those that are given, or the gallery's.
    """
    if works is None:
        store = open_store(settings)
        with open_database(settings).session(snapshot=True) as session:
            encoder = configured_encoder(settings, upgrades.serving_slug(session))
            row = active(session, encoder.spec.slug, digest=encoder.spec.digest)
            frozen = read_frozen(session, row)
            rows = session.execute(select(Image.id, Image.sha256).where(Image.id.in_(frozen.images.tolist())))
            digests = {image_id: bytes(sha256) for image_id, sha256 in rows}
        images = frozen.images.tolist()
        return encoder, frozen.works, lambda place: _kept_thumbnail(store, digests[images[place]])
    encoder = configured_encoder(settings)
    root, listed = read_generated(works)
    places, described = _described(settings, encoder, root, listed, out)
    artists = [listed[place].artist for place in places]
    known = sure_works(
        described, [frozenset([name]) if name else frozenset() for name in artists], np.arange(len(described))
    )
    return (
        encoder,
        known,
        lambda place: _thumbnail(settings, root / listed[places[known.places[place]]].path),
    )


def _kept_thumbnail(store: ImageStore, digest: bytes) -> bytes | None:
    try:
        return store.read(store.thumbnail_key(digest))
    except NotFoundError:
        return None


def _described(
    settings: Settings, encoder: Encoder, root: Path, listed: Sequence[Generated], out: Path
) -> tuple[tuple[int, ...], Descriptors]:
    describer = encoder_describer(
        encoder.spec.slug,
        device=settings.device,
        precision=settings.precision,
        folder=settings.encoders_folder,
    )
    limits = Limits(max_bytes=settings.max_file_bytes, max_pixels=settings.max_pixels)
    with progress_bar("describing", "images") as bar:
        found = describe_images(
            [describer], root, [one.path for one in listed], limits=limits, cache=out / "descriptors" / root.name,
            on_progress=bar,
        )  # fmt: skip
    for place, reason in found.failures.items():
        errors.print(f"{listed[place].path} is left out: {reason}", highlight=False, markup=False)
    return found.places, found.descriptors[0]


def _thumbnail(settings: Settings, path: Path) -> bytes | None:
    try:
        pixels = decode(
            path.read_bytes(), max_bytes=settings.max_file_bytes, max_pixels=settings.max_pixels, shortest_side=THUMBNAIL
        ).pixels  # fmt: skip
    except (OSError, ImageError):
        return None
    return thumbnail(pixels, size=THUMBNAIL)


def show(found: Study) -> None:
    """Print the artists, the strongest first."""
    table = Table("Artist", "Strength", "GSS", "Baseline", "Ceiling", "Images", "Works")
    for one in found.artists:
        numbers = (f"{value:.3f}" for value in (one.strength, one.gss, one.baseline, one.ceiling))
        table.add_row(one.artist, *numbers, str(one.images), str(one.works))
    console.print(table)
