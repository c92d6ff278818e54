"""The third stage: the images of the matched captions, from the catalogue, where what is missing is taken in first."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import closing
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session, aliased

from stylesearch.catalog.artists import Artist, WorkArtist
from stylesearch.catalog.collections import find_collection
from stylesearch.catalog.rights import License
from stylesearch.catalog.runs import IngestItem
from stylesearch.catalog.works import Image, Work
from stylesearch.curation import matching
from stylesearch.curation.recipe import Recipe, digest
from stylesearch.curation.stage import Run
from stylesearch.errors import InputError
from stylesearch.ingest.counts import Counts
from stylesearch.ingest.driving import drive
from stylesearch.ingest.run import Into, discover, make_pipeline, open_run, serving_encoder
from stylesearch.ingest.sources.chosen import write_ids
from stylesearch.ingest.sources.registry import build_source

VERSION = 1
STAGE = "images"
IDS_FILE = "3-images-wanted.txt"

MISSING = "image_missing"
"""Why a matched work of the catalogue has no image: it never had one, or it was withdrawn since."""

_STEP = 5000
_TEXTS = ("title", "credit_line", "source_url", "license", "reuse", "media_type", "storage_key")


def key(run: Run, before: str) -> str:
    """Return the stage's key."""
    return digest(STAGE, VERSION, before, run.recipe.into, run.recipe.default_license)


def carry_out(run: Run, key: str) -> dict[str, Any]:  # noqa: ARG001 - the ledger keeps its progress
    """Take in what is not local, and write what the catalogue knows of each image; return what was counted.

    Raises
    ------
    InputError
        ``no_images``, if none of the matched captions has an image.
    StylesearchError
        If the store, the encoder or the database fails; the same command goes on.
    """
    ids: list[str] = run.folder.table(matching.STAGE).column("id").to_pylist()
    recipe = run.recipe
    causes: dict[str, str] = {}
    counts: Counts | None = None
    if recipe.source.kind == "collection":
        slug, digests = recipe.source.place, None
    else:
        assert recipe.into is not None
        slug = recipe.into
        counts, digests, causes = _take_in(run, ids)
    with run.database.session() as session:
        collection_id = find_collection(session, slug).id
        facts = _facts(session, collection_id, ids, digests)
    found = [(source_id, facts[source_id]) for source_id in ids if source_id in facts]
    for source_id in ids:
        if source_id not in facts:
            causes.setdefault(source_id, MISSING)
    run.folder.write_table(STAGE, "", _table(found))
    run.folder.write_table(STAGE, "missing", _missing(ids, causes, facts))
    lost = Counter(causes[source_id] for source_id in ids if source_id not in facts)
    if not found:
        raise InputError(
            f"None of the {len(ids):,} matched captions has an image: {_worst(lost)}.",
            hint="Check the paths or addresses; '3-images-missing.parquet' in the run's folder lists them.",
            code="no_images",
        )
    return {
        "wanted": len(ids),
        "found": len(found),
        "images": len({one["sha256"] for _, one in found}),
        "missing": dict(sorted(lost.items())),
        "missing_total": lost.total(),
        "taken_in": counts.ingested if counts else 0,
    }


def _worst(lost: Counter[str]) -> str:
    return ", ".join(f"{cause} {number:,}" for cause, number in lost.most_common(3)) or "no reason is known"


def _take_in(run: Run, ids: Sequence[str]) -> tuple[Counts, dict[str, str], dict[str, str]]:
    """Take in the chosen rows; return counts, each row's digest, and why some have none."""
    recipe = run.recipe
    wanted = run.folder.path / IDS_FILE
    write_ids(wanted, ids)
    options = source_options(recipe, str(wanted))
    source = build_source(recipe.source.kind, options, run.settings)
    into = Into(recipe.into or "", default_license=recipe.default_license)
    spec = serving_encoder(run.database, run.settings).spec
    with run.database.session() as session:
        opened, _ = open_run(session, source, into, spec=spec, options=options)
        run_id = opened.id
    discover(
        run.database,
        run_id,
        source,
        on_progress=lambda done, total: run.on_progress(done, total, "looked at"),
    )
    with closing(make_pipeline(run.database, run.settings)) as pipeline:
        counts = drive(
            pipeline, run_id, on_progress=lambda now: run.on_progress(now.done, now.discovered, "images")
        )
    with run.database.session() as session:
        items = session.execute(
            # What is unchanged by its version has not been read, but is held.
            select(
                IngestItem.source_id,
                func.coalesce(IngestItem.sha256, Image.sha256).label("sha256"),
                IngestItem.error_code,
            )
            .outerjoin(Image, Image.id == IngestItem.image_id)
            .where(IngestItem.run_id == run_id)
        ).all()
    digests = {
        item.source_id: bytes(item.sha256).hex() for item in items if item.sha256 and not item.error_code
    }
    return counts, digests, {item.source_id: item.error_code for item in items if item.error_code}


