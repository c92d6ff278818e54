"""Damaged metadata of every kind go through their readers: each gives what can be stored, or one of our errors."""

import csv
import json
import os
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stylesearch.catalog.debian_copyright import read_copyright
from stylesearch.catalog.records import WorkRecord, tidy
from stylesearch.errors import ImageError, InputError, StylesearchError
from stylesearch.ingest.fetching.reservations import Reservation, read_headers, read_tdmrep
from stylesearch.ingest.metadata.debian_copyright import PackageMetadata, noted, package_record
from stylesearch.ingest.metadata.iiif import read_manifest
from stylesearch.ingest.metadata.mining import read_mining_reservations
from stylesearch.ingest.metadata.sidecar import read_json_object, read_object
from stylesearch.ingest.metadata.table import read_table
from stylesearch.ingest.metadata.xml import BrokenXmlError
from stylesearch.ingest.sources.oai_reply import OaiError, read_reply
from stylesearch.ingest.sources.table import TableSource

EXAMPLES = int(os.environ.get("TESTS_FUZZ_EXAMPLES", "60"))
PROFILE = settings(
    max_examples=EXAMPLES,
    deadline=None,
    suppress_health_check=[
        HealthCheck.too_slow,
        HealthCheck.data_too_large,
        HealthCheck.function_scoped_fixture,
    ],
)


def check(record: WorkRecord) -> None:
    """Fail unless a record fits the catalogue, and comes back from the ledger as it was."""
    written = json.dumps(record.to_json(), allow_nan=False)
    assert "\\u0000" not in written
    written.encode()
    assert WorkRecord.from_json(json.loads(written)) == record
    assert record.clipped() == record
    assert all(credit.name == tidy(credit.name) for credit in record.credits)
    assert (record.year_from is None) == (record.year_to is None)


def check_error(error: StylesearchError, code: str) -> None:
    assert error.code.startswith(code), error
    assert "\n" not in str(error)


PIECES = (
    b"<dc:title/>", b"</record>", b"<record>", b"&#0;", b"&x;", b"&#x110000;", b"<![CDATA[", b"<!--", b"<?x?>", b"]]>",
    b'<!DOCTYPE x [<!ENTITY x SYSTEM "file:///etc/passwd">]>', b' xml:lang="', b' rdf:resource="javascript:x"', b"http://",
    b"\xed\xa0\x80", b"\xff\xfe", b"99999999999999999999", b"-0001", b"19th", b"{", b"}", b"[", b"null", b"1e999", b'"@id":', b",",
)  # fmt: skip

DUBLIN_CORE = """<dc xmlns="http://www.openarchives.org/OAI/2.0/oai_dc/" xmlns:dc="http://purl.org/dc/elements/1.1/">
<dc:title xml:lang="de">Scheune</dc:title><dc:title xml:lang="en">Barn</dc:title><dc:creator>after Ann Lee (1600-1650)</dc:creator>
<dc:date>17th century</dc:date><dc:subject>barn</dc:subject><dc:rights>https://creativecommons.org/licenses/by/4.0/</dc:rights>
<dc:identifier>https://e.org/a.jpg</dc:identifier></dc>"""
EDM = """<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns:edm="http://www.europeana.eu/schemas/edm/"
 xmlns:ore="http://www.openarchives.org/ore/terms/" xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:dcterms="http://purl.org/dc/terms/"
 xmlns:skos="http://www.w3.org/2004/02/skos/core#"><edm:ProvidedCHO rdf:about="https://e.org/1"><dc:title>Barn</dc:title>
<dc:creator rdf:resource="https://e.org/ann"/><dcterms:created>1650</dcterms:created></edm:ProvidedCHO><edm:Agent
 rdf:about="https://e.org/ann"><skos:prefLabel xml:lang="en">Ann</skos:prefLabel><skos:altLabel>Anna</skos:altLabel></edm:Agent>
<ore:Aggregation rdf:about="https://e.org/g"><edm:aggregatedCHO rdf:resource="https://e.org/1"/><edm:isShownBy
 rdf:resource="https://e.org/a.jpg"/><edm:rights rdf:resource="http://rightsstatements.org/vocab/InC/1.0/"/></ore:Aggregation>
<edm:WebResource rdf:about="https://e.org/a.jpg"><dc:rights>CC0</dc:rights></edm:WebResource></rdf:RDF>"""
LIDO = """<lido:lido xmlns:lido="http://www.lido-schema.org"><lido:lidoRecID lido:type="local">7</lido:lidoRecID>
<lido:descriptiveMetadata xml:lang="de"><lido:objectClassificationWrap><lido:objectWorkTypeWrap><lido:objectWorkType><lido:term>
Zeichnung</lido:term></lido:objectWorkType></lido:objectWorkTypeWrap></lido:objectClassificationWrap><lido:objectIdentificationWrap>
<lido:titleWrap><lido:titleSet><lido:appellationValue>Scheune</lido:appellationValue></lido:titleSet></lido:titleWrap>
</lido:objectIdentificationWrap><lido:eventWrap><lido:eventSet><lido:event><lido:eventType><lido:term>Herstellung</lido:term>
</lido:eventType><lido:eventActor><lido:actorInRole><lido:actor><lido:actorID lido:source="ulan">500011051</lido:actorID>
<lido:nameActorSet><lido:appellationValue>Ann</lido:appellationValue></lido:nameActorSet></lido:actor><lido:attributionQualifierActor>
Werkstatt</lido:attributionQualifierActor></lido:actorInRole></lido:eventActor><lido:eventDate><lido:date><lido:earliestDate>1640
</lido:earliestDate><lido:latestDate>1650</lido:latestDate></lido:date></lido:eventDate></lido:event></lido:eventSet></lido:eventWrap>
</lido:descriptiveMetadata><lido:administrativeMetadata xml:lang="de"><lido:resourceWrap><lido:resourceSet>
<lido:resourceRepresentation><lido:linkResource>https://e.org/a.jpg</lido:linkResource></lido:resourceRepresentation>
<lido:rightsResource><lido:rightsType><lido:conceptID>https://creativecommons.org/publicdomain/zero/1.0/</lido:conceptID>
</lido:rightsType></lido:rightsResource></lido:resourceSet></lido:resourceWrap></lido:administrativeMetadata></lido:lido>"""


