import contextlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from stylesearch.ingest.metadata.xml import BrokenXmlError, one_language, parse, preferred, text_of


def test_entities_and_document_types_are_refused(tmp_path):
    secret = tmp_path / "secret"
    secret.write_text("secret")
    for data in (
        b"<!DOCTYPE a><a/>",
        f'<!DOCTYPE a [<!ENTITY x SYSTEM "file://{secret}">]><a>&x;</a>'.encode(),
        b'<!DOCTYPE a SYSTEM "http://127.0.0.1:9/x.dtd"><a/>',
        b'<!DOCTYPE a [<!ENTITY x "xxxxxxxxxx"><!ENTITY y "&x;&x;&x;&x;">]><a>&y;</a>',
    ):
        with pytest.raises(BrokenXmlError) as caught:
            parse(data)
        assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"<a>x\x0by</a>", "x y"),
        (b"<a>x&#x1F;y</a>", "xy"),
        (b"<a>x&#11;y&#xFFFF;</a>", "xy"),
        (b"<a>x&#xE9;&#10;y\x02</a>", "xé y"),
        (b"<a>x&#55296;\x00y</a>", "x y"),
    ],
)
def test_characters_that_xml_cannot_hold_are_left_out(data, text):
    assert text_of(parse(data)) == text


@pytest.mark.parametrize("data", [b"", b"x", b"<a>", b"<a></b>", b"<a>\xff</a>", b"<a>&nbsp;</a>"])
def test_what_is_broken_is_told_in_a_line(data):
    with pytest.raises(BrokenXmlError) as caught:
        parse(data)
    assert "\n" not in str(caught.value)


def test_depth_is_limited():
    with pytest.raises(BrokenXmlError):
        parse(b"<a>" * 10_000 + b"</a>" * 10_000)


def test_comments_are_no_text():
    assert text_of(parse(b"<a>x<!-- no --><?no no?>y<b>z</b></a>")) == "xyz"


def elements(text: str) -> list[etree._Element]:
    return list(parse(f"<a>{text}</a>".encode()))


def said(found) -> list[str | None]:
    return [text_of(one) for one in found]


def test_languages():
    found = elements('<t xml:lang="fr">f</t><t>n</t><t xml:lang="en-GB">e</t><t xml:lang="DE">d</t>')
    assert said(preferred(found, ["de", "en"])) == ["d", "e", "n", "f"]
    assert said(one_language(found, ["de", "en"])) == ["n", "d"]
    assert said(one_language(found, ["nl"])) == ["f", "n"]
    assert said(one_language([], ["nl"])) == []


@settings(deadline=None)
@given(st.binary(max_size=100) | st.text(alphabet="<>&;#x1ab/ \x0b", max_size=60).map(str.encode))
def test_bytes_of_any_kind(data):
    with contextlib.suppress(BrokenXmlError):
        text_of(parse(data))
