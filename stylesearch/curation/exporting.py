"""The last stage: shards, tables, a data card, metadata and plots; and the set goes back into the catalogue."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session

from stylesearch.catalog.collections import find_collection
from stylesearch.catalog.connections import copy_binary
from stylesearch.catalog.curations import Curation, CurationImage, CurationTag, ensure_curation
from stylesearch.catalog.works import Image
from stylesearch.curation import banking, card, croissant, deduplication, fetching, matching, splitting
from stylesearch.curation.contact_sheets import write_sheet
from stylesearch.curation.folder import STAGES, write_parquet
from stylesearch.curation.funnel import Counts, funnel
from stylesearch.curation.recipe import digest
from stylesearch.curation.shard_files import Sample, write_shard
from stylesearch.curation.stage import Run
from stylesearch.curation.tags import Tag
from stylesearch.curation.verdicts import keep_pairs, keep_tags
from stylesearch.errors import InputError
from stylesearch.files import written_whole

VERSION = 1
STAGE = "export"
FOLDER = "export"
KEY_FILE = "export.key"

MOST_SHEETS = 24
"""Contact sheets: of the most frequent tags."""

MEANINGS = {
    "images": "A row for each image of the set.",
    "images.key": "Names the image's files in the shards.",
    "images.shard": "The shard that it is in.",
    "images.sha256": "Digest of its file.",
    "images.width": "In pixels, as the file says.",
    "images.height": "In pixels, as the file says.",
    "images.media_type": "IANA media type.",
    "images.source_id": "What its archive knows the work by.",
    "images.title": "The work's title.",
    "images.caption": "The caption its tags were found in, or its beginning.",
    "images.content": "What it depicts, as far as is said.",
    "images.tags": "Its tags with their kinds, as 'artist: NAME'; those of its copies too.",
    "images.creators": "Whom the catalogue credits it to.",
    "images.license": "Its rights statement, as a URI.",
    "images.reuse": "open, restricted or permission.",
    "images.credit_line": "How to credit it.",
    "images.source_url": "Where the work is shown.",
    "images.copies": "Digests of the copies that were merged into it.",
    "images.side": "Whether it is a query or in the database.",
    "images.by_artist": "Part in the split that has no artist on both sides.",
    "images.by_content": "Part in the split that has no content on both sides.",
    "tags": "A row for each tag that an image has.",
    "tags.label": "Kind and name.",
    "tags.spellings": "What it was found by, folded.",
    "tags.captions": "Captions that name it.",
    "tags.images": "Images that have it.",
}


def key(run: Run, before: str) -> str:
    """Return the stage's key."""
    return digest(STAGE, VERSION, before, run.recipe.name, run.recipe.reuse, run.recipe.shard_images)


def carry_out(run: Run, key: str) -> dict[str, Any]:
    """Write the export and the catalogue's set; return what was counted.

    Raises
    ------
    LeakError
        If the splits leak.
    InputError
        ``nothing_to_export``, if rights leave nothing.
    """
    splitting.check_leaks(run)
    tags, _ = banking.tags_of(run)
    images, reserved, other = _chosen(run, tags)
    if not images:
        raise InputError(
            f"Nothing is left to be exported: {reserved:,} images are reserved against training, and {other:,} have other rights.",
            hint="Leave --reuse out, or allow more classes.",
            code="nothing_to_export",
        )
    folder = _begun(run, key)
    _write_shards(run, folder, images)
    counted = Counter(tag for image in images for tag in image["tags"])
    used = sorted(counted)
    by_tag = {tag: (tags[tag].kind, tags[tag].name, counted[tag]) for tag in used}
    tables = _write_tables(run, folder, images, tags, counted)
    done = {stage: found.counts for stage in STAGES if (found := run.folder.done(stage)) is not None}
    counts = {
        "images": len(images),
        "reserved": reserved,
        "other_rights": other,
        "tags": len(used),
        "shards": len({image["shard"] for image in images}),
        "labels": counted.total(),
    }
    every: Counts = {**done, STAGE: counts}
    rows = sorted(by_tag.values(), key=lambda row: (-row[2], row[0], row[1]))
    plots = _draw(run, folder, every, by_tag, images)
    rights = card.license_rows(images)
    _write_text(
        folder / "README.md", card.data_card(run.recipe, every, rights=rights, tags=rows, plots=plots)
    )
    described = croissant.describe(
        folder,
        name=run.recipe.name,
        description=f"{len(images):,} images with {len(used):,} style tags, found in captions; copies merged.",
        licenses=[name for name, _, _ in rights if name != card.UNSTATED],
        citation=card.CITATION,
        tables=tables,
        meanings=MEANINGS,
        shards=sorted({image["shard"] for image in images}),
    )
    run.folder.write_json(f"{FOLDER}/croissant.json", described)
    with run.database.session() as session:
        _into_catalogue(session, run, tags, images, counted, every)
    return counts


