import pytest

from stylesearch.catalog.records import Credit, WorkRecord
from stylesearch.ingest.metadata.described import Picture
from stylesearch.ingest.metadata.edm import read_edm
from stylesearch.ingest.metadata.xml import parse

HEAD = (
    '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns:dc="http://purl.org/dc/elements/1.1/"'
    ' xmlns:dcterms="http://purl.org/dc/terms/" xmlns:edm="http://www.europeana.eu/schemas/edm/"'
    ' xmlns:ore="http://www.openarchives.org/ore/terms/" xmlns:skos="http://www.w3.org/2004/02/skos/core#"'
    ' xmlns:owl="http://www.w3.org/2002/07/owl#" xmlns:svcs="http://rdfs.org/sioc/services#"'
    ' xmlns:doap="http://usefulinc.com/ns/doap#">'
)
CC0 = "http://creativecommons.org/publicdomain/zero/1.0/"
IN_COPYRIGHT = "http://rightsstatements.org/vocab/InC/1.0/"
FULL = f"""
<edm:ProvidedCHO rdf:about="#7">
  <dc:title xml:lang="de">Eine Scheune</dc:title><dc:title xml:lang="en">A barn</dc:title>
  <dc:creator rdf:resource="#lee"/><dc:creator>Werkstatt des Bo Ek</dc:creator>
  <dc:creator rdf:resource="http://example.org/people/unknown"/>
  <dc:type rdf:resource="#drawing"/><dc:type rdf:resource="http://vocab.getty.edu/aat/300033973"/>
  <dc:subject>Snow</dc:subject><dcterms:medium>ink</dcterms:medium><dcterms:created rdf:resource="#time"/>
  <dc:rights>{IN_COPYRIGHT}</dc:rights><dc:identifier>INV 7</dc:identifier>
</edm:ProvidedCHO>
<edm:Agent rdf:about="#lee">
  <skos:prefLabel xml:lang="en">Ann Lee</skos:prefLabel><skos:prefLabel xml:lang="ja">アン</skos:prefLabel>
  <skos:altLabel>A. Lee</skos:altLabel>
  <owl:sameAs rdf:resource="http://www.wikidata.org/entity/Q42"/>
  <owl:sameAs rdf:resource="http://vocab.getty.edu/ulan/500011051"/>
</edm:Agent>
<skos:Concept rdf:about="#drawing">
  <skos:prefLabel xml:lang="de">Zeichnung</skos:prefLabel><skos:prefLabel xml:lang="en">drawing</skos:prefLabel>
</skos:Concept>
<edm:TimeSpan rdf:about="#time"><edm:begin>1890</edm:begin><edm:end>1899</edm:end></edm:TimeSpan>
<ore:Aggregation rdf:about="#aggregation">
  <edm:isShownAt rdf:resource="https://example.org/works/7"/>
  <edm:isShownBy rdf:resource="https://example.org/images/7.jpg"/>
  <edm:hasView rdf:resource="https://example.org/images/7b.jpg"/>
  <edm:object rdf:resource="https://example.org/thumbs/7.jpg"/>
  <edm:rights rdf:resource="{IN_COPYRIGHT}"/>
  <edm:dataProvider>City Museum</edm:dataProvider><edm:provider>An Aggregator</edm:provider>
</ore:Aggregation>
<edm:WebResource rdf:about="https://example.org/images/7.jpg">
  <edm:rights rdf:resource="{CC0}"/><svcs:has_service rdf:resource="https://example.org/iiif/7"/>
</edm:WebResource>
<svcs:Service rdf:about="https://example.org/iiif/7">
  <doap:implements rdf:resource="http://iiif.io/api/image/2/level2.json"/>
</svcs:Service>
"""


def read(inner: str, **options):
    return read_edm(parse(f"{HEAD}{inner}</rdf:RDF>".encode()), **options)


def test_a_full_record():
    described = read(FULL)
    assert described.record == WorkRecord(
        title="A barn",
        credits=(
            Credit("Ann Lee", aliases=("アン", "A. Lee"), ulan_id="500011051", wikidata_id="Q42"),
            Credit("Bo Ek", qualifier="workshop of"),
        ),
        date_text="1890 – 1899",
        year_from=1890,
        year_to=1899,
        medium="ink",
        object_type="drawing",
        keywords=("snow",),
        source_url="https://example.org/works/7",
        work_rights=IN_COPYRIGHT,
        image_rights=CC0,
        extra={
            "concepts": "http://vocab.getty.edu/aat/300033973",
            "credited_as": "Werkstatt des Bo Ek",
            "identifier": "INV 7",
            "dataProvider": "City Museum",
            "provider": "An Aggregator",
        },
    )
    assert described.pictures == (
        Picture(
            "https://example.org/images/7.jpg",
            "https://example.org/iiif/7",
            "http://iiif.io/api/image/2/level2.json",
        ),
        Picture("https://example.org/images/7b.jpg"),
    )


def test_languages():
    record = read(FULL, languages=("de",)).record
    assert (record.title, record.object_type) == ("Eine Scheune", "Zeichnung")


def test_proxies_describe_too_the_providers_first():
    record = read(
        "<ore:Proxy><edm:europeanaProxy>true</edm:europeanaProxy><dc:title>Enriched</dc:title></ore:Proxy>"
        "<ore:Proxy><edm:europeanaProxy>false</edm:europeanaProxy><dc:title>Given</dc:title></ore:Proxy>"
    ).record
    assert record.title == "Given"


def test_resources_may_be_held_within():
    record = read(
        "<edm:ProvidedCHO><dc:creator><edm:Agent rdf:about='http://vocab.getty.edu/ulan/500011051'>"
        "<skos:prefLabel>Ann</skos:prefLabel></edm:Agent></dc:creator>"
        "<dc:subject><skos:Concept><skos:prefLabel>snow</skos:prefLabel></skos:Concept></dc:subject></edm:ProvidedCHO>"
    ).record
    assert record.credits == (Credit("Ann", ulan_id="500011051"),)
    assert record.keywords == ("snow",)


@pytest.mark.parametrize(
    ("inner", "expected"),
    [
        ("<edm:object rdf:resource='https://e.org/t.jpg'/>", ["https://e.org/t.jpg"]),
        ("<edm:isShownBy rdf:resource='javascript:alert(1)'/>", []),
        ("<edm:isShownBy>https://e.org/a.jpg</edm:isShownBy>", ["https://e.org/a.jpg"]),
        ("<edm:hasView rdf:resource='https://e.org/a.jpg'/>" * 3, ["https://e.org/a.jpg"]),
    ],
)
def test_pictures(inner, expected):
    assert [one.url for one in read(f"<ore:Aggregation>{inner}</ore:Aggregation>").pictures] == expected


def test_rights_of_the_aggregation_where_the_image_has_none():
    described = read(
        f'<ore:Aggregation><edm:isShownBy rdf:resource="https://e.org/a.jpg"/><edm:rights rdf:resource="{CC0}"/></ore:Aggregation>'
    )
    assert (described.record.image_rights, described.record.work_rights) == (CC0, None)


def test_resources_that_point_to_each_other_do_not_loop():
    inner = '<dc:subject rdf:resource="#a"/><dc:creator rdf:resource="#a"/>'
    record = read(f'<edm:ProvidedCHO rdf:about="#a">{inner}</edm:ProvidedCHO>').record
    assert record == WorkRecord()
