import json
from dataclasses import dataclass, field
from urllib.parse import parse_qs, urlsplit
from xml.sax.saxutils import escape

import pytest

from stylesearch.errors import InputError, ServiceError
from stylesearch.ingest.sources import oai
from stylesearch.ingest.sources.oai import OaiSource, from_options
from stylesearch.settings import Settings

DC_HEAD = '<oai_dc:dc xmlns:oai_dc="http://www.openarchives.org/OAI/2.0/oai_dc/" xmlns:dc="http://purl.org/dc/elements/1.1/">'


def dublin_core(title: str, *images: str) -> str:
    addresses = "".join(f"<dc:identifier>{escape(one)}</dc:identifier>" for one in images)
    return f"{DC_HEAD}<dc:title>{escape(title)}</dc:title>{addresses}</oai_dc:dc>"


@dataclass
class Entry:
    identifier: str
    datestamp: str
    metadata: str
    deleted: bool = False
    sets: tuple[str, ...] = ()

    def xml(self) -> str:
        status = ' status="deleted"' if self.deleted else ""
        header = f"<header{status}><identifier>{escape(self.identifier)}</identifier><datestamp>{self.datestamp}</datestamp></header>"
        return f"<record>{header}{'' if self.deleted else f'<metadata>{self.metadata}</metadata>'}</record>"


@dataclass
class Repository:
    """An OAI-PMH server."""

    site: object
    send: object
    entries: list[Entry] = field(default_factory=list)
    page: int = 2
    formats: tuple[str, ...] = ("oai_dc",)
    lifetime: int = 1000
    """How many requests a resumption token outlives."""
    tokens: dict[str, tuple[list[Entry], int, int]] = field(default_factory=dict)
    queries: list[dict[str, str]] = field(default_factory=list)
    expired_status: int = 200

    def add(self, name: str, day: int = 1, metadata: str | None = None, **more: object) -> None:
        metadata = metadata or dublin_core(f"Title of {name}", f"https://e.org/{name}.jpg")
        self.entries.append(Entry(f"oai:e.org:{name}", f"2024-01-{day:02}", metadata, **more))

    @property
    def url(self) -> str:
        self.site.pages["/oai"] = self.answer
        return self.site.url + "/oai"

    def answer(self, handler) -> None:
        query = {name: values[0] for name, values in parse_qs(urlsplit(handler.path).query).items()}
        self.queries.append(query)
        if "resumptionToken" in query:
            listed, begin, born = self.tokens.get(query["resumptionToken"], ([], 0, -(10**9)))
            if len(self.queries) - born > self.lifetime:
                error = '<error code="badResumptionToken">It has expired.</error>'
                self._reply(handler, error, status=self.expired_status)
                return
        elif query.get("metadataPrefix") not in self.formats:
            self._reply(handler, '<error code="cannotDisseminateFormat">No such format.</error>')
            return
        else:
            begin = 0
            listed = [
                one
                for one in self.entries
                if one.datestamp >= query.get("from", "")
                and one.datestamp <= query.get("until", "9")
                and ("set" not in query or query["set"] in one.sets)
            ]
        if not listed:
            self._reply(handler, '<error code="noRecordsMatch"/>')
            return
        self._reply(handler, self._listing(listed, begin))

    def _listing(self, listed: list[Entry], begin: int) -> str:
        records = "".join(one.xml() for one in listed[begin : begin + self.page])
        token = ""
        if begin + self.page < len(listed):
            token = f"token {len(self.queries)}&+"
            self.tokens[token] = (listed, begin + self.page, len(self.queries))
        return f'<ListRecords>{records}<resumptionToken completeListSize="{len(listed)}">{escape(token)}</resumptionToken></ListRecords>'

    def _reply(self, handler, inner: str, *, status: int = 200) -> None:
        text = f'<?xml version="1.0"?><OAI-PMH xmlns="http://www.openarchives.org/OAI/2.0/">{inner}</OAI-PMH>'
        self.send(handler, text.encode(), status=status, kind="text/xml")


@pytest.fixture
def repository(site, send_body) -> Repository:
    return Repository(site, send_body)


@pytest.fixture
def take(connect, harvest):
    return lambda url, cursor=None, **options: harvest(OaiSource(url, connect, **options), cursor)


def ids(*names: str) -> list[str]:
    return [f"oai:e.org:{name}" for name in names]


def test_all_records_page_after_page(repository, take):
    for number, name in enumerate("abcde"):
        repository.add(name, number + 1)
    result = take(repository.url)
    assert result.ids == ids(*"abcde")
    assert result.titles == [f"Title of {name}" for name in "abcde"]
    assert [one.locator for one in result.found] == [f"https://e.org/{name}.jpg" for name in "abcde"]
    assert [page.total for page in result.pages] == [5, 5, 5]
    assert result.pages[-1].cursor is None
    assert result.codes == {}


def test_the_version_is_the_datestamp(repository, take):
    repository.add("a", 1)
    before = take(repository.url).found[0].version
    assert take(repository.url).found[0].version == before
    repository.entries[0].datestamp = "2024-01-02"
    assert take(repository.url).found[0].version != before


