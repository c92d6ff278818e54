"""The examples of a search as its page shows them: a picture each, and what can be done with it."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

from flask import url_for
from sqlalchemy.orm import Session

from stylesearch.catalog.cards import WorkCard, card_of_work, cards_of_images
from stylesearch.errors import NotFoundError
from stylesearch.search.examples import (
    ArtistExample,
    Example,
    FileExample,
    ImageExample,
    Region,
    WordsExample,
    WorkExample,
)
from web.identity import current_access
from web.messages import gettext as _
from web.query_string import SearchAddress, written
from web.services import services


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture of an example, in the size that it is shown in, and in the size that a part is chosen in.

    Attributes
    ----------
    url, large_url:
        Of the part that is searched with, and of the whole.
    width, height:
        Of the whole, in pixels.
    """

    url: str
    large_url: str
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class Shown:
    """An example as it is shown.

    Attributes
    ----------
    name:
        What to call it: a title, a name, or words.
    link:
        The page about it; empty where there is none.
    without, turned, part:
        The search without it, the one with it on the other side, and the page where a part of it is chosen; empty where it
        makes no sense.
    """

    example: Example
    name: str
    link: str
    picture: Picture | None
    without: str
    turned: str
    part: str

    @property
    def region(self) -> Region | None:
        """The part that is searched with."""
        found = getattr(self.example, "region", None)
        return found if isinstance(found, Region) else None

    @property
    def written(self) -> str:
        """The example as an address carries it."""
        return written(self.example)


def tray(session: Session, address: SearchAddress) -> tuple[Shown, ...]:
    """Return the examples of a search as they are shown.

    Raises
    ------
    NotFoundError
        ``unknown_work``, ``unknown_image`` or ``query_expired``, if one is not there any more.
    ImageError
        If an image that was uploaded cannot be read any more.
    """
    return tuple(_shown(session, address, one) for one in address.examples)


def _shown(session: Session, address: SearchAddress, example: Example) -> Shown:
    name, link, picture = named(session, example)
    alone = len(address.examples) == 1
    turned = dataclasses.replace(example, against=not example.against)
    only_wanted = not example.against and len(address.wanted) == 1
    return Shown(
        example=example,
        name=name,
        link=link,
        picture=picture,
        without="" if alone or (only_wanted and len(address.examples) > 1) else address.without(example).url,
        turned="" if only_wanted else address.replacing(example, turned).url,
        part=part_url(address, example) if picture is not None else "",
    )


def part_url(address: SearchAddress, example: Example) -> str:
    """Return the page on which a part of an example is chosen."""
    return address.to("portal.part", of=("-" if example.against else "") + written(example))


def named(session: Session, example: Example) -> tuple[str, str, Picture | None]:
    """Return what an example is called, the page about it, and its picture. Errors as :func:`tray`."""
    if isinstance(example, FileExample):
        info = services().examples.find(example.file).info
        region = None if example.region is None else str(example.region)
        picture = Picture(
            url_for("media.queries", digest=example.file, region=region),
            url_for("media.queries", digest=example.file, size=1200),
            info.width,
            info.height,
        )
        return _("your image"), "", picture
    if isinstance(example, WorkExample | ImageExample):
        card = _card(session, example)
        return card.title, url_for("portal.work", work_id=card.work_id), _of_card(card, example)
    if isinstance(example, ArtistExample):
        return example.artist, url_for("artists.named", name=example.artist), None
    assert isinstance(example, WordsExample)
    return f"“{example.words}”", "", None


def image_of(session: Session, example: WorkExample | ImageExample) -> int:
    """Return the id of the image that stands for an example."""
    return _card(session, example).image_id


def _card(session: Session, example: WorkExample | ImageExample) -> WorkCard:
    access = current_access()
    if isinstance(example, WorkExample):
        card = card_of_work(session, example.work, access)
        if card is None:
            raise unknown_work(example.work)
        return card
    found = cards_of_images(session, [example.image], access).get(example.image)
    if found is None:
        raise NotFoundError(
            f"There is no image {example.image} here.",
            hint="Its work may have been withdrawn.",
            code="unknown_image",
        )
    return found


def unknown_work(work_id: int) -> NotFoundError:
    """Return the error that a work is not here, or may not be seen."""
    return NotFoundError(
        f"There is no work {work_id} here.", hint="It may have been withdrawn.", code="unknown_work"
    )


def _of_card(card: WorkCard, example: WorkExample | ImageExample) -> Picture:
    region = example.region if isinstance(example, ImageExample) else None
    url = url_for("media.thumbnails", digest=card.sha256)
    if region is not None:
        shares = (
            100 * region.left / card.width,
            100 * region.top / card.height,
            100 * region.width / card.width,
            100 * region.height / card.height,
        )
        text = "pct:" + ",".join(f"{share:.4f}" for share in shares)
        url = url_for(
            "iiif.part",
            digest=card.sha256,
            region=text,
            size="!400,400",
            rotation="0",
            quality="default",
            kind="webp",
        )
    large = url_for("media.previews", digest=card.sha256, size=1200, kind="webp")
    return Picture(url, large, card.width, card.height)
