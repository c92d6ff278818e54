import base64
import gzip
import struct
import zlib

import pytest

from stylesearch.errors import ImageError
from stylesearch.images.svg import guard_svg

MAX_BYTES = 1_000_000
NAMESPACES = (
    'xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink"'
    ' xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"'
    ' xmlns:sodipodi="http://sodipodi.sourceforge.net/DTD/sodipodi-0.dtd"'
    ' xmlns:xi="http://www.w3.org/2001/XInclude"'
)
W3C_DTD = '<!DOCTYPE svg PUBLIC "-//W3C//DTD SVG 1.1//EN" "http://www.w3.org/Graphics/SVG/1.1/DTD/svg11.dtd">'
LONG_ENTITY = '<!DOCTYPE svg [<!ENTITY a "http://%s">]>'
ILLUSTRATOR_DTD = """<!DOCTYPE svg PUBLIC "-//W3C//DTD SVG 1.0//EN"
 "http://www.w3.org/TR/2001/REC-SVG-20010904/DTD/svg10.dtd" [
  <!ENTITY ns_svg "http://www.w3.org/2000/svg">
  <!ENTITY ns_flows "http://ns.adobe.com/Flows/1.0/">
]>"""


def drawing(body: str, prolog: str = "", attributes: str = NAMESPACES) -> bytes:
    return f'{prolog}<svg {attributes} width="10" height="10">{body}</svg>'.encode()


def image(payload: bytes, media_type: str = "image/png") -> str:
    return f'<image href="data:{media_type};base64,{base64.b64encode(payload).decode()}"/>'


def code_of(data: bytes, max_bytes: int = MAX_BYTES) -> str:
    with pytest.raises(ImageError) as caught:
        guard_svg(data, max_bytes=max_bytes)
    assert caught.value.hint
    assert "\n" not in caught.value.message
    return caught.value.code


SAFE = {
    "plain": drawing('<rect width="5" height="5"/>'),
    "byte order mark": b"\xef\xbb\xbf" + drawing(""),
    "utf-16": drawing("").decode().encode("utf-16"),
    "latin-1": b'<?xml version="1.0" encoding="ISO-8859-1"?>' + "<svg><desc>é</desc></svg>".encode("latin-1"),
    "no namespace": b"<svg/>",
    "prefixed": b'<s:svg xmlns:s="http://www.w3.org/2000/svg"><s:g/></s:svg>',
    "w3c dtd": drawing("", W3C_DTD),
    "illustrator": drawing("", ILLUSTRATOR_DTD, 'xmlns="&ns_svg;" xmlns:x="&ns_flows;"'),
    "fragment": drawing('<linearGradient id="a" xlink:href="#b"/><use href=" #a"/>'),
    "empty href": drawing('<image xlink:href=""/>'),
    "data image": drawing(image(b"any")),
    "link": drawing('<a xlink:href="http://example.org/"><rect/></a>'),
    "metadata": drawing(
        '<metadata><rdf:RDF><rdf:li rdf:resource="http://example.org/" rdf:about="x.png"'
        ' xlink:href="http://example.org/"/></rdf:RDF></metadata>'
    ),
    "sodipodi": drawing('<path sodipodi:absref="/srv/x.png" d="M0 0"/><sodipodi:namedview href="x.png"/>'),
    "css fragment": drawing('<rect style="fill:url(#a)" filter=" url( \'#b\' ) "/>'),
    "css data": drawing("<style>@font-face { src: url(data:font/woff;base64,AAAA) }</style>"),
    "css namespace": drawing("<style>@namespace url(http://www.w3.org/2000/svg); a{}</style>"),
    "url in text": drawing("<text>url(http://example.org/x.png) @import</text>"),
    "inner stylesheet": drawing("", '<?xml-stylesheet type="text/css" href="#style"?>'),
}