def check_export(run: Run) -> None:
    """Check what was exported: nothing leaks, the card speaks of it, and its metadata hold.

    Raises
    ------
    LeakError, InputError
        If something is not as it should be.
    NotFoundError
        If nothing was exported.
    """
    splitting.check_leaks(run)
    folder = run.folder.path / FOLDER
    done = {stage: found.counts for stage in STAGES if (found := run.folder.done(stage)) is not None}
    if STAGE not in done:
        raise InputError(
            "Nothing was exported yet.", hint="Go on with 'stylesearch curate resume'.", code="no_export"
        )
    funnel(done)
    card.check((folder / "README.md").read_text("utf-8"), done[STAGE]["images"])
    croissant.check(folder, run.folder.read_json(f"{FOLDER}/croissant.json"))


def _chosen(run: Run, tags: Sequence[Tag]) -> tuple[list[dict[str, Any]], int, int]:
    """Return the images that are exported, in the order of the captions, and how many were left out for their rights."""
    facts = {row["sha256"]: row for row in reversed(run.folder.table(fetching.STAGE).to_pylist())}
    parts = {row["sha256"]: row for row in run.folder.table(splitting.STAGE).to_pylist()}
    found, reserved, other = [], 0, 0
    for row in run.folder.table(deduplication.STAGE).to_pylist():
        about = {**facts[row["sha256"]], **row, **parts[row["sha256"]]}
        if row["reserved"]:
            reserved += 1
        elif run.recipe.reuse and about["reuse"] not in run.recipe.reuse:
            other += 1
        else:
            about["source_id"] = row["ids"][0]
            about["labels"] = [tags[tag].label for tag in row["tags"]]
            found.append(about)
    numbers: Counter[str] = Counter()
    for place, about in enumerate(found):
        part = about["by_artist"]
        about["key"] = f"{place:09d}"
        about["shard"] = f"shards/{part}-{numbers[part] // run.recipe.shard_images:05d}.tar"
        numbers[part] += 1
    return found, reserved, other


