"""The report as PDF, opened as a reader opens it."""

import io

import numpy as np
import pypdfium2
import pytest
from PIL import Image
from signed_images import Signer

from stylesearch.attribution.calibrating import calibrate_gallery
from stylesearch.attribution.pdf import render_pdf
from stylesearch.catalog import encoders
from stylesearch.images.decode import decode
from stylesearch.images.store import ImageStore

NASTY = '#panic("x") $x^2$ *bold* @label <b> \\ [link](x) `code`'


def opened(data: bytes) -> tuple[str, list[np.ndarray]]:
    """Return a PDF's text and its pages as pictures."""
    document = pypdfium2.PdfDocument(data)
    text = " ".join(" ".join(page.get_textpage().get_text_range().split()) for page in document)
    return text, [np.asarray(page.render(scale=0.5).to_pil().convert("L")) for page in document]


@pytest.fixture
def copy(drawing) -> bytes:
    pixels = decode(drawing.read_bytes(), max_bytes=10**8, max_pixels=10**8, shortest_side=400).pixels
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "JPEG", quality=95)
    return Signer().sign(buffer.getvalue(), "image/jpeg")


def test_it_says_what_the_report_says(archive, maker, copy):
    calibrate_gallery(archive.database, lambda session: encoders.active(session, "lite"), check=False)
    report = maker.make(copy, name="copy.jpg").view
    data = render_pdf(report, maker.store)
    text, pages = opened(data)
    said = [
        report["answer"], *report["limits"], report["conclusion"]["sentence"], report["candidates"][0]["name"],
        "Test Signer, Test Archive", "Laid over each other", report["nearest"][-1]["credit_line"],
        report["record"]["gallery"]["digest"], report["record"]["calibration"]["id"],
    ]  # fmt: skip
    squeezed = text.replace(" ", "").replace("-\n", "")
    for one in said:
        assert "".join(one.split()) in squeezed, one
    assert all(page.std() > 20 for page in pages[:1]), "the first page holds a picture"
    assert all(page.min() < 150 for page in pages), "no page is empty"
    assert b"/MarkInfo" in data, "it is tagged"
    assert b"/StructTreeRoot" in data


def test_markup_in_names_stays_text(maker, drawing, execute):
    execute("UPDATE work SET title = :nasty, credit_line = :nasty, medium = :nasty", nasty=NASTY)
    execute("UPDATE artist SET name = :nasty || id", nasty=NASTY)
    text, _ = opened(render_pdf(maker.make(drawing.read_bytes(), name=NASTY).view, maker.store))
    assert '#panic("x")' in text.replace("“", '"').replace("”", '"')
    assert "$x^2$ *bold* @label <b>" in text


def test_signs_that_no_font_has_are_no_reason_to_fail(maker, drawing, execute):
    execute("UPDATE work SET title = '文字化け 🎨 ქართული'")
    assert render_pdf(maker.make(drawing.read_bytes(), name="名前.png").view, maker.store).startswith(b"%PDF")


def test_it_needs_no_pictures(maker, drawing, tmp_path):
    report = maker.make(drawing.read_bytes(), name="x").view
    text, _ = opened(render_pdf(report, ImageStore(str(tmp_path))))
    assert "The picture is no longer kept." in text


def test_withdrawn_works_and_old_reports_are_set_too(maker, drawing):
    report = maker.make(drawing.read_bytes(), name="x").view
    report["nearest"][0] = {"rank": 1, "score": 0.5, "withdrawn": True}
    assert "Withdrawn" in opened(render_pdf(report, maker.store))[0]
    for name in ("file", "conclusion", "candidates", "null"):
        del report[name]
    del report["record"]["calibration"], report["record"]["scale"]
    assert report["answer"].split()[0] in opened(render_pdf(report | {"version": 1}, maker.store))[0]