def test_deleted_records_are_said_to_be_so(repository, take):
    repository.add("a")
    repository.add("b", deleted=True)
    result = take(repository.url)
    assert result.ids == ids("a", "b")
    assert result.codes == dict.fromkeys(ids("b"), "record_deleted")


def test_it_goes_on_from_a_token(repository, take):
    for number, name in enumerate("abcde"):
        repository.add(name, number + 1)
    first = take(repository.url)
    assert take(repository.url, cursor=first.pages[0].cursor).ids == ids("c", "d", "e")
    assert repository.queries[-1].keys() == {"verb", "resumptionToken"}


@pytest.mark.parametrize("status", [200, 400])
def test_an_expired_token_goes_on_from_the_latest_datestamp(repository, take, status):
    repository.expired_status = status
    for number, name in enumerate("abcde"):
        repository.add(name, number + 1)
    cursor = take(repository.url).pages[0].cursor
    repository.tokens.clear()
    result = take(repository.url, cursor=cursor)
    assert result.ids == ids("b", "c", "d", "e")  # b is passed over by the ledger
    assert repository.queries[-2]["from"] == "2024-01-02"


def test_within_a_harvest_an_expired_token_doubles_nothing(repository, take):
    for number, name in enumerate("abcdef"):
        repository.add(name, number + 1)
    url, forget = repository.url, repository.answer
    seen = []

    def answer(handler) -> None:
        seen.append(handler.path)
        if len(seen) == 2:
            repository.tokens.clear()
        forget(handler)

    repository.site.pages["/oai"] = answer
    assert take(url).ids == ids(*"abcdef")


def test_records_out_of_order_are_listed_anew_from_the_beginning(repository, take):
    for name, day in zip("abcdef", (5, 1, 6, 2, 4, 3), strict=True):
        repository.add(name, day)
    cursor = take(repository.url).pages[1].cursor
    repository.tokens.clear()
    repository.queries.clear()
    assert sorted(take(repository.url, cursor=cursor).ids) == ids(*"abcdef")
    assert "from" not in repository.queries[1]


def test_a_server_that_forgets_every_token_stops_the_run(repository, take):
    repository.lifetime = 0
    for name in "abcd":
        repository.add(name)
    with pytest.raises(ServiceError) as caught:
        take(repository.url)
    assert caught.value.code == "oai_token"


def test_a_server_that_goes_round_in_circles_stops_the_run(site, take, send_body, repository):
    repository.add("a")
    token = "<resumptionToken>same</resumptionToken>"
    text = f'<OAI-PMH xmlns="http://www.openarchives.org/OAI/2.0/"><ListRecords>{repository.entries[0].xml()}{token}</ListRecords></OAI-PMH>'
    with pytest.raises(ServiceError) as caught:
        take(site.serve("/round", text.encode()))
    assert caught.value.code == "oai_endless"
    assert site.asked.total() < 20


def test_a_server_without_end_stops_the_run(site, take, send_body, repository, monkeypatch):
    monkeypatch.setattr(oai, "MOST_EMPTY", 5)

    def answer(handler) -> None:
        token = f"<resumptionToken>{site.asked.total()}</resumptionToken>"
        text = f'<OAI-PMH xmlns="http://www.openarchives.org/OAI/2.0/"><ListRecords>{token}</ListRecords></OAI-PMH>'
        send_body(handler, text.encode())

    site.pages["/endless"] = answer
    with pytest.raises(ServiceError) as caught:
        take(site.url + "/endless")
    assert caught.value.code == "oai_endless"


def test_sets_dates_and_formats_are_asked_for(repository, take):
    for name, sets in (("a", ("paintings",)), ("b", ()), ("c", ("paintings",))):
        repository.add(name, sets=sets)
    assert take(repository.url, set_="paintings").ids == ids("a", "c")
    take(repository.url, since="2024-01-01", until="2024-01-31")
    asked = next(query for query in repository.queries if "until" in query)
    assert (asked["from"], asked["until"]) == ("2024-01-01", "2024-01-31")
    assert take(repository.url, since="2025-01-01").ids == []


def test_several_images_of_a_record_are_works_of_their_own(repository, take):
    repository.add("a", metadata=dublin_core("A", "https://e.org/1.jpg", "https://e.org/2.jpg"))
    url = repository.url
    assert take(url).ids == ["oai:e.org:a#https://e.org/1.jpg", "oai:e.org:a#https://e.org/2.jpg"]
    assert take(url, images="first").ids == ids("a")


def test_a_pattern_gives_the_image_where_the_record_has_none(repository, take):
    repository.add("a b", metadata=dublin_core("A"))
    repository.add("c")
    url = repository.url
    assert take(url).codes == {"oai:e.org:a b": "record_without_image"}
    result = take(url, image="https://images.e.org/{id}/x.jpg")
    assert [one.locator for one in result.found] == [
        "https://images.e.org/a%20b/x.jpg",
        "https://e.org/c.jpg",
    ]


