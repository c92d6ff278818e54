from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lxml import etree

from web.api import oai
from web.api.oai_tokens import Token
from web.api.oai_xml import DC, OAI, OAI_DC, plain

NS = {"o": OAI, "dc": DC, "oai_dc": OAI_DC}


class Harvester:
    def __init__(self, api) -> None:
        self.api = api

    def ask(self, verb: str, **arguments: str) -> etree._Element:
        answer = self.api.get("oai", query_string={"verb": verb, **arguments})
        assert answer.status_code == 200
        assert answer.content_type == "text/xml; charset=utf-8"
        return etree.fromstring(answer.data)

    def error(self, verb: str, **arguments: str) -> str:
        root = self.ask(verb, **arguments)
        assert [etree.QName(child).localname for child in root] == ["responseDate", "request", "error"]
        return root.find("o:error", NS).get("code")

    def pages(self, verb: str, **arguments: str) -> Iterator[etree._Element]:
        while True:
            listing = self.ask(verb, **arguments).find(f"o:{verb}", NS)
            yield listing
            token = listing.findtext("o:resumptionToken", namespaces=NS)
            if not token:
                return
            arguments = {"resumptionToken": token}

    def headers(self, verb: str = "ListIdentifiers", **arguments: str) -> dict[str, etree._Element]:
        found = {}
        for page in self.pages(verb, metadataPrefix="oai_dc", **arguments):
            for header in page.iter(f"{{{OAI}}}header"):
                identifier = header.findtext("o:identifier", namespaces=NS)
                assert identifier not in found
                found[identifier] = header
        return found


@pytest.fixture
def harvester(api, monkeypatch) -> Harvester:
    monkeypatch.setattr(oai, "PER_PAGE", 7)
    return Harvester(api)


def test_it_says_who_it_is(harvester):
    told = harvester.ask("Identify").find("o:Identify", NS)
    assert told.findtext("o:baseURL", namespaces=NS) == "http://localhost/api/v1/oai"
    assert told.findtext("o:protocolVersion", namespaces=NS) == "2.0"
    assert told.findtext("o:deletedRecord", namespaces=NS) == "transient"
    earliest = told.findtext("o:earliestDatestamp", namespaces=NS)
    stamps = [header.findtext("o:datestamp", namespaces=NS) for header in harvester.headers().values()]
    assert min(stamps) == earliest
    assert harvester.ask("ListMetadataFormats").findtext(".//o:metadataPrefix", namespaces=NS) == "oai_dc"
    assert harvester.ask("ListSets").findtext(".//o:setSpec", namespaces=NS) == "drawn"


def test_every_record_comes_once_page_by_page(harvester):
    pages = list(harvester.pages("ListRecords", metadataPrefix="oai_dc"))
    assert [len(page.findall("o:record", NS)) for page in pages] == [7, 7, 7, 7, 2]
    tokens = [page.find("o:resumptionToken", NS) for page in pages]
    assert [token.get("cursor") for token in tokens] == ["0", "7", "14", "21", "28"]
    assert {token.get("completeListSize") for token in tokens} == {"30"}
    assert not tokens[-1].text
    assert len(harvester.headers()) == len(harvester.headers("ListRecords")) == 30
    assert len(harvester.headers(set="drawn")) == 30


def test_a_list_of_one_page_has_no_token(api, monkeypatch):
    monkeypatch.setattr(oai, "PER_PAGE", 30)
    (page,) = Harvester(api).pages("ListRecords", metadataPrefix="oai_dc")
    assert page.find("o:resumptionToken", NS) is None