ENTITIES = {
    "billion laughs": drawing(
        "&c;",
        '<!DOCTYPE svg [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;"><!ENTITY c "&b;&b;&b;&b;&b;&b;">]>',
    ),
    "xxe": drawing("&x;", '<!DOCTYPE svg [<!ENTITY x SYSTEM "file:///etc/passwd">]>'),
    "xxe public": drawing("&x;", '<!DOCTYPE svg [<!ENTITY x PUBLIC "-//X//Y" "http://example.org/x">]>'),
    "unparsed": drawing(
        "", '<!DOCTYPE svg [<!NOTATION n SYSTEM "n"><!ENTITY x SYSTEM "http://example.org/x" NDATA n>]>'
    ),
    "parameter": drawing("", '<!DOCTYPE svg [<!ENTITY % p "http://example.org/">]>'),
    "external parameter": drawing("", '<!DOCTYPE svg [<!ENTITY % p SYSTEM "http://example.org/x"> %p;]>'),
    "undeclared parameter": drawing("", '<!DOCTYPE svg [%p; <!ENTITY x SYSTEM "file:///etc/passwd">]>'),
    "nested": drawing("", '<!DOCTYPE svg [<!ENTITY a "http://a"><!ENTITY b "http://b&a;">]>'),
    "nested by number": drawing("", '<!DOCTYPE svg [<!ENTITY b "http://b&#38;a;">]>'),
    "markup": drawing("&a;", '<!DOCTYPE svg [<!ENTITY a "http://<image/>">]>'),
    "plain words": drawing("&a;", '<!DOCTYPE svg [<!ENTITY a "Drawn by hand">]>'),
    "long": drawing("", LONG_ENTITY % ("a" * 250)),
    "skipped": drawing("&unknown;", W3C_DTD),
    "quadratic attributes": drawing(('<g id="' + "&a;" * 100 + '"/>') * 100, LONG_ENTITY % ("a" * 240)),
    "quadratic text": drawing("<desc>" + "&a;" * 10_000 + "</desc>", LONG_ENTITY % ("a" * 240)),
}

EXTERNAL = {
    "image": drawing('<image xlink:href="/home/somebody/x.png"/>'),
    "image, plain href": drawing('<image href="x.png"/>'),
    "image over http": drawing('<image href="http://example.org/x.png"/>'),
    "other prefix": drawing('<image x:href="x.png" xmlns:x="http://www.w3.org/1999/xlink"/>'),
    "no namespace": b'<svg><image href="x.png"/></svg>',
    "defaulted attribute": drawing(
        "<image/>", '<!DOCTYPE svg [<!ATTLIST image href CDATA "http://example.org/x.png">]>'
    ),
    "use": drawing('<use href="other.svg#a"/>'),
    "filter": drawing('<filter><feImage xlink:href="file:///etc/passwd"/></filter>'),
    "script": drawing('<script href="http://example.org/x.js"/>'),
    "include": drawing('<xi:include href="/etc/passwd" parse="text"/>'),
    "namespace entity": drawing(
        '<image href="&a;"/>', '<!DOCTYPE svg [<!ENTITY a "http://example.org/x.png">]>'
    ),
    "style attribute": drawing('<rect style="fill: URL( http://example.org/x.svg#a )"/>'),
    "style attribute, escaped": drawing('<rect style="fill: u\\72 l(x.svg#a)"/>'),
    "presentation attribute": drawing("<rect filter=\"url('x.svg#a')\"/>"),
    "style element": drawing('<style>rect { fill: url("x.svg#a") }</style>'),
    "style element, cdata": drawing("<style><![CDATA[rect { fill: url(x.svg#a) }]]></style>"),
    "font": drawing("<style>@font-face { src: url(x.woff) }</style>"),
    "import": drawing('<style>@import "http://example.org/x.css";</style>'),
    "import, escaped": drawing('<style>@\\69mport "x.css";</style>'),
    "stylesheet": drawing("", '<?xml-stylesheet type="text/css" href="http://example.org/x.css"?>'),
    "foreign dtd": drawing("", '<!DOCTYPE svg SYSTEM "http://example.org/x.dtd">'),
    "nested drawing": drawing(image(drawing('<image href="x.png"/>'), "image/svg+xml")),
    "nested drawing of no type": drawing(image(drawing('<use href="x.svg"/>'), "")),
    "nested drawing, percent-encoded": drawing(
        "<image href=\"data:image/svg+xml,%3Csvg%3E%3Cimage href='x.png'/%3E%3C/svg%3E\"/>"
    ),
}

UNREADABLE = {
    "not closed": b'<svg xmlns="http://www.w3.org/2000/svg"><g>',
    "html": b"<!DOCTYPE html><html><body><svg/></body></html>",
    "text": b"hello",
    "nothing": b"",
    "unknown encoding": b'<?xml version="1.0" encoding="no-such"?><svg/>',
    "several bytes a character": b'<?xml version="1.0" encoding="gb2312"?><svg/>',
    "undeclared entity": b"<svg>&x;</svg>",
    "cut gzip": gzip.compress(drawing("<g/>" * 100))[:-20],
    "bad gzip": b"\x1f\x8b\x08" + b"x" * 100,
    "bad base64": drawing('<image href="data:image/png;base64,A"/>'),
}


