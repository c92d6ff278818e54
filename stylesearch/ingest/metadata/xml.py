"""XML of strangers: read without entities, document types or the net."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from lxml import etree

from stylesearch.catalog.records import tidy

XML_LANG = "{http://www.w3.org/XML/1998/namespace}lang"
RDF = "{http://www.w3.org/1999/02/22-rdf-syntax-ns#}"
DC = "{http://purl.org/dc/elements/1.1/}"
DCTERMS = "{http://purl.org/dc/terms/}"
SKOS = "{http://www.w3.org/2004/02/skos/core#}"
OWL = "{http://www.w3.org/2002/07/owl#}"

# What XML 1.0 cannot hold, as a byte of UTF-8 and as a reference. Servers send both, out of old databases.
_BYTES = re.compile(rb"[\x00-\x08\x0b\x0c\x0e-\x1f]")
_REFERENCES = re.compile(rb"&#(?:x([0-9a-fA-F]{1,8})|([0-9]{1,9}));")


class BrokenXmlError(ValueError):
    """XML that cannot be read, or that is not to be; says why in one line."""


def parse(data: bytes) -> etree._Element:
    """Return the root of some XML.

    Characters that XML cannot hold are left out. A document type is refused: what it could declare is never needed.

    Raises
    ------
    BrokenXmlError
        If it is not well-formed, or has a document type.
    """
    try:
        root = etree.fromstring(data, _parser())
    except (etree.XMLSyntaxError, ValueError) as error:
        mended = _REFERENCES.sub(_possible, _BYTES.sub(b" ", data))
        if mended == data:
            raise BrokenXmlError(_line(error)) from None
        try:
            root = etree.fromstring(mended, _parser())
        except (etree.XMLSyntaxError, ValueError) as second:
            raise BrokenXmlError(_line(second)) from None
    if root.getroottree().docinfo.internalDTD is not None:
        raise BrokenXmlError("it has a document type")
    return root


def _possible(match: re.Match[bytes]) -> bytes:
    """Return a reference to a character if XML can hold it, else nothing."""
    code = int(match[1], 16) if match[1] else int(match[2])
    valid = (
        code in (0x9, 0xA, 0xD)
        or 0x20 <= code <= 0xD7FF
        or 0xE000 <= code <= 0xFFFD
        or 0x10000 <= code <= 0x10FFFF
    )
    return match[0] if valid else b""


def _parser() -> etree.XMLParser:
    return etree.XMLParser(
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
    )


def _line(error: Exception) -> str:
    return next(iter(str(error).splitlines()), type(error).__name__)[:200]


def text_of(element: etree._Element | None) -> str | None:
    """Return the text in an element, all of it, tidied."""
    return None if element is None else tidy("".join(str(part) for part in element.itertext())[:50_000])


def children_text(element: etree._Element, *names: str) -> list[str]:
    """Return the texts of an element's children of some names, in the order of the names."""
    return [text for name in names for child in element.iterchildren(name) if (text := text_of(child))]


def preferred(elements: Sequence[etree._Element], languages: Sequence[str]) -> list[etree._Element]:
    """Return elements with those first whose language is wanted most; those of a language that is not wanted, last."""

    def place(element: etree._Element) -> int:
        tag = language_of(element)
        if tag is None:
            return len(languages)
        matches = (
            number
            for number, wanted in enumerate(languages)
            if tag == wanted.lower() or tag.startswith(f"{wanted.lower()}-")
        )
        return next(matches, len(languages) + 1)

    return sorted(elements, key=place)


def language_of(element: etree._Element) -> str | None:
    """Return an element's own language tag, in small letters."""
    return (element.get(XML_LANG) or "").strip().lower() or None


def one_language(elements: Sequence[etree._Element], languages: Sequence[str]) -> list[etree._Element]:
    """Return those elements that say the same as the others in the language that is wanted most.

    Elements without a language are kept: they are not translations of the others.
    """
    tagged = preferred([element for element in elements if language_of(element) is not None], languages)
    wanted = (None, language_of(tagged[0]) if tagged else None)
    return [element for element in elements if language_of(element) in wanted]


def resource(element: etree._Element) -> str | None:
    """Return the address that an RDF element points to."""
    return tidy(element.get(f"{RDF}resource"))


def about(element: etree._Element) -> str | None:
    """Return the address that an RDF element is about."""
    return tidy(element.get(f"{RDF}about"))


def walk(element: etree._Element, *path: str) -> Iterator[etree._Element]:
    """Yield the elements at the end of a path of children's names."""
    if not path:
        yield element
        return
    for child in element.iterchildren(path[0]):
        yield from walk(child, *path[1:])
