"""What ``stylesearch train`` is given to learn from."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from stylesearch.settings import Settings

if TYPE_CHECKING:
    from stylesearch.training.augment import Augmentation
    from stylesearch.training.datasets import Decoding, TrainingSet

Function = TypeVar("Function", bound=Callable[..., Any])

TAG_KINDS = ("artist", "keyword", "medium", "movement")
CURATED_PARTS = ("train", "test", "content-train", "content-test", "query", "database")
SOURCES = ("folder", "table", "collection", "curated", "shards", "features")
"""The options that name a source; of a call's, one."""

_folder = click.Path(path_type=Path, file_okay=False)
_file = click.Path(path_type=Path, dir_okay=False)


def joined(*options: Callable[[Function], Function]) -> Callable[[Function], Function]:
    """Join options into one decorator."""

    def add(function: Function) -> Function:
        for option in reversed(options):
            function = option(function)
        return function

    return add


data_options = joined(
    click.option("--folder", type=_folder, help="Pictures as FOLDER/<style>/<content>.<ext>."),
    click.option(
        "--table",
        type=_file,
        help="A .csv with the columns path, tags and content, or a .jsonl with those fields.",
    ),
    click.option("--collection", metavar="SLUG", help="Pictures of a collection in the catalogue."),
    click.option("--curated", metavar="NAME", help="Pictures of a style-tagged set, as 'curate' makes it."),
    click.option(
        "--part",
        type=click.Choice(CURATED_PARTS),
        help="Part of a style-tagged set; train and test have no artist in common. Default: all of it.",
    ),
    click.option(
        "--shards",
        multiple=True,
        type=click.Path(path_type=Path),
        help="WebDataset shards: a tar file, or a folder of them; may be repeated.",
    ),
    click.option(
        "--features", type=_file, help="An .npz of features of a frozen network, for the model head."
    ),
    click.option(
        "--tag-by",
        multiple=True,
        type=click.Choice(TAG_KINDS),
        help="What makes tags of a collection's works; may be repeated. Default: artist.",
    ),
    click.option(
        "--content-by-title",
        is_flag=True,
        help="Take works of a collection with one title as depicting the same.",
    ),
)


def open_data(source: dict[str, Any], settings: Settings, views: Augmentation | None) -> TrainingSet:
    """Open the one source that was named.

    Raises
    ------
    click.UsageError
        If not exactly one was, or it is not of the kind that the model takes.
    StylesearchError
        If it cannot be opened, or holds nothing to train on.
    """
    from stylesearch.training.datasets import Decoding, FeatureSet

    named = [name for name in SOURCES if source[name]]
    if len(named) != 1:
        raise click.UsageError(f"Give one of {', '.join(f'--{name}' for name in SOURCES)}.")
    if (named == ["features"]) != (views is None):
        raise click.UsageError("The model head, and no other, is trained on --features.")
    if views is None:
        return FeatureSet.open(source["features"])
    decoding = Decoding(
        shortest_side=views.source_side, max_bytes=settings.max_file_bytes, max_pixels=settings.max_pixels
    )
    if source["collection"]:
        return _open_collection(source, settings, decoding)
    if source["part"] and not source["curated"]:
        raise click.UsageError("--part goes with --curated.")
    if source["curated"]:
        return _open_curated(source, settings, decoding)
    if source["shards"]:
        from stylesearch.training.shards import picture_shards

        return picture_shards(source["shards"], decoding=decoding)
    from stylesearch.training.files import picture_folder, picture_table

    if source["table"]:
        return picture_table(source["table"], decoding=decoding)
    return picture_folder(source["folder"], decoding=decoding)


def _open_collection(source: dict[str, Any], settings: Settings, decoding: Decoding) -> TrainingSet:
    from stylesearch.catalog.database import open_database
    from stylesearch.images.store import open_store
    from stylesearch.training.archive import picture_collection

    with open_database(settings).session() as session:
        return picture_collection(
            session,
            source["collection"],
            open_store(settings),
            tag_by=source["tag_by"] or ("artist",),
            content_by_title=source["content_by_title"],
            decoding=decoding,
        )


def _open_curated(source: dict[str, Any], settings: Settings, decoding: Decoding) -> TrainingSet:
    from stylesearch.catalog.database import open_database
    from stylesearch.images.store import open_store
    from stylesearch.training.archive import picture_curation

    with open_database(settings).session() as session:
        return picture_curation(
            session, source["curated"], open_store(settings), part=source["part"], decoding=decoding
        )