def source_options(recipe: Recipe, wanted: str) -> dict[str, Any]:
    """Return what the ingest source of a recipe is opened from."""
    source = recipe.source
    if source.kind == "shards":
        return {"path": source.place, "only_file": wanted}
    return {
        "path": source.place,
        "columns": {name: column for name, column in source.columns.items() if name != "content"},
        "images": source.images,
        "delimiter": source.delimiter,
        "only_file": wanted,
    }


def _facts(
    session: Session, collection_id: int, ids: Sequence[str], digests: dict[str, str] | None
) -> dict[str, dict[str, Any]]:
    """Return what the catalogue knows of the image of each id.

    Of images that several rows have, the bytes decide: they are one image, kept under one of the rows.
    """
    found: dict[str, dict[str, Any]] = {}
    if digests is None:
        for part in _parted(ids):
            found |= {
                facts["source_id"]: facts for facts in _rows(session, collection_id, Work.source_id.in_(part))
            }
        return found
    wanted = sorted({digests[one] for one in ids if one in digests})
    by_digest: dict[str, dict[str, Any]] = {}
    for part in _parted(wanted):
        condition = Image.sha256.in_([bytes.fromhex(one) for one in part])
        by_digest |= {facts["sha256"]: facts for facts in _rows(session, collection_id, condition)}
    return {one: by_digest[digests[one]] for one in ids if digests.get(one) in by_digest}


def _rows(session: Session, collection_id: int, condition: Any) -> Iterator[dict[str, Any]]:
    of_work, of_image = aliased(License), aliased(License)
    rows = session.execute(
        select(
            Image.id, Image.sha256, Image.perceptual_hash, Image.width, Image.height, Image.media_type, Image.storage_key,
            Work.source_id, Work.title, Work.credit_line, Work.source_url, Work.ai_training,
            of_image.uri, of_image.reuse, of_image.ai_training.label("image_training"),
            of_work.ai_training.label("work_training"), Work.id.label("work_id"),
        )
        .join(Work, Work.id == Image.work_id)
        .outerjoin(of_work, Work.work_license_id == of_work.id)
        .outerjoin(of_image, Work.image_license_id == of_image.id)
        .where(Image.collection_id == collection_id, Work.withdrawn_at.is_(None), condition)
        .order_by(Image.sha256.desc())
    ).all()  # fmt: skip
    creators: dict[int, list[str]] = {}
    for work_id, name in session.execute(
        select(WorkArtist.work_id, Artist.name)
        .join(WorkArtist.artist)
        .where(
            WorkArtist.work_id.in_([row.work_id for row in rows]),
            WorkArtist.role == "creator",
            WorkArtist.qualifier.is_(None),
        )
        .order_by(WorkArtist.work_id, WorkArtist.position, Artist.name)
    ):
        creators.setdefault(work_id, []).append(name)
    for row in rows:
        yield {
            "sha256": bytes(row.sha256).hex(),
            "hash": row.perceptual_hash,
            "width": row.width,
            "height": row.height,
            "media_type": row.media_type,
            "storage_key": row.storage_key,
            "source_id": row.source_id,
            "title": row.title,
            "creators": creators.get(row.work_id, []),
            "credit_line": row.credit_line,
            "source_url": row.source_url,
            "license": row.uri,
            "reuse": row.reuse,
            "reserved": False in (row.ai_training, row.image_training, row.work_training),
        }


def _parted(values: Sequence[str]) -> Iterator[Sequence[str]]:
    for begin in range(0, len(values), _STEP):
        yield values[begin : begin + _STEP]


def _table(found: list[tuple[str, dict[str, Any]]]) -> Any:
    import pyarrow as pa

    facts = [one for _, one in found]
    return pa.table(
        {
            "id": pa.array([source_id for source_id, _ in found], pa.string()),
            "sha256": pa.array([one["sha256"] for one in facts], pa.string()),
            "hash": pa.array([one["hash"] for one in facts], pa.int64()),
            "width": pa.array([one["width"] for one in facts], pa.int64()),
            "height": pa.array([one["height"] for one in facts], pa.int64()),
            **{name: pa.array([one[name] for one in facts], pa.string()) for name in _TEXTS},
            "creators": pa.array([one["creators"] for one in facts], pa.list_(pa.string())),
            "reserved": pa.array([one["reserved"] for one in facts], pa.bool_()),
        }
    )


def _missing(ids: Sequence[str], causes: dict[str, str], facts: dict[str, Any]) -> Any:
    import pyarrow as pa

    lost = [source_id for source_id in ids if source_id not in facts]
    return pa.table(
        {"id": pa.array(lost, pa.string()), "cause": pa.array([causes[one] for one in lost], pa.string())}
    )
