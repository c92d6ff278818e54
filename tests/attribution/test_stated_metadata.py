import io

import pytest
from PIL import Image, PngImagePlugin

from stylesearch.attribution.stated_metadata import (
    LONGEST,
    SOURCE_TYPES,
    read_stated_metadata,
    source_type_in_words,
)

XMP = """<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description rdf:about="" xmlns:dc="http://purl.org/dc/elements/1.1/"
 xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/"
 xmlns:xmpRights="http://ns.adobe.com/xap/1.0/rights/" xmlns:photoshop="http://ns.adobe.com/photoshop/1.0/"
 xmlns:plus="http://ns.useplus.org/ldf/xmp/1.0/"
 {attribute} photoshop:Credit="From the town hall" xmpRights:WebStatement="https://creativecommons.org/licenses/by/4.0/"
 plus:DataMining="http://ns.useplus.org/ldf/vocab/DMI-PROHIBITED">
<dc:creator><rdf:Seq><rdf:li>{creator}</rdf:li></rdf:Seq></dc:creator>
<dc:rights><rdf:Alt><rdf:li xml:lang="x-default">© Jane Doe</rdf:li></rdf:Alt></dc:rights>{element}
</rdf:Description></rdf:RDF></x:xmpmeta>"""
GENERATED = "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia"


def jpeg(creator="Jane Doe", attribute="", element="") -> bytes:
    buffer = io.BytesIO()
    packet = XMP.format(creator=creator, attribute=attribute, element=element).encode()
    Image.new("RGB", (40, 30), "teal").save(buffer, "JPEG", xmp=packet)
    return buffer.getvalue()


@pytest.mark.parametrize(
    "how",
    [
        {"attribute": f'Iptc4xmpExt:DigitalSourceType="{GENERATED}"'},
        {"element": f"<Iptc4xmpExt:DigitalSourceType>{GENERATED}</Iptc4xmpExt:DigitalSourceType>"},
        {"element": f'<Iptc4xmpExt:DigitalSourceType rdf:resource="{GENERATED}"/>'},
    ],
)
def test_who_made_it_under_which_rights_and_how(how):
    found = read_stated_metadata(jpeg(**how), "image/jpeg").to_json()
    assert found == {
        "creators": ["Jane Doe"],
        "credit": "From the town hall",
        "rights": "https://creativecommons.org/licenses/by/4.0/",
        "rights_statement": "https://creativecommons.org/licenses/by/4.0/",
        "source_type": GENERATED,
        "source_type_in_words": "made by a generative model",
        "reservations": [{"kind": "plus", "found_in": "metadata", "detail": "DMI-PROHIBITED"}],
    }


def test_a_file_that_says_nothing():
    buffer = io.BytesIO()
    Image.new("RGB", (9, 9)).save(buffer, "PNG")
    found = read_stated_metadata(buffer.getvalue(), "image/png").to_json()
    assert not any(found.values())


def test_markup_in_a_name_is_a_name():
    found = read_stated_metadata(
        jpeg(creator="&lt;script&gt;alert(1)&lt;/script&gt;" + "x" * 999), "image/jpeg"
    )
    assert found.creators[0].startswith("<script>alert(1)</script>x")
    assert len(found.creators[0]) == LONGEST


def test_broken_metadata_say_nothing():
    broken = jpeg().replace(b"</rdf:RDF>", b"<rdf:RDF!>")
    assert read_stated_metadata(broken, "image/jpeg").source_type is None
    info = PngImagePlugin.PngInfo()
    info.add_itxt("XML:com.adobe.xmp", "<x:xmpmeta><!ENTITY a 'b'>")
    buffer = io.BytesIO()
    Image.new("RGB", (9, 9)).save(buffer, "PNG", pnginfo=info)
    assert read_stated_metadata(buffer.getvalue(), "image/png").creators == ()


def test_a_drawing_says_it_in_its_own_way(drawing):
    found = read_stated_metadata(drawing.read_bytes(), "image/svg+xml")
    assert found.creators


def test_source_types_in_words():
    assert source_type_in_words(f"{GENERATED}/") == "made by a generative model"
    assert source_type_in_words("http://example.org/else") is None
    assert source_type_in_words(None) is None
    assert all(words for words in SOURCE_TYPES.values())