def test_a_record_is_a_work_in_dublin_core(harvester, api, catalogue):
    work_id = catalogue.first_work()
    catalogue.change(
        work_id, title="Boats & <birds>\x0b", keywords=["sea"], medium="ink", date_text="1890",
        description="\x01Two boats\ufffe", source_url="https://example.org/1",
    )  # fmt: skip
    work = api.told(f"works/{work_id}")
    identifier = f"oai:localhost:work/{work_id}"
    root = harvester.ask("GetRecord", identifier=identifier, metadataPrefix="oai_dc")
    assert root.find("o:request", NS).get("identifier") == identifier
    record = root.find("o:GetRecord/o:record/o:metadata/oai_dc:dc", NS)

    def texts(name: str) -> list[str]:
        return [element.text for element in record.findall(f"dc:{name}", NS)]

    assert texts("title") == ["Boats & <birds>"]
    assert texts("description") == ["Two boats"]
    assert texts("creator") == work["artists"]
    assert (texts("subject"), texts("format"), texts("date")) == (["sea"], ["ink"], ["1890"])
    assert work["links"]["page"] in texts("identifier")
    assert work["image_rights"]["uri"] in texts("rights")
    assert texts("source") == ["https://example.org/1"]


def test_a_withdrawn_work_is_a_deleted_record(harvester, catalogue):
    work_id = catalogue.first_work()
    identifier = f"oai:localhost:work/{work_id}"
    moment = datetime.now(UTC)
    catalogue.withdraw(work_id)
    root = harvester.ask("GetRecord", identifier=identifier, metadataPrefix="oai_dc")
    header = root.find(".//o:header", NS)
    assert header.get("status") == "deleted"
    assert root.find(".//o:metadata", NS) is None
    assert header.findtext("o:datestamp", namespaces=NS) >= f"{moment:%Y-%m-%dT%H:%M:%SZ}"
    since = f"{moment:%Y-%m-%dT%H:%M:%SZ}"
    changed = harvester.headers("ListRecords", **{"from": since})
    assert changed[identifier].get("status") == "deleted"
    assert harvester.headers()[identifier].get("status") == "deleted"
    catalogue.restore()
    assert harvester.headers()[identifier].get("status") is None


def test_lists_are_bounded_by_time(harvester):
    stamps = sorted(header.findtext("o:datestamp", namespaces=NS) for header in harvester.headers().values())
    first, last = stamps[0], stamps[-1]
    assert len(harvester.headers(**{"from": first, "until": last})) == 30
    assert len(harvester.headers(**{"from": first[:10], "until": last[:10]})) == 30
    middle = stamps[15]
    expected = sum(stamp >= middle for stamp in stamps)
    assert len(harvester.headers(**{"from": middle})) == expected
    before = datetime.fromisoformat(first) - timedelta(seconds=1)
    until = f"{before:%Y-%m-%dT%H:%M:%SZ}"
    assert harvester.error("ListRecords", metadataPrefix="oai_dc", until=until) == "noRecordsMatch"


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ({}, "badVerb"),
        ({"verb": "Harvest"}, "badVerb"),
        ({"verb": ["Identify", "Identify"]}, "badVerb"),
        ({"verb": "Identify", "set": "x"}, "badArgument"),
        ({"verb": "ListRecords"}, "badArgument"),
        ({"verb": "ListRecords", "metadataPrefix": ["oai_dc", "oai_dc"]}, "badArgument"),
        ({"verb": "ListRecords", "metadataPrefix": "marc"}, "cannotDisseminateFormat"),
        ({"verb": "ListRecords", "metadataPrefix": "oai_dc", "from": "1890"}, "badArgument"),
        ({"verb": "ListRecords", "metadataPrefix": "oai_dc", "from": "2024-02-31"}, "badArgument"),
        ({"verb": "ListRecords", "metadataPrefix": "oai_dc", "until": "9999-12-31"}, None),
        (
            {"verb": "ListRecords", "metadataPrefix": "oai_dc", "from": "2024-02-01", "until": "2024-01-01"},
            "badArgument",
        ),
        (
            {
                "verb": "ListRecords",
                "metadataPrefix": "oai_dc",
                "from": "2024-02-01",
                "until": "2024-02-01T00:00:00Z",
            },
            "badArgument",
        ),
        ({"verb": "ListRecords", "metadataPrefix": "oai_dc", "set": "other"}, "noRecordsMatch"),
        ({"verb": "ListRecords", "metadataPrefix": "oai_dc", "set": "a\0b"}, "noRecordsMatch"),
        ({"verb": "ListRecords", "resumptionToken": "x", "metadataPrefix": "oai_dc"}, "badArgument"),
        ({"verb": "ListRecords", "resumptionToken": "x"}, "badResumptionToken"),
        ({"verb": "ListRecords", "resumptionToken": "x" * 5000}, "badResumptionToken"),
        ({"verb": "ListSets", "resumptionToken": "x"}, "badResumptionToken"),
        ({"verb": "GetRecord", "identifier": "x"}, "badArgument"),
        (
            {"verb": "GetRecord", "identifier": "oai:localhost:work/0", "metadataPrefix": "oai_dc"},
            "idDoesNotExist",
        ),
        (
            {
                "verb": "GetRecord",
                "identifier": f"oai:localhost:work/{10**18 * 9}",
                "metadataPrefix": "oai_dc",
            },
            "idDoesNotExist",
        ),
        ({"verb": "ListMetadataFormats", "identifier": "x\x01"}, "idDoesNotExist"),
    ],
)
def test_errors_are_told_in_the_protocols_own_way(api, arguments, code):
    answer = api.get("oai", query_string=arguments)
    assert answer.status_code == 200
    root = etree.fromstring(answer.data)
    error = root.find("o:error", NS)
    assert (error.get("code") if error is not None else None) == code
    if code in ("badVerb", "badArgument"):
        assert not root.find("o:request", NS).attrib


