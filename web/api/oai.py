"""OAI-PMH 2.0: the catalogue for harvesters, in Dublin Core, with those works that were withdrawn as deleted records."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta

from flask import Response, request
from pydantic import Field
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.datastructures import MultiDict

from stylesearch.catalog.access import open_to
from stylesearch.catalog.cards import WorkCard, cards_of_images
from stylesearch.catalog.changes import Change, Span, count_changes, earliest_change, list_changes
from stylesearch.catalog.works import Collection
from stylesearch.wire.base import LARGEST_ID, Given
from web.api import access, links, oai_xml
from web.api.answers import kept_private
from web.api.oai_tokens import Token
from web.api.oai_xml import Element, add
from web.api.operations import Answer, Operations
from web.services import services

PREFIX = "oai_dc"
PER_PAGE = 100
FORM_BYTES = 16 * 1024
LATEST = datetime.max.replace(tzinfo=UTC)
XML = "text/xml"

# What each verb may be asked with, and what it must.
ARGUMENTS: dict[str, tuple[frozenset[str], frozenset[str]]] = {
    "Identify": (frozenset(), frozenset()),
    "ListMetadataFormats": (frozenset(["identifier"]), frozenset()),
    "ListSets": (frozenset(["resumptionToken"]), frozenset()),
    "GetRecord": (frozenset(["identifier", "metadataPrefix"]), frozenset(["identifier", "metadataPrefix"])),
    "ListIdentifiers": (
        frozenset(["from", "until", "set", "metadataPrefix", "resumptionToken"]),
        frozenset(["metadataPrefix"]),
    ),
    "ListRecords": (
        frozenset(["from", "until", "set", "metadataPrefix", "resumptionToken"]),
        frozenset(["metadataPrefix"]),
    ),
}

operations = Operations("oai")


class OaiQuery(Given):
    """The arguments of OAI-PMH 2.0."""

    verb: str = Field(description=f"One of {', '.join(ARGUMENTS)}.")
    identifier: str | None = Field(default=None, description="Of a record: `oai:HOST:work/NUMBER`.")
    metadataPrefix: str | None = Field(default=None, description="`oai_dc`.")  # noqa: N815 - the protocol's name
    from_: str | None = Field(default=None, alias="from", description="A day, or a moment in UTC.")
    until: str | None = Field(default=None, description="A day, or a moment in UTC.")
    set: str | None = Field(default=None, description="Slug of a collection.")
    resumptionToken: str | None = Field(default=None, description="Leads to the next page.")  # noqa: N815


class OaiError(Exception):
    """An error of the protocol, by its code."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


ANSWER = Answer("An answer of OAI-PMH, which may be an error of the protocol.", {XML: None})


@operations.add("GET", "/oai", "read", ANSWER, query=OaiQuery, lenient=True)
def harvest() -> Response:
    """Answer a harvester (OAI-PMH 2.0).

    Sets are collections. Withdrawn works are deleted records. Errors of the protocol are told in its own way, with status 200.
    """
    return _answer(request.args)


@operations.add("POST", "/oai", "read", ANSWER, lenient=True, problems=(413,))
def harvest_by_form() -> Response:
    """Answer a harvester that sends its arguments as a form."""
    request.max_content_length = FORM_BYTES
    return _answer(request.form)


def _answer(values: MultiDict[str, str]) -> Response:
    address = links.address("harvest")
    try:
        arguments = _arguments(values)
    except OaiError as error:
        root = oai_xml.answer(address, {})
        add(root, "error", str(error), code=error.code)
    else:
        root = oai_xml.answer(address, arguments)
        try:
            with services().database.session() as session:
                _VERBS[arguments["verb"]](session, root, arguments)
        except OaiError as error:
            for begun in list(root)[2:]:
                root.remove(begun)
            if error.code == "badArgument":
                root[1].attrib.clear()
            add(root, "error", str(error), code=error.code)
    return kept_private(Response(oai_xml.write(root), content_type=f"{XML}; charset=utf-8"))


