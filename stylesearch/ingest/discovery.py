"""Entering what a source has into the ledger, telling at once what needs no work."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from psycopg.types.json import Jsonb
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from stylesearch.catalog.connections import copy_binary
from stylesearch.catalog.records import source_digest
from stylesearch.catalog.runs import IngestItem, IngestRun
from stylesearch.ingest.held import Held, held_works, holders, withdrawals, withdrawn_error
from stylesearch.ingest.sources.protocol import Found, Page

ITEM_COLUMNS = {
    "run_id": "int8",
    "source_id": "text",
    "locator": "text",
    "sha256": "bytea",
    "version": "text",
    "record": "jsonb",
    "task": "text",
    "state": "text",
    "error_code": "text",
    "error_text": "text",
    "image_id": "int8",
}
DISCOVERY_LOCK = 0x444953  # "DIS"


@dataclass(frozen=True, slots=True)
class _Judgement:
    state: str
    task: str = "take"
    sha256: bytes | None = None
    code: str | None = None
    why: str | None = None
    image_id: int | None = None


class Discovery:
    """Enters pages of a source into the ledger of a run.

    A file whose bytes came earlier in the run, or stand in the collection under another work, is a duplicate. One that
    stands there as the same work, by its bytes or its version, is unchanged if its metadata are the same too, and else
    has its record to be brought up to date. So the outcome does not hang on which worker is the quickest. Of what is
    not read yet, fetching tells the same.

    Nothing is remembered from page to page but in the database, so that a collection may have any size.
    """

    def __init__(self, run: IngestRun) -> None:
        self._run_id = run.id
        self._collection_id = run.collection_id
        self._encoder_id = run.encoder_id
        self._adds_descriptors = run.kind == "backfill"

    def enter(self, session: Session, page: Page) -> int:
        """Enter a page, and where the source goes on after it; return how many items are new.

        What is in the ledger already, by its source id, is passed over: an interrupted discovery may offer it again.
        """
        # Two processes may have been told to go on with the same run.
        session.execute(
            text("SELECT pg_advisory_xact_lock(:lock, :run)"),
            {"lock": DISCOVERY_LOCK, "run": self._run_id % 2**31},
        )
        found = self._new(session, page.found)
        if found:
            copy_binary(session, "ingest_item", ITEM_COLUMNS, self._rows(session, found))
        run = session.get_one(IngestRun, self._run_id)
        run.cursor = page.cursor
        if page.total is not None:
            run.total = page.total
        return len(found)

    def _new(self, session: Session, found: Sequence[Found]) -> list[Found]:
        known = set(
            session.scalars(
                select(IngestItem.source_id).where(
                    IngestItem.run_id == self._run_id,
                    IngestItem.source_id.in_([one.source_id for one in found]),
                )
            )
        )
        fresh: dict[str, Found] = {}
        for one in found:
            if one.source_id not in known:
                fresh.setdefault(one.source_id, one)
        return list(fresh.values())

    def _rows(self, session: Session, found: list[Found]) -> list[tuple[object, ...]]:
        if self._adds_descriptors:
            judged = self._judge_images(session, found)
        else:
            judged = self._judge_files(session, found)
        return [
            (
                self._run_id, one.source_id, one.locator, its.sha256 or one.sha256, one.version,
                Jsonb(one.record.to_json()), its.task, its.state, its.code, its.why, its.image_id,
            )
            for one, its in zip(found, judged, strict=True)
        ]  # fmt: skip

    def _judge_images(self, session: Session, found: list[Found]) -> list[_Judgement]:
        """Judge images of the catalogue that are to have another descriptor; their version is their id."""
        ids = [int(one.version or 0) for one in found]
        described = set(
            session.scalars(
                text("SELECT image_id FROM descriptor WHERE encoder_id = :encoder AND image_id = ANY(:ids)"),
                {"encoder": self._encoder_id, "ids": ids},
            )
        )
        return [
            _Judgement("unchanged" if image_id in described else "pending", "descriptor", image_id=image_id)
            for image_id in ids
        ]

    def _judge_files(self, session: Session, found: list[Found]) -> list[_Judgement]:
        digests = [one.sha256 for one in found if one.sha256 is not None]
        ids = [one.source_id for one in found]
        held = held_works(session, self._collection_id, self._encoder_id, ids)
        by_bytes = holders(session, self._collection_id, digests)
        withdrawn = withdrawals(session, self._collection_id, source_ids=ids, digests=digests)
        seen = {
            bytes(value)
            for value in session.scalars(
                select(IngestItem.sha256).where(
                    IngestItem.run_id == self._run_id, IngestItem.sha256.in_(digests)
                )
            )
            if value is not None
        }
        return [
            judge(one, held.get(one.source_id), by_bytes, seen)
            if not withdrawn.names(one.source_id, one.sha256)
            else withdrawn_judgement()
            for one in found
        ]


def withdrawn_judgement() -> _Judgement:
    """Return the judgement on what a rights holder had withdrawn."""
    error = withdrawn_error()
    return _Judgement("quarantined", code=error.code, why=str(error))


def judge(
    one: Found, held: Held | None, by_bytes: dict[bytes, tuple[str, int]], seen: set[bytes]
) -> _Judgement:
    """Tell what is to be done with a file.

    Parameters
    ----------
    held:
        The work of that source id, if the collection has it.
    by_bytes:
        Source id and image id of what the collection holds, by its bytes.
    seen:
        Digests that came earlier in the run; this one's is added.
    """
    if one.error is not None:
        return _Judgement("quarantined", code=one.error.code, why=str(one.error))
    digest = one.sha256
    if digest is None and held is not None and one.version is not None and one.version == held.source_version:
        digest = held.sha256
    if digest is None:
        return _Judgement("pending")
    holder = by_bytes.get(digest)
    if holder is not None and holder[0] != one.source_id:
        return _Judgement("duplicate", sha256=digest, image_id=holder[1])
    if one.sha256 is not None and digest in seen:
        return _Judgement("duplicate", sha256=digest)
    seen.add(digest)
    return _judge_own(one, held, digest)


def _judge_own(one: Found, held: Held | None, digest: bytes) -> _Judgement:
    """Tell what is to be done with a file that is nobody else's."""
    if held is None or held.sha256 != digest or not held.described:
        return _Judgement("pending", sha256=one.sha256)
    if held.source_digest == source_digest(digest, one.record):
        return _Judgement("unchanged", sha256=digest, image_id=held.image_id)
    return _Judgement("pending", "record", sha256=digest, image_id=held.image_id)
