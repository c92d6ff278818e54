"""Attribution reports: made once, kept for good."""

from __future__ import annotations

import secrets
from collections import Counter
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

import stylesearch
from stylesearch.attribution.evidence import ArtistEvidence, artists_among, near_copies
from stylesearch.attribution.gallery import Gallery, read_gallery
from stylesearch.catalog.access import visible
from stylesearch.catalog.cards import WorkCard, cards_of_images
from stylesearch.catalog.descriptors import EncoderRow
from stylesearch.catalog.records import tidy
from stylesearch.catalog.reports import Report
from stylesearch.catalog.works import Work
from stylesearch.errors import NotFoundError
from stylesearch.images.store import ImageStore
from stylesearch.images.thumbnails import thumbnail
from stylesearch.search.describing import Described
from stylesearch.search.filters import EVERYTHING, Filter
from stylesearch.search.grammar import write
from stylesearch.search.query import StyleQuery
from stylesearch.search.service import Hit, SearchResult, StyleSearch, through_retirement

FORMAT = "stylesearch-report"
FORMAT_VERSION = 2
NEAREST = 20
STANDS_OUT = 3
"""An artist is named in the answer from so many of the nearest works on, if nobody else has as many."""

LIMITS = (
    (
        "This report describes resemblance of style within this collection. It is not evidence of training use, copying,"
        " authorship or infringement."
    ),
    (
        "A score is the cosine of two style descriptors. It is no probability and has no fixed meaning: two artists of"
        " one tradition can be nearer to each other than some works of one artist are."
    ),
    (
        "Only works of this archive were compared, as described by the encoder named below. An artist who is not here"
        " cannot be found, and an artist with many works here is found more often."
    ),
    (
        "The scores in this report are not calibrated. Rights are as recorded in the archive; check them at the source"
        " before reuse."
    ),
)


@dataclass(frozen=True, slots=True)
class SavedReport:
    """A report in the catalogue."""

    public_id: str
    document: dict[str, Any]


class ReportMaker:
    """Makes reports with one search service and one store."""

    def __init__(self, style_search: StyleSearch, store: ImageStore) -> None:
        self.style_search = style_search
        self.store = store

    def make(self, data: bytes, *, name: str, where: Filter = EVERYTHING) -> SavedReport:
        """Examine an image file and keep the report.

        Parameters
        ----------
        data:
            The file.
        name:
            What the file is called; shown, never trusted.
        where:
            Which works to compare with; all by default.

        Raises
        ------
        ImageError
            If the file cannot be taken.
        NotFoundError
            If the gallery is empty, or a filter names something unknown.
        """
        return through_retirement(lambda: self._make(data, name, where))

    def _make(self, data: bytes, name: str, where: Filter) -> SavedReport:
        example, picture = self.style_search.decode_and_describe(data)
        self.store.put_thumbnail(thumbnail(picture.pixels), example.sha256)
        # One snapshot: the digest names the very gallery that was searched, though others may be writing.
        with self.style_search.database.session(snapshot=True) as session:
            near = near_copies(session, sha256=example.sha256, perceptual_hash=example.perceptual_hash)
            near_cards = cards_of_images(session, [image_id for image_id, _ in near])
            query = StyleQuery(
                examples=(example.example,),
                where=where,
                k=NEAREST,
                mode="exact",
                exclude_images=frozenset(one for one, _ in near),
            )
            result = self.style_search.search_in(session, query, at_hand=[example])
            encoder = self.style_search.gallery_encoder(session, example.encoder)
            gallery = read_gallery(session, encoder)
            artists = artists_among(session, result.hits)
            public_id = secrets.token_urlsafe(16)
            document = _document(
                public_id,
                name=name,
                example=example,
                query=query,
                result=result,
                near=[(near_cards[image_id], bits) for image_id, bits in near if image_id in near_cards],
                artists=artists,
                encoder=encoder,
                gallery=gallery,
            )
            session.add(
                Report(
                    public_id=public_id,
                    query_sha256=example.sha256,
                    encoder_id=encoder.id,
                    parameters=document["parameters"],
                    gallery_digest=gallery.digest,
                    result=document,
                )
            )
        return SavedReport(public_id, document)


