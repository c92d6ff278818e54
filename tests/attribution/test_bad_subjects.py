"""What must not be reported on silently: each ends in a clear outcome in the report, or in a clear error."""

import html
import io
import struct
import zlib

import numpy as np
import pypdfium2
import pytest
from PIL import Image
from signed_images import MANIFEST, Signer, picture, tampered
from sqlalchemy import text

from stylesearch.attribution.calibrating import calibrate_gallery
from stylesearch.attribution.pdf import render_pdf
from stylesearch.attribution.render import render_html
from stylesearch.attribution.verifying import read_report_file, recompute
from stylesearch.catalog import encoders, indexes
from stylesearch.errors import ImageError, StylesearchError

NASTY = '"><script>alert(1)</script>'
XMP = """<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description rdf:about="" xmlns:dc="http://purl.org/dc/elements/1.1/"
 xmlns:xmpRights="http://ns.adobe.com/xap/1.0/rights/" xmpRights:WebStatement="javascript:alert(1)">
<dc:creator><rdf:Seq><rdf:li>{creator}</rdf:li></rdf:Seq></dc:creator></rdf:Description></rdf:RDF></x:xmpmeta>"""


def active(session):
    return encoders.active(session, "lite")


def reports(archive) -> int:
    with archive.database.session() as session:
        return session.scalar(text("SELECT count(*) FROM report"))


def bomb() -> bytes:
    """A PNG that says it has 3.6 thousand million pixels."""
    whole = picture("PNG")
    header = b"IHDR" + struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0)
    return whole[:8] + struct.pack(">I", 13) + header + struct.pack(">I", zlib.crc32(header)) + whole[33:]


@pytest.mark.parametrize(
    ("make", "code"),
    [
        (lambda: b"only words", "image_unreadable"),
        (lambda: b"", "image_empty"),
        (lambda: picture()[:900], "image_truncated"),
        (bomb, "image_too_many_pixels"),
    ],
)
def test_what_is_no_image_or_too_large_makes_no_report(archive, maker, make, code):
    with pytest.raises(ImageError) as caught:
        maker.make(make(), name="x")
    assert caught.value.code == code
    assert caught.value.hint
    assert reports(archive) == 0


def test_of_an_animation_the_report_says_what_was_looked_at(maker):
    buffer = io.BytesIO()
    frames = [Image.new("RGB", (60, 40), colour) for colour in ("teal", "red", "blue")]
    frames[0].save(buffer, "GIF", save_all=True, append_images=frames[1:])
    saved = maker.make(buffer.getvalue(), name="moving.gif")
    assert saved.document["query"]["first_of_several"] is True
    assert "the first of several frames" in render_html(saved.view, maker.store)
    assert maker.make(picture(), name="still").document["query"]["first_of_several"] is False


@pytest.mark.parametrize(
    ("break_it", "states"),
    [
        (tampered, {"invalid"}),
        (lambda signed: signed.replace(b"notAllowed", b"allowed\0\0\0"), {"invalid", "unreadable"}),
        (lambda signed: signed.replace(b"c2pa.signature", b"c2pa.signaturf"), {"invalid", "unreadable"}),
        (lambda signed: signed.replace(b"jumdc2cl", b"jumdxxxx", 1), {"invalid", "unreadable"}),
    ],
)
def test_a_forged_or_broken_manifest_is_told_and_the_rest_stands(maker, break_it, states):
    signed = Signer().sign(picture(), "image/jpeg", MANIFEST)
    broken = break_it(signed)
    assert broken != signed
    saved = maker.make(broken, name="x.jpg")
    told = saved.document["file"]["content_credentials"]
    assert told["state"] in states
    assert told["problems"]
    assert 'class="said bad"' in render_html(saved.view, maker.store)
    assert saved.document["nearest"], "the other evidence is there"