def _arguments(values: MultiDict[str, str]) -> dict[str, str]:
    verbs = values.getlist("verb")
    if len(verbs) != 1 or verbs[0] not in ARGUMENTS:
        raise OaiError("badVerb", f"There is one verb of: {', '.join(ARGUMENTS)}.")
    allowed, needed = ARGUMENTS[verbs[0]]
    given = {name: values.getlist(name) for name in values if name != "verb"}
    for name, texts in given.items():
        if name not in allowed:
            raise OaiError("badArgument", f"{verbs[0]} takes no argument {name[:50]!r}.")
        if len(texts) > 1:
            raise OaiError("badArgument", f"The argument {name} comes more than once.")
    if "resumptionToken" in given and len(given) > 1:
        raise OaiError("badArgument", "A resumptionToken comes alone.")
    missing = sorted(needed - set(given))
    if missing and "resumptionToken" not in given:
        raise OaiError("badArgument", f"{verbs[0]} needs the argument {missing[0]}.")
    return {"verb": verbs[0], **{name: texts[0] for name, texts in given.items()}}


def _identify(session: Session, root: Element, _arguments: Mapping[str, str]) -> None:
    told = add(root, "Identify")
    add(told, "repositoryName", f"stylesearch at {links.host()}")
    add(told, "baseURL", links.address("harvest"))
    add(told, "protocolVersion", "2.0")
    add(told, "adminEmail", services().settings.fetch_contact or f"webmaster@{links.host()}")
    add(
        told,
        "earliestDatestamp",
        oai_xml.stamp(earliest_change(session, access.current()) or datetime.now(UTC)),
    )
    # A withdrawn work keeps its record; one of a collection that was hidden or deleted has none.
    add(told, "deletedRecord", "transient")
    add(told, "granularity", "YYYY-MM-DDThh:mm:ssZ")


def _list_formats(session: Session, root: Element, arguments: Mapping[str, str]) -> None:
    if "identifier" in arguments:
        _find(session, arguments["identifier"])
    told = add(add(root, "ListMetadataFormats"), "metadataFormat")
    add(told, "metadataPrefix", PREFIX)
    add(told, "schema", oai_xml.DC_SCHEMA)
    add(told, "metadataNamespace", oai_xml.OAI_DC)


def _list_sets(session: Session, root: Element, arguments: Mapping[str, str]) -> None:
    if "resumptionToken" in arguments:
        raise OaiError("badResumptionToken", "All sets come at once.")
    told = add(root, "ListSets")
    for slug, title in _sets(session):
        one = add(told, "set")
        add(one, "setSpec", slug)
        add(one, "setName", title)


def _sets(session: Session) -> list[tuple[str, str]]:
    seen = open_to(access.current())
    statement = select(Collection.slug, Collection.title).where(seen).order_by(Collection.slug)
    return [(slug, title) for slug, title in session.execute(statement)]


def _get_record(session: Session, root: Element, arguments: Mapping[str, str]) -> None:
    _check_prefix(arguments["metadataPrefix"])
    change = _find(session, arguments["identifier"])
    _add_records(session, add(root, "GetRecord"), [change])


def _list_identifiers(session: Session, root: Element, arguments: Mapping[str, str]) -> None:
    changes, token = _changes(session, arguments)
    told = add(root, "ListIdentifiers")
    for one in changes:
        oai_xml.add_header(told, _identifier(one.work_id), one.at, one.collection, deleted=one.withdrawn)
    _add_token(told, token)


def _list_records(session: Session, root: Element, arguments: Mapping[str, str]) -> None:
    changes, token = _changes(session, arguments)
    told = add(root, "ListRecords")
    _add_records(session, told, changes)
    _add_token(told, token)


_VERBS: dict[str, Callable[[Session, Element, Mapping[str, str]], None]] = {
    "Identify": _identify,
    "ListMetadataFormats": _list_formats,
    "ListSets": _list_sets,
    "GetRecord": _get_record,
    "ListIdentifiers": _list_identifiers,
    "ListRecords": _list_records,
}


