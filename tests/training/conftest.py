"""What the training tests share: drawings whose style and content are crossed, and a small network."""

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from PIL import Image, ImageDraw

STYLES = {
    "ink": ("#fdfdf5", "#101018", 1),
    "poster": ("#20409a", "#f0c020", 0),
    "chalk": ("#1c3a2a", "#f4f4f0", 3),
    "rose": ("#f6d5da", "#a03050", 2),
    "earth": ("#c8a878", "#5a3418", 0),
    "neon": ("#140028", "#30ffd0", 2),
}
CONTENTS = ("disc", "box", "bars", "arc", "kite")


def draw(style: str, content: str, size: int = 48) -> Image.Image:
    ground, ink, width = STYLES[style]
    image = Image.new("RGB", (size, size), ground)
    pen = ImageDraw.Draw(image)
    how = {"fill": ink} if width == 0 else {"outline": ink, "width": width}
    a, b = size // 6, size - size // 6
    match content:
        case "disc":
            pen.ellipse((a, a, b, b), **how)
        case "box":
            pen.rectangle((a, a, b, b), **how)
        case "bars":
            for x in range(a, b, size // 5):
                pen.rectangle((x, a, x + size // 8, b), **how)
        case "arc":
            pen.pieslice((a, a, b, b), 20, 250, **how)
        case _:
            pen.polygon([(size // 2, a), (b, size // 2), (size // 2, b), (a, size // 2)], **how)
    return image


@pytest.fixture(scope="session")
def drawings(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of 6 styles by 5 contents: ``<style>/<content>.png``."""
    folder = tmp_path_factory.mktemp("drawings")
    for style in STYLES:
        (folder / style).mkdir()
        for content in CONTENTS:
            draw(style, content).save(folder / style / f"{content}.png")
    return folder


@pytest.fixture(scope="session")
def small() -> ModuleType:
    """The program ``small_run.py`` as a module."""
    path = Path(__file__).with_name("small_run.py")
    spec = importlib.util.spec_from_file_location("small_run", path)
    module = importlib.util.module_from_spec(spec)
    sys.modules["small_run"] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def one_thread():
    """Sums are then in one order, whatever else runs on the machine."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def crossed_features():
    """Features in which content is louder than style: 8 styles by 10 contents, three views each."""
    from stylesearch.training.datasets import FeatureSet
    from stylesearch.training.labels import Labels

    random = np.random.default_rng(3)
    styles, contents = random.normal(size=(8, 24)), 2 * random.normal(size=(10, 24))
    cells = [(style, content) for style in range(8) for content in range(10)]
    features = [
        styles[style] + contents[content] + 0.2 * random.normal(size=(3, 24)) for style, content in cells
    ]
    labels = Labels.of(
        [[f"style {style}"] for style, _ in cells], [f"content {content}" for _, content in cells]
    )
    return FeatureSet(np.array(features, np.float32), labels, "crossed features")
