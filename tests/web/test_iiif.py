"""The IIIF Image API: what it tells, what it gives, and what it refuses."""

import io

import numpy as np
import pytest
from PIL import Image

from stylesearch.images.tiles import Cut
from web.iiif_request import MOST_PIXELS, read_cut, read_turn


def opened(answer) -> Image.Image:
    assert answer.status_code == 200, answer.text
    return Image.open(io.BytesIO(answer.data))


@pytest.fixture
def base(catalogue) -> str:
    return f"/iiif/3/{catalogue.digest(catalogue.first_work())}"


def test_the_base_leads_to_what_is_told(client, base):
    answer = client.get(base)
    assert answer.status_code == 303
    assert answer.headers["Location"] == f"{base}/info.json"
    info = client.get(f"{base}/info.json")
    assert info.headers["Access-Control-Allow-Origin"] == "*"
    assert info.mimetype == "application/ld+json"
    assert info.json["id"].endswith(base)
    assert (info.json["type"], info.json["profile"]) == ("ImageService3", "level2")
    assert max(info.json["width"], info.json["height"]) == 2048  # a drawing
    assert info.json["tiles"][0]["scaleFactors"] == [1, 2, 4]
    again = client.get(f"{base}/info.json", headers={"If-None-Match": info.headers["ETag"]})
    assert again.status_code == 304


def test_parts_come_in_the_size_and_format_asked_for(client, base):
    info = client.get(f"{base}/info.json").json
    width, height = info["width"], info["height"]
    sizes = {
        "full/!300,300": (300 * width // max(width, height), 300 * height // max(width, height)),
        "square/100,": (100, 100),
        "0,0,512,512/max": (512, 512),
        "512,512,512,512/256,": (256, 256),
        "pct:50,50,50,50/90,60": (90, 60),
        "0,0,512,512/pct:50": (256, 256),
        f"{width - 100},{height - 50},512,512/max": (100, 50),
        "0,0,400,200/,100": (200, 100),
    }
    for asked, size in sizes.items():
        assert opened(client.get(f"{base}/{asked}/0/default.png")).size == pytest.approx(size, abs=1), asked
    for kind, name in (("jpg", "JPEG"), ("png", "PNG"), ("webp", "WEBP")):
        assert opened(client.get(f"{base}/full/200,/0/color.{kind}")).format == name
    assert opened(client.get(f"{base}/full/200,/0/gray.png")).mode == "L"
    assert set(opened(client.get(f"{base}/full/200,/0/bitonal.png")).convert("L").tobytes()) <= {0, 255}


def test_parts_show_what_is_there(client, base):
    whole = opened(client.get(f"{base}/full/512,/0/default.png")).convert("RGB")
    width, height = (
        client.get(f"{base}/info.json").json["width"],
        client.get(f"{base}/info.json").json["height"],
    )
    scale = 512 / width
    part = opened(client.get(f"{base}/{width // 2},{height // 2},1024,1024/128,128/0/default.png")).convert(
        "RGB"
    )
    left, top = round(width // 2 * scale), round(height // 2 * scale)
    same = whole.crop((left, top, left + round(1024 * scale), top + round(1024 * scale))).resize((128, 128))
    difference = np.abs(np.asarray(part, dtype=float) - np.asarray(same, dtype=float))
    assert difference.mean() < 12


def test_pictures_are_turned_and_mirrored(client, base):
    plain = opened(client.get(f"{base}/0,0,800,400/200,100/0/default.png")).convert("RGB")
    turned = opened(client.get(f"{base}/0,0,800,400/200,100/90/default.png")).convert("RGB")
    assert turned.size == (100, 200)
    assert turned.getpixel((99, 0)) == plain.getpixel((0, 0))
    mirrored = opened(client.get(f"{base}/0,0,800,400/200,100/!0/default.png")).convert("RGB")
    assert mirrored.getpixel((199, 0)) == plain.getpixel((0, 0))


@pytest.mark.parametrize(
    "asked",
    [
        "full/max/45/default.jpg", "full/max/0/default.gif", "full/max/0/sepia.jpg", "x/max/0/default.jpg",
        "0,0,0,9/max/0/default.jpg", "9000,0,9,9/max/0/default.jpg", "pct:0,0,0,0/max/0/default.jpg", "full/^max/0/default.jpg",
        "full/99999,/0/default.jpg", "full/0,9/0/default.jpg", "full/,/0/default.jpg", "full/!9,/0/default.jpg",
        "full/pct:0/0/default.jpg", "full/pct:200/0/default.jpg", "0,0,9,9/18,18/0/default.jpg", "-1,0,9,9/max/0/default.jpg",
    ],
)  # fmt: skip
def test_what_cannot_be_given_is_400(client, base, asked):
    assert client.get(f"{base}/{asked}").status_code == 400


def test_what_may_not_be_seen_is_404(client, catalogue, base):
    catalogue.withdraw(catalogue.first_work())
    for address in (f"{base}/info.json", f"{base}/full/max/0/default.jpg", f"/iiif/3/{'0' * 64}/info.json"):
        assert client.get(address).status_code == 404


def test_no_answer_is_larger_than_it_may_be():
    cut = read_cut("full", "max", 10_000, 8_000)
    assert cut.out_width * cut.out_height <= MOST_PIXELS
    assert cut.out_width / cut.out_height == pytest.approx(1.25, rel=0.001)
    assert read_cut("full", "max", 300, 200) == Cut(0, 0, 300, 200, 300, 200)


def test_turns_are_read():
    assert (read_turn("!270").mirrored, read_turn("!270").degrees) == (True, 270)
    assert read_turn("360").degrees == 0
