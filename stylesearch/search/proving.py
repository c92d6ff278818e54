"""Proving a new gallery before it serves: whole, indexed, found through its index, and made by the encoder that is here."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from stylesearch.catalog import encoders, indexes, shards, upgrades
from stylesearch.catalog.descriptors import EncoderRow
from stylesearch.catalog.halfvecs import unpack_halfvecs
from stylesearch.catalog.works import Image
from stylesearch.encoders.decoding import decode_for
from stylesearch.encoders.protocol import Encoder
from stylesearch.encoders.registry import encode_checked
from stylesearch.errors import ServiceError
from stylesearch.images.store import ImageStore
from stylesearch.search.recall import measure, stored_sample
from stylesearch.search.vectors import cosines, in_halves
from stylesearch.settings import Settings

CANARIES = 8
LEAST_RECALL, LEAST_CANARY = 0.95, 0.99


@dataclass(frozen=True, slots=True)
class Proof:
    """What was measured of a gallery.

    Attributes
    ----------
    descriptors:
        How many there are.
    recall:
        Share, 0 to 1, of the ten nearest that the index finds, by score.
    canary:
        Least cosine between a stored descriptor and the one that its image is given here and now.
    """

    descriptors: int
    recall: float
    canary: float


def prove(
    session: Session, row: EncoderRow, encoder: Encoder, store: ImageStore, settings: Settings
) -> Proof:
    """Look whether a gallery is fit to serve.

    Raises
    ------
    ServiceError
        ``gallery_incomplete``, ``no_index``, ``gallery_unfit``; or ``encoder_changed``.
    """
    if encoder.spec.digest != row.digest:
        raise encoders.changed(row, encoder.spec.digest)
    missing = upgrades.undescribed(session, row)
    count = shards.count(session, row.partition)
    if missing or not count:
        raise ServiceError(
            f"{missing:,} images have not been described with the encoder {row.slug!r}.",
            hint=f"Run 'stylesearch encoders backfill {row.slug}', then look at 'stylesearch ingest errors'.",
            code="gallery_incomplete",
        )
    if not indexes.has_index(session, row):
        raise indexes.no_index(row.slug, "hnsw")
    recall = measure(session, row, settings).share
    proof = Proof(
        count, recall, _canary(session, encoder, stored_sample(session, row, CANARIES), store, settings)
    )
    if proof.recall < LEAST_RECALL or proof.canary < LEAST_CANARY:
        raise ServiceError(
            f"The gallery of {row.slug!r} is not fit to serve: recall {proof.recall:.3f}, canary {proof.canary:.3f}.",
            hint=f"At least {LEAST_RECALL} and {LEAST_CANARY} are asked for. Raise STYLESEARCH_SEARCH_EF, or fill it anew.",
            code="gallery_unfit",
        )
    return proof


def _canary(
    session: Session, encoder: Encoder, sample: list[tuple[int, bytes]], store: ImageStore, settings: Settings
) -> float:
    worst = 1.0
    for image_id, stored in sample:
        key = session.scalar(select(Image.storage_key).where(Image.id == image_id))
        assert key is not None
        picture = decode_for(
            encoder, store.read(key), max_bytes=settings.max_file_bytes, max_pixels=settings.max_pixels
        )
        vector = encode_checked(encoder, [picture.pixels])[0]
        anew = in_halves(vector, dim=encoder.spec.dim, slug=encoder.spec.slug)
        worst = min(worst, float(cosines(unpack_halfvecs([stored]), anew[None])[0, 0]))
    return worst
