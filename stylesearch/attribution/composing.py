"""Composes a report: gathers the evidence, in its order, into the document that is signed and the works beside it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from sqlalchemy import select, text
from sqlalchemy.orm import Session

import stylesearch
from stylesearch.attribution.content_credentials import read_content_credentials
from stylesearch.attribution.evidence import ArtistEvidence, artists_among, near_copies, repeated
from stylesearch.attribution.gallery import Gallery, Leaves, gallery_of, read_leaves
from stylesearch.attribution.overlay import same_shape
from stylesearch.attribution.resemblance import Resemblance, resemblance
from stylesearch.attribution.sealed import Document, Works, sealed_work, settled
from stylesearch.attribution.stated_metadata import read_stated_metadata
from stylesearch.attribution.verbal import SCALE_SOURCE
from stylesearch.attribution.wording import conclusion_sentence, copies_sentence, limits, nearest_sentence
from stylesearch.catalog.cards import WorkCard, cards_of_images
from stylesearch.catalog.descriptors import EncoderRow
from stylesearch.catalog.records import tidy
from stylesearch.catalog.rights import License
from stylesearch.evaluation.ranking import unit
from stylesearch.search.describing import Described
from stylesearch.search.filters import Filter
from stylesearch.search.grammar import write
from stylesearch.search.query import StyleQuery
from stylesearch.search.service import SearchResult, StyleSearch

FORMAT = "stylesearch-report"
FORMAT_VERSION = 2
NEAREST = 20
STANDS_OUT = 3
"""Without a calibration, an artist is named from so many of the nearest works on, if nobody else has as many."""

LONGEST_NAME = 200


@dataclass(frozen=True, slots=True)
class Subject:
    """What a report is on.

    Attributes
    ----------
    data:
        The file.
    name:
        What it is called; shown, never trusted.
    example:
        What the encoder and the hashes say of it.
    where:
        Which works its nearest are looked for among.
    """

    data: bytes
    name: str
    example: Described
    where: Filter


@dataclass(frozen=True, slots=True)
class _Found:
    """What was found in the catalogue.

    Attributes
    ----------
    query:
        What was asked, but for the copies that were left out: a document that is kept for good names no work by its id.
    """

    query: StyleQuery
    result: SearchResult
    near: list[tuple[WorkCard, int]]
    artists: list[ArtistEvidence]
    repeated: dict[int, int]
    encoder: EncoderRow
    leaves: Leaves
    gallery: Gallery
    style: Resemblance
    terms: dict[str, dict[str, bool | None]]


def compose(
    session: Session,
    style_search: StyleSearch,
    subject: Subject,
    *,
    public_id: str,
    created_at: str,
    anchors: str | None = None,
    calibration_id: str | None = None,
) -> tuple[Document, Works]:
    """Compose a report in the caller's transaction, which should be a snapshot.

    Parameters
    ----------
    public_id, created_at:
        Of the report.
    anchors:
        Certificates of those whose signers of content credentials are trusted, in PEM.
    calibration_id:
        Which calibration of the gallery to use, if there are several; the last by default.

    Returns
    -------
    document, works
        As :mod:`stylesearch.attribution.sealed` has them.

    Raises
    ------
    NotFoundError
        If the gallery is empty, or a filter names something unknown.
    ServiceError
        If a calibration is damaged.
    """
    found = _find(session, style_search, subject, calibration_id)
    works: Works = {}
    example, style = subject.example, found.style
    conclusion = style.conclusion
    document = {
        "format": FORMAT,
        "version": FORMAT_VERSION,
        "id": public_id,
        "created_at": created_at,
        "query": {
            "name": (tidy(subject.name) or "unnamed")[:LONGEST_NAME],
            "sha256": example.sha256.hex(),
            **asdict(example.info),
        },
        "answer": _answer(found),
        "file": {
            "content_credentials": read_content_credentials(
                subject.data, example.info.media_type, anchors=anchors
            ).to_json(),
            "metadata": read_stated_metadata(subject.data, example.info.media_type).to_json(),
        },
        "copies": {
            "exact": [_entry(found, card, works) for card in found.result.copies],
            "near": [
                {
                    "differing_bits": bits,
                    "same_shape": same_shape(
                        example.info.width, example.info.height, card.width, card.height
                    ),
                    **_entry(found, card, works),
                }
                for card, bits in found.near
            ],
        },
        "conclusion": None
        if conclusion is None
        else {
            "outcome": conclusion.outcome,
            "names": list(conclusion.names),
            "reason": conclusion.reason,
            "sentence": conclusion_sentence(conclusion),
        },
        "candidates": list(style.candidates),
        "null": style.null,
        "nearest": [
            {
                "rank": hit.rank,
                "score": hit.score,
                "same_as": found.repeated.get(hit.card.image_id),
                **_entry(found, hit.card, works),
            }
            for hit in found.result.hits
        ],
        "artists": [asdict(one) for one in found.artists],
        "reuse": dict(Counter(hit.card.image_rights.reuse for hit in found.result.hits)),
        "limits": limits(calibrated=conclusion is not None),
        "parameters": _parameters(found),
        "record": {
            "software": {"name": "stylesearch", "version": stylesearch.__version__},
            "encoder": {
                field: getattr(found.encoder, field)
                for field in ("slug", "digest", "dim", "weights_sha256", "preprocessing", "license")
            },
            "gallery": asdict(found.gallery),
            "calibration": {"status": style.status, **(style.calibration or {})},
            "scale": SCALE_SOURCE,
        },
    }
    return settled(document), works


def _find(
    session: Session, style_search: StyleSearch, subject: Subject, calibration_id: str | None
) -> _Found:
    example = subject.example
    near = near_copies(session, sha256=example.sha256, perceptual_hash=example.perceptual_hash)
    near_cards = cards_of_images(session, [image_id for image_id, _ in near])
    query = StyleQuery(examples=(example.example,), where=subject.where, k=NEAREST, mode="exact")
    result = style_search.search_in(
        session, query.with_(exclude_images=frozenset(one for one, _ in near)), at_hand=[example]
    )
    # What follows reads the whole gallery, which may take longer than a search.
    session.execute(text("SET LOCAL statement_timeout TO DEFAULT"))
    encoder = style_search.gallery_encoder(session, example.encoder)
    leaves = read_leaves(session, encoder)
    gallery = gallery_of(session, encoder, leaves)
    copies = {image_id for image_id, _ in near} | {card.image_id for card in result.copies}
    style = resemblance(
        session,
        encoder,
        gallery.digest,
        unit(example.vector[None].astype(np.float16).astype(np.float32)),
        copies=np.array(sorted(copies), dtype=np.int64),
        nearest_artists=_sure(result.hits[0].card) if result.hits else (),
        calibration_id=calibration_id,
    )
    cards = [*(hit.card for hit in result.hits), *result.copies, *near_cards.values()]
    return _Found(
        query=query,
        result=result,
        near=[(near_cards[image_id], bits) for image_id, bits in near if image_id in near_cards],
        artists=artists_among(session, result.hits),
        repeated=repeated(session, result.hits),
        encoder=encoder,
        leaves=leaves,
        gallery=gallery,
        style=style,
        terms=_terms(session, cards),
    )


def _sure(card: WorkCard) -> tuple[str, ...]:
    """Return the artists of a work if none of its credits is qualified."""
    return card.artist_names if set(card.artist_names) == set(card.artists) else ()


def _answer(found: _Found) -> str:
    copied = copies_sentence(exact=len(found.result.copies), near=len(found.near))
    if found.style.conclusion is not None:
        return copied + conclusion_sentence(found.style.conclusion)
    artists = [(one.name, one.works_among_nearest, one.works_in_gallery) for one in found.artists]
    return copied + nearest_sentence(len(found.result.hits), artists, least=STANDS_OUT)


def _parameters(found: _Found) -> dict[str, Any]:
    ranking = found.result.ranking
    return {
        "query": found.query.to_json(),
        "filter": write(found.query.where),
        "sentence": ranking.sentence,
        "nearest": found.query.k,
        "readout": found.query.readout.measure,
        "method": ranking.method,
        "matching": ranking.matching,
        "complete": ranking.complete,
    }


def _terms(session: Session, cards: Sequence[WorkCard]) -> dict[str, dict[str, bool | None]]:
    """Return what each licence that occurs allows, by its URI."""
    rows = session.scalars(select(License).where(License.uri.in_(_uris(cards))))
    return {
        row.uri: {
            "commercial": row.commercial,
            "derivatives": row.derivatives,
            "attribution": row.attribution,
            "ai_training": row.ai_training,
        }
        for row in rows
    }


def _uris(cards: Iterable[WorkCard]) -> set[str]:
    return {card.image_rights.uri for card in cards if card.image_rights.uri is not None}


def _entry(found: _Found, card: WorkCard, works: Works) -> dict[str, Any]:
    """Return what is signed of a work, and put what is told of it among the report's works."""
    values = card.to_json()
    for field in ("description", "keywords"):
        del values[field]
    values["terms"] = found.terms.get(card.image_rights.uri or "")
    values["leaf"] = found.leaves.of(card.image_id)
    return {"work": sealed_work(values, works)}
