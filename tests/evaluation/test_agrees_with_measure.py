"""The crossed protocol against the older measuring of training, where both define the same."""

import numpy as np
import pytest

from stylesearch.evaluation.protocols import crossed
from stylesearch.training.measure import figures


@pytest.mark.parametrize("seed", range(4))
def test_crossed_figures_are_the_same(seed):
    dice = np.random.default_rng(seed)
    styles, contents = np.repeat([f"s{k}" for k in range(6)], 9), np.tile([f"c{k}" for k in range(9)], 6)
    vectors = dice.standard_normal((54, 10)) + 0.5 * dice.standard_normal((6, 10)).repeat(9, axis=0)
    vectors = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
    ours, theirs = (
        crossed(vectors, styles.tolist(), contents.tolist(), ks=(1, 10)),
        figures(vectors, styles, contents),
    )
    assert ours.retrieval.recall_at[1] == pytest.approx(theirs.recall_at_1)
    assert ours.retrieval.map_at[10] == pytest.approx(theirs.map_at_10)
    assert ours.pairs.auc == pytest.approx(theirs.auc, abs=1e-6)
