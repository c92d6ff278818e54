"""What is shown of a work wherever it is listed: who, what, when, under which rights."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload

from stylesearch.catalog.artists import WorkArtist
from stylesearch.catalog.rights import License
from stylesearch.catalog.works import Image, Work


@dataclass(frozen=True, slots=True)
class Rights:
    """A rights statement as shown; ``reuse`` is ``unknown`` where the catalogue has none."""

    label: str
    uri: str | None
    reuse: str
    spdx_id: str | None = None

    @classmethod
    def of(cls, license_: License | None, stated: str | None) -> Rights:
        """Return the rights of a licence row, or of a statement that names none."""
        if license_ is not None:
            return cls(license_.label, license_.uri, license_.reuse, license_.spdx_id)
        return cls(stated or "Rights not stated", None, "unknown")


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


def cards_of_images(session: Session, image_ids: Iterable[int]) -> dict[int, WorkCard]:
    """Return the card of each image; images of withdrawn works are left out."""
    images = session.scalars(
        select(Image)
        .join(Image.work)
        .where(Image.id.in_(list(image_ids)), Work.withdrawn_at.is_(None))
        .options(
            joinedload(Image.work).joinedload(Work.collection),
            joinedload(Image.work).joinedload(Work.work_license),
            joinedload(Image.work).joinedload(Work.image_license),
            joinedload(Image.work).selectinload(Work.artists).joinedload(WorkArtist.artist),
        )
    )
    return {image.id: _card(image) for image in images}


def card_of_work(session: Session, work_id: int) -> WorkCard | None:
    """Return the card of a work by its first image, or ``None`` if there is no such work, or it is withdrawn."""
    image_id = session.scalar(select(Image.id).where(Image.work_id == work_id).order_by(Image.id).limit(1))
    return None if image_id is None else cards_of_images(session, [image_id]).get(image_id)


def _card(image: Image) -> WorkCard:
    work = image.work
    extra: dict[str, Any] = work.extra
    image_rights = Rights.of(work.image_license, extra.get("image_rights"))
    artists = tuple(
        f"{credit.qualifier} {credit.artist.name}" if credit.qualifier else credit.artist.name
        for credit in work.artists
    )
    return WorkCard(
        work_id=work.id,
        image_id=image.id,
        source_id=work.source_id,
        collection=work.collection.slug,
        collection_title=work.collection.title,
        title=work.title,
        description=work.description,
        artists=artists,
        artist_names=tuple(credit.artist.name for credit in work.artists),
        date_text=work.date_text,
        year_from=work.year_from,
        year_to=work.year_to,
        medium=work.medium,
        movement=work.movement,
        object_type=work.object_type,
        keywords=tuple(work.keywords),
        source_url=work.source_url if (work.source_url or "").startswith(("http://", "https://")) else None,
        work_rights=Rights.of(work.work_license, extra.get("work_rights")),
        image_rights=image_rights,
        credit_line=work.credit_line or _credit_line(work, artists, image_rights),
        sha256=image.sha256.hex(),
        width=image.width,
        height=image.height,
        media_type=image.media_type,
        storage_key=image.storage_key,
    )


def _credit_line(work: Work, artists: tuple[str, ...], rights: Rights) -> str:
    """Make the line that a reuser would print, where the source gives none."""
    made = f", {work.date_text}" if work.date_text else ""
    return f"{', '.join(artists) or 'Unknown artist'}, “{work.title}”{made}. {work.collection.title}. {rights.label}."
