"""The fifth stage: splits, none of which has copies on both sides."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

from stylesearch.curation import banking, deduplication
from stylesearch.curation.folding import fold
from stylesearch.curation.leaks import Parted, check
from stylesearch.curation.parts import disjoint_parts, first_sides, random_sides
from stylesearch.curation.recipe import digest
from stylesearch.curation.stage import Run
from stylesearch.curation.tags import Tag
from stylesearch.curation.vocabularies import read_list
from stylesearch.errors import InputError
from stylesearch.ingest.sources.rows import digest_of

VERSION = 1
STAGE = "splits"
SPLITS = ("side", "by_artist", "by_content")


def key(run: Run, before: str) -> str:
    """Return the stage's key."""
    recipe = run.recipe
    listed = digest_of(Path(recipe.listed)) if recipe.listed else None
    how = [recipe.split, recipe.query_share, recipe.first_works, listed, recipe.seed]
    return digest(STAGE, VERSION, before, how)


def carry_out(run: Run, key: str) -> dict[str, Any]:  # noqa: ARG001 - it has no parts
    """Part the images, check that nothing leaks, and return what was counted.

    Raises
    ------
    LeakError
        If something is on both sides of a split.
    InputError
        ``listed``, if none of the artists that are listed is a tag here.
    """
    tags, _ = banking.tags_of(run)
    images = run.folder.table(deduplication.STAGE).to_pylist()
    groups = [image["sha256"] for image in images]
    artists = [[tags[tag].label for tag in image["tags"] if tags[tag].kind == "artist"] for image in images]
    contents = [fold(image["content"]) for image in images]
    recipe = run.recipe
    if recipe.split == "first":
        sides = first_sides(artists, groups, _listed(run, tags), works=recipe.first_works)
    else:
        sides = random_sides(groups, share=recipe.query_share, seed=recipe.seed)
    by_artist = disjoint_parts(artists, groups, share=recipe.query_share, seed=recipe.seed)
    by_content = disjoint_parts(
        [[one] if one else [] for one in contents], groups, share=recipe.query_share, seed=recipe.seed
    )
    splits = {"side": sides, "by_artist": by_artist, "by_content": by_content}
    run.folder.write_table(STAGE, "", _table(groups, splits))
    check_leaks(run)
    run.on_progress(len(images), len(images), "images parted")
    return {name: dict(sorted(Counter(parts).items())) for name, parts in splits.items()} | {
        "artists": len({name for own in artists for name in own}),
        "contents": len(set(contents) - {""}),
    }


def check_leaks(run: Run) -> None:
    """Look again at what was written: no image, no group of copies, no pair of copies is on both sides of a split.

    Raises
    ------
    LeakError
        If one is, or an artist or a content in the split that parts these.
    """
    tags, _ = banking.tags_of(run)
    images = run.folder.table(deduplication.STAGE).to_pylist()
    written = run.folder.table(STAGE).to_pydict()
    if written["sha256"] != [image["sha256"] for image in images]:
        raise InputError(
            "The splits are not of these images.", hint="Run the stage again.", code="run_folder"
        )
    pairs = run.folder.table(deduplication.STAGE, "pairs").to_pydict()
    check(
        Parted(
            written["sha256"],
            [image["component"] for image in images],
            [[tags[tag].label for tag in image["tags"] if tags[tag].kind == "artist"] for image in images],
            [fold(image["content"]) for image in images],
            {name: written[name] for name in SPLITS},
        ),
        zip(pairs["a"], pairs["b"], strict=True),
    )


def _listed(run: Run, tags: list[Tag]) -> set[Any]:
    """Return the labels of the artists that queries are taken of: those that are listed, or all."""
    artists = {spelling: tag.label for tag in tags if tag.kind == "artist" for spelling in tag.spellings}
    if run.recipe.listed is None:
        return set(artists.values())
    path = Path(run.recipe.listed)
    named = {artists.get(fold(entry.name)) for entry in read_list(path, "artist")} - {None}
    if not named:
        raise InputError(
            f"None of the artists in {path} is a tag of this set.",
            hint="Spell them as the tags are.",
            code="listed",
        )
    return named


def _table(digests: list[str], splits: dict[str, list[str]]) -> Any:
    import pyarrow as pa

    columns = {"sha256": pa.array(digests, pa.string())}
    return pa.table(columns | {name: pa.array(parts, pa.string()) for name, parts in splits.items()})
