"""``stylesearch evaluate``: how well descriptors find style, by the published protocols and by our own."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

import click
import numpy as np

from stylesearch.catalog.curations import TAG_KINDS
from stylesearch.catalog.database import open_database
from stylesearch.cli.progress import console, errors, progress_bar
from stylesearch.encoders.protocol import Descriptors
from stylesearch.errors import InputError
from stylesearch.evaluation import protocols
from stylesearch.evaluation.artists import measure_artists, with_enough_works
from stylesearch.evaluation.baselines import BASELINES
from stylesearch.evaluation.collection import read_collection
from stylesearch.evaluation.curated import read_curated
from stylesearch.evaluation.datasets import read_crossed, read_domainnet, read_wikiart
from stylesearch.evaluation.describing import (
    Describer,
    Limits,
    baseline_describer,
    describe_images,
    encoder_describer,
    readable_name,
)
from stylesearch.evaluation.files import write_files
from stylesearch.evaluation.kept import read_descriptors
from stylesearch.evaluation.labels import Indices
from stylesearch.evaluation.listing import Listing, read_table
from stylesearch.evaluation.plots import need_matplotlib
from stylesearch.evaluation.protocols import KS
from stylesearch.evaluation.tables import Evaluation, Outcome, Result, document, notes, rich_tables
from stylesearch.settings import Settings, get_settings

Function = TypeVar("Function", bound=Callable[..., Any])

MIN_WORKS = 10


@dataclass(frozen=True, slots=True)
class Options:
    """What all protocols take."""

    ks: tuple[int, ...]
    seed: int
    out: Path | None
    as_json: bool
    plots: bool


def common_options(function: Function) -> Function:
    """Add what all protocols take; they arrive as ``options``."""

    @functools.wraps(function)
    def collected(
        k: tuple[int, ...], seed: int, out: Path | None, as_json: bool, plots: bool, **others: Any
    ) -> Any:
        if out is not None and plots:
            need_matplotlib()  # said before hours of describing, not after
        return function(options=Options(k or KS, seed, out, as_json, plots), **others)

    return _with_options(
        collected,
        click.option(
            "--k",
            type=click.IntRange(1),
            multiple=True,
            help="Results to look at, repeatable; default: 1, 10 and 100.",
        ),
        click.option(
            "--seed", type=click.IntRange(0), default=0, show_default=True, help="Of splits and resampling."
        ),
        click.option(
            "--out",
            type=click.Path(path_type=Path, file_okay=False),
            help="Folder for the JSON, Markdown and plots; descriptors are kept there too, for the next call.",
        ),
        click.option(
            "--plots/--no-plots", default=True, show_default=True, help="Whether to draw plots into it."
        ),
        click.option("--json", "as_json", is_flag=True, help="Print JSON."),
    )  # type: ignore[return-value]


def describer_options(function: Function) -> Function:
    """Add what says with what to describe images."""
    return _with_options(
        function,
        click.option(
            "--encoder",
            "encoders",
            multiple=True,
            metavar="SLUG",
            help="Encoder to measure, repeatable; default: the one of the settings.",
        ),
        click.option("--weights", type=click.Path(path_type=Path), help="Weights file of that one encoder."),
        click.option(
            "--baseline",
            "baselines",
            multiple=True,
            type=click.Choice([*BASELINES, "all"]),
            help="Simple describer to compare with, repeatable.",
        ),
        click.option("--device", help="Where to run: auto, cpu, cuda, cuda:1, mps; default: as set."),
    )


def _with_options(function: Function, *options: Callable[[Function], Function]) -> Function:
    for option in reversed(options):
        function = option(function)
    return function


@click.group()
def evaluate() -> None:
    """Measure how well descriptors find style.

    Recall@k and mAP@k are counted as in the paper on Contrastive Style Descriptors: hits by any shared label, and the mean
    of the precision among the first 1 to k results.
    """


@evaluate.command()
@click.argument("source", type=click.Path(path_type=Path))
@common_options
@describer_options
def crossed(source: Path, options: Options, **describing: Any) -> None:
    """Measure whether style outweighs content in SOURCE: a folder STYLE/CONTENT.EXT, or a table with path, style, content.

    Every image is searched with among all the others; the same content in other styles stays in.
    """
    listing = read_crossed(source)
    assert listing.contents is not None
    protocols.check_crossed(listing.single_styles, listing.contents)

    def measure(rows: Descriptors, chosen: Listing) -> Result:
        assert chosen.contents is not None
        return protocols.crossed(rows, chosen.single_styles, chosen.contents, ks=options.ks)

    _measure_images("crossed", source, listing, measure, options, **describing)


@evaluate.command()
@click.argument("source", type=click.Path(path_type=Path))
@common_options
@describer_options
def wikiart(source: Path, options: Options, **describing: Any) -> None:
    """Measure retrieval by artist on WikiArt in SOURCE: the folder of wikiart.csv, of the genres, or a table.

    The split is that of the table's column split; without one, images are divided 80 to 20 by the seed.
    """
    _measure_split("wikiart", source, read_wikiart(source, seed=options.seed), options, **describing)


@evaluate.command()
@click.argument("source", type=click.Path(path_type=Path))
@click.option(
    "--query-classes",
    type=click.Path(path_type=Path),
    help="File with the classes to search with, one a line; default: drawn by the seed.",
)
@common_options
@describer_options
def domainnet(source: Path, query_classes: Path | None, options: Options, **describing: Any) -> None:
    """Measure retrieval by domain on DomainNet in SOURCE: a folder DOMAIN/CLASS/IMAGE, or a table.

    Queries show other classes than the database, so that only style can be found. Quickdraw is left out.
    """
    classes = None if query_classes is None else frozenset(_lines(query_classes))
    listing = read_domainnet(source, seed=options.seed, query_classes=classes)
    _measure_split("domainnet", source, listing, options, **describing)


def artist_options(function: Function) -> Function:
    """Add what measuring artists takes."""
    return _with_options(
        function,
        click.option(
            "--min-works",
            type=click.IntRange(2),
            default=MIN_WORKS,
            show_default=True,
            help="Leave out artists with fewer works.",
        ),
        click.option(
            "--resamples",
            type=click.IntRange(1),
            default=1000,
            show_default=True,
            help="Behind each interval.",
        ),
        click.option(
            "--splits",
            type=click.IntRange(1),
            default=25,
            show_default=True,
            help="Artist-disjoint splits for pair verification.",
        ),
    )


@evaluate.command()
@click.argument("slug")
@click.option(
    "--encoder",
    "encoders",
    multiple=True,
    metavar="SLUG",
    help="Encoder whose descriptors to measure, repeatable; default: the one of the settings.",
)
@artist_options
@common_options
def collection(slug: str, encoders: tuple[str, ...], options: Options, **artists: Any) -> None:
    """Measure retrieval by artist and the diagnostics on the collection SLUG of the catalogue, with the descriptors it has.

    Works whose artist is uncertain are left out. Copies, near copies and other pictures of the same work are no hits.
    """
    settings = get_settings()
    outcomes, remarks, images = [], [], 0
    database = open_database(settings)
    for encoder in encoders or (settings.encoder,):
        with database.session(snapshot=True) as session:
            found = read_collection(session, slug, encoder)
        images = len(found.descriptors)
        if found.left_out:
            remarks.append(
                f"{found.left_out} images of works without a sure artist were left out ({encoder})."
            )
        outcomes.append(
            Outcome(
                found.encoder,
                _measure_artists(found.descriptors, found.artists, found.groups, options, **artists),
            )
        )
    _report(_evaluation("collection", slug, images, {}, tuple(remarks), outcomes, options), options)


@evaluate.command()
@click.argument("slug")
@click.option(
    "--encoder",
    "encoders",
    multiple=True,
    metavar="SLUG",
    help="Encoder whose descriptors to measure, repeatable; default: the one of the settings.",
)
@click.option(
    "--kind",
    "kinds",
    multiple=True,
    type=click.Choice(TAG_KINDS),
    help="Kind of tags that are labels, repeatable; default: all.",
)
@click.option(
    "--part", type=click.Choice(["train", "test"]), help="Part without artists of the other; default: all."
)
@common_options
def curated(
    slug: str, encoders: tuple[str, ...], kinds: tuple[str, ...], part: str | None, options: Options
) -> None:
    """Measure retrieval by tag on the style-tagged set SLUG, as 'curate' makes it, with the descriptors it has.

    The set's queries are searched for in its database, as in the paper; a hit shares a tag.
    """
    settings = get_settings()
    outcomes, remarks, images = [], [], 0
    database = open_database(settings)
    for encoder in encoders or (settings.encoder,):
        with database.session(snapshot=True) as session:
            found = read_curated(session, slug, encoder, kinds=kinds or TAG_KINDS, part=part)
        protocols.check_split(found.sides)
        images = len(found.descriptors)
        if found.left_out:
            remarks.append(f"{found.left_out} images without a tag of these kinds were left out ({encoder}).")
        outcomes.append(
            Outcome(
                found.encoder, protocols.by_split(found.descriptors, found.tags, found.sides, ks=options.ks)
            )
        )
    _report(_evaluation("curated", slug, images, {}, tuple(remarks), outcomes, options), options)


@evaluate.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option(
    "--labels",
    type=click.Path(path_type=Path),
    required=True,
    help="Table with path and style, artist or label; perhaps content, or split.",
)
@artist_options
@common_options
def descriptors(file: Path, labels: Path, options: Options, **artists: Any) -> None:
    """Measure the descriptors in FILE, as 'stylesearch encode' writes it, with the labels of a CSV or JSON-lines table.

    With the column content they are measured as 'crossed' does, with the column split as 'wikiart' does, and otherwise as
    'collection' does.
    """
    paths, rows, identity = read_descriptors(file)
    table = read_table(labels)
    listing = table.take(_places_of(paths, table, labels))
    result: Result
    if listing.contents is not None:
        result = protocols.crossed(rows, listing.single_styles, listing.contents, ks=options.ks)
    elif listing.splits is not None:
        result = protocols.by_split(rows, listing.styles, listing.splits, ks=options.ks)
    else:
        result = _measure_artists(rows, listing.styles, np.arange(len(rows)), options, **artists)
    outcome = Outcome(identity, result)
    _report(_evaluation("descriptors", readable_name(file), len(rows), {}, (), [outcome], options), options)


def _measure_split(
    protocol: str, source: Path, listing: Listing, options: Options, **describing: Any
) -> None:
    assert listing.splits is not None
    protocols.check_split(listing.splits)

    def measure(rows: Descriptors, chosen: Listing) -> Result:
        assert chosen.splits is not None
        return protocols.by_split(rows, chosen.styles, chosen.splits, ks=options.ks)

    _measure_images(protocol, source, listing, measure, options, **describing)


def _measure_images(
    protocol: str,
    source: Path,
    listing: Listing,
    measure: Callable[[Descriptors, Listing], Result],
    options: Options,
    *,
    encoders: tuple[str, ...],
    weights: Path | None,
    baselines: tuple[str, ...],
    device: str | None,
) -> None:
    settings = get_settings()
    describers = _describers(settings, encoders, weights, baselines, device)
    with progress_bar("describing", "images") as bar:
        described = describe_images(
            describers,
            listing.root,
            listing.paths,
            limits=Limits(settings.max_file_bytes, settings.max_pixels),
            cache=options.out,
            on_progress=bar,
        )
    chosen = listing.take(described.places)
    outcomes = [
        Outcome(describer.identity, measure(rows, chosen))
        for describer, rows in zip(describers, described.descriptors, strict=True)
    ]
    unreadable = {readable_name(listing.paths[place]): reason for place, reason in described.failures.items()}
    evaluation = _evaluation(
        protocol, readable_name(source), len(chosen), unreadable, listing.notes, outcomes, options
    )
    _report(evaluation, options)


def _describers(
    settings: Settings,
    encoders: Sequence[str],
    weights: Path | None,
    baselines: Sequence[str],
    device: str | None,
) -> list[Describer]:
    if weights is not None and len(encoders) > 1:
        raise click.UsageError("--weights goes with one --encoder.")
    where = device or settings.device
    names = BASELINES if "all" in baselines else tuple(dict.fromkeys(baselines))
    return [
        *(
            encoder_describer(
                slug,
                device=where,
                precision=settings.precision,
                weights=weights,
                folder=settings.encoders_folder,
            )
            for slug in dict.fromkeys(encoders or (settings.encoder,))
        ),
        *(baseline_describer(name, device=where) for name in names),
    ]


def _measure_artists(
    rows: Descriptors,
    artists: Sequence[frozenset[str]],
    groups: Indices,
    options: Options,
    *,
    min_works: int,
    resamples: int,
    splits: int,
) -> Result:
    sets = with_enough_works(artists, groups, min_works)
    kept = [place for place, names in enumerate(sets) if names]
    with progress_bar("resampling", "artists") as bar:
        return measure_artists(
            rows[kept],
            [sets[place] for place in kept],
            groups=groups[kept],
            ks=options.ks,
            seed=options.seed,
            resamples=resamples,
            splits=splits,
            on_progress=bar,
        )


def _places_of(paths: Sequence[str], table: Listing, labels: Path) -> list[int]:
    """Return where each path stands in a table; a path may be written relative to here or to the table."""
    places = {path: place for place, path in enumerate(table.paths)}
    absolute = {str((table.root / path).absolute()): place for path, place in places.items()}
    found = [places.get(path, absolute.get(str(Path(path).absolute()))) for path in paths]
    missing = [path for path, place in zip(paths, found, strict=True) if place is None]
    if missing:
        raise InputError(
            f"{labels} has no label for {len(missing)} of {len(paths)} paths, the first being {missing[0]}.",
            hint="Write its paths as they are in the file of descriptors, or relative to the table.",
            code="labels_missing",
        )
    return [place for place in found if place is not None]


def _lines(path: Path) -> list[str]:
    try:
        return [line.strip() for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(
            f"{path} cannot be read: {error}.", hint="Give a text file in UTF-8.", code="file_unreadable"
        ) from None


def _evaluation(
    protocol: str,
    source: str,
    images: int,
    unreadable: dict[str, str],
    notes: tuple[str, ...],
    outcomes: Sequence[Outcome],
    options: Options,
) -> Evaluation:
    date = datetime.now(UTC).isoformat(timespec="seconds")
    return Evaluation(protocol, source, images, unreadable, options.seed, notes, date, tuple(outcomes))


def _report(evaluation: Evaluation, options: Options) -> None:
    """Print a result, say what was left out, and write its files."""
    for path, reason in evaluation.unreadable.items():
        errors.print(f"{path}: {reason}", highlight=False, markup=False)
    if options.as_json:
        click.echo(json.dumps(document(evaluation), ensure_ascii=False, indent=2))
    else:
        for table in rich_tables(evaluation):
            console.print(table)
    for note in notes(evaluation):
        errors.print(note, highlight=False, markup=False)
    if options.out is not None:
        for written in write_files(evaluation, options.out, plots=options.plots):
            errors.print(f"written: {written}", highlight=False, markup=False)
