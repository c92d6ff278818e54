"""Searching with words, in a gallery that a small open_clip model with random weights has described."""

import json
from pathlib import Path

import numpy as np
import open_clip
import pytest
import torch

from stylesearch.encoders.registry import configured_encoder
from stylesearch.search.examples import DescriptorExample, WordsExample
from stylesearch.search.query import StyleQuery
from stylesearch.search.service import StyleSearch

NAME = "words-gallery"
CONFIG = {
    "embed_dim": 24,
    "vision_cfg": {"image_size": 32, "layers": 1, "width": 64, "patch_size": 16},
    "text_cfg": {"vocab_size": 49408, "width": 32, "heads": 1, "layers": 1, "context_length": 16},
}


@pytest.fixture
def reading(settings, database, environment, ingest_folder, drawn_folder: Path, run_command, tmp_path: Path):
    """Settings of a catalogue that such a model serves, with a few drawings in it."""
    path = tmp_path / f"{NAME}.json"
    path.write_text(json.dumps(CONFIG))
    open_clip.add_model_config(path)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        torch.save(open_clip.create_model(NAME).state_dict(), tmp_path / "weights.pt")
    done = run_command(
        "encoders", "add", tmp_path / "weights.pt", "--as", f"openclip:{NAME}", "--slug", "reader", "--no-benchmark",
    )  # fmt: skip
    assert done.code == 0, done.err
    few = tmp_path / "few"
    few.mkdir()
    for drawing in sorted(drawn_folder.rglob("*.svg"))[:4]:
        (few / f"{drawing.parent.name}-{drawing.name}").write_bytes(drawing.read_bytes())
    served = settings.model_copy(update={"encoder": "reader"})
    ingest_folder(served, few, "few")
    return served


def test_words_are_looked_for_where_the_encoder_puts_them(reading, database):
    search = StyleSearch(database, reading)
    found = search.search(StyleQuery(examples=(WordsExample("storm at sea"),), k=4))
    assert len(found.hits) == 4
    assert found.encoder == "reader"
    vector = configured_encoder(reading).encode_words(["storm at sea"])[0]
    same = search.search(StyleQuery(examples=(DescriptorExample.of(np.asarray(vector)),), k=4))
    assert [(hit.card.work_id, hit.score) for hit in same.hits] == [
        (hit.card.work_id, hit.score) for hit in found.hits
    ]


def test_words_and_pictures_are_searched_with_together(reading, database):
    search = StyleSearch(database, reading)
    first = search.search(StyleQuery(examples=(WordsExample("storm at sea"),), k=1)).hits[0].card.work_id
    both = StyleQuery.from_json(
        {"examples": [{"words": "a quiet street"}, {"work": first, "against": True}], "k": 4}
    )
    assert first not in {hit.card.work_id for hit in search.search(both).hits}
