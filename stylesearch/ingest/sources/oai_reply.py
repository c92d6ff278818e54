"""What an OAI-PMH server answers to ``ListRecords``."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from lxml import etree

from stylesearch.catalog.records import tidy
from stylesearch.errors import ImageError
from stylesearch.ingest.metadata.described import Described
from stylesearch.ingest.metadata.dublin_core import read_dublin_core
from stylesearch.ingest.metadata.edm import ROOT as EDM_ROOT
from stylesearch.ingest.metadata.edm import read_edm
from stylesearch.ingest.metadata.lido import ROOTS as LIDO_ROOTS
from stylesearch.ingest.metadata.lido import read_lido
from stylesearch.ingest.metadata.xml import DC, DCTERMS, parse, text_of

OAI = "{http://www.openarchives.org/OAI/2.0/}"


class OaiError(Exception):
    """An error of the protocol, by its code: ``badResumptionToken``, ``noRecordsMatch``, ``badArgument``..."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}" if message else code)
        self.code = code


@dataclass(frozen=True, slots=True)
class OaiRecord:
    """One record.

    Attributes
    ----------
    identifier, datestamp:
        As its header has them.
    deleted:
        Whether the header says so.
    metadata:
        The root of its metadata; ``None`` where there are none.
    """

    identifier: str
    datestamp: str
    deleted: bool
    metadata: etree._Element | None

    @property
    def digest(self) -> str:
        """What tells a record apart that has no identifier."""
        said = etree.tostring(self.metadata) if self.metadata is not None else b""
        return hashlib.sha256(self.datestamp.encode() + said).hexdigest()

    def describe(self, languages: Sequence[str]) -> Described:
        """Read the metadata, by what they are rather than by what they were asked for as.

        Raises
        ------
        ImageError
            ``record_format``, if they are in a format that is not known.
        """
        root = self.metadata
        if root is None:
            raise ImageError("The record has no metadata.", code="record_format")
        if root.tag == EDM_ROOT:
            return read_edm(root, languages=languages)
        if root.tag in LIDO_ROOTS:
            return read_lido(root, languages=languages)
        if any(isinstance(child.tag, str) and child.tag.startswith((DC, DCTERMS)) for child in root):
            return read_dublin_core(root, languages=languages)
        name = root.tag if isinstance(root.tag, str) else "something"
        raise ImageError(
            f"The record is {name[:200]}, and neither Dublin Core, EDM nor LIDO.", code="record_format"
        )


@dataclass(frozen=True, slots=True)
class OaiReply:
    """A page of records.

    Attributes
    ----------
    token:
        Leads to the next page; ``None`` after the last.
    total:
        How many records there are in all, as the server says.
    """

    records: tuple[OaiRecord, ...]
    token: str | None
    total: int | None


def read_reply(data: bytes) -> OaiReply:
    """Read an answer.

    Raises
    ------
    OaiError
        If the server reports an error.
    BrokenXmlError
        If it is no XML, or is cut off.
    ValueError
        If it is no answer of OAI-PMH.
    """
    root = parse(data)
    if root.tag != f"{OAI}OAI-PMH":
        raise ValueError("it is no answer of an OAI-PMH server")
    error = root.find(f"{OAI}error")
    if error is not None:
        raise OaiError((error.get("code") or "error").strip()[:60], (text_of(error) or "")[:300])
    listing = root.find(f"{OAI}ListRecords")
    if listing is None:
        raise ValueError("it lists no records")
    token = listing.find(f"{OAI}resumptionToken")
    size = token.get("completeListSize") if token is not None else None
    return OaiReply(
        tuple(map(_record, listing.iterchildren(f"{OAI}record"))),
        (token.text or "").strip() or None if token is not None else None,
        int(size) if size and size.isdecimal() and len(size) < 12 else None,
    )


def _record(element: etree._Element) -> OaiRecord:
    header = element.find(f"{OAI}header")
    metadata = element.find(f"{OAI}metadata")
    return OaiRecord(
        identifier=tidy(header.findtext(f"{OAI}identifier")) or "" if header is not None else "",
        datestamp=tidy(header.findtext(f"{OAI}datestamp")) or "" if header is not None else "",
        deleted=header is not None and header.get("status") == "deleted",
        metadata=next(metadata.iterchildren(), None) if metadata is not None else None,
    )
