import hashlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from stylesearch.encoders.decoding import decode_for
from stylesearch.encoders.protocol import EncoderSpec
from stylesearch.encoders.registry import encode_checked, get_encoder
from stylesearch.errors import InputError
from stylesearch.evaluation import describing
from stylesearch.evaluation.describing import (
    Describer,
    Limits,
    baseline_describer,
    describe_images,
    encoder_describer,
    readable_name,
)
from stylesearch.evaluation.kept import cache_file, read_descriptors
from stylesearch.images.decode import decode

LIMITS = Limits(10_000_000, 10_000_000)
COLOURS = ["red", "green", "blue", "gold", "teal"]


@pytest.fixture
def pictures(tmp_path: Path) -> tuple[Path, list[str]]:
    folder = tmp_path / "pictures"
    folder.mkdir()
    for colour in COLOURS:
        Image.new("RGB", (40, 30), colour).save(folder / f"{colour}.png")
    (folder / "broken.png").write_bytes(b"no image")
    return folder, ["broken.png", *(f"{colour}.png" for colour in COLOURS), "missing.png"]


class Counting:
    """A describer that keeps count: the mean colour, and how many pictures it was given."""

    def __init__(self, name: str = "mean", side: int = 16) -> None:
        self.seen = 0
        self.decoded = 0
        self.side = side
        digest = hashlib.sha256(name.encode()).hexdigest()
        self.describer = Describer(
            name, digest, {"dim": 3}, str(side), self.decode, lambda pixels: pixels, self.describe
        )

    def decode(self, data, limits):
        self.decoded += 1
        return decode(
            data, max_bytes=limits.max_bytes, max_pixels=limits.max_pixels, shortest_side=self.side
        ).pixels

    def describe(self, images):
        self.seen += len(images)
        return np.array([image.mean(axis=(0, 1)) + 1 for image in images], dtype=np.float32)


def test_what_can_be_read_is_described_and_the_rest_is_named(pictures):
    root, paths = pictures
    counting, told = Counting(), []
    found = describe_images(
        [counting.describer],
        root,
        paths,
        limits=LIMITS,
        on_progress=lambda done, total: told.append((done, total)),
    )
    assert found.places == (1, 2, 3, 4, 5)
    assert set(found.failures) == {0, 6}
    assert "not an image" in found.failures[0]
    assert "No such file" in found.failures[6]
    assert found.descriptors[0].tolist()[0] == [256, 1, 1]
    assert counting.seen == 5
    assert told[-1] == (7, 7)


def test_a_second_call_describes_nothing_again(pictures, tmp_path):
    root, paths = pictures
    counting = Counting()
    first = describe_images([counting.describer], root, paths, limits=LIMITS, cache=tmp_path / "out")
    again = describe_images([counting.describer], root, paths, limits=LIMITS, cache=tmp_path / "out")
    assert counting.seen == 5
    assert (first.descriptors[0] == again.descriptors[0]).all()
    assert again.failures.keys() == first.failures.keys()
    # A changed file is described again, and so is all with another digest, another root or a damaged cache.
    Image.new("RGB", (41, 30), "white").save(root / "red.png")
    changed = describe_images([counting.describer], root, paths, limits=LIMITS, cache=tmp_path / "out")
    assert counting.seen == 6
    assert changed.descriptors[0][0].tolist() == [256, 256, 256]
    other = replace(counting.describer, digest="0" * 64)
    describe_images([other], root, paths, limits=LIMITS, cache=tmp_path / "out")
    assert counting.seen == 11
    moved = root.rename(tmp_path / "moved")
    describe_images([other], moved, paths, limits=LIMITS, cache=tmp_path / "out")
    assert counting.seen == 16
    cache_file(tmp_path / "out", other.slug, other.digest).write_bytes(b"PK damaged")
    describe_images([other], moved, paths, limits=LIMITS, cache=tmp_path / "out")
    assert counting.seen == 21


def test_the_cache_is_a_file_that_can_be_measured(pictures, tmp_path):
    root, paths = pictures
    counting = Counting("open/clip: ViT")
    found = describe_images([counting.describer], root, paths, limits=LIMITS, cache=tmp_path / "out")
    file = cache_file(tmp_path / "out", counting.describer.slug, counting.describer.digest)
    assert file.name == f"descriptors-open-clip-ViT-{counting.describer.digest[:16]}.npz"
    names, rows, identity = read_descriptors(file)
    assert identity == {"slug": "open/clip: ViT", "digest": counting.describer.digest, "dim": 3}
    assert names == tuple(paths[place] for place in found.places)
    assert np.linalg.norm(rows, axis=1) == pytest.approx(1)


def test_several_describers_share_what_is_decoded_at_one_size(pictures, tmp_path):
    root, paths = pictures
    one, other, large = Counting("one"), Counting("other"), Counting("large", 32)
    describe_images([one.describer], root, paths[:3], limits=LIMITS, cache=tmp_path / "out")
    found = describe_images(
        [one.describer, large.describer, other.describer], root, paths, limits=LIMITS, cache=tmp_path / "out"
    )
    assert (one.seen, other.seen, large.seen) == (5, 5, 5)
    # Three images the first time, of which one is broken; then all seven once for both that want 16, by the first that does.
    assert one.decoded + other.decoded == 3 + 6
    assert large.decoded == 6
    assert len(found.descriptors) == 3
    assert (found.descriptors[0] == found.descriptors[2]).all()