def reply(metadata: str) -> bytes:
    return (
        '<?xml version="1.0"?><OAI-PMH xmlns="http://www.openarchives.org/OAI/2.0/"><ListRecords><record><header><identifier>oai:e:1'
        f"</identifier><datestamp>2024-01-01</datestamp></header><metadata>{metadata}</metadata></record>"
        '<resumptionToken completeListSize="7">next</resumptionToken></ListRecords></OAI-PMH>'
    ).encode()


REPLIES = {"oai_dc": reply(DUBLIN_CORE), "edm": reply(EDM), "lido": reply(LIDO)}


@pytest.mark.parametrize("kind", REPLIES)
@PROFILE
@given(data=st.data())
def test_damaged_replies_of_a_server(kind: str, damaged: Callable, data: st.DataObject) -> None:
    file = data.draw(damaged([REPLIES[kind]], pieces=PIECES))
    try:
        read = read_reply(file)
    except (BrokenXmlError, OaiError):
        return
    except ValueError as error:
        if type(error) is not ValueError:
            raise
        return
    for one in read.records:
        assert one.digest
        if one.metadata is None:
            continue
        try:
            described = one.describe(("en", "de"))
        except ImageError:
            continue
        check(described.record)
        assert all(picture.url.startswith("http") for picture in described.pictures)


@pytest.mark.parametrize("kind", REPLIES)
def test_whole_replies_are_read(kind: str) -> None:
    (one,) = read_reply(REPLIES[kind]).records
    described = one.describe(("en", "de"))
    assert described.record.title in ("Barn", "Scheune")
    assert [picture.url for picture in described.pictures] == ["https://e.org/a.jpg"]
    assert described.record.credits
    check(described.record)


PACKET = b"""junk before<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description xmlns:plus="http://ns.useplus.org/ldf/xmp/1.0/" xmlns:tdm="http://www.w3.org/ns/tdmrep/" plus:DataMining="http://
ns.useplus.org/ldf/vocab/DMI-PROHIBITED"><tdm:reservation>1</tdm:reservation><tdm:policy>https://e.org/p</tdm:policy></rdf:Description>
</rdf:RDF></x:xmpmeta>junk behind"""


@PROFILE
@given(data=st.data())
def test_damaged_reservations_in_a_file(damaged: Callable, data: st.DataObject) -> None:
    for one in read_mining_reservations(data.draw(damaged([PACKET], pieces=PIECES))):
        assert isinstance(one, Reservation)
        json.dumps(one.to_json()).encode()


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=12)
    | st.sampled_from(["1", "*", "/a$", "https://e.org"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["location", "tdm-reservation", "tdm-policy", "x"]), inner, max_size=3
        )
    ),
    max_leaves=12,
)


@PROFILE
@given(rules=JSON, path=st.text(max_size=30), value=st.text(max_size=60))
def test_reservations_of_any_kind_from_servers(rules: object, path: str, value: str) -> None:
    for one in read_tdmrep(rules, path):
        assert one.kind == "tdm"
    for name in ("x-robots-tag", "tdm-reservation", "tdm-policy"):
        read_headers([(name, value), ("tdm-reservation", "1"), (name, "noai")])