def test_any_byte_of_a_manifest_may_be_wrong(maker):
    """No damage to a signed file ends in an error that nobody foresaw, or in credentials that are called good."""
    from stylesearch.attribution.content_credentials import read_content_credentials

    signed = Signer().sign(picture(), "image/jpeg", MANIFEST)
    start, end = signed.find(b"jumb"), signed.rfind(b"\xff\xdb")
    dice = np.random.default_rng(0)
    for place in dice.integers(start, end, size=150).tolist():
        broken = signed[:place] + bytes([signed[place] ^ (1 << int(dice.integers(8)))]) + signed[place + 1 :]
        found = read_content_credentials(broken, "image/jpeg")
        # What is signed is not the padding, nor the certificate's own copy of what stands elsewhere.
        assert found.state in ("invalid", "unreadable", "absent", "valid")
        if found.state == "valid":
            assert found.training_mining == {
                "cawg.ai_generative_training": "notAllowed",
                "cawg.data_mining": "constrained",
            }


def test_markup_in_what_the_file_says_stays_text(maker):
    buffer = io.BytesIO()
    Image.effect_mandelbrot((160, 120), (-2, -1, 1, 1), 60).convert("RGB").save(
        buffer, "JPEG", xmp=XMP.format(creator=html.escape(NASTY)).encode()
    )
    manifest = MANIFEST | {"title": NASTY, "claim_generator_info": [{"name": NASTY, "version": "1"}]}
    saved = maker.make(Signer(name=NASTY).sign(buffer.getvalue(), "image/jpeg", manifest), name=NASTY)
    assert saved.document["file"]["metadata"]["creators"] == [NASTY]
    page = render_html(saved.view, maker.store)
    assert "<script" not in page
    assert html.escape(NASTY, quote=False).replace('"', "&#34;") in page
    assert 'href="javascript' not in page
    document = pypdfium2.PdfDocument(render_pdf(saved.view, maker.store))
    assert "<script>alert(1)</script>" in " ".join(page.get_textpage().get_text_range() for page in document)


def test_an_artist_of_one_work_is_never_named_for_it(archive, maker, execute, drawing):
    """Too little to judge the artist by: there is no number for that artist, and the calibration counts who that goes for."""
    examined = drawing.read_bytes()
    first = maker.make(examined, name="x").view["nearest"][0]
    execute("INSERT INTO artist (name, sort_name) VALUES ('Alone', 'alone')")
    execute(
        "UPDATE work_artist SET artist_id = (SELECT id FROM artist WHERE name = 'Alone') WHERE work_id = :work",
        work=first["work_id"],
    )
    calibration = calibrate_gallery(archive.database, active, check=False)
    assert calibration.summary["artists_of_few_works"] >= 1
    saved = maker.make(examined, name="x")
    assert saved.document["conclusion"]["outcome"] == "abstained"
    assert "Alone" not in [one["name"] for one in saved.document["candidates"]]


def test_an_empty_gallery_and_one_that_is_only_being_built_are_told(database, settings, drawing):
    from stylesearch.attribution.report import ReportMaker
    from stylesearch.images.store import open_store
    from stylesearch.search.service import StyleSearch

    maker = ReportMaker(StyleSearch(database, settings), open_store(settings))
    spec = maker.style_search.describe(drawing.read_bytes()).encoder
    for prepare in (False, True):
        if prepare:
            with database.session() as session:
                encoders.register(
                    session,
                    encoders.EncoderIdentity(
                        spec.slug,
                        spec.digest,
                        spec.dim,
                        spec.weights_sha256,
                        spec.preprocessing,
                        spec.license,
                    ),
                    beside=True,
                )
        with pytest.raises(StylesearchError) as caught:
            maker.make(drawing.read_bytes(), name="x")
        assert caught.value.code == ("encoder_building" if prepare else "empty_gallery")
        assert caught.value.hint


def test_while_the_index_is_built_anew_a_report_says_the_same(archive, maker, drawing):
    """Reports look at every descriptor, whether there is an index or one is being made."""
    calibrate_gallery(archive.database, active, check=False)
    saved = maker.make(drawing.read_bytes(), name=drawing.name)
    with archive.database.session() as session:
        indexes.build_index(session, active(session))
    told = read_report_file(saved.file())
    with archive.database.session(snapshot=True) as session:
        checks = {one.name: one.state for one in recompute(session, maker, told, drawing.read_bytes())}
    assert checks == {"image": "holds", "numbers": "holds"}
    assert saved.document["parameters"]["method"] == "exact"