def test_arguments_may_come_as_a_form(api):
    answer = api.post("oai", data={"verb": "Identify"})
    assert b"<Identify>" in answer.data
    api.refused("oai", 413, "body_too_large", method="POST", data={"verb": "x" * 20_000})


def test_our_own_reader_finds_everything_again(api, catalogue):
    from stylesearch.ingest.sources.oai_reply import read_reply

    work_id = catalogue.first_work()
    catalogue.change(
        work_id, medium="ink", keywords=["boat", "sea"], date_text="1890", description="Two boats."
    )
    work = api.told(f"works/{work_id}")
    reply = read_reply(api.get("oai?verb=ListRecords&metadataPrefix=oai_dc").data)
    record = next(one for one in reply.records if one.identifier == f"oai:localhost:work/{work_id}")
    found = record.describe(("en",))
    assert found.record.title == work["title"]
    assert [credit.name for credit in found.record.credits] == [credit["name"] for credit in work["credits"]]
    assert found.record.keywords == ("boat", "sea")
    assert (found.record.medium, found.record.date_text) == ("ink", "1890")
    assert found.record.image_rights == work["image_rights"]["uri"]
    assert found.record.source_url == work["links"]["page"]
    (picture,) = found.pictures
    assert work["sha256"] in picture.url


@given(st.text())
def test_whatever_a_text_holds_it_fits_into_xml(text):
    element = etree.Element("x")
    element.text = plain(text)
    assert etree.fromstring(etree.tostring(element)).text in (
        plain(text).replace("\r", "\r") or None,
        plain(text),
    )


@given(st.text(max_size=80) | st.binary(max_size=80).map(lambda data: data.hex()))
def test_whatever_is_given_as_a_token_is_one_or_none(text):
    token = Token.parse(text)
    assert token is None or Token.parse(str(token)) == token


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(st.integers(1, 2**63 - 1), st.integers(1, 10**9), st.none() | st.just("drawn"))
def test_a_token_comes_back_as_it_was(after, given_, set_):
    token = Token(after=after, given=given_, total=given_, set=set_)
    assert Token.parse(str(token)) == token