@pytest.mark.parametrize("name", SAFE)
def test_harmless_drawings_pass(name: str) -> None:
    assert guard_svg(SAFE[name], max_bytes=MAX_BYTES).xml == SAFE[name]


@pytest.mark.parametrize("name", ENTITIES)
def test_entities_are_refused(name: str) -> None:
    assert code_of(ENTITIES[name]) == "svg_entities"


@pytest.mark.parametrize("name", EXTERNAL)
def test_what_needs_fetching_is_refused(name: str) -> None:
    assert code_of(EXTERNAL[name]) == "svg_external"


@pytest.mark.parametrize("name", UNREADABLE)
def test_what_is_not_svg_is_refused(name: str) -> None:
    assert code_of(UNREADABLE[name]) == "svg_unreadable"


def test_the_message_names_what_is_missing() -> None:
    with pytest.raises(ImageError, match=r"<image> refers to /home/somebody/x\.png\."):
        guard_svg(EXTERNAL["image"], max_bytes=MAX_BYTES)


def test_gzipped_drawings_are_unpacked_and_checked() -> None:
    assert guard_svg(gzip.compress(SAFE["plain"]), max_bytes=MAX_BYTES).xml == SAFE["plain"]
    assert code_of(gzip.compress(EXTERNAL["image"])) == "svg_external"


def test_unpacking_stops_at_the_limit() -> None:
    plain = SAFE["plain"]
    assert guard_svg(gzip.compress(plain), max_bytes=len(plain)).xml == plain
    assert code_of(gzip.compress(plain), max_bytes=len(plain) - 1) == "image_too_many_bytes"
    bomb = gzip.compress(b"<svg>" + b" " * 50_000_000)
    assert len(bomb) < 100_000
    assert code_of(bomb) == "image_too_many_bytes"


def test_embedded_images_are_handed_on() -> None:
    png = b"\x89PNG\r\n\x1a\n" + b"rest"
    body = image(b"GIF89a!") + image(drawing(image(png)), "image/svg+xml")
    assert guard_svg(drawing(body), max_bytes=MAX_BYTES).rasters == (b"GIF89a!", png)


def test_base64_may_be_wrapped_and_unpadded() -> None:
    png = b"\x89PNG\r\n\x1a\n" + b"some rest"
    text = base64.b64encode(png).decode().rstrip("=")
    wrapped = "\n ".join(text[at : at + 5] for at in range(0, len(text), 5))
    found = guard_svg(drawing(f'<image href="data:image/png;base64,{wrapped}"/>'), max_bytes=MAX_BYTES)
    assert found.rasters == (png,)


def test_a_nested_gzipped_bomb_is_refused() -> None:
    bomb = gzip.compress(b"<svg>" + b" " * 5_000_000)
    assert code_of(drawing(image(bomb, "image/svg+xml"))) == "image_too_many_bytes"


def test_what_drawing_takes_is_counted() -> None:
    inner = image(drawing('<path d="M0 0"/>'), "image/svg+xml")
    safe = guard_svg(
        drawing(f"<text>ab<tspan>cd</tspan></text><title>efg</title>{inner}", "", 'id="x"'),
        max_bytes=MAX_BYTES,
    )
    assert (safe.elements, safe.letters) == (5 + 2, 4)
    assert safe.longest == len(inner) - len('<image href=""/>')


def test_a_text_that_would_take_for_ever_to_lay_out_is_refused() -> None:
    words = "word " * 4000
    assert guard_svg(drawing(f"<text>{words}</text>" * 2), max_bytes=MAX_BYTES).letters == 40_000
    for long in (f"<text>{words}x</text>", f"<text>{words}<tspan>x</tspan></text>"):
        assert code_of(drawing(long)) == "svg_unreadable"
    assert guard_svg(drawing(f"<desc>{words * 10}</desc>"), max_bytes=MAX_BYTES).letters == 0


def test_drawings_nested_too_deeply_are_refused() -> None:
    nested = drawing("<rect/>")
    for _ in range(3):
        nested = drawing(image(nested, "image/svg+xml"))
    assert guard_svg(nested, max_bytes=MAX_BYTES).rasters == ()
    assert code_of(drawing(image(nested, "image/svg+xml"))) == "svg_unreadable"


def test_gzip_of_something_else_is_refused() -> None:
    assert code_of(gzip.compress(struct.pack(">I", 7) + zlib.compress(b"x"))) == "svg_unreadable"