OBJECT = json.dumps(
    {
        "title": {"en": ["Barn"]}, "creator": [{"@id": "https://e.org/ann", "name": "after Ann", "sameAs": ["http://e.org"]}],
        "date": "c. 1650", "keywords": ["a", "b"], "license": "CC0-1.0", "year_from": 1640, "year_to": "1650", "shelf": {"a": [1, None]},
    }
).encode()  # fmt: skip
MANIFEST = json.dumps(
    {
        "id": "https://e.org/m", "type": "Manifest", "label": {"en": ["Barn"]}, "rights": "http://rightsstatements.org/vocab/InC/1.0/",
        "metadata": [{"label": {"en": ["Artist"]}, "value": {"en": ["Ann"]}}], "navDate": "1650-01-01T00:00:00Z",
        "requiredStatement": {"label": "a", "value": "b"}, "provider": [{"label": {"en": ["Museum"]}}],
        "items": [{"id": "c", "type": "Canvas", "height": 9, "width": 9, "items": [{"items": [{"motivation": "painting", "body":
        {"type": "Choice", "items": [{"id": "https://e.org/a.jpg", "type": "Image", "service": [{"id": "https://e.org/s"}]}]}}]}]}],
    }
).encode()  # fmt: skip


@PROFILE
@given(data=st.data())
def test_damaged_json(damaged: Callable, data: st.DataObject) -> None:
    file = data.draw(damaged([OBJECT, MANIFEST], pieces=PIECES))
    try:
        values = read_json_object(file, "x.json")
    except ImageError as error:
        check_error(error, "sidecar_unreadable")
        return
    check(read_object(values))
    check(read_manifest(values).record)


COPYRIGHT = b"""Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/

Files: * data/[a-z]?/*.svg
Copyright: 2001-2004, 2009 Ann Lee <ann@example.org>
 (C) 2010 Bo
License: GPL-2+
 text
"""


@PROFILE
@given(data=st.data())
def test_damaged_copyright_files(damaged: Callable, data: st.DataObject) -> None:
    text = data.draw(
        damaged([COPYRIGHT], pieces=(b"\n\nFiles:", b"\nCopyright: \0", b"License:", b"*" * 30, b"[!"))
    ).decode("utf-8", "replace")
    said = PackageMetadata(read_copyright(text)).said("data/a/b.svg")
    check(noted(WorkRecord(), said))
    check(package_record(said))


CSV = b'id,path,title,artist,date,license,image\n1,a.png,Barn,after Ann;Bo,1650,CC0-1.0,a.png\n2,b.png,"B\nb",,19th century,,b.png\n'
LINES = b"".join(
    json.dumps({"id": n, "image": "a.png", "title": ["x"], "date": 1650}).encode() + b"\n" for n in range(3)
)


@pytest.fixture(scope="module")
def tables(tmp_path_factory) -> dict[str, tuple[Path, bytes]]:
    """A good table of each format, and the file to put damaged ones into."""
    folder = tmp_path_factory.mktemp("tables")
    pq.write_table(
        pa.table({"id": ["1", "2"], "image": ["a.png", "b.png"], "title": [["x"], None]}),
        folder / "good.parquet",
    )
    files = {"csv": CSV, "jsonl": LINES, "parquet": (folder / "good.parquet").read_bytes()}
    return {kind: (folder / f"damaged.{kind}", data) for kind, data in files.items()}


@pytest.mark.parametrize("kind", ["csv", "jsonl", "parquet"])
@PROFILE
@given(data=st.data())
def test_damaged_tables(kind: str, tables: dict, damaged: Callable, data: st.DataObject) -> None:
    path, good = tables[kind]
    path.write_bytes(data.draw(damaged([good], pieces=(b",", b"\n", b'"', b";", b"\t", b"\r", *PIECES))))
    try:
        found = [one for page in TableSource(path).pages(None) for one in page.found]
    except InputError as error:
        check_error(error, "table_")
        return
    assert len({one.source_id for one in found}) == len(found)
    for one in found:
        check(one.record)


@PROFILE
@given(data=st.data())
def test_damaged_tables_beside_images(
    tmp_path_factory, tables: dict, damaged: Callable, data: st.DataObject
) -> None:
    path = tables["csv"][0].with_name("metadata.csv")
    path.write_bytes(
        data.draw(damaged([CSV.replace(b",image", b",shelf")], pieces=(b",", b"\n", b'"', *PIECES)))
    )
    try:
        records = read_table(path)
    except StylesearchError as error:
        check_error(error, "metadata_table")
        return
    for record in records.values():
        check(record.clipped())


def test_the_tables_are_good_before_they_are_damaged(tables: dict) -> None:
    for path, good in tables.values():
        path.write_bytes(good)
        assert sum(len(page.found) for page in TableSource(path).pages(None)) >= 2
    assert csv.field_size_limit() > 0