def _add_records(session: Session, parent: Element, changes: list[Change]) -> None:
    ids = [one.image_id for one in changes if one.image_id is not None]
    cards: dict[int, WorkCard] = cards_of_images(session, ids, access.current())
    for one in changes:
        card = cards.get(one.image_id) if one.image_id is not None else None
        record = add(parent, "record")
        oai_xml.add_header(record, _identifier(one.work_id), one.at, one.collection, deleted=card is None)
        if card is not None:
            oai_xml.add_dublin_core(record, card)


def _changes(
    session: Session, arguments: Mapping[str, str]
) -> tuple[list[Change], tuple[str, int, int] | None]:
    """Return a page of a list, and its token, the number of records before it and in all; ``None`` for a list of one page."""
    token = None
    if "resumptionToken" in arguments:
        token = Token.parse(arguments["resumptionToken"])
        if token is None:
            raise OaiError("badResumptionToken", "This resumptionToken is none of this server's.")
        since, until, set_ = token.since, token.until, token.set
    else:
        _check_prefix(arguments["metadataPrefix"])
        since, until, set_ = (arguments.get(name) for name in ("from", "until", "set"))
    span = _span(session, since, until, set_)
    seen = access.current()
    found = list_changes(
        session, span, limit=PER_PAGE + 1, after=token.after if token is not None else None, access=seen
    )
    if not found:
        raise OaiError("noRecordsMatch", "There are no such records.")
    total = token.total if token is not None else count_changes(session, span, seen)
    before = token.given if token is not None else 0
    shown = found[:PER_PAGE]
    if len(found) <= PER_PAGE:
        return shown, ("", before, total) if token is not None else None
    following = Token(
        since=since, until=until, set=set_, after=shown[-1].work_id, given=before + PER_PAGE, total=total
    )
    return shown, (str(following), before, total)


def _add_token(parent: Element, token: tuple[str, int, int] | None) -> None:
    if token is not None:
        text, before, total = token
        add(parent, "resumptionToken", text, completeListSize=str(max(total, before)), cursor=str(before))


def _span(session: Session, since: str | None, until: str | None, set_: str | None) -> Span:
    if since is not None and until is not None and len(since) != len(until):
        raise OaiError("badArgument", "From and until are written in different granularities.")
    start = _moment(since)[0] if since is not None else None
    end = _moment(until)[1] if until is not None else None
    if start is not None and end is not None and start >= end:
        raise OaiError("badArgument", "From is later than until.")
    if set_ is not None and set_ not in {slug for slug, _ in _sets(session)}:
        raise OaiError("noRecordsMatch", "There is no such set.")
    return Span(start, end, set_)


def _moment(text: str) -> tuple[datetime, datetime]:
    """Return when a day or a second begins, and when it is over."""
    for pattern, form, length in (
        (r"\d{4}-\d{2}-\d{2}", "%Y-%m-%d", timedelta(days=1)),
        (r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}Z", "%Y-%m-%dT%H:%M:%SZ", timedelta(seconds=1)),
    ):
        if re.fullmatch(pattern, text, re.ASCII):
            try:
                begins = datetime.strptime(text, form).replace(tzinfo=UTC)
            except ValueError:
                break
            return begins, LATEST if begins > LATEST - length else begins + length
    raise OaiError("badArgument", f"{text[:30]!r} is no date; write 2024-01-31, or 2024-01-31T00:00:00Z.")


def _check_prefix(prefix: str) -> None:
    if prefix != PREFIX:
        raise OaiError("cannotDisseminateFormat", f"Records are to be had as {PREFIX} only.")


def _identifier(work_id: int) -> str:
    return f"oai:{links.host()}:work/{work_id}"


def _find(session: Session, identifier: str) -> Change:
    found = re.fullmatch(rf"oai:{re.escape(links.host())}:work/([1-9]\d{{0,18}})", identifier, re.ASCII)
    number = int(found[1]) if found is not None else 0
    if 0 < number <= LARGEST_ID:
        changes = list_changes(session, Span(), limit=1, work_id=number, access=access.current())
        if changes:
            return changes[0]
    raise OaiError("idDoesNotExist", "There is no record of this identifier.")
