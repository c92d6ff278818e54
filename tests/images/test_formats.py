import gzip

import pytest

from stylesearch.images import formats


@pytest.mark.parametrize(
    ("head", "media_type"),
    [
        (b"\xff\xd8\xff\xe0", "image/jpeg"),
        (b"\x89PNG\r\n\x1a\n", "image/png"),
        (b"GIF87a", "image/gif"),
        (b"GIF89a", "image/gif"),
        (b"RIFF\n\0\0\0WEBP", "image/webp"),
        (b"II*\0", "image/tiff"),
        (b"MM\0*", "image/tiff"),
        (b"II+\0", "image/tiff"),
        (b"MM\0+", "image/tiff"),
        (b"\0\0\0\x0cjP  \r\n\x87\n", "image/jp2"),
        (b"\xff\x4f\xff\x51", "image/jp2"),
        (b"\0\0\0\x0cJXL \r\n\x87\n", "image/jxl"),
        (b"\xff\x0a", "image/jxl"),
        (b"\0\0\0\x1cftypavif\0\0\0\0avifmif1miaf", "image/avif"),
        (b"\0\0\0\x18ftypmif1\0\0\0\0mif1avif", "image/avif"),
        (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", "image/heif"),
        (b"<svg/>", "image/svg+xml"),
        (b"\xef\xbb\xbf  <?xml version='1.0'?>\n<svg:svg>", "image/svg+xml"),
        (b"<!--" + b"x" * 20_000 + b"--><svg>", "image/svg+xml"),
        ("<svg>".encode("utf-16"), "image/svg+xml"),
        (gzip.compress(b"<svg>", mtime=0), "image/svg+xml"),
    ],
)
def test_allowed_formats_are_told_by_content(head: bytes, media_type: str) -> None:
    found = formats.sniff(head)
    assert found is not None
    assert found.media_type == media_type
    assert formats.sniff_refused(head) is None


@pytest.mark.parametrize(
    ("head", "name"),
    [
        (b"%PDF-1.7", "PDF"),
        (b"%!PS-Adobe", "PostScript"),
        (b"P6\n1 1\n255\n", "PNM"),
        (b"Pf\n1 1\n", "PFM"),
        (b"BM\x3a\0\0\0\0\0\0\0", "BMP"),
        (b"8BPS\0\x01", "Photoshop"),
        (b"#?RADIANCE\n", "Radiance"),
        (b"v/1\x01", "OpenEXR"),
        (b"MATLAB 5.0", "MATLAB"),
        (b"SIMPLE  =   T", "FITS"),
        (b"\xb6\xa6\xf2\x08", "libvips"),
        (b"\0\0\x01\0\x01\0", "icon"),
        (b"\0" * 128 + b"DICM", "DICOM"),
        (b"AT&TFORM", "DjVu"),
    ],
)
def test_known_formats_that_are_not_taken_are_named(head: bytes, name: str) -> None:
    assert formats.sniff(head) is None
    assert formats.sniff_refused(head) == name


@pytest.mark.parametrize(
    "head",
    [b"", b"hello", b"\0" * 300, b"<html>", b"svg", b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom", b"\x1f\x8b\x08xx"],
)
def test_anything_else_is_not_an_image(head: bytes) -> None:
    assert formats.sniff(head) is None
    assert formats.sniff_refused(head) is None
