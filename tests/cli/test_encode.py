"""``stylesearch encode``: every kind of file gets a right answer or a clear reason, and nothing is half-written."""

import io
import os
import shutil
import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from stylesearch.cli import encode as command
from stylesearch.encoders.checkpoints import file_sha256
from stylesearch.encoders.csd import CSDEncoder
from stylesearch.encoders.lite import WEIGHTS
from stylesearch.encoders.protocol import EncoderSpec
from stylesearch.encoders.registry import get_encoder

SVG = b'<svg xmlns="http://www.w3.org/2000/svg" width="40" height="30"><rect width="20" height="30" fill="red"/></svg>'


def patches(size: tuple[int, int] = (90, 120), seed: int = 0) -> Image.Image:
    few = Image.fromarray(np.random.default_rng(seed).integers(0, 256, (4, 5, 3), dtype=np.uint8))
    return few.resize(size, Image.Resampling.NEAREST)


def as_file(image: Image.Image, path: Path, **options: object) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    image.save(path, **options)
    return path


pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(autouse=True)
def _nowhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No database, no broker and a data folder of its own: none of them is needed."""
    monkeypatch.setenv("STYLESEARCH_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("STYLESEARCH_DATABASE_URL", "postgresql://nobody@127.0.0.1:9/none")
    monkeypatch.setenv("STYLESEARCH_REDIS_URL", "redis://127.0.0.1:9/0")


@pytest.fixture
def run(run_command: Callable, small_csd: str, small_weights: Path, tmp_path: Path) -> Callable:
    """Run ``encode`` with the small CSD; return its outcome and the arrays it wrote, if it wrote any."""

    def encode(*arguments: object, out: Path | None = None):
        out = out or tmp_path / "out.npz"
        options = ["--encoder", small_csd, "--weights", small_weights, "--device", "cpu", "--out", out]
        outcome = run_command("encode", *arguments, *options)
        if not out.is_file():
            return outcome, None
        with np.load(out) as written:
            return outcome, {name: written[name] for name in written.files}

    return encode


@pytest.fixture
def described(run: Callable) -> Callable[..., np.ndarray]:
    """Returns the descriptors of files, all of which must be readable."""

    def describe(*paths: Path) -> np.ndarray:
        outcome, arrays = run(*paths)
        assert outcome.code == 0, outcome
        assert arrays["paths"].tolist() == [str(path) for path in paths]
        return arrays["descriptors"]

    return describe


def cosine(descriptors: np.ndarray) -> float:
    return float(descriptors[0].astype(np.float64) @ descriptors[1])


# What is written


def test_the_arrays_are_as_promised(run, small_csd, small_weights, tmp_path: Path) -> None:
    files = [as_file(patches(seed=seed), tmp_path / f"{seed}.png") for seed in range(5)]
    outcome, arrays = run(*files)
    assert outcome.code == 0
    assert set(arrays) == {
        "paths",
        "descriptors",
        "encoder",
        "encoder_digest",
        "weights_sha256",
        "preprocessing",
    }
    assert arrays["paths"].dtype.kind == "U"
    assert arrays["descriptors"].dtype == np.float32
    assert arrays["descriptors"].shape == (5, 48)
    np.testing.assert_allclose(np.linalg.norm(arrays["descriptors"], axis=1), 1, atol=1e-6)
    encoder = CSDEncoder(small_csd, small_weights, device="cpu")
    assert (arrays["encoder"], arrays["encoder_digest"]) == (small_csd, encoder.spec.digest)
    assert (arrays["weights_sha256"], arrays["preprocessing"]) == (
        encoder.spec.weights_sha256,
        "crop-224-clip-v1",
    )
    direct = encoder.encode([np.asarray(Image.open(file)) for file in files])
    np.testing.assert_allclose(arrays["descriptors"], direct, atol=1e-5)
    assert "5 descriptors of 48 numbers" in outcome.out


def test_files_keep_the_order_given_and_folders_are_sorted(run, tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    for name in ["b.png", "a/z.png", "a/b.JPG", "10.png", "9.png", ".hidden.png", ".trash/c.png"]:
        as_file(patches(), folder / name)
    (folder / "notes.txt").write_text("no image")
    (folder / "loop").symlink_to(folder)
    last, first = as_file(patches(), tmp_path / "last.png"), as_file(patches(), tmp_path / "first.png")
    _, arrays = run(first, folder, last, first)
    inside = [str(folder / name) for name in ["10.png", "9.png", "a/b.JPG", "a/z.png", "b.png"]]
    assert arrays["paths"].tolist() == [str(first), *inside, str(last), str(first)]


@pytest.mark.parametrize("batch", [1, 3, 16])
def test_batches_change_nothing(batch, run, tmp_path: Path) -> None:
    folder = tmp_path / "many"
    for number in range(7):
        as_file(patches(seed=number), folder / f"{number}.png")
        (folder / f"{number}x.png").write_bytes(b"")
    outcome, arrays = run(folder, "--batch", batch)
    assert outcome.code == 0
    assert arrays["paths"].tolist() == [str(folder / f"{number}.png") for number in range(7)]
    one_by_one = [run(folder / f"{number}.png")[1]["descriptors"][0] for number in range(7)]
    np.testing.assert_allclose(arrays["descriptors"], one_by_one, atol=1e-5)


def test_odd_names_are_kept(run, tmp_path: Path) -> None:
    names = ["[bold]x", "ü 画", os.fsdecode(b"latin\xe9"), "a\nb"]
    files = [tmp_path / f"{name}.png" for name in names]
    for file in files:
        as_file(patches(), tmp_path / "plain.png").rename(file)
        file.with_suffix(".gif").write_bytes(b"")
    outcome, arrays = run(*files, *(file.with_suffix(".gif") for file in files))
    assert outcome.code == 0
    assert arrays["paths"].tolist() == [str(file) for file in files]
    shown = [line.split("/")[-1].split(":")[0] for line in outcome.err.splitlines()]
    assert shown == ["[bold]x.gif", "ü 画.gif", r"latin\udce9.gif", r"a\nb.gif"]


def test_lite_is_the_default_and_is_described_as_a_catalogue_would(run_command, tmp_path: Path) -> None:
    from stylesearch.encoders.decoding import decode_for

    file, out = as_file(patches((700, 500)), tmp_path / "a.png"), tmp_path / "out.npz"
    assert run_command("encode", file, "--out", out).code == 0
    lite = get_encoder("lite")
    picture = decode_for(lite, file.read_bytes(), max_bytes=2**30, max_pixels=2**30)
    with np.load(out) as written:
        assert written["encoder_digest"] == lite.spec.digest
        np.testing.assert_allclose(written["descriptors"], lite.encode([picture.pixels]), atol=1e-4)


def test_lite_takes_other_weights_and_a_policy(run_command, tmp_path: Path) -> None:
    weights = tmp_path / "weights/mine.safetensors"
    picture, out = as_file(patches((400, 90)), tmp_path / "a.png"), tmp_path / "out.npz"
    graph = shutil.copytree(WEIGHTS.parent, weights.parent) / "lite.onnx"
    options = ["--encoder", "lite", "--policy", "tile", "--device", "cpu", "--out", out]
    own = WEIGHTS.name
    assert run_command("encode", picture, "--weights", weights.with_name(own), *options).code == 0
    with np.load(out) as written:
        assert written["preprocessing"] == "tile-224-lite-v1"
        assert written["weights_sha256"] == file_sha256(WEIGHTS)
    out.unlink()
    weights.with_name(own).rename(weights)
    outcome = run_command("encode", picture, "--weights", weights, *options)
    assert_one_line(outcome, says="mine.onnx, which belongs beside the weights, cannot be read")
    assert not out.exists()
    graph.rename(weights.with_name("mine.onnx"))
    assert run_command("encode", picture, "--weights", weights, *options).code == 0


def test_the_policy_and_the_precision_can_be_chosen(run, tmp_path: Path) -> None:
    wide = as_file(patches((400, 90)), tmp_path / "wide.png")
    found = {policy: run(wide, "--policy", policy)[1] for policy in ("crop", "squash", "pad", "tile")}
    assert [str(arrays["preprocessing"]) for arrays in found.values()] == [
        f"{policy}-224-clip-v1" for policy in found
    ]
    rows = np.concatenate([arrays["descriptors"] for arrays in found.values()])
    assert (rows @ rows.T)[~np.eye(4, dtype=bool)].max() < 0.99999
    halved = run(wide, "--precision", "bf16")[1]["descriptors"]
    assert halved.dtype == np.float32
    assert not np.array_equal(halved, found["crop"]["descriptors"])


# Kinds of picture


def test_grey_pictures(described, tmp_path: Path) -> None:
    grey = patches().convert("L")
    files = as_file(grey, tmp_path / "grey.png"), as_file(grey.convert("RGB"), tmp_path / "rgb.png")
    assert cosine(described(*files)) > 0.999999


def test_pictures_of_sixteen_bits(described, tmp_path: Path) -> None:
    grey = patches().convert("L")
    deep = Image.fromarray(np.asarray(grey).astype(np.uint16) * 257)
    files = as_file(deep, tmp_path / "deep.png"), as_file(grey.convert("RGB"), tmp_path / "rgb.png")
    assert cosine(described(*files)) > 0.9999


def test_a_palette_with_transparency_stands_on_white(described, tmp_path: Path) -> None:
    indexed = patches().quantize(8)
    palette = np.array(indexed.getpalette()[: 3 * 8], np.uint8).reshape(-1, 3)
    palette[2] = 255  # what is transparent shows as white
    indexed_file = as_file(indexed, tmp_path / "palette.png", transparency=2)
    with Image.open(indexed_file) as opened:
        assert opened.mode == "P"
    flat = as_file(Image.fromarray(palette[np.asarray(indexed)]), tmp_path / "flat.png")
    assert cosine(described(indexed_file, flat)) > 0.999999


def test_pictures_in_printing_colours(described, tmp_path: Path) -> None:
    # Ink or none, which is black or white in every profile, nearly.
    black = np.asarray(patches().convert("L")) > 127
    inks = np.zeros((*black.shape, 4), np.uint8)
    inks[black] = 255
    cmyk = as_file(Image.fromarray(inks, "CMYK"), tmp_path / "cmyk.tif")
    rgb = as_file(
        Image.fromarray(np.where(black, 0, 255).astype(np.uint8)).convert("RGB"), tmp_path / "rgb.png"
    )
    other = as_file(patches(seed=9), tmp_path / "other.png")
    found = described(cmyk, rgb, other)
    assert cosine(found) > 0.99
    assert cosine(found) > cosine(found[[0, 2]])


def test_a_picture_of_one_pixel(described, tmp_path: Path) -> None:
    one = as_file(Image.new("RGB", (1, 1), "teal"), tmp_path / "one.png")
    large = as_file(Image.new("RGB", (300, 300), "teal"), tmp_path / "large.png")
    assert cosine(described(one, large)) > 0.999999


@pytest.mark.parametrize("size", [(30_000, 20), (20, 30_000)])
def test_a_very_long_picture_is_its_middle(size, described, tmp_path: Path) -> None:
    few = Image.fromarray(np.random.default_rng(0).integers(0, 256, (50, 50, 3), dtype=np.uint8))
    long = few.resize(size, Image.Resampling.BICUBIC)
    middle = (
        (size[0] // 2 - 10, 0, size[0] // 2 + 10, 20)
        if size[0] > 20
        else (0, size[1] // 2 - 10, 20, size[1] // 2 + 10)
    )
    files = as_file(long, tmp_path / "long.png"), as_file(long.crop(middle), tmp_path / "middle.png")
    assert cosine(described(*files)) > 0.9999


def test_drawings_and_other_formats(run, tmp_path: Path) -> None:
    (tmp_path / "a.svg").write_bytes(SVG)
    files = [
        tmp_path / "a.svg",
        *(as_file(patches(), tmp_path / f"a.{kind}") for kind in ("webp", "gif", "tif", "jpg")),
    ]
    outcome, arrays = run(*files)
    assert outcome.code == 0
    assert len(arrays["paths"]) == 5


def bomb() -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (9, 9)).save(buffer, "PNG")
    whole = buffer.getvalue()
    header = b"IHDR" + struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0)
    return whole[:8] + struct.pack(">I", 13) + header + struct.pack(">I", zlib.crc32(header)) + whole[33:]


def unreadable(folder: Path) -> dict[str, str]:
    """Make files that cannot be read; return why, by name."""
    whole = as_file(patches((300, 300)), folder / "whole.png").read_bytes()
    (folder / "whole.png").unlink()
    contents = {
        "text.png": (b"only words", "not an image"),
        "empty.jpg": (b"", "empty"),
        "corrupt.png": (whole[:33] + b"x" * 200, "cut off or damaged"),
        "cut.png": (whole[: len(whole) // 2], "cut off or damaged"),
        "bomb.png": (bomb(), "pixels"),
        "photo.bmp": (b"BM" + b"\0" * 60, "BMP files are not taken"),
        "entity.svg": (b'<!DOCTYPE svg [<!ENTITY a "b">]><svg xmlns="http://www.w3.org/2000/svg"/>', "entit"),
    }
    for name, (data, _) in contents.items():
        (folder / name).write_bytes(data)
    (folder / "link.png").symlink_to(folder / "nowhere.png")
    return {name: says for name, (_, says) in contents.items()} | {"link.png": "No such file"}


def test_what_cannot_be_read_is_listed_and_the_rest_is_described(run, tmp_path: Path) -> None:
    folder = tmp_path / "mixed"
    good = [
        as_file(patches(seed=seed), folder / name) for seed, name in enumerate(["a.png", "d.jpg", "z.png"])
    ]
    reasons = unreadable(folder)
    absent = tmp_path / "absent.png"
    outcome, arrays = run(absent, folder)
    assert outcome.code == 0
    assert arrays["paths"].tolist() == [str(file) for file in good]
    assert len(arrays["descriptors"]) == 3
    lines = outcome.err.splitlines()
    for name, says in {**reasons, "absent.png": "No such file"}.items():
        (line,) = [line for line in lines if f"/{name}: " in line]
        assert says in line
    assert len(lines) == len(reasons) + 1
    assert f"{len(reasons) + 1} could not be read" in outcome.out


def test_if_nothing_can_be_read_nothing_is_written(run, tmp_path: Path) -> None:
    folder = tmp_path / "bad"
    folder.mkdir()
    reasons = unreadable(folder)
    outcome, arrays = run(folder)
    assert outcome.code == 1
    assert arrays is None
    assert len(outcome.err.splitlines()) == len(reasons) + 1
    assert f"None of the {len(reasons)} images could be read" in outcome.err
    assert_nothing_left(tmp_path)


class Spoilt:
    """Has no descriptor of what is black."""

    spec = EncoderSpec("spoilt", 3, "0" * 64, "mean-1", "CC0-1.0")
    input_size = 1

    def encode(self, images):
        means = np.stack([image.mean(axis=(0, 1)) for image in images])
        with np.errstate(invalid="ignore"):
            return (means / np.linalg.norm(means, axis=1, keepdims=True)).astype(np.float32)


def test_a_picture_without_a_descriptor_is_listed_and_never_written(
    run_command, monkeypatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(command, "get_encoder", lambda *args, **options: Spoilt())
    colours = ["red", "black", "blue"]
    files = [as_file(Image.new("RGB", (9, 9), colour), tmp_path / f"{colour}.png") for colour in colours]
    outcome = run_command("encode", *files, "--out", tmp_path / "out.npz")
    assert outcome.code == 0
    assert "black.png: The encoder's result is not finite" in outcome.err
    with np.load(tmp_path / "out.npz") as written:
        assert written["paths"].tolist() == [str(files[0]), str(files[2])]
        assert np.isfinite(written["descriptors"]).all()


# What goes wrong before the work


def assert_one_line(outcome, *, says: str, code: int = 1) -> None:
    assert outcome.code == code, outcome
    assert outcome.err.startswith("error: "), outcome.err
    assert outcome.err.count("\n") == 1, outcome.err
    assert says in outcome.err, outcome.err


def assert_nothing_left(folder: Path) -> None:
    assert [path.name for path in folder.iterdir() if "npz" in path.name] == []


@pytest.mark.parametrize(
    ("name", "says"),
    [("none/out.npz", "No such file"), (".", "it is no file"), ("a.png/out.npz", "Not a directory")],
)
def test_an_out_that_cannot_be_written_is_said_before_the_work(name, says, run, tmp_path: Path) -> None:
    picture = as_file(patches(), tmp_path / "a.png")
    outcome, _ = run(picture, tmp_path / "absent.png", out=tmp_path / name)
    assert_one_line(outcome, says=says)
    assert "absent" not in outcome.err


def test_a_device_file_is_never_replaced(run, tmp_path: Path) -> None:
    outcome, _ = run(as_file(patches(), tmp_path / "a.png"), out=Path(os.devnull))
    assert_one_line(outcome, says="it is no file")
    assert Path(os.devnull).is_char_device()


def test_an_older_file_is_replaced_only_by_a_whole_one(run, run_command, tmp_path: Path) -> None:
    picture, out = as_file(patches(), tmp_path / "a.png"), tmp_path / "out.npz"
    out.write_bytes(b"older")
    outcome = run_command("encode", picture, "--encoder", "csd-vit-l-14", "--weights", picture, "--out", out)
    assert_one_line(outcome, says="neither a PyTorch nor a safetensors file")
    assert out.read_bytes() == b"older"
    assert run(picture, out=out)[0].code == 0
    assert out.read_bytes() != b"older"
    assert {path.name for path in tmp_path.iterdir() if "npz" in path.name} == {"out.npz"}


def test_through_a_link_the_file_behind_it_is_written(run, tmp_path: Path) -> None:
    link = tmp_path / "link.npz"
    link.symlink_to(tmp_path / "real.npz")
    assert run(as_file(patches(), tmp_path / "a.png"), out=link)[0].code == 0
    assert link.is_symlink()
    assert (tmp_path / "real.npz").is_file()


@pytest.mark.parametrize(
    ("options", "code", "says"),
    [
        (["--encoder", "heavy"], 1, "There is no encoder 'heavy'"),
        (["--encoder", "csd-vit-l-14"], 1, "'stylesearch encoders add PATH'"),
        (["--encoder", "openclip:ViT-B-99"], 1, "Nearest: ViT-B-"),
        (["--encoder", "openclip:ViT-B-32"], 1, "names no weights"),
        (["--encoder", "csd-vit-l-14", "--weights", "none.pth"], 1, "none.pth cannot be read"),
        (["--encoder", "lite", "--weights", "none.safetensors"], 1, "none.safetensors cannot be read"),
        (["--encoder", "lite", "--policy", "fold"], 2, "'fold' is not one of"),
        (["--encoder", "lite", "--precision", "int8"], 2, "'int8' is not one of"),
        (["--encoder", "lite", "--device", "cuda:99"], 1, "There is no device cuda:99"),
        (["--encoder", "lite", "--batch", "0"], 2, "not in the range"),
    ],
)
def test_bad_options(options, code, says, run_command, tmp_path: Path) -> None:
    picture = as_file(patches(), tmp_path / "a.png")
    assert_one_line(
        run_command("encode", picture, *options, "--out", tmp_path / "out.npz"), code=code, says=says
    )
    assert_nothing_left(tmp_path)


def test_no_paths_and_empty_folders(run_command, tmp_path: Path) -> None:
    assert_one_line(
        run_command("encode", "--out", tmp_path / "out.npz"), code=2, says="Missing argument 'PATHS...'"
    )
    (tmp_path / "empty").mkdir()
    assert_one_line(
        run_command("encode", tmp_path / "empty", "--out", tmp_path / "out.npz"),
        says="There are no images in",
    )
    assert_nothing_left(tmp_path)


class Payload:
    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self):
        return os.system, (f"touch {self.path}",)


BROKEN = {
    "missing": (lambda state, tmp: state.pop("module.last_layer_style"), "lacks last_layer_style"),
    "extra": (
        lambda state, tmp: state.update({"module.more": torch.ones(1)}),
        "has more, which the model does not",
    ),
    "misshapen": (
        lambda state, tmp: state.update({"module.last_layer_style": torch.ones(9, 48)}),
        "last_layer_style in the shape [9, 48], not [128, 48]",
    ),
    "nan": (
        lambda state, tmp: state["module.backbone.ln_pre.bias"].fill_(torch.nan),
        "NaN or infinity in backbone.ln_pre.bias",
    ),
    "code": (
        lambda state, tmp: state.update({"module.evil": Payload(tmp / "made")}),
        "nothing of it was run",
    ),
}


@pytest.mark.parametrize("kind", BROKEN)
def test_bad_weights(kind, run, small_weights, tmp_path: Path) -> None:
    whole = torch.load(small_weights, weights_only=True)
    spoil, says = BROKEN[kind]
    spoil(whole["model_state_dict"], tmp_path)
    torch.save(whole, small_weights)
    outcome, arrays = run(as_file(patches(), tmp_path / "a.png"))
    assert_one_line(outcome, says=says)
    assert arrays is None
    assert not (tmp_path / "made").exists()


# Working ahead


def test_no_more_is_held_than_a_batch_and_a_little() -> None:
    taken = 0
    begun: list[int] = []

    def read(path: Path) -> command.Read:
        begun.append(int(path.name))
        assert len(begun) - taken <= 5 + 2 * command.MOST_THREADS
        return command.Read(path)

    results = command._ahead(read, [Path(str(number)) for number in range(200)], 5)
    for number, result in enumerate(results):
        assert int(result.path.name) == number
        taken += 1
    assert taken == 200


def test_what_fails_in_a_thread_ends_the_work() -> None:
    def read(path: Path) -> command.Read:
        raise MemoryError(path)

    with pytest.raises(MemoryError):
        list(command._ahead(read, [Path(str(number)) for number in range(50)], 5))
