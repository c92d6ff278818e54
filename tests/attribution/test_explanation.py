import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw

from stylesearch.attribution.explanation import Explanation, explain
from stylesearch.attribution.regions import GRID
from stylesearch.encoders.checkpoints import WeightsFile
from stylesearch.encoders.csd import CSDEncoder
from stylesearch.encoders.lite import LiteEncoder

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(scope="module")
def lite() -> LiteEncoder:
    return LiteEncoder(device="cpu")


def inked() -> np.ndarray:
    """Black outlines on paper."""
    image = Image.new("RGB", (260, 200), "white")
    draw = ImageDraw.Draw(image)
    for number in range(6):
        box = (
            15 + 80 * (number % 3),
            15 + 90 * (number // 3),
            75 + 80 * (number % 3),
            80 + 90 * (number // 3),
        )
        draw.ellipse(box, outline="black", width=5, fill="#f0d080")
    return np.asarray(image)


def washed() -> np.ndarray:
    """Soft patches of colour without a line."""
    few = np.random.default_rng(3).integers(60, 220, (5, 4, 3), dtype=np.uint8)
    return np.asarray(Image.fromarray(few).resize((160, 220), Image.Resampling.BICUBIC))


@pytest.fixture(scope="module")
def explained(lite) -> Explanation:
    return explain(lite, inked(), washed())


def test_the_score_is_the_cosine_of_the_descriptors(explained, lite):
    one, other = lite.encode([inked(), washed()])
    assert explained.score == pytest.approx(float(one @ other), abs=1e-4)
    assert explained.encoder == lite.spec


def test_depths_and_what_is_ordinary_add_up_to_the_score(explained):
    assert [one.depth for one in explained.depths] == list(LiteEncoder().depths)
    together = explained.ordinary + sum(one.contribution for one in explained.depths)
    assert together == pytest.approx(explained.score, abs=1e-5)
    assert max(abs(one.contribution) for one in explained.depths) > 0.01


def test_what_is_ordinary_is_the_score_of_two_such_pictures(explained, lite):
    none = np.zeros((1, len(lite.depths)), bool)
    whole = ~none
    one, other = lite.dissect(inked()), lite.dissect(washed())
    lengths = np.linalg.norm(one.with_depths(whole)) * np.linalg.norm(other.with_depths(whole))
    ordinary = one.with_depths(none)[0]
    assert explained.ordinary == pytest.approx(ordinary @ ordinary / lengths, abs=1e-5)
    assert explained.ordinary >= 0


def test_the_other_way_round_it_is_mirrored(explained, lite):
    turned = explain(lite, washed(), inked())
    assert turned.score == pytest.approx(explained.score, abs=1e-5)
    assert turned.ordinary == pytest.approx(explained.ordinary, abs=1e-5)
    for one, other in zip(explained.depths, turned.depths, strict=True):
        assert one.contribution == pytest.approx(other.contribution, abs=1e-5)
    np.testing.assert_allclose(turned.regions[0], explained.regions[1], atol=1e-5)
    np.testing.assert_allclose(turned.regions[1], explained.regions[0], atol=1e-5)
    assert turned.traits == explained.traits[::-1]
    assert [one.trait for one in turned.findings] == [one.trait for one in explained.findings]


def test_a_region_is_worth_what_the_score_loses_without_it(explained, lite):
    without = lite.dissect(inked()).without_regions(GRID)
    other = lite.encode([washed()])[0]
    expected = explained.score - (without @ other).reshape(GRID, GRID)
    np.testing.assert_allclose(explained.regions[0], expected, atol=1e-4)
    assert explained.masked


def test_a_picture_and_itself_have_nothing_that_differs(lite):
    same = explain(lite, inked(), inked())
    assert same.score == pytest.approx(1, abs=1e-5)
    assert same.ordinary + sum(one.contribution for one in same.depths) == pytest.approx(1, abs=1e-5)
    np.testing.assert_array_equal(same.regions[0], same.regions[1])
    assert same.regions[0].min() > -1e-5
    assert same.regions[0].max() > 1e-4
    assert same.differences == ()
    assert len(same.likenesses) == len(same.findings) == 10


def test_what_people_would_name_is_said(explained):
    differs = {one.trait: one.sentence for one in explained.differences}
    assert differs["line_weight"] == "Only the first has dark lines."
    assert "flatness" in differs
    assert set(differs).isdisjoint(one.trait for one in explained.likenesses)


def test_it_can_be_written_as_json(explained):
    document = json.loads(json.dumps(explained.to_json()))
    assert document["score"] == pytest.approx(explained.score, abs=1e-6)
    assert document["encoder"] == {"slug": "lite", "digest": explained.encoder.digest}
    assert [one["name"] for one in document["depths"]] == [one.depth.name for one in explained.depths]
    assert np.shape(document["regions"]["first"]) == (GRID, GRID)
    assert document["regions"]["method"] == "masked"
    assert document["traits"]["second"]["line_weight"] is None
    assert document["findings"][0]["sentence"] == explained.findings[0].sentence
    assert replace(explained, depths=()).to_json()["ordinary"] is None


def test_a_picture_of_one_pixel_can_be_explained(lite):
    one = explain(lite, np.full((1, 1, 3), 255, np.uint8), inked())
    assert np.isfinite(one.score)
    assert np.isfinite(one.regions[0]).all()
    assert sum(share.contribution for share in one.depths) + one.ordinary == pytest.approx(
        one.score, abs=1e-4
    )


def test_any_other_encoder_is_explained_by_covering_regions(small_csd: str, small_weights: Path):
    encoder = CSDEncoder(small_csd, WeightsFile(small_weights), device="cpu")
    found = explain(encoder, inked(), washed())
    one, other = encoder.encode([inked(), washed()]).astype(np.float64)
    assert found.score == pytest.approx(one @ other, abs=1e-5)
    assert found.depths == ()
    assert not found.masked
    covered = inked().copy()
    down, across = (np.arange(GRID + 1) * side // GRID for side in covered.shape[:2])
    mean = covered.reshape(-1, 3).mean(axis=0).round().astype(np.uint8)
    covered[down[3] : down[4], across[5] : across[6]] = mean
    lost = found.score - encoder.encode([covered])[0].astype(np.float64) @ other
    assert found.regions[0][3, 5] == pytest.approx(lost, abs=1e-5)
    assert found.to_json()["regions"]["method"] == "occluded"
    assert found.to_json()["depths"] == []
