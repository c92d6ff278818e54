import io

import pytest
from PIL import Image, PngImagePlugin

from stylesearch.ingest.fetching.reservations import Reservation
from stylesearch.ingest.metadata.mining import read_mining_reservations

PACKET = (
    '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
    '<rdf:Description xmlns:plus="http://ns.useplus.org/ldf/xmp/1.0/" xmlns:tdm="http://www.w3.org/ns/tdmrep#"{attributes}>'
    "{elements}</rdf:Description></rdf:RDF></x:xmpmeta>"
)
VALUE = "http://ns.useplus.org/ldf/vocab/DMI-{}"


def packet(elements: str = "", attributes: str = "") -> bytes:
    return PACKET.format(elements=elements, attributes=attributes).encode()


PROHIBITED = Reservation("plus", "metadata", "DMI-PROHIBITED")


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (packet(f"<plus:DataMining>{VALUE.format('PROHIBITED')}</plus:DataMining>"), (PROHIBITED,)),
        (packet(attributes=f' plus:DataMining="{VALUE.format("PROHIBITED")}"'), (PROHIBITED,)),
        (packet(f'<plus:DataMining rdf:resource="{VALUE.format("PROHIBITED")}"/>'), (PROHIBITED,)),
        (
            packet(f"<plus:DataMining>{VALUE.format('PROHIBITED-AIMLTRAINING')}</plus:DataMining>"),
            (Reservation("plus", "metadata", "DMI-PROHIBITED-AIMLTRAINING"),),
        ),
        (packet(f"<plus:DataMining>{VALUE.format('ALLOWED')}</plus:DataMining>"), ()),
        (
            packet("<tdm:reservation>1</tdm:reservation><tdm:policy>https://x/p</tdm:policy>"),
            (Reservation("tdm", "metadata", "https://x/p"),),
        ),
        (packet("<tdm:reservation>0</tdm:reservation>"), ()),
        (packet(), ()),
        (b"", ()),
        (b"<x:xmpmeta", ()),
        (b"<x:xmpmeta\x00\xff></x:xmpmeta>", ()),
        (b"<x:xmpmeta>" + b"<a>" * 1000 + b"</x:xmpmeta>", ()),
    ],
)
def test_what_a_packet_reserves(data, expected):
    assert read_mining_reservations(data) == expected
    assert read_mining_reservations(b"\xff\xd8 bytes before" + data + b"and behind") == expected


@pytest.mark.parametrize("file_format", ["JPEG", "WEBP", "PNG"])
def test_of_a_real_picture(file_format):
    xmp = packet(f"<plus:DataMining>{VALUE.format('PROHIBITED')}</plus:DataMining>")
    info = PngImagePlugin.PngInfo()
    info.add_itxt("XML:com.adobe.xmp", xmp.decode())
    buffer = io.BytesIO()
    options = {"pnginfo": info} if file_format == "PNG" else {"xmp": xmp}
    Image.new("RGB", (9, 9)).save(buffer, file_format, **options)
    assert read_mining_reservations(buffer.getvalue()) == (PROHIBITED,)
