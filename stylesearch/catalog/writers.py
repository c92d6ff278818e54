"""Writing many works at once: binary COPY into a staging table, then one statement a table.

Each function runs inside the caller's transaction and may be repeated: the same input leaves the same rows.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict

import numpy as np
from numpy.typing import NDArray
from pgvector import HalfVector
from pgvector.psycopg import register_vector
from psycopg.types.json import Jsonb
from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from stylesearch.catalog import licenses
from stylesearch.catalog.connections import copy_binary, raw_connection
from stylesearch.catalog.credits import ensure_artists
from stylesearch.catalog.descriptors import EncoderRow
from stylesearch.catalog.duplicates import link_near_duplicates
from stylesearch.catalog.licenses import LicenseTerms
from stylesearch.catalog.records import ImageFacts, NewRecord, NewWork
from stylesearch.catalog.rights import License
from stylesearch.images.hashes import hash_bands

LONGEST_URI = 600  # in characters; a longer one does not fit its index, and is kept as a text

WORK_COLUMNS: dict[str, str] = {
    "collection_id": "int8",
    "source_id": "text",
    "source_digest": "bytea",
    "source_version": "text",
    "fetch_version": "text",
    "title": "text",
    "description": "text",
    "date_text": "text",
    "year_from": "int8",
    "year_to": "int8",
    "medium": "text",
    "movement": "text",
    "period": "text",
    "object_type": "text",
    "keywords": "text[]",
    "source_url": "text",
    "work_license_id": "int8",
    "image_license_id": "int8",
    "credit_line": "text",
    "ai_training": "bool",
    "extra": "jsonb",
}

IMAGE_COLUMNS: dict[str, str] = {
    "work_id": "int8",
    "collection_id": "int8",
    "sha256": "bytea",
    "perceptual_hash": "int8",
    "hash_bands": "int4[]",
    "width": "int8",
    "height": "int8",
    "media_type": "text",
    "storage_key": "text",
}


def write_works(
    session: Session, *, collection_id: int, encoder: EncoderRow, works: Sequence[NewWork]
) -> dict[str, int]:
    """Write works with artists, rights, images and descriptors; return the image id of each source id.

    A work that is there already, by its source id, is brought up to date. An image whose bytes the collection already
    holds under another work is left out, and so is missing from the answer: the caller counts it as a duplicate.
    """
    if not works:
        return {}
    hold_collection(session, collection_id)
    fresh = _without_held(session, collection_id, works)
    if not fresh:
        return {}
    work_ids = _write_said(session, collection_id, fresh)
    image_ids = _write_images(session, collection_id, fresh, work_ids)
    write_descriptors(session, encoder, {image_ids[work.source_id]: work.vector for work in fresh})
    link_near_duplicates(
        session, collection_id, {image_ids[work.source_id]: work.image.perceptual_hash for work in fresh}
    )
    return image_ids


def write_records(session: Session, *, collection_id: int, records: Sequence[NewRecord]) -> None:
    """Bring what is said about works up to date; their images and descriptors stay."""
    if records:
        hold_collection(session, collection_id)
        _write_said(session, collection_id, records)


def hold_collection(session: Session, collection_id: int) -> None:
    """Have other writers of a collection, and who withdraws works, wait for the end of this transaction."""
    # A batch writes in milliseconds what took seconds to describe, and neither deadlocks between upserts nor races
    # between equal images are left to think about.
    session.execute(select(func.pg_advisory_xact_lock(collection_id)))


def _write_said(
    session: Session, collection_id: int, works: Sequence[NewWork] | Sequence[NewRecord]
) -> dict[str, int]:
    """Write works with artists and rights; return the work id of each source id."""
    license_ids = ensure_licenses(
        session,
        [statement for work in works for statement in (work.record.work_rights, work.record.image_rights)],
    )
    work_ids = _write_work_rows(session, collection_id, works, license_ids)
    _write_credits(session, works, work_ids)
    return work_ids


def _without_held(session: Session, collection_id: int, works: Sequence[NewWork]) -> list[NewWork]:
    rows = raw_connection(session).execute(
        """
        SELECT image.sha256, work.source_id FROM image JOIN work ON work.id = image.work_id
        WHERE image.collection_id = %s AND image.sha256 = ANY(%s)
        """,
        [collection_id, [work.image.sha256 for work in works]],
    )
    holder: dict[bytes, str] = {bytes(sha256): source_id for sha256, source_id in rows}
    fresh = []
    for work in works:
        if holder.setdefault(work.image.sha256, work.source_id) == work.source_id:
            fresh.append(work)
    return fresh


def ensure_licenses(session: Session, statements: Iterable[str | None]) -> dict[str, int]:
    """Return the license id of each rights statement that names one.

    An unknown URI becomes a license of its own, in the most cautious class: *permission*. A text that is no URI and
    that the vocabulary does not know names no license.
    """
    named: dict[str, LicenseTerms] = {}
    for statement in {text for text in statements if text}:
        terms = licenses.recognise(statement)
        if terms is None and statement.startswith(("http://", "https://")) and len(statement) <= LONGEST_URI:
            terms = LicenseTerms(uri=statement, label=statement, reuse="permission")
        if terms is not None:
            named[statement] = terms
    if not named:
        return {}
    unseeded = {terms.uri: terms for terms in named.values() if terms.uri not in licenses.BY_URI}
    if unseeded:
        rows = [asdict(unseeded[uri]) for uri in sorted(unseeded)]
        session.execute(insert(License).values(rows).on_conflict_do_nothing(index_elements=[License.uri]))
    uris = {terms.uri for terms in named.values()}
    ids = dict(session.execute(select(License.uri, License.id).where(License.uri.in_(uris))).all())
    return {statement: ids[terms.uri] for statement, terms in named.items()}


def _write_work_rows(
    session: Session,
    collection_id: int,
    works: Sequence[NewWork] | Sequence[NewRecord],
    license_ids: dict[str, int],
) -> dict[str, int]:
    connection = raw_connection(session)
    columns = ", ".join(WORK_COLUMNS)
    connection.execute(
        f"CREATE TEMP TABLE IF NOT EXISTS incoming_work ON COMMIT DELETE ROWS AS SELECT {columns} FROM work WITH NO DATA"
    )
    copy_binary(
        session,
        "incoming_work",
        WORK_COLUMNS,
        (_work_row(collection_id, work, license_ids) for work in works),
    )
    updates = ", ".join(
        f"{name} = EXCLUDED.{name}" for name in WORK_COLUMNS if name not in ("collection_id", "source_id")
    )
    rows = connection.execute(
        f"INSERT INTO work ({columns}) SELECT {columns} FROM incoming_work"
        f" ON CONFLICT (collection_id, source_id) DO UPDATE SET {updates}, updated_at = now()"
        " RETURNING source_id, id"
    ).fetchall()
    connection.execute("TRUNCATE incoming_work")
    return dict(rows)


def _work_row(
    collection_id: int, work: NewWork | NewRecord, license_ids: dict[str, int]
) -> tuple[object, ...]:
    record = work.record
    extra = dict(record.extra)
    for name, statement in (("work_rights", record.work_rights), ("image_rights", record.image_rights)):
        if statement and statement not in license_ids:
            extra[name] = (
                statement  # kept as found: nobody's rights are lost because we have no word for them
            )
    return (
        collection_id,
        work.source_id,
        work.source_digest,
        work.source_version,
        work.fetch_version,
        record.title,
        record.description,
        record.date_text,
        record.year_from,
        record.year_to,
        record.medium,
        record.movement,
        record.period,
        record.object_type,
        list(record.keywords),
        record.source_url,
        license_ids.get(record.work_rights or ""),
        license_ids.get(record.image_rights or ""),
        record.credit_line,
        False if extra.get("reservations") else None,
        Jsonb(extra),
    )


def _write_credits(
    session: Session, works: Sequence[NewWork] | Sequence[NewRecord], work_ids: dict[str, int]
) -> None:
    artist_ids = ensure_artists(session, (credit for work in works for credit in work.record.credits))
    raw_connection(session).execute(
        "DELETE FROM work_artist WHERE work_id = ANY(%s)", [list(work_ids.values())]
    )
    parts: dict[tuple[int, int, str], tuple[object, ...]] = {}
    for work in works:
        for position, credit in enumerate(work.record.credits):
            key = (work_ids[work.source_id], artist_ids[credit], credit.role)
            parts.setdefault(key, (*key, credit.qualifier, position))
    columns = {
        "work_id": "int8",
        "artist_id": "int8",
        "role": "text",
        "qualifier": "text",
        "position": "int8",
    }
    copy_binary(session, "work_artist", columns, parts.values())


def _write_images(
    session: Session, collection_id: int, works: Sequence[NewWork], work_ids: dict[str, int]
) -> dict[str, int]:
    """Write one image a work; an image that the source has replaced goes, with its descriptors."""
    connection = raw_connection(session)
    connection.execute(
        "DELETE FROM image WHERE work_id = ANY(%s) AND NOT sha256 = ANY(%s)",
        [list(work_ids.values()), [work.image.sha256 for work in works]],
    )
    columns = ", ".join(IMAGE_COLUMNS)
    connection.execute(
        f"CREATE TEMP TABLE IF NOT EXISTS incoming_image ON COMMIT DELETE ROWS AS SELECT {columns} FROM image WITH NO DATA"
    )
    copy_binary(
        session,
        "incoming_image",
        IMAGE_COLUMNS,
        (_image_row(collection_id, work_ids[work.source_id], work.image) for work in works),
    )
    rows = connection.execute(
        f"INSERT INTO image ({columns}) SELECT {columns} FROM incoming_image"
        " ON CONFLICT (collection_id, sha256) DO UPDATE SET storage_key = EXCLUDED.storage_key"
        " RETURNING sha256, id"
    ).fetchall()
    connection.execute("TRUNCATE incoming_image")
    ids = {bytes(sha256): image_id for sha256, image_id in rows}
    return {work.source_id: ids[work.image.sha256] for work in works}


def _image_row(collection_id: int, work_id: int, image: ImageFacts) -> tuple[object, ...]:
    return (
        work_id,
        collection_id,
        image.sha256,
        image.perceptual_hash,
        hash_bands(image.perceptual_hash),
        image.width,
        image.height,
        image.media_type,
        image.storage_key,
    )


def write_descriptors(
    session: Session, encoder: EncoderRow, vectors: Mapping[int, NDArray[np.float32]]
) -> None:
    """Write an encoder's descriptors by image id; what is there already is replaced."""
    connection = raw_connection(session)
    if connection.adapters.types.get("halfvec") is None:  # four questions to the server, once a connection
        register_vector(connection)
    connection.execute(
        f"DELETE FROM {encoder.partition} WHERE encoder_id = %s AND image_id = ANY(%s)",
        [encoder.id, list(vectors)],
    )
    for measured in ("density", "whitened"):
        connection.execute(
            f"DELETE FROM {measured} WHERE encoder_id = %s AND image_id = ANY(%s)",
            [encoder.id, list(vectors)],
        )
    copy_binary(
        session,
        encoder.partition,
        {"encoder_id": "int8", "image_id": "int8", "vector": "halfvec"},
        ((encoder.id, image_id, HalfVector(vector)) for image_id, vector in vectors.items()),
    )
