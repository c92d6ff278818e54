import io
import struct
import zlib
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, TiffImagePlugin
from PIL.PngImagePlugin import PngInfo

from stylesearch.catalog.records import Credit, WorkRecord
from stylesearch.ingest.metadata.embedded import read_embedded_metadata

CONTENT = """
<dc:title><rdf:Alt><rdf:li xml:lang="x-default">A barn</rdf:li><rdf:li xml:lang="de">Eine Scheune</rdf:li></rdf:Alt></dc:title>
<dc:description><rdf:Alt><rdf:li xml:lang="x-default">Red, in snow.</rdf:li></rdf:Alt></dc:description>
<dc:creator><rdf:Seq><rdf:li>Ann Example</rdf:li><rdf:li>Bo</rdf:li></rdf:Seq></dc:creator>
<dc:subject><rdf:Bag><rdf:li>Barn</rdf:li><rdf:li>snow</rdf:li></rdf:Bag></dc:subject>
<dc:rights><rdf:Alt><rdf:li xml:lang="x-default">(c) Ann</rdf:li></rdf:Alt></dc:rights>
<photoshop:DateCreated>1889-05-17</photoshop:DateCreated><photoshop:Credit>Gift</photoshop:Credit>
<cc:license rdf:resource="http://creativecommons.org/licenses/by/4.0/"/>
"""
RECORD = WorkRecord(
    title="A barn",
    description="Red, in snow.",
    credits=(Credit("Ann Example"), Credit("Bo")),
    date_text="1889-05-17",
    year_from=1889,
    year_to=1889,
    keywords=("barn", "snow"),
    work_rights="http://creativecommons.org/licenses/by/4.0/",
    image_rights="http://creativecommons.org/licenses/by/4.0/",
    credit_line="Gift",
)


def xmp(content: str = CONTENT, attributes: str = "", *, before: str = "") -> bytes:
    return f"""<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>{before}
<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description rdf:about="" xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:cc="http://creativecommons.org/ns#"
 xmlns:photoshop="http://ns.adobe.com/photoshop/1.0/" xmlns:xmpRights="http://ns.adobe.com/xap/1.0/rights/" {attributes}>
{content}</rdf:Description></rdf:RDF></x:xmpmeta>
<?xpacket end="w"?>""".encode()


def image(file_format: str, packet: bytes | None = None, **options: Any) -> bytes:
    if packet is not None:
        if file_format == "PNG":
            options["pnginfo"] = PngInfo()
            options["pnginfo"].add_itxt("XML:com.adobe.xmp", packet.decode())
        elif file_format == "TIFF":
            tags = TiffImagePlugin.ImageFileDirectory_v2()
            tags[700] = packet
            tags.tagtype[700] = 1
            options["tiffinfo"] = tags
        else:
            options["xmp"] = packet
    buffer = io.BytesIO()
    Image.new("RGB", (4, 4), "red").save(buffer, file_format, **options)
    return buffer.getvalue()


def iptc_jpeg(*records: tuple[int, bytes], charset: bytes = b"") -> bytes:
    """A JPEG with IPTC records as photo programs write them: in a resource of a Photoshop segment."""
    block = charset + b"".join(
        struct.pack(">BBBH", 0x1C, 2, number, len(value)) + value for number, value in records
    )
    resource = b"8BIM" + struct.pack(">HxxI", 0x0404, len(block)) + block + b"\0" * (len(block) % 2)
    payload = b"Photoshop 3.0\0" + resource
    jpeg = image("JPEG")
    return jpeg[:2] + b"\xff\xed" + struct.pack(">H", len(payload) + 2) + payload + jpeg[2:]


@pytest.mark.parametrize("file_format", ["JPEG", "PNG", "TIFF", "WEBP"])
def test_reads_xmp(file_format):
    assert read_embedded_metadata(image(file_format, xmp())) == RECORD


@pytest.mark.parametrize("file_format", ["JPEG", "PNG", "TIFF", "WEBP", "GIF"])
def test_a_file_that_says_nothing_is_an_empty_record(file_format):
    assert read_embedded_metadata(image(file_format)) == WorkRecord()


def test_reads_properties_written_as_attributes():
    packet = xmp(
        "", 'dc:title="A barn" photoshop:Credit="Gift" xmpRights:WebStatement="http://example.org/terms"'
    )
    record = read_embedded_metadata(image("JPEG", packet))
    assert (record.title, record.credit_line) == ("A barn", "Gift")
    assert record.work_rights == record.image_rights == "http://example.org/terms"


def test_a_rights_notice_is_of_the_image_not_of_the_work():
    packet = xmp("<dc:rights><rdf:Alt><rdf:li>(c) Ann</rdf:li></rdf:Alt></dc:rights>")
    record = read_embedded_metadata(image("JPEG", packet))
    assert (record.work_rights, record.image_rights) == (None, "(c) Ann")


def test_reads_iptc():
    data = iptc_jpeg(
        (5, b"A barn"), (25, b"Barn"), (25, b"snow"), (25, b"barn"), (55, b"18890517"), (80, b"Ann Example"),
        (80, b"Bo"), (110, b"Gift"), (116, b"(c) Ann"), (120, "Red, in Bézier".encode()),
    )  # fmt: skip
    assert read_embedded_metadata(data) == WorkRecord(
        title="A barn",
        description="Red, in Bézier",
        credits=(Credit("Ann Example"), Credit("Bo")),
        date_text="18890517",
        year_from=1889,
        year_to=1889,
        keywords=("barn", "snow"),
        image_rights="(c) Ann",
        credit_line="Gift",
    )