def find_report(session: Session, public_id: str) -> dict[str, Any]:
    """Return a report's document, with works that may not be seen any more masked.

    Raises
    ------
    NotFoundError
        If there is none of that id.
    """
    document: dict[str, Any] | None = session.scalar(
        select(Report.result).where(Report.public_id == public_id)
    )
    if document is None:
        raise NotFoundError("There is no such report.", hint="Check the address.", code="unknown_report")
    return _masked(session, document)


def _masked(session: Session, document: dict[str, Any]) -> dict[str, Any]:
    """Leave only rank and score of what a rights holder had withdrawn; the stored report stays as it was given."""
    copies = document["copies"]
    listed = [*document["nearest"], *copies["exact"], *copies["near"]]
    ids = {work["work_id"] for work in listed}
    shown = set(session.scalars(select(Work.id).where(Work.id.in_(ids), visible())))

    def mask(works: list[dict[str, Any]]) -> list[dict[str, Any]]:
        kept = ("rank", "score", "differing_bits")
        return [
            work
            if work["work_id"] in shown
            else {"withdrawn": True} | {name: work[name] for name in kept if name in work}
            for work in works
        ]

    return {
        **document,
        "nearest": mask(document["nearest"]),
        "copies": {kind: mask(works) for kind, works in copies.items()},
    }


def _document(
    public_id: str,
    *,
    name: str,
    example: Described,
    query: StyleQuery,
    result: SearchResult,
    near: list[tuple[WorkCard, int]],
    artists: list[ArtistEvidence],
    encoder: EncoderRow,
    gallery: Gallery,
) -> dict[str, Any]:
    return {
        "format": FORMAT,
        "version": FORMAT_VERSION,
        "id": public_id,
        "created_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "query": {
            "name": (tidy(name) or "unnamed")[:200],
            "sha256": example.sha256.hex(),
            **asdict(example.info),
        },
        "answer": answer(result.hits, artists, copies=len(result.copies), near=len(near)),
        "copies": {
            "exact": [_work(card) for card in result.copies],
            "near": [{"differing_bits": bits, **_work(card)} for card, bits in near],
        },
        "nearest": [{"rank": hit.rank, "score": hit.score, **_work(hit.card)} for hit in result.hits],
        "artists": [asdict(one) for one in artists],
        "reuse": dict(Counter(hit.card.image_rights.reuse for hit in result.hits)),
        "limits": list(LIMITS),
        "parameters": {
            "query": query.to_json(),
            "filter": write(query.where),
            "sentence": result.ranking.sentence,
            "nearest": query.k,
            "readout": query.readout.measure,
            "method": result.ranking.method,
            "matching": result.ranking.matching,
            "complete": result.ranking.complete,
        },
        "record": {
            "software": {"name": "stylesearch", "version": stylesearch.__version__},
            "encoder": {
                field: getattr(encoder, field)
                for field in ("slug", "digest", "dim", "weights_sha256", "preprocessing", "license")
            },
            "gallery": asdict(gallery),
        },
    }


def answer(hits: tuple[Hit, ...], artists: list[ArtistEvidence], *, copies: int, near: int) -> str:
    """Return the report's one sentence: what was found, no more."""
    copied = ""
    if copies:
        copied = "This very file is in the archive. "
    elif near:
        copied = "The archive holds what looks like the same picture. "
    if not hits:
        return copied + "No other work here could be compared with it."
    first = artists[0] if artists else None
    tied = (
        len(artists) > 1 and first is not None and artists[1].works_among_nearest == first.works_among_nearest
    )
    if first is None or first.works_among_nearest < STANDS_OUT or tied:
        makers = len(artists)
        return (
            f"{copied}Nobody stands out: the {len(hits)} works nearest in style are by {makers} artist{'s' * (makers != 1)}"
            f"{', led by no single one' if makers > 1 else ''}."
        )
    return (
        f"{copied}Of the {len(hits)} works nearest in style, {first.works_among_nearest} are by {first.name},"
        f" who has {first.works_in_gallery} works here; the nearest of all is “{hits[0].card.title}” by"
        f" {hits[0].card.artist_text.rstrip('.')}."
    )


def _work(card: WorkCard) -> dict[str, Any]:
    """Return what a report keeps of a work."""
    values = card.to_json()
    for field in ("description", "keywords"):
        del values[field]
    return values
