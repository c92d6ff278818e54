"""Answers of OAI-PMH 2.0, as XML: whatever a title holds, it stays a text."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime

from lxml import etree

from stylesearch.catalog.cards import Rights, WorkCard
from web.api import links

OAI = "http://www.openarchives.org/OAI/2.0/"
OAI_DC = "http://www.openarchives.org/OAI/2.0/oai_dc/"
DC = "http://purl.org/dc/elements/1.1/"
XSI = "http://www.w3.org/2001/XMLSchema-instance"
DC_SCHEMA = "http://www.openarchives.org/OAI/2.0/oai_dc.xsd"
_NOT_IN_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")

Element = etree._Element


def stamp(moment: datetime) -> str:
    """Return a moment as the protocol writes it, in whole seconds."""
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def answer(address: str, arguments: Mapping[str, str]) -> Element:
    """Return the root of an answer, with when it is given and what was asked."""
    namespaces: dict[str | None, str] = {None: OAI, "xsi": XSI}
    root = etree.Element(f"{{{OAI}}}OAI-PMH", nsmap=namespaces)  # type: ignore[arg-type]  # its stubs know no default
    root.set(f"{{{XSI}}}schemaLocation", f"{OAI} http://www.openarchives.org/OAI/2.0/OAI-PMH.xsd")
    add(root, "responseDate", stamp(datetime.now(UTC)))
    request = add(root, "request", address)
    for name, value in arguments.items():
        request.set(name, plain(value))
    return root


def add(parent: Element, name: str, text: str | None = None, **attributes: str) -> Element:
    """Add an element of the protocol."""
    element = etree.SubElement(parent, f"{{{OAI}}}{name}")
    if text is not None:
        element.text = plain(text)
    for key, value in attributes.items():
        element.set(key, plain(value))
    return element


def plain(text: str) -> str:
    """Return a text without the characters that no XML can have."""
    return _NOT_IN_XML.sub("", text)


def write(root: Element) -> bytes:
    """Return an answer as bytes."""
    return etree.tostring(root, encoding="UTF-8", xml_declaration=True)


def add_header(parent: Element, identifier: str, moment: datetime, set_: str, *, deleted: bool) -> None:
    """Add the header of a record."""
    header = add(parent, "header", **({"status": "deleted"} if deleted else {}))
    add(header, "identifier", identifier)
    add(header, "datestamp", stamp(moment))
    add(header, "setSpec", set_)


def add_dublin_core(parent: Element, card: WorkCard) -> None:
    """Add a work's metadata as unqualified Dublin Core."""
    root = etree.SubElement(
        add(parent, "metadata"), f"{{{OAI_DC}}}dc", nsmap={"oai_dc": OAI_DC, "dc": DC, "xsi": XSI}
    )
    root.set(f"{{{XSI}}}schemaLocation", f"{OAI_DC} {DC_SCHEMA}")
    told: dict[str, Iterable[str | None]] = {
        "title": [card.title],
        "creator": card.artists,
        "subject": [*card.keywords, card.movement],
        "description": [card.description],
        "publisher": [card.collection_title],
        "date": [card.date_text or _years(card)],
        "type": [card.object_type],
        "format": [card.medium],
        "identifier": [links.page("portal.work", work_id=card.work_id), card.source_id],
        "source": [card.source_url],
        "relation": [links.whole_image(card.sha256)],
        "coverage": [card.period],
        "rights": _rights(card.image_rights),
    }
    for name, values in told.items():
        for value in dict.fromkeys(filter(None, values)):
            etree.SubElement(root, f"{{{DC}}}{name}").text = plain(value)


def _years(card: WorkCard) -> str | None:
    if card.year_from is None or card.year_to is None:
        return None
    return str(card.year_from) if card.year_from == card.year_to else f"{card.year_from}/{card.year_to}"


def _rights(rights: Rights) -> list[str | None]:
    return [rights.uri, rights.label] if rights.uri is not None else [rights.label]
