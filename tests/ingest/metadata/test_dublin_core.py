import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stylesearch.catalog.records import Credit, WorkRecord
from stylesearch.ingest.metadata.dublin_core import images, read_dublin_core
from stylesearch.ingest.metadata.mapping import MOST_CREDITS
from stylesearch.ingest.metadata.xml import parse

HEAD = (
    '<oai_dc:dc xmlns:oai_dc="http://www.openarchives.org/OAI/2.0/oai_dc/" xmlns:dc="http://purl.org/dc/elements/1.1/"'
    ' xmlns:dcterms="http://purl.org/dc/terms/" xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
)


def read(inner: str, **options):
    return read_dublin_core(parse(f"{HEAD}{inner}</oai_dc:dc>".encode()), **options)


FULL = """
<dc:title xml:lang="en">A barn</dc:title><dc:title xml:lang="de">Eine Scheune</dc:title>
<dc:creator>Lee, Ann (1850-1910)</dc:creator><dc:creator>nach Ek, Bo</dc:creator><dc:contributor>Cy Dee</dc:contributor>
<dc:description xml:lang="en">Red, &lt;i&gt;in snow&lt;/i&gt;.</dc:description>
<dc:date>1890</dc:date><dc:type>Drawing</dc:type><dc:format>image/jpeg</dc:format><dc:format>ink on paper</dc:format>
<dc:subject>Barn</dc:subject><dc:subject>Snow</dc:subject><dc:publisher>City Museum</dc:publisher>
<dc:identifier>https://example.org/thumbs/7_small_thumb.jpg</dc:identifier>
<dc:identifier>https://example.org/works/7</dc:identifier><dc:identifier>INV 7</dc:identifier>
<dc:relation>https://example.org/images/7.jpg</dc:relation>
<dc:rights>Free for all</dc:rights><dc:rights>https://creativecommons.org/publicdomain/zero/1.0/</dc:rights>
"""


@pytest.mark.parametrize(
    ("languages", "title"), [(("en",), "A barn"), (("de", "en"), "Eine Scheune"), (("nl",), "A barn")]
)
def test_a_full_record(languages, title):
    described = read(FULL, languages=languages)
    assert described.record == WorkRecord(
        title=title,
        description="Red, in snow.",
        credits=(
            Credit("Lee, Ann"),
            Credit("Ek, Bo", qualifier="after"),
            Credit("Cy Dee", role="contributor"),
        ),
        date_text="1890",
        year_from=1890,
        year_to=1890,
        medium="ink on paper",
        object_type="Drawing",
        keywords=("barn", "snow"),
        source_url="https://example.org/works/7",
        image_rights="https://creativecommons.org/publicdomain/zero/1.0/",
        extra={
            "credited_as": ["Lee, Ann (1850-1910)", "nach Ek, Bo"],
            "publisher": "City Museum",
            "identifier": "INV 7",
        },
    )
    assert [one.url for one in described.pictures] == [
        "https://example.org/images/7.jpg",
        "https://example.org/thumbs/7_small_thumb.jpg",
    ]


def test_qualified_elements_come_first():
    record = read(
        "<dc:date>2020</dc:date><dcterms:created>1890</dcterms:created><dcterms:medium>ink</dcterms:medium>"
        '<dcterms:license rdf:resource="http://creativecommons.org/licenses/by/4.0/"/>'
    ).record
    assert (record.date_text, record.medium) == ("1890", "ink")
    assert record.image_rights == "http://creativecommons.org/licenses/by/4.0/"


def test_an_empty_record_is_empty():
    assert read("").record == WorkRecord()
    assert read("<dc:title/><dc:creator> </dc:creator><other>x</other>").record == WorkRecord()


@pytest.mark.parametrize(
    ("address", "is_image"),
    [
        ("https://example.org/a.JPG", True),
        ("https://example.org/a.tif?x=1", True),
        ("https://example.org/iiif/2/7/full/full/0/default.jpg", True),
        ("https://example.org/iiif/2/7/full/!600,600/0/native", False),
        ("https://example.org/a.jpg/page", False),
        ("https://example.org/works/7", False),
    ],
)
def test_addresses_of_images(address, is_image):
    assert (images([address]) == [address]) == is_image


def test_markup_and_control_characters_do_no_harm():
    record = read(
        "<dc:title>&lt;script&gt;alert(1)&lt;/script&gt;Barn&#x202E;</dc:title>"
        "<dc:identifier>javascript:alert(1)</dc:identifier><dc:rights>&lt;b&gt;free&lt;/b&gt;</dc:rights>"
    ).record
    assert "<" not in record.title
    assert record.source_url is None
    assert record.image_rights == "free"


def test_a_record_of_a_hundred_thousand_fields_has_an_end():
    inner = "".join(
        f'<dc:{name} xml:lang="l{number % 50}">x {number}</dc:{name}>'
        for number in range(20_000)
        for name in ("title", "creator", "coverage", "subject", "rights")
    )
    record = read(inner).record
    assert record == record.clipped()
    assert len(record.credits) <= MOST_CREDITS


NAMES = [
    "title",
    "creator",
    "date",
    "rights",
    "identifier",
    "subject",
    "format",
    "type",
    "coverage",
    "relation",
]
TEXT = st.text(
    st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="<>&\ufffe\uffff"), max_size=30
)


@settings(deadline=None)
@given(st.lists(st.tuples(st.sampled_from(NAMES), st.sampled_from(["", "en", "x-y"]), TEXT), max_size=8))
def test_any_content_gives_a_record(fields):
    described = read("".join(f'<dc:{name} xml:lang="{tag}">{text}</dc:{name}>' for name, tag, text in fields))
    assert described.record == described.record.clipped()