def test_formats_are_told_by_what_they_are(repository, take):
    lido = (
        '<lido:lido xmlns:lido="http://www.lido-schema.org"><lido:titleWrap><lido:titleSet/></lido:titleWrap>'
        "<lido:descriptiveMetadata><lido:titleWrap><lido:titleSet><lido:appellationValue>L</lido:appellationValue>"
        "</lido:titleSet></lido:titleWrap></lido:descriptiveMetadata><lido:administrativeMetadata><lido:resourceWrap>"
        "<lido:resourceSet><lido:resourceRepresentation><lido:linkResource>https://e.org/l</lido:linkResource>"
        "</lido:resourceRepresentation></lido:resourceSet></lido:resourceWrap></lido:administrativeMetadata></lido:lido>"
    )
    edm = (
        '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns:dc="http://purl.org/dc/elements/1.1/"'
        ' xmlns:edm="http://www.europeana.eu/schemas/edm/" xmlns:ore="http://www.openarchives.org/ore/terms/"'
        ' xmlns:svcs="http://rdfs.org/sioc/services#" xmlns:doap="http://usefulinc.com/ns/doap#">'
        "<edm:ProvidedCHO><dc:title>E</dc:title></edm:ProvidedCHO><ore:Aggregation>"
        '<edm:isShownBy rdf:resource="https://e.org/e"/></ore:Aggregation><edm:WebResource rdf:about="https://e.org/e">'
        '<svcs:has_service rdf:resource="https://e.org/iiif/e"/></edm:WebResource>'
        '<svcs:Service rdf:about="https://e.org/iiif/e"><doap:implements'
        ' rdf:resource="http://iiif.io/api/image/2/level2.json"/></svcs:Service></rdf:RDF>'
    )
    repository.add("lido", metadata=lido)
    repository.add("edm", metadata=edm)
    repository.add("mods", metadata='<mods xmlns="http://www.loc.gov/mods/v3"/>')
    result = take(repository.url, side=500)
    assert result.titles == ["L", "E", ""]
    assert [one.locator for one in result.found[:2]] == [
        "https://e.org/l",
        "https://e.org/iiif/e/full/!500,500/0/default.jpg",
    ]
    assert result.codes == dict.fromkeys(ids("mods"), "record_format")


def test_records_without_identifier_are_told_apart(repository, take):
    for name in "ab":
        repository.entries.append(Entry("", "2024-01-01", dublin_core(name, f"https://e.org/{name}.jpg")))
    result = take(repository.url)
    assert len(set(result.ids)) == 2
    assert set(result.codes.values()) == {"record_format"}


def test_characters_that_xml_cannot_hold_do_not_stop_a_harvest(repository, take):
    repository.add("a", metadata=dublin_core("bad \x0b title", "https://e.org/a.jpg"))
    assert take(repository.url).titles == ["bad title"]


@pytest.mark.parametrize(
    "body",
    [
        b"<html><body>no</body></html>",
        b'<OAI-PMH xmlns="http://www.openarchives.org/OAI/2.0/"><ListRecords><record>',
        b'<OAI-PMH xmlns="http://www.openarchives.org/OAI/2.0/"/>',
        b'<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><OAI-PMH xmlns="http://www.openarchives.org/OAI/2.0/">&x;</OAI-PMH>',
        b"",
    ],
    ids=["html", "cut off", "empty", "entity", "nothing"],
)
def test_an_answer_that_cannot_be_read_loses_nothing_and_is_told(site, take, body):
    with pytest.raises(ServiceError) as caught:
        take(site.serve("/x", body, Content_Type="text/xml"))
    assert caught.value.code == "oai_unreadable"
    assert "root:" not in str(caught.value)


def test_a_refusal_says_what_to_do(repository, take):
    with pytest.raises(InputError, match="--prefix") as caught:
        take(repository.url, prefix="lido")
    assert caught.value.code == "oai_refused"


def test_a_server_that_stumbles_is_asked_again(repository, take, send_body):
    repository.add("a")
    url, page = repository.url, repository.answer

    def stumble(handler) -> None:
        send_body(handler, b"", status=503) if repository.site.asked.total() == 1 else page(handler)

    repository.site.pages["/oai"] = stumble
    assert take(url).ids == ids("a")


def test_an_address_that_cannot_be_used_is_told(site, take):
    for url, code in [
        ("e.org/oai", "address_invalid"),
        ("http://10.0.0.1/oai", "address_refused"),
        (site.url + "/missing", "fetch_status"),
    ]:
        with pytest.raises(InputError) as caught:
            take(url)
        assert caught.value.code == code


def test_a_run_can_be_opened_again_from_its_options(tmp_path):
    options = {
        "url": "https://e.org/oai?x=1",
        "prefix": "lido",
        "set_": "a b",
        "since": None,
        "languages": ["de"],
    }
    source = from_options(json.loads(json.dumps(options)), Settings(home=tmp_path))
    assert source.uri == "https://e.org/oai?x=1&verb=ListRecords&metadataPrefix=lido&set=a+b"
    assert (source.kind, source.languages) == ("oai", ("de",))