def _begun(run: Run, key: str) -> Path:
    """Return the folder of the export; one that was begun from something else is emptied first."""
    folder = run.folder.path / FOLDER
    begun = run.folder.path / KEY_FILE
    if not begun.exists() or begun.read_text("ascii") != key:
        begun.unlink(missing_ok=True)
        shutil.rmtree(folder, ignore_errors=True)
        _write_text(begun, key)
    for name in ("shards", "plots", "tags"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    return folder


def _write_shards(run: Run, folder: Path, images: Sequence[Mapping[str, Any]]) -> None:
    by_shard: dict[str, list[Mapping[str, Any]]] = {}
    for image in images:
        by_shard.setdefault(image["shard"], []).append(image)
    done = 0
    for name, members in sorted(by_shard.items()):
        if not (folder / name).exists():
            write_shard(folder / name, _samples(run, members))
        done += len(members)
        run.on_progress(done, len(images), "images written")


def _samples(run: Run, images: Sequence[Mapping[str, Any]]) -> Iterator[Sample]:
    for image in images:
        about = {
            "tags": image["labels"],
            **{
                name: image[name]
                for name in ("sha256", "source_id", "title", "caption", "creators", "width", "height")
            },
            "content": image["content"] or None,
            "rights": {name: image[name] for name in ("license", "reuse", "credit_line", "source_url")},
            "splits": {name: image[name] for name in splitting.SPLITS},
            "copies": image["copies"],
        }
        yield Sample(image["key"], run.store.read(image["storage_key"]), image["media_type"], about)


def _write_tables(
    run: Run, folder: Path, images: Sequence[Mapping[str, Any]], tags: Sequence[Tag], counted: Counter[int]
) -> dict[str, dict[str, str]]:
    """Write the tables; return their columns with their types."""
    import pyarrow as pa

    texts = ("key", "shard", "sha256", "media_type", "source_id", "title", "caption", "content")
    rights = ("license", "reuse", "credit_line", "source_url")
    lists = {"tags": "labels", "creators": "creators", "copies": "copies"}
    columns = {name: pa.array([image[name] for image in images], pa.string()) for name in (*texts, *rights)}
    columns |= {name: pa.array([image[name] for image in images], pa.int64()) for name in ("width", "height")}
    columns |= {
        name: pa.array([image[source] for image in images], pa.list_(pa.string()))
        for name, source in lists.items()
    }
    columns |= {name: pa.array([image[name] for image in images], pa.string()) for name in splitting.SPLITS}
    captions = run.folder.table(matching.STAGE, "tags").column("captions").to_pylist()
    used = sorted(counted)
    by_tag = {
        "label": pa.array([tags[tag].label for tag in used], pa.string()),
        "kind": pa.array([tags[tag].kind for tag in used], pa.string()),
        "name": pa.array([tags[tag].name for tag in used], pa.string()),
        "spellings": pa.array([tags[tag].spellings for tag in used], pa.list_(pa.string())),
        "captions": pa.array([captions[tag] for tag in used], pa.int64()),
        "images": pa.array([counted[tag] for tag in used], pa.int64()),
    }
    found = {}
    for name, values in (("images.parquet", columns), ("tags.parquet", by_tag)):
        table = pa.table(values)
        write_parquet(folder / name, table)
        found[name] = {one.name: str(one.type) for one in table.schema}
    return found


def _draw(
    run: Run,
    folder: Path,
    counts: Counts,
    by_tag: Mapping[int, tuple[str, str, int]],
    images: Sequence[Mapping[str, Any]],
) -> list[str]:
    """Draw the plots and the contact sheets; return the plots' paths."""
    from stylesearch.curation import drawing
    from stylesearch.evaluation.plots import save

    rows = list(by_tag.values())
    places = {tag: place for place, tag in enumerate(by_tag)}
    sets = [[places[tag] for tag in image["tags"]] for image in images]
    name = run.recipe.name
    figures = {
        "tags": drawing.tags_by_count(f"{name}: {len(rows):,} tags of {len(images):,} images", rows),
        "together": drawing.together(f"{name}: the most frequent tags", rows, sets),
        "removals": drawing.removals(f"{name}: from captions to images", funnel(counts)),
    }
    for what, figure in figures.items():
        save(figure, folder / "plots" / what)
    frequent = sorted(by_tag, key=lambda tag: (-by_tag[tag][2], by_tag[tag][:2]))[:MOST_SHEETS]
    for number, tag in enumerate(frequent, start=1):
        own = [image["sha256"] for image in images if tag in image["tags"]]
        kind, title, count = by_tag[tag]
        write_sheet(
            folder / "tags" / f"{number:02d}.png", f"{kind}: {title} ({count:,} images)", own, run.store
        )
    return [f"plots/{what}.png" for what in figures]


def _write_text(path: Path, text: str) -> None:
    with written_whole(path) as file:
        file.write(text.encode())


def _into_catalogue(
    session: Session,
    run: Run,
    tags: Sequence[Tag],
    images: Sequence[Mapping[str, Any]],
    counted: Counter[int],
    counts: Counts,
) -> None:
    """Write the set with its tags, images and pairs of copies, in one transaction."""
    curation = ensure_curation(session, run.recipe.name)
    session.execute(select(func.pg_advisory_xact_lock(_LOCK, curation.id % 2**31)))
    by_tag = run.folder.table(matching.STAGE, "tags").to_pylist()
    keep_tags(
        session,
        curation.id,
        [
            {
                "kind": tag.kind, "key": tag.key, "name": tag.name, "flags": list(tag.flags), "near": list(tag.near),
                "captions": row["captions"], "images": counted[number], "outcome": row["outcome"],
            }
            for number, (tag, row) in enumerate(zip(tags, by_tag, strict=True))
        ],
    )  # fmt: skip
    keep_pairs(
        session,
        curation.id,
        [
            {
                "sha256_a": bytes.fromhex(row["a"]), "sha256_b": bytes.fromhex(row["b"]), "score": row["score"],
                "kind": row["kind"], "component": row["component"],
            }
            for row in run.folder.table(deduplication.STAGE, "pairs").to_pylist()
        ],
    )  # fmt: skip
    ids: dict[tuple[str, str], int] = {
        (kind, key): tag_id
        for tag_id, kind, key in session.execute(
            select(CurationTag.id, CurationTag.kind, CurationTag.key).where(
                CurationTag.curation_id == curation.id
            )
        )
    }
    slug = run.recipe.into if run.recipe.source.kind != "collection" else run.recipe.source.place
    collection = find_collection(session, slug or "")
    image_ids = {
        bytes(sha256).hex(): image_id
        for image_id, sha256 in session.execute(
            select(Image.id, Image.sha256).where(Image.collection_id == collection.id)
        )
    }
    session.execute(delete(CurationImage).where(CurationImage.curation_id == curation.id))
    columns = {
        "curation_id": "int8", "image_id": "int8", "side": "text", "by_artist": "text", "by_content": "text", "tag_ids": "int8[]",
    }  # fmt: skip
    copy_binary(
        session,
        CurationImage.__tablename__,
        columns,
        (
            (
                curation.id,
                image_ids[image["sha256"]],
                *(image[name] for name in splitting.SPLITS),
                [ids[tags[tag].kind, tags[tag].key] for tag in image["tags"]],
            )
            for image in images
            if image["sha256"] in image_ids
        ),
    )
    session.execute(
        update(Curation).where(Curation.id == curation.id).values(summary=dict(counts), updated_at=func.now())
    )


_LOCK = 0x435552  # "CUR": two runs of one set write one after the other
