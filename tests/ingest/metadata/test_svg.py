import gzip

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stylesearch.catalog.records import Credit, WorkRecord
from stylesearch.ingest.metadata.svg import read_svg_metadata

NEW, OLD = "http://creativecommons.org/ns#", "http://web.resource.org/cc/"


def svg(work: str = "", *, outside: str = "", cc: str = NEW) -> bytes:
    """An SVG with metadata as Inkscape arranges it."""
    return f"""<?xml version="1.0" encoding="UTF-8"?>
<svg xmlns="http://www.w3.org/2000/svg" xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:dcterms="http://purl.org/dc/terms/"
  xmlns:cc="{cc}" xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" width="9" height="9">{outside}
<metadata><rdf:RDF><cc:Work rdf:about=""><dc:format>image/svg+xml</dc:format>{work}</cc:Work></rdf:RDF></metadata>
<rect width="9" height="9"/></svg>""".encode()


def agent(name: str, element: str = "creator") -> str:
    return f"<dc:{element}><cc:Agent><dc:title>{name}</dc:title></cc:Agent></dc:{element}>"


FULL = (
    "<dc:title>A  red\n barn</dc:title><dc:date>c. 1880-95</dc:date><dc:description>Red, in snow.</dc:description>"
    + agent("Ann Example")
    + agent("A publisher", "publisher")
    + "<dc:subject><rdf:Bag><rdf:li>Barn</rdf:li><rdf:li>snow</rdf:li><rdf:li>barn</rdf:li><rdf:li/></rdf:Bag></dc:subject>"
    "<dcterms:medium>ink</dcterms:medium><dc:source>https://example.org/1</dc:source>"
    '<cc:license rdf:resource="http://creativecommons.org/licenses/by/4.0/"/>'
)
RECORD = WorkRecord(
    title="A red barn",
    description="Red, in snow.",
    credits=(Credit("Ann Example"),),
    date_text="c. 1880-95",
    year_from=1880,
    year_to=1895,
    medium="ink",
    keywords=("barn", "snow"),
    source_url="https://example.org/1",
    work_rights="http://creativecommons.org/licenses/by/4.0/",
    image_rights="http://creativecommons.org/licenses/by/4.0/",
)


@pytest.mark.parametrize("namespace", [NEW, OLD])
def test_reads_what_drawing_programs_write(namespace):
    assert read_svg_metadata(svg(FULL, cc=namespace)) == RECORD


@pytest.mark.parametrize(
    "pack", [gzip.compress, lambda data: data.decode().replace("UTF-8", "UTF-16").encode("utf-16")]
)
def test_reads_it_packed_and_in_other_codings(pack):
    assert read_svg_metadata(pack(svg(FULL))) == RECORD


@pytest.mark.parametrize(
    ("work", "names"),
    [
        (agent("Ann") + agent("Bo") + agent("Ann"), ["Ann", "Bo"]),
        ("<dc:creator>Ann</dc:creator>", ["Ann"]),
        (
            "<dc:creator><rdf:Seq><rdf:li>Ann</rdf:li><rdf:li>Bo</rdf:li></rdf:Seq></dc:creator>",
            ["Ann", "Bo"],
        ),
        ("<dc:creator><cc:Agent><dc:title/></cc:Agent></dc:creator>", []),
        (agent("  Ann\n  Example "), ["Ann Example"]),
        (agent("Ann &amp; Bo &lt;b&gt;"), ["Ann & Bo <b>"]),
        (agent("A publisher", "publisher") + agent("Rights holder", "rights"), []),
    ],
)
def test_creators(work, names):
    assert [credit.name for credit in read_svg_metadata(svg(work)).credits] == names


def test_the_title_is_the_works_own():
    assert read_svg_metadata(svg(agent("Ann") + "<dc:title>Barn</dc:title>")).title == "Barn"
    assert read_svg_metadata(svg(agent("Ann"), outside="<title>Barn</title>")).title == "Barn"
    assert read_svg_metadata(svg(agent("Ann"))).title == ""


def test_the_address_is_a_web_address_or_none():
    assert read_svg_metadata(svg("<dc:source>javascript:alert(1)</dc:source>")).source_url is None
    assert read_svg_metadata(svg('<dc:source rdf:resource="http://x.org/a"/>')).source_url == "http://x.org/a"


def test_nothing_there_is_an_empty_record():
    assert read_svg_metadata(svg()) == WorkRecord()
    assert read_svg_metadata(b'<svg xmlns="http://www.w3.org/2000/svg"/>') == WorkRecord()


@pytest.mark.parametrize("data", [b"", b"no xml", b"<svg", b"\xff\xfe", b"<?xml version='1.0'?>"])
def test_what_is_no_document_is_an_empty_record(data):
    assert read_svg_metadata(data) == WorkRecord()


def test_markup_in_a_text_stays_text():
    title = "&lt;script&gt;alert(1)&lt;/script&gt;"
    record = read_svg_metadata(
        svg(f"<dc:title>{title}</dc:title><dc:description><b>bold</b> move</dc:description>")
    )
    assert record.title == "<script>alert(1)</script>"
    assert record.description == "bold move"


def test_entities_are_neither_fetched_nor_blown_up(tmp_path):
    secret = tmp_path / "secret"
    secret.write_text("secret")
    doctype = f'<!DOCTYPE svg [<!ENTITY a SYSTEM "{secret.as_uri()}"><!ENTITY b "bbbbbbbbbb"><!ENTITY c "&b;&b;&b;&b;">]>'
    data = svg("<dc:title>x&a;</dc:title>" + agent("&c;")).replace(b"<svg", doctype.encode() + b"<svg", 1)
    record = read_svg_metadata(data)
    assert "secret" not in repr(record)
    assert "bbbb" not in repr(record)


def test_namespaces_declared_as_entities_are_understood():
    doctype = b'<!DOCTYPE svg [<!ENTITY ns_cc "http://web.resource.org/cc/">]>'
    data = svg(FULL, cc="&ns_cc;").replace(b"<svg", doctype + b"<svg", 1)
    assert read_svg_metadata(data).work_rights == RECORD.work_rights


@given(st.binary(max_size=60), st.integers(0, len(svg(FULL))))
def test_a_damaged_document_never_fails(junk, at):
    whole = svg(FULL)
    assert isinstance(read_svg_metadata(whole[:at] + junk + whole[at + len(junk) :]), WorkRecord)