def test_an_encoder_gives_what_it_gives_by_itself(pictures):
    root, _ = pictures
    paths = ["red.png", "blue.png"]
    encoder = get_encoder("lite", device="cpu")
    describer = encoder_describer("lite", device="cpu")
    images = [
        decode_for(encoder, (root / path).read_bytes(), max_bytes=10**7, max_pixels=10**7).pixels
        for path in paths
    ]
    found = describe_images([describer, baseline_describer("rgb-histogram")], root, paths, limits=LIMITS)
    assert found.descriptors[0] == pytest.approx(encode_checked(encoder, images), abs=1e-5)
    assert found.descriptors[1].shape == (2, 512)
    assert (describer.slug, describer.digest) == ("lite", encoder.spec.digest)
    assert describer.identity["weights_sha256"] == encoder.spec.weights_sha256


def test_nothing_readable_is_refused(pictures):
    root, _ = pictures
    with pytest.raises(InputError, match="None of the 1 images") as raised:
        describe_images([Counting().describer], root, ["broken.png"], limits=LIMITS)
    assert raised.value.code == "nothing_readable"


def test_a_folder_that_cannot_be_written_is_refused(pictures, tmp_path):
    root, paths = pictures
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(InputError) as raised:
        describe_images([Counting().describer], root, paths, limits=LIMITS, cache=tmp_path / "file" / "out")
    assert raised.value.code == "not_writable"


def saved(path: Path, **arrays) -> Path:
    np.savez(path, **arrays)
    return path


@pytest.mark.parametrize(
    ("arrays", "says", "code"),
    [
        ({"paths": np.array(["a"])}, "lacks an array", "descriptors_file"),
        ({"descriptors": np.ones((1, 2))}, "lacks an array", "descriptors_file"),
        (
            {"paths": np.array(["a", "b"]), "descriptors": np.ones((1, 2))},
            r"float64 \[1, 2\]",
            "descriptors_file",
        ),
        ({"paths": np.array([1]), "descriptors": np.ones((1, 2))}, "int64", "descriptors_file"),
        (
            {"paths": np.array([{}], dtype=object), "descriptors": np.ones((1, 2))},
            "plain arrays",
            "descriptors_file",
        ),
        ({"paths": np.array(["a"]), "descriptors": np.array([[1.0, np.nan]])}, "not finite", "descriptors"),
        ({"paths": np.array(["a"]), "descriptors": np.zeros((1, 2))}, "all zero", "descriptors"),
    ],
)
def test_a_file_without_descriptors_is_refused(tmp_path, arrays, says, code):
    with pytest.raises(InputError, match=says) as raised:
        read_descriptors(saved(tmp_path / "file.npz", **arrays))
    assert raised.value.code == code


@pytest.mark.parametrize("content", [None, b"", b"text", b"PK\x03\x04 cut off"])
def test_what_is_no_npz_is_refused(tmp_path, content):
    if content is not None:
        (tmp_path / "file.npz").write_bytes(content)
    with pytest.raises(InputError) as raised:
        read_descriptors(tmp_path / "file.npz")
    assert raised.value.code == "descriptors_file"


def test_a_single_array_is_refused(tmp_path):
    np.save(tmp_path / "file.npy", np.ones((2, 2)))
    with pytest.raises(InputError) as raised:
        read_descriptors(tmp_path / "file.npy")
    assert raised.value.code == "descriptors_file"


def test_names_that_are_no_utf8_can_be_printed():
    assert readable_name("caf\udce9.png") == "caf\\xe9.png"


class Preparing:
    """An encoder that prepares pictures: it keeps one pixel of each, at the size it wants."""

    spec = EncoderSpec("preparing", 3, "0" * 64, "corner-v1", "CC0-1.0")
    input_size = 16

    def __init__(self, *, full_size: bool) -> None:
        self.full_size = full_size

    def prepare(self, pixels):
        assert pixels.shape == ((400, 500, 3) if self.full_size else (320, 400, 3))
        return pixels[:1, :1]

    def encode_prepared(self, prepared):
        rows = np.array([one[0, 0] for one in prepared], dtype=np.float32)
        return rows / np.linalg.norm(rows, axis=1, keepdims=True)

    def encode(self, images):
        raise AssertionError


@pytest.mark.parametrize("full_size", [True, False])
def test_an_encoder_that_prepares_is_given_pictures_at_the_size_it_wants(full_size, tmp_path, monkeypatch):
    Image.new("RGB", (500, 400), (0, 30, 40)).save(tmp_path / "a.png")
    monkeypatch.setattr(describing, "get_encoder", lambda slug, **options: Preparing(full_size=full_size))
    describers = [encoder_describer("preparing"), baseline_describer("rgb-histogram")]
    found = describe_images(describers, tmp_path, ["a.png"], limits=LIMITS)
    assert found.descriptors[0].tolist() == [[0, pytest.approx(0.6), pytest.approx(0.8)]]


def test_what_was_described_is_kept_when_it_is_interrupted(pictures, tmp_path):
    root, _ = pictures
    counting = Counting()
    for index in range(20):
        Image.new("RGB", (20, 20), (index, 0, 0)).save(root / f"{index:02}.png")
    paths = [f"{index:02}.png" for index in range(20)]

    def interrupt(done, total):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        describe_images(
            [counting.describer], root, paths, limits=LIMITS, cache=tmp_path / "out", on_progress=interrupt
        )
    assert counting.seen == 16
    describe_images([counting.describer], root, paths, limits=LIMITS, cache=tmp_path / "out")
    assert counting.seen == 20