def test_iptc_that_is_no_utf8_is_latin1():
    assert read_embedded_metadata(iptc_jpeg((80, "Bézier".encode("latin-1")))).credits == (Credit("Bézier"),)


@pytest.mark.parametrize("date", [b"00000000", b"unknown", b"18", "²⁰¹⁹0101".encode(), b"\0\0\0\0"])
def test_an_iptc_date_that_is_none_gives_no_year(date):
    record = read_embedded_metadata(iptc_jpeg((55, date), (5, b"A barn")))
    assert (record.year_from, record.year_to, record.title) == (None, None, "A barn")


def test_xmp_comes_before_iptc():
    packet = xmp("<dc:title>From XMP</dc:title>")
    segment = b"http://ns.adobe.com/xap/1.0/\0" + packet
    data = iptc_jpeg((5, b"From IPTC"), (80, b"Ann"))
    data = data[:2] + b"\xff\xe1" + struct.pack(">H", len(segment) + 2) + segment + data[2:]
    record = read_embedded_metadata(data)
    assert (record.title, record.credits) == ("From XMP", (Credit("Ann"),))


@pytest.mark.parametrize(
    "packet", [b"", b"\0" * 50, b"not xml", b"<x:xmpmeta", xmp()[:300], b"\xff\xfe\0", b"<?xpacket?>"]
)
@pytest.mark.parametrize("file_format", ["JPEG", "TIFF", "WEBP"])
def test_a_broken_packet_is_no_failure(file_format, packet):
    assert isinstance(read_embedded_metadata(image(file_format, packet)), WorkRecord)


@pytest.mark.parametrize("coding", ["utf-8", "utf-16"])
def test_a_packet_with_a_document_type_is_refused(coding, tmp_path):
    (tmp_path / "secret").write_text("secret")
    doctype = f'<!DOCTYPE x [<!ENTITY a SYSTEM "{(tmp_path / "secret").as_uri()}">]>'
    packet = xmp("<dc:title>x&a;</dc:title>", before=doctype).decode().encode(coding)
    assert read_embedded_metadata(image("JPEG", packet)) == WorkRecord()


@pytest.mark.parametrize(
    "data", [b"", b"\xff\xd8\xff", b"GIF89a", b"\x89PNG\r\n\x1a\n", b"II*\0", b"RIFF\0\0\0\0WEBP"]
)
def test_what_is_no_image_is_an_empty_record(data):
    assert read_embedded_metadata(data) == WorkRecord()


def exif(**tags: object) -> Image.Exif:
    numbers = {
        "artist": 0x013B, "copyright": 0x8298, "description": 0x010E, "taken": 0x9003, "xp_title": 0x9C9B,
        "xp_author": 0x9C9D, "xp_keywords": 0x9C9E,
    }  # fmt: skip
    block = Image.Exif()
    for name, value in tags.items():
        block[numbers[name]] = f"{value}\0".encode("utf-16-le") if name.startswith("xp_") else value
    return block


@pytest.mark.parametrize("file_format", ["JPEG", "PNG", "TIFF", "WEBP", "AVIF"])
def test_reads_exif(file_format):
    block = exif(
        artist="Ann; Bo;Ann", copyright="(c) Ann", description="Red,  in snow.", taken="2019:01:02 03:04:05"
    )
    assert read_embedded_metadata(image(file_format, exif=block)) == WorkRecord(
        description="Red, in snow.",
        credits=(Credit("Ann"), Credit("Bo")),
        image_rights="(c) Ann",
    )


def test_reads_the_tags_of_windows():
    block = exif(artist="Camera owner", xp_title="Ä barn", xp_author="Ann", xp_keywords="Snow;snow;Barn")
    record = read_embedded_metadata(image("JPEG", exif=block))
    assert (record.title, record.credits, record.keywords) == ("Ä barn", (Credit("Ann"),), ("snow", "barn"))


def test_xmp_and_iptc_come_before_exif():
    block = exif(artist="From EXIF", copyright="From EXIF")
    record = read_embedded_metadata(image("JPEG", xmp("<dc:creator>Ann</dc:creator>"), exif=block))
    assert (record.credits, record.image_rights) == ((Credit("Ann"),), "From EXIF")


@pytest.mark.parametrize("said", ["OLYMPUS DIGITAL CAMERA", "SONY DSC", "DCIM\\100MEDIA", "  ", "\0"])
def test_what_a_camera_says_of_itself_is_no_description(said):
    assert read_embedded_metadata(image("JPEG", exif=exif(description=said))).description is None


def test_headers_of_a_picture_of_any_size_are_read():
    data = bytearray(image("PNG", xmp()))
    data[16:24] = struct.pack(">II", 14_000, 14_000)  # more than Pillow opens by itself
    data[29:33] = struct.pack(">I", zlib.crc32(data[12:29]))
    assert read_embedded_metadata(bytes(data)) == RECORD


def test_a_bomb_is_not_decoded_and_not_warned_of():
    data = bytearray(image("PNG", xmp()))
    data[16:24] = struct.pack(">II", 100_000, 100_000)
    assert isinstance(read_embedded_metadata(bytes(data)), WorkRecord)


SAMPLES = [
    image("JPEG", xmp()),
    image("PNG", xmp()),
    image("TIFF", xmp()),
    image("WEBP", xmp()),
    iptc_jpeg((5, b"A barn")),
]


@settings(deadline=None)
@given(st.sampled_from(SAMPLES), st.integers(0, 3000), st.binary(min_size=1, max_size=12))
def test_a_damaged_file_never_fails(data, at, junk):
    at %= len(data)
    assert isinstance(read_embedded_metadata(data[:at] + junk + data[at + len(junk) :]), WorkRecord)
