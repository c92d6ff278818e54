"""The first stage: a bank of tags from lists, vocabularies and the catalogue."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from stylesearch.catalog.artists import Artist, ArtistAlias, WorkArtist
from stylesearch.catalog.collections import find_collection
from stylesearch.catalog.works import Work
from stylesearch.curation.recipe import Recipe, digest
from stylesearch.curation.stage import Run
from stylesearch.curation.tags import HOLDING, KINDS, Bank, Entry, Kind, Tag, build_bank
from stylesearch.curation.verdicts import TagVerdicts, tag_verdicts
from stylesearch.curation.vocabularies import read_list, read_vocabulary
from stylesearch.errors import InputError

VERSION = 1
STAGE = "tags"


def key(run: Run, before: str) -> str:
    """Return the stage's key: over the tags given and what people made of them."""
    entries = [(entry.kind, entry.name, entry.aliases) for entry in gathered(run)]
    with run.database.session() as session:
        verdicts = tag_verdicts(session, run.recipe.name)
    return digest(STAGE, VERSION, before, entries, verdicts.digest)


def carry_out(run: Run, key: str) -> dict[str, Any]:  # noqa: ARG001 - it has no parts
    """Write the tags' table; return what was counted.

    Raises
    ------
    InputError
        ``tags_file``; ``no_tags``, if there is none to be used.
    """
    with run.database.session() as session:
        verdicts = tag_verdicts(session, run.recipe.name)
    bank = build_bank(gathered(run), joined=verdicts.join)
    if not bank.tags:
        raise InputError(
            "There are no tags.", hint="Give a list with --artists, --mediums or --movements.", code="no_tags"
        )
    outcomes = [outcome(tag, verdicts) for tag in bank.tags]
    if "used" not in outcomes:
        raise InputError(
            f"All {len(bank.tags)} tags are held back or dropped.",
            hint="Look at them with 'stylesearch curate tags', and keep some.",
            code="no_tags",
        )
    run.folder.write_table(STAGE, "", _table(bank, outcomes))
    counts = _counts(bank, outcomes)
    run.on_progress(len(bank.tags), len(bank.tags), "tags")
    return counts


def outcome(tag: Tag, verdicts: TagVerdicts) -> str:
    """Return whether a tag is ``used``, ``held`` until somebody looks at it, or was ``dropped``."""
    place = (tag.kind, tag.key)
    if place in verdicts.drop:
        return "dropped"
    return "held" if tag.held and place not in verdicts.keep else "used"


def tags_of(run: Run) -> tuple[list[Tag], list[str]]:
    """Return the tags that the stage has written, and what becomes of each."""
    rows = run.folder.table(STAGE).to_pylist()
    tags = [
        Tag(
            row["kind"],
            row["key"],
            row["name"],
            tuple(row["spellings"]),
            tuple(row["flags"]),
            tuple(row["near"]),
        )
        for row in rows
    ]
    return tags, [row["outcome"] for row in rows]


def gathered(run: Run) -> list[Entry]:
    """Return all entries that a recipe names.

    Raises
    ------
    InputError
        ``tags_file``.
    NotFoundError
        If there is no such collection.
    """
    entries = list(_from_files(run.recipe))
    for slug in run.recipe.tag_collections:
        with run.database.session() as session:
            entries += _from_catalogue(session, slug)
    return entries


def _from_files(recipe: Recipe) -> Iterator[Entry]:
    for file in recipe.tag_files:
        kind = cast("Kind | None", file.kind)
        if file.form == "list":
            assert kind is not None
            yield from read_list(Path(file.path), kind)
        else:
            yield from read_vocabulary(Path(file.path), kind)


def _from_catalogue(session: Session, slug: str) -> Iterator[Entry]:
    """Yield a collection's artists with their other names, its mediums and its movements, each by name."""
    collection = find_collection(session, slug)
    here = (Work.collection_id == collection.id, Work.withdrawn_at.is_(None))
    artists = session.execute(
        select(Artist.name, func.array_remove(func.array_agg(ArtistAlias.name.distinct()), None))
        .join(WorkArtist, WorkArtist.artist_id == Artist.id)
        .join(Work, Work.id == WorkArtist.work_id)
        .outerjoin(ArtistAlias, ArtistAlias.artist_id == Artist.id)
        .where(*here, WorkArtist.role == "creator")
        .group_by(Artist.id)
        .order_by(Artist.name.collate("C"))
    )
    source = f"the collection {slug}"
    for name, aliases in artists.all():
        yield Entry("artist", name, tuple(sorted(aliases)), source)
    kinds: tuple[tuple[Kind, Any], ...] = (("medium", Work.medium), ("movement", Work.movement))
    for kind, column in kinds:
        names = session.scalars(
            select(column).where(*here, column.is_not(None)).group_by(column).order_by(column.collate("C"))
        )
        for name in names.all():
            yield Entry(kind, name, (), source)


def _table(bank: Bank, outcomes: list[str]) -> Any:
    import pyarrow as pa

    texts = pa.list_(pa.string())
    return pa.table(
        {
            "kind": pa.array([tag.kind for tag in bank.tags], pa.string()),
            "key": pa.array([tag.key for tag in bank.tags], pa.string()),
            "name": pa.array([tag.name for tag in bank.tags], pa.string()),
            "spellings": pa.array([tag.spellings for tag in bank.tags], texts),
            "flags": pa.array([tag.flags for tag in bank.tags], texts),
            "near": pa.array([tag.near for tag in bank.tags], texts),
            "outcome": pa.array(outcomes, pa.string()),
        }
    )


def _counts(bank: Bank, outcomes: list[str]) -> dict[str, Any]:
    flags = Counter(flag for tag in bank.tags for flag in tag.flags)
    kinds = Counter(tag.kind for tag in bank.tags)
    return {
        "given": bank.given,
        "empty": bank.empty,
        "too_long": bank.too_long,
        "folded": bank.doubled,
        "contested": bank.contested,
        "tags": len(bank.tags),
        "by_kind": {kind: kinds[kind] for kind in KINDS},
        "flags": {flag: flags[flag] for flag in (*HOLDING, "shared")},
        "near": sum(bool(tag.near) for tag in bank.tags),
        "outcomes": dict(sorted(Counter(outcomes).items())),
        "examples": [list(pair) for pair in bank.folded[:20]],
    }
