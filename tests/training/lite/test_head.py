import numpy as np
import pytest
import torch

from stylesearch.evaluation.protocols import crossed
from stylesearch.training.datasets import FeatureSet
from stylesearch.training.labels import NO_CONTENT, Labels
from stylesearch.training.lite.head import SHRINKAGE, begun_head, fit_whitening, trainable_head

pytestmark = pytest.mark.usefixtures("one_thread")

SIZE, STYLES, CONTENTS = 24, 5, 40


def loud_contents(seed: int):
    """Statistics in which content is loud and style is quiet, each in directions of its own; two views each."""
    random = np.random.default_rng(seed)
    axes = np.linalg.qr(np.random.default_rng(99).normal(size=(SIZE, SIZE)))[0]
    style_codes = random.normal(size=(STYLES, 4)) * 0.6
    content_codes = random.normal(size=(CONTENTS, 8)) * 2
    styles, contents = (grid.ravel() for grid in np.mgrid[:STYLES, :CONTENTS])
    codes = np.concatenate([style_codes[styles], content_codes[contents]], axis=1)
    noise = random.normal(size=(STYLES * CONTENTS, 2, SIZE - 12)) * 0.3
    rows = np.concatenate([np.repeat(codes[:, None], 2, axis=1), noise], axis=2) @ axes
    return rows.astype(np.float32), styles, contents


def unit(rows) -> np.ndarray:
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def within(rows, styles) -> np.ndarray:
    """The mean over the styles of the covariance of all views about the style's middle."""
    scatters = []
    for style in range(STYLES):
        of_style = rows[styles == style]
        apart = (of_style - of_style.mean(axis=(0, 1))).reshape(-1, rows.shape[2])
        scatters.append(apart.T @ apart / (len(apart) - rows.shape[1]))
    return np.mean(scatters, axis=0)


def test_what_varies_within_a_style_becomes_small_and_round():
    rows, styles, contents = loud_contents(1)
    whitening = fit_whitening(rows, styles, np.full_like(contents, NO_CONTENT), kept=SIZE)
    before, after = (
        np.linalg.eigvalsh(within(one, styles))
        for one in (rows / rows.std(axis=(0, 1)), (rows - whitening.mean) @ whitening.projection)
    )
    assert after[-1] <= 1 / (1 - SHRINKAGE) + 1e-6
    assert before[-1] / before[4] > 20
    assert after[-1] / after[4] < 4


def test_the_kept_directions_are_those_in_which_styles_differ_most():
    rows, styles, contents = loud_contents(1)
    whole = fit_whitening(rows, styles, contents, kept=SIZE)
    centres = np.array([rows[styles == style].mean(axis=(0, 1)) for style in range(STYLES)])
    spread = ((centres - whole.mean) @ whole.projection).std(axis=0)
    assert (np.diff(spread) <= 1e-6).all()
    assert spread[:4].min() > 1e3 * spread[4:].max()
    fewer = fit_whitening(rows, styles, contents, kept=6)
    np.testing.assert_allclose(fewer.projection, whole.projection[:, :6], rtol=0, atol=1e-9)


def test_contents_are_turned_down_for_styles_that_were_never_seen():
    whitening = fit_whitening(*loud_contents(1), kept=16)
    assert whitening.projection.shape == (SIZE, 16)
    rows, styles, contents = loud_contents(2)
    labels = [f"style {style}" for style in styles], [f"content {content}" for content in contents]
    whole = rows[:, 0]
    before = crossed(unit(whole - whole.mean(axis=0)), *labels, ks=(1,))
    after = crossed(unit((whole - whitening.mean) @ whitening.projection), *labels, ks=(1,))
    assert before.pairs.auc < 0.2
    assert after.pairs.auc > before.pairs.auc + 0.3
    assert after.retrieval.recall_at[1] > before.retrieval.recall_at[1] + 0.3


def test_a_statistic_that_never_varies_stays_finite():
    rows, styles, contents = loud_contents(1)
    rows[:, :, 3] = 1.5
    whitening = fit_whitening(rows, styles, contents, kept=8)
    assert np.isfinite(whitening.mean).all()
    assert np.isfinite(whitening.projection).all()


def test_the_fit_repeats():
    first, second = (fit_whitening(*loud_contents(1), kept=8).projection for _ in range(2))
    assert np.array_equal(first, second)


def test_contents_drawn_too_seldom_and_styles_of_one_picture_say_nothing():
    rows, styles, contents = loud_contents(1)
    seldom = np.arange(len(contents)) // 2  # two pictures of each, of one style
    none = np.full_like(contents, NO_CONTENT)
    expected = fit_whitening(rows, styles, none, kept=8)
    assert np.array_equal(fit_whitening(rows, styles, seldom, kept=8).projection, expected.projection)
    assert not np.allclose(fit_whitening(rows, styles, contents, kept=8).projection, expected.projection)

    alone = np.concatenate([rows, rows[:1]]), np.append(styles, STYLES), np.append(none, NO_CONTENT)
    assert fit_whitening(*alone, kept=8).projection.shape == (SIZE, 8)


def test_training_begins_at_the_whitening():
    rows, *labels = loud_contents(1)
    whitening = fit_whitening(rows, *labels, kept=16)
    torch.manual_seed(0)
    head = begun_head(whitening, dim=6, hidden=32).eval()
    whole = torch.from_numpy(rows[:, 0])
    expected = (rows[:, 0] - whitening.mean) @ whitening.projection
    with torch.no_grad():
        np.testing.assert_allclose(head.whitening(whole).numpy(), expected, atol=1e-3)
        begun = (head(whole).numpy() * unit(expected[:, :6])).sum(axis=1)
        head.bent.weight.zero_()
        np.testing.assert_allclose(head(whole).numpy(), unit(expected[:, :6]), atol=1e-4)
    assert np.median(begun) > 0.95
    learnt = {name for name, parameter in head.named_parameters() if parameter.requires_grad}
    assert learnt == {"straight.weight", "bend.weight", "bend.bias", "bent.weight", "bent.bias"}


def test_the_whitening_is_fitted_on_what_is_chosen():
    rows, styles, contents = loud_contents(1)
    other = np.random.default_rng(0).normal(5, 9, (30, 2, SIZE)).astype(np.float32)
    labels = Labels.of(
        [[f"style {style}"] for style in styles] + [[f"another {number % 3}"] for number in range(30)],
        [f"content {content}" for content in contents] + [None] * 30,
    )
    data = FeatureSet(np.concatenate([rows, other]), labels)
    chosen = np.arange(len(rows) + 30) < len(rows)
    trainable = trainable_head(data, fitted_on=chosen, dim=4, kept=4)
    expected = fit_whitening(rows, styles, contents, kept=4).projection.T
    found = trainable.module.whitening.weight.detach().numpy()
    signs = np.sign((found * expected).sum(axis=1, keepdims=True))
    np.testing.assert_allclose(signs * found, expected, rtol=1e-3, atol=1e-3)
    assert trainable.settings["fitted on"] == len(rows)
    assert set(trainable.weights()) == set(trainable.module.state_dict())
