"""Pictures of a catalogue's collection, with what the catalogue knows of the works as tags."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session, aliased

from stylesearch.catalog.artists import Artist, WorkArtist
from stylesearch.catalog.collections import find_collection
from stylesearch.catalog.curations import CurationImage, CurationTag, find_curation
from stylesearch.catalog.rights import License
from stylesearch.catalog.works import Image, Work
from stylesearch.images.store import ImageStore
from stylesearch.training.datasets import Decoding, PictureSet

TAG_KINDS = ("artist", "keyword", "medium", "movement")


@dataclass(frozen=True, slots=True)
class _Originals:
    store: ImageStore
    keys: Sequence[str]

    def __call__(self, sample: int) -> bytes:
        return self.store.read(self.keys[sample])


def picture_collection(
    session: Session,
    slug: str,
    store: ImageStore,
    *,
    tag_by: Collection[str] = ("artist",),
    content_by_title: bool = False,
    decoding: Decoding,
) -> PictureSet:
    """Open the pictures of a collection, those withdrawn and those whose rights forbid such training left out.

    Parameters
    ----------
    slug:
        The collection.
    store:
        Where its originals are kept.
    tag_by:
        What makes tags, of :data:`TAG_KINDS`. An artist counts as creator of a work only without a qualifier: what is
        ``after`` somebody is in another hand.
    content_by_title:
        Whether works of one title depict the same; else contents are unknown.

    Raises
    ------
    NotFoundError
        If there is no such collection.
    InputError
        ``no_pictures``, ``tags_missing``.
    """
    collection = find_collection(session, slug)
    of_work, of_image = aliased(License), aliased(License)
    rows = session.execute(
        select(
            Work.id, Work.source_id, Work.title, Work.keywords, Work.medium, Work.movement, Image.storage_key
        )
        .join(Image, Image.work_id == Work.id)
        .outerjoin(of_work, Work.work_license_id == of_work.id)
        .outerjoin(of_image, Work.image_license_id == of_image.id)
        .where(
            Work.collection_id == collection.id,
            Work.withdrawn_at.is_(None),
            of_work.ai_training.is_not(False),
            of_image.ai_training.is_not(False),
        )
        .order_by(Work.source_id, Image.sha256)
    ).all()
    artists: dict[int, list[str]] = defaultdict(list)
    if "artist" in tag_by:
        for work_id, name in session.execute(
            select(WorkArtist.work_id, Artist.name)
            .join(WorkArtist.artist)
            .join(Work, Work.id == WorkArtist.work_id)
            .where(
                Work.collection_id == collection.id,
                WorkArtist.role == "creator",
                WorkArtist.qualifier.is_(None),
            )
        ):
            artists[work_id].append(name)

    samples = []
    for row in rows:
        known = {
            "artist": artists[row.id],
            "keyword": row.keywords,
            "medium": [row.medium] if row.medium else [],
            "movement": [row.movement] if row.movement else [],
        }
        tags = [f"{kind}: {name}" for kind in tag_by for name in known[kind]]
        samples.append((row.source_id, tags, (row.title or None) if content_by_title else None))
    keys = [row.storage_key for row in rows]
    return PictureSet.of(
        f"the collection {slug}",
        samples,
        reader=lambda kept: _Originals(store, [keys[number] for number in kept]),
        decoding=decoding,
    )


CURATED_PARTS = ("train", "test", "content-train", "content-test", "query", "database")
"""Parts of a style-tagged set: of the split without an artist, or a content, on both sides, and of queries."""


def picture_curation(
    session: Session, slug: str, store: ImageStore, *, part: str | None = None, decoding: Decoding
) -> PictureSet:
    """Open the pictures of a style-tagged set, with its tags; those withdrawn since are left out.

    Parameters
    ----------
    slug:
        The set.
    store:
        Where originals are kept.
    part:
        One of :data:`CURATED_PARTS`; ``None`` for all.

    Raises
    ------
    NotFoundError
        If there is no such set.
    InputError
        ``no_pictures``, ``tags_missing``.
    """
    curation = find_curation(session, slug)
    columns = {
        "train": CurationImage.by_artist, "test": CurationImage.by_artist, "query": CurationImage.side,
        "database": CurationImage.side, "content-train": CurationImage.by_content, "content-test": CurationImage.by_content,
    }  # fmt: skip
    chosen = [] if part is None else [columns[part] == part.rpartition("-")[2]]
    labels = {
        tag_id: f"{kind}: {name}"
        for tag_id, kind, name in session.execute(
            select(CurationTag.id, CurationTag.kind, CurationTag.name).where(
                CurationTag.curation_id == curation.id
            )
        )
    }
    rows = session.execute(
        select(CurationImage.tag_ids, Work.source_id, Image.storage_key)
        .join(Image, Image.id == CurationImage.image_id)
        .join(Work, Work.id == Image.work_id)
        .where(CurationImage.curation_id == curation.id, Work.withdrawn_at.is_(None), *chosen)
        .order_by(Work.source_id, Image.sha256)
    ).all()
    samples = [(row.source_id, [labels[tag] for tag in row.tag_ids if tag in labels], None) for row in rows]
    keys = [row.storage_key for row in rows]
    return PictureSet.of(
        f"the set {slug}",
        samples,
        reader=lambda kept: _Originals(store, [keys[number] for number in kept]),
        decoding=decoding,
    )
