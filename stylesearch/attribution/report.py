"""Attribution reports: made once, signed, kept for good."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from stylesearch.attribution.composing import Subject, compose
from stylesearch.attribution.keys import KeyRing, Signature
from stylesearch.attribution.sealed import WITHDRAWN, Document, Works, canonical, masked, report_file, view
from stylesearch.attribution.trust import read_anchors
from stylesearch.catalog.access import visible
from stylesearch.catalog.descriptors import EncoderRow
from stylesearch.catalog.reports import Report
from stylesearch.catalog.works import Work
from stylesearch.errors import NotFoundError
from stylesearch.images.store import ImageStore
from stylesearch.images.thumbnails import thumbnail
from stylesearch.search.filters import EVERYTHING, Filter
from stylesearch.search.service import StyleSearch, through_retirement


@dataclass(frozen=True, slots=True)
class SavedReport:
    """A report in the catalogue.

    Attributes
    ----------
    public_id:
        Its id, which cannot be guessed.
    document, works:
        What is signed, and what is told of the works that it names.
    signature:
        Of the document; ``None`` for one of the first format, which was not signed.
    """

    public_id: str
    document: Document
    works: Works
    signature: Signature | None

    @property
    def view(self) -> Document:
        """The report with each work's facts in its place."""
        return view(self.document, self.works) if self.signature is not None else self.document

    def file(self) -> bytes:
        """Return the report as the file that is handed out."""
        return report_file(self.document, self.works) if self.signature else canonical(self.document) + b"\n"


class ReportMaker:
    """Makes reports with one search service and one store."""

    def __init__(self, style_search: StyleSearch, store: ImageStore) -> None:
        self.style_search = style_search
        self.store = store
        self._keys = KeyRing(style_search.settings.home)

    def make(self, data: bytes, *, name: str, where: Filter = EVERYTHING) -> SavedReport:
        """Examine an image file and keep the report.

        Parameters
        ----------
        data:
            The file.
        name:
            What the file is called; shown, never trusted.
        where:
            Which works to look for the nearest among; all by default. Artists are judged by the whole gallery.

        Raises
        ------
        ImageError
            If the file cannot be taken.
        NotFoundError
            If the gallery is empty, or a filter names something unknown.
        ServiceError
            If a calibration is damaged, or the key cannot be kept.
        """
        return through_retirement(lambda: self._make(data, name, where))

    def _make(self, data: bytes, name: str, where: Filter) -> SavedReport:
        example, picture = self.style_search.decode_and_describe(data)
        self.store.put_thumbnail(thumbnail(picture.pixels), example.sha256)
        subject = Subject(data, name, example, where)
        public_id = secrets.token_urlsafe(16)
        # One snapshot: the root names the very gallery that was searched, though others may be writing.
        with self.style_search.database.session(snapshot=True) as session:
            document, works = self.compose(
                session,
                subject,
                public_id=public_id,
                created_at=datetime.now(UTC).isoformat(timespec="seconds"),
            )
            signature = self._keys.sign(session, canonical(document))
            record: dict[str, Any] = document["record"]
            session.add(
                Report(
                    public_id=public_id,
                    query_sha256=example.sha256,
                    encoder_id=session.scalars(
                        select(EncoderRow.id).where(EncoderRow.digest == record["encoder"]["digest"])
                    ).one(),
                    parameters=document["parameters"],
                    gallery_digest=record["gallery"]["digest"],
                    result=document,
                    works=works,
                    signature=signature.value,
                    key_id=signature.key_id,
                )
            )
        return SavedReport(public_id, document, works, signature)

    def compose(
        self,
        session: Session,
        subject: Subject,
        *,
        public_id: str,
        created_at: str,
        calibration_id: str | None = None,
    ) -> tuple[Document, Works]:
        """Compose a report without keeping it; see :func:`~stylesearch.attribution.composing.compose`."""
        return compose(
            session,
            self.style_search,
            subject,
            public_id=public_id,
            created_at=created_at,
            anchors=read_anchors(self.style_search.settings),
            calibration_id=calibration_id,
        )


def find_report(session: Session, public_id: str) -> SavedReport:
    """Return a report, with works that may not be seen any more masked; what is stored stays as it was given.

    Raises
    ------
    NotFoundError
        If there is none of that id.
    """
    row = session.scalar(select(Report).where(Report.public_id == public_id))
    if row is None:
        raise NotFoundError("There is no such report.", hint="Check the address.", code="unknown_report")
    if row.works is None or row.signature is None or row.key_id is None:
        return SavedReport(public_id, _masked_first_format(session, row.result), {}, None)
    shown = _shown(session, {told["work_id"] for told in row.works.values() if "work_id" in told})
    works = masked(row.works, shown.__contains__)
    return SavedReport(public_id, row.result, works, Signature(row.key_id, bytes(row.signature)))


def _shown(session: Session, ids: set[int]) -> set[int]:
    return set(session.scalars(select(Work.id).where(Work.id.in_(ids), visible())))


def _masked_first_format(session: Session, document: dict[str, Any]) -> dict[str, Any]:
    """Leave only rank and score of what may not be seen any more in a report of the first format."""
    copies = document["copies"]
    listed = [*document["nearest"], *copies["exact"], *copies["near"]]
    shown = _shown(session, {work["work_id"] for work in listed})
    kept = ("rank", "score", "differing_bits")

    def mask(works: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return [
            work
            if work["work_id"] in shown
            else WITHDRAWN | {name: work[name] for name in kept if name in work}
            for work in works
        ]

    return {
        **document,
        "nearest": mask(document["nearest"]),
        "copies": {kind: mask(works) for kind, works in copies.items()},
    }
