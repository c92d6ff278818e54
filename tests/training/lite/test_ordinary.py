from pathlib import Path

import numpy as np

from stylesearch.encoders.lite_dissection import read_ordinary
from stylesearch.encoders.lite_network import statistics_length
from stylesearch.training.lite.ordinary import write_ordinary


def test_what_is_written_is_the_mean_over_pictures_and_views(tmp_path: Path):
    statistics = np.random.default_rng(0).normal(size=(5, 2, statistics_length())).astype(np.float32)
    path = write_ordinary(statistics, tmp_path / "mine.safetensors")
    assert path == tmp_path / "mine.ordinary.safetensors"
    np.testing.assert_allclose(read_ordinary(path), statistics.reshape(10, -1).mean(axis=0), atol=1e-6)
