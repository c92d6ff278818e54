"""What is shown of a work wherever it is listed: who, what, when, under which rights."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import ARRAY, BigInteger, Row, Select, any_, bindparam, func, select
from sqlalchemy.dialects.postgresql import aggregate_order_by
from sqlalchemy.orm import InstrumentedAttribute, Session, aliased

from stylesearch.catalog.access import Access, visible
from stylesearch.catalog.artists import Artist, WorkArtist
from stylesearch.catalog.connections import PREPARED
from stylesearch.catalog.rights import License
from stylesearch.catalog.works import Collection, Image, Work


@dataclass(frozen=True, slots=True)
class Rights:
    """A rights statement as shown; ``reuse`` is ``unknown`` where the catalogue has none."""

    label: str
    uri: str | None
    reuse: str
    spdx_id: str | None = None


@dataclass(frozen=True, slots=True)
class WorkCard:
    """A work and its first image, ready to be shown.

    Attributes
    ----------
    artists:
        Credits as people read them: ``after Jane Doe`` for a qualified one.
    artist_names:
        The names alone.
    sha256:
        Hex digest of the image file.
    """

    work_id: int
    image_id: int
    source_id: str
    collection: str
    collection_title: str
    title: str
    description: str | None
    artists: tuple[str, ...]
    artist_names: tuple[str, ...]
    date_text: str | None
    year_from: int | None
    year_to: int | None
    medium: str | None
    movement: str | None
    period: str | None
    object_type: str | None
    keywords: tuple[str, ...]
    source_url: str | None
    work_rights: Rights
    image_rights: Rights
    credit_line: str
    sha256: str
    width: int
    height: int
    media_type: str
    storage_key: str

    @property
    def artist_text(self) -> str:
        """All credits in one line."""
        return ", ".join(self.artists) or "Unknown artist"

    def to_json(self) -> dict[str, Any]:
        """Return the card as JSON values, without where its file is kept."""
        values = asdict(self)
        del values["storage_key"], values["artist_names"]
        return {name: list(value) if isinstance(value, tuple) else value for name, value in values.items()}


def cards_of_images(
    session: Session, image_ids: Iterable[int], access: Access = Access.EVERYBODY
) -> dict[int, WorkCard]:
    """Return the card of each image, in one statement; images of works that may not be seen are left out."""
    # Columns alone: the session has nothing to make of them, and the connection is quicker.
    rows = session.connection().execute(
        _SELECT[access], {"ids": list(image_ids)}, execution_options={PREPARED: True}
    )
    return {row.image_id: _card(row) for row in rows}


def card_of_work(session: Session, work_id: int, access: Access = Access.EVERYBODY) -> WorkCard | None:
    """Return the card of a work by its first image, or ``None`` if there is no such work or it may not be seen."""
    image_id = session.scalar(select(Image.id).where(Image.work_id == work_id).order_by(Image.id).limit(1))
    return None if image_id is None else cards_of_images(session, [image_id], access).get(image_id)


_WORK_LICENSE, _IMAGE_LICENSE = aliased(License), aliased(License)
_RIGHTS = ("label", "uri", "reuse", "spdx_id")


def _select(access: Access) -> Select[Any]:
    named = func.json_build_array(Artist.name, WorkArtist.qualifier)
    order = (WorkArtist.position, WorkArtist.artist_id, WorkArtist.role)
    credited = (
        select(func.json_agg(aggregate_order_by(named, *order)))
        .join(Artist, Artist.id == WorkArtist.artist_id)
        .where(WorkArtist.work_id == Work.id)
        .correlate(Work)
        .scalar_subquery()
    )
    return (
        select(
            *(column.label(name) for name, column in _AS_THEY_ARE.items()),
            Work.source_url,
            Work.credit_line,
            Work.extra,
            credited.label("credits"),
            *(getattr(_WORK_LICENSE, name).label(f"work_{name}") for name in _RIGHTS),
            *(getattr(_IMAGE_LICENSE, name).label(f"image_{name}") for name in _RIGHTS),
        )
        .join(Work, Work.id == Image.work_id)
        .join(Collection, Collection.id == Work.collection_id)
        .outerjoin(_WORK_LICENSE, _WORK_LICENSE.id == Work.work_license_id)
        .outerjoin(_IMAGE_LICENSE, _IMAGE_LICENSE.id == Work.image_license_id)
        .where(Image.id == any_(bindparam("ids", type_=ARRAY(BigInteger))), visible(access))
    )


_OF_IMAGE = ("sha256", "width", "height", "media_type", "storage_key")
_OF_WORK = (
    "source_id", "title", "description", "date_text", "year_from", "year_to", "medium", "movement", "period", "object_type",
    "keywords",
)  # fmt: skip
_AS_THEY_ARE: dict[str, InstrumentedAttribute[Any]] = {
    "image_id": Image.id,
    "work_id": Work.id,
    "collection": Collection.slug,
    "collection_title": Collection.title,
    **{name: getattr(Image, name) for name in _OF_IMAGE},
    **{name: getattr(Work, name) for name in _OF_WORK},
}
_SELECT = {access: _select(access) for access in Access}


def _card(row: Row[Any]) -> WorkCard:
    # By their place: names are looked up too slowly for the dozens of cards of a page.
    plain = dict(zip(_AS_THEY_ARE, row, strict=False))
    plain["keywords"] = tuple(plain["keywords"])
    plain["sha256"] = plain["sha256"].hex()
    credited: list[tuple[str, str | None]] = row.credits or []
    artists = tuple([f"{qualifier} {name}" if qualifier else name for name, qualifier in credited])
    number = len(_RIGHTS)
    work_rights = _rights(row[-2 * number : -number], row.extra.get("work_rights"))
    image_rights = _rights(row[-number:], row.extra.get("image_rights"))
    source_url = row.source_url or ""
    return WorkCard(
        **plain,
        artists=artists,
        artist_names=tuple([name for name, _ in credited]),
        source_url=source_url if source_url.startswith(("http://", "https://")) else None,
        work_rights=work_rights,
        image_rights=image_rights,
        credit_line=row.credit_line or _credit_line(row, artists, image_rights),
    )


def _rights(license_values: tuple[str | None, ...], stated: str | None) -> Rights:
    """Return the rights of a licence, or of a statement that names none."""
    label, uri, reuse, spdx_id = license_values
    if label is None or uri is None or reuse is None:
        return Rights(stated or "Rights not stated", None, "unknown")
    return Rights(label, uri, reuse, spdx_id)


def _credit_line(row: Row[Any], artists: tuple[str, ...], rights: Rights) -> str:
    """Make the line that a reuser would print, where the source gives none."""
    made = f", {row.date_text}" if row.date_text else ""
    return f"{', '.join(artists) or 'Unknown artist'}, “{row.title}”{made}. {row.collection_title}. {rights.label}."
