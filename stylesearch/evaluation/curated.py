"""A style-tagged set of the catalogue as an evaluation wants it: descriptors, tags, and which images are queries."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import numpy as np
from sqlalchemy import text
from sqlalchemy.orm import Session

from stylesearch.catalog import encoders
from stylesearch.catalog.curations import find_curation
from stylesearch.encoders.protocol import Descriptors
from stylesearch.errors import InputError
from stylesearch.evaluation.ranking import unit

_HEADER = 4  # of a halfvec in PostgreSQL's binary form: its length and a reserved word
_IMAGES = text(
    """
    SELECT curation_image.side, halfvec_send(descriptor.vector) AS vector,
           ARRAY(
               SELECT curation_tag.kind || ': ' || curation_tag.name FROM curation_tag
               WHERE curation_tag.id = ANY(curation_image.tag_ids) AND curation_tag.kind = ANY(:kinds)
               ORDER BY 1
           ) AS tags
    FROM curation_image JOIN image ON image.id = curation_image.image_id JOIN work ON work.id = image.work_id
    JOIN descriptor ON descriptor.image_id = image.id
    WHERE curation_image.curation_id = :curation AND descriptor.encoder_id = :encoder AND work.withdrawn_at IS NULL
      AND (CAST(:part AS text) IS NULL OR curation_image.by_artist = :part)
    ORDER BY image.sha256
    """
)


@dataclass(frozen=True, slots=True)
class CuratedDescriptors:
    """The images of a set that have a tag of the kinds asked for.

    Attributes
    ----------
    encoder:
        Slug, digest and facts of the encoder that described them.
    descriptors:
        ``[n, dim]``.
    tags:
        Of each image.
    sides:
        ``query`` or ``database``.
    left_out:
        Images without such a tag.
    """

    encoder: dict[str, Any]
    descriptors: Descriptors
    tags: tuple[frozenset[str], ...]
    sides: tuple[str, ...]
    left_out: int


def read_curated(
    session: Session, slug: str, encoder: str, *, kinds: Collection[str], part: str | None = None
) -> CuratedDescriptors:
    """Read a set's descriptors by an encoder.

    Parameters
    ----------
    kinds:
        Kinds of tags that are labels.
    part:
        ``train`` or ``test`` of the split that has no artist on both sides; ``None`` for all.

    Raises
    ------
    NotFoundError
        If there is no such set, or nothing has been described with the encoder.
    InputError
        ``empty_curation``, if no image of it has such a tag and is described with it.
    """
    curation = find_curation(session, slug)
    row = encoders.active(session, encoder)
    found = session.execute(
        _IMAGES, {"curation": curation.id, "encoder": row.id, "kinds": list(kinds), "part": part}
    ).all()
    tagged = [image for image in found if image.tags]
    if not tagged:
        raise InputError(
            f"The set {slug!r} has no image with a tag of these kinds that {encoder!r} has described.",
            hint="Choose other kinds or another encoder.",
            code="empty_curation",
        )
    vectors = np.stack([np.frombuffer(image.vector, dtype=">f2", offset=_HEADER) for image in tagged])
    return CuratedDescriptors(
        encoder={
            field: getattr(row, field)
            for field in ("slug", "digest", "dim", "weights_sha256", "preprocessing", "license")
        },
        descriptors=unit(vectors.astype(np.float32)),
        tags=tuple(frozenset(image.tags) for image in tagged),
        sides=tuple(image.side for image in tagged),
        left_out=len(found) - len(tagged),
    )
