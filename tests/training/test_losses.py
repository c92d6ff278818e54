import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn.functional import normalize

from stylesearch.training.losses import csd_loss, multi_label_contrastive, self_supervised, shared_tags

TEMPERATURE = 0.1


def slow_mcl(vectors: np.ndarray, tags: list[set[int]], temperature: float) -> float:
    """The definition, one pair at a time."""
    of_anchors = []
    for i, anchor in enumerate(vectors):
        partners = [p for p in range(len(vectors)) if p != i and tags[p] & tags[i]]
        if not partners:
            continue
        below = sum(math.exp(anchor @ vectors[a] / temperature) for a in range(len(vectors)) if a != i)
        shares = [math.exp(anchor @ vectors[p] / temperature) / below for p in partners]
        of_anchors.append(-sum(math.log(share) for share in shares) / len(partners))
    return sum(of_anchors) / len(of_anchors) if of_anchors else 0.0


def slow_ssl(first: np.ndarray, second: np.ndarray, temperature: float) -> float:
    views = [(i, v) for i, v in enumerate(first)] + [(i, v) for i, v in enumerate(second)]
    total = 0.0
    for place, (picture, view) in enumerate(views):
        others = [(i, v) for other, (i, v) in enumerate(views) if other != place]
        below = sum(math.exp(view @ v / temperature) for _, v in others)
        (partner,) = [v for i, v in others if i == picture]
        total -= math.log(math.exp(view @ partner / temperature) / below)
    return total / len(views)


def units(seed: int, count: int, dim: int = 6) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return normalize(torch.randn(count, dim, generator=generator, dtype=torch.float64), dim=1)


def matrix(tags: list[set[int]], width: int = 4) -> torch.Tensor:
    return torch.tensor([[tag in of for tag in range(width)] for of in tags])


tag_sets = st.lists(st.sets(st.integers(0, 3), max_size=3), min_size=2, max_size=9)


@settings(max_examples=60, deadline=None)
@given(tags=tag_sets, seed=st.integers(0, 1000), temperature=st.sampled_from([0.05, 0.1, 0.5]))
def test_the_multi_label_loss_is_its_definition(tags, seed, temperature) -> None:
    vectors = units(seed, len(tags))
    found = multi_label_contrastive(vectors, matrix(tags), temperature=temperature)
    assert found.item() == pytest.approx(slow_mcl(vectors.numpy(), tags, temperature), rel=1e-9)


@settings(max_examples=40, deadline=None)
@given(count=st.integers(2, 7), seed=st.integers(0, 1000))
def test_the_self_supervised_loss_is_its_definition(count, seed) -> None:
    first, second = units(seed, count), units(seed + 1, count)
    found = self_supervised(first, second, temperature=TEMPERATURE)
    assert found.item() == pytest.approx(slow_ssl(first.numpy(), second.numpy(), TEMPERATURE), rel=1e-9)


def test_known_by_hand() -> None:
    # Four descriptors at right angles: every other has the same share, a third.
    square = torch.eye(4)
    losses = csd_loss(square, square, torch.tensor([0, 0, 1, 1]))
    assert losses.mcl.item() == pytest.approx(math.log(3), abs=1e-6)
    # Each view's partner is itself (likeness 1), beside six views at right angles.
    assert losses.ssl.item() == pytest.approx(math.log(1 + 6 * math.exp(-10)), abs=1e-6)
    assert losses.total.item() == pytest.approx(losses.mcl.item() + 0.2 * losses.ssl.item(), abs=1e-6)


def test_an_anchor_without_partner_is_left_out_of_the_mean() -> None:
    vectors = units(2, 5).float()
    lonely = torch.tensor([0, 0, 0, 1, 2])
    of_three = multi_label_contrastive(vectors, lonely)
    tags = [{0}, {0}, {0}, {1}, {2}]
    assert of_three.item() == pytest.approx(slow_mcl(vectors.double().numpy(), tags, TEMPERATURE), rel=1e-5)


def test_a_batch_without_partners_teaches_nothing_and_breaks_nothing() -> None:
    vectors = units(2, 4).float().requires_grad_()
    loss = multi_label_contrastive(vectors, torch.arange(4))
    loss.backward()
    assert loss.item() == 0
    assert torch.equal(vectors.grad, torch.zeros_like(vectors))


def test_labels_are_tags_and_those_below_0_are_none() -> None:
    labels = torch.tensor([0, 1, 0, -1, -1, 1])
    assert torch.equal(shared_tags(labels), shared_tags(matrix([{0}, {1}, {0}, set(), set(), {1}])))
    assert not shared_tags(labels)[3, 4]


def test_pairs_share_at_least_one_tag_and_nobody_shares_with_itself() -> None:
    shared = shared_tags(matrix([{0, 1}, {1, 2}, {2}, {0, 1}]))
    expected = [[0, 1, 0, 1], [1, 0, 1, 1], [0, 1, 0, 0], [1, 1, 0, 0]]
    assert torch.equal(shared, torch.tensor(expected, dtype=torch.bool))


def test_gradients() -> None:
    first, second = units(4, 5).requires_grad_(), units(5, 5).requires_grad_()
    tags = matrix([{0}, {0, 1}, {1}, {2}, {0}])
    assert torch.autograd.gradcheck(lambda v: multi_label_contrastive(v, tags), (first,))
    assert torch.autograd.gradcheck(self_supervised, (first, second))


def test_the_order_of_the_batch_does_not_matter() -> None:
    first, second = units(4, 8).float(), units(5, 8).float()
    tags = torch.tensor([0, 0, 1, 1, 2, 2, 3, 3])
    order = torch.tensor([3, 1, 7, 0, 2, 6, 5, 4])
    whole, moved = csd_loss(first, second, tags), csd_loss(first[order], second[order], tags[order])
    assert moved.total.item() == pytest.approx(whole.total.item(), rel=1e-6)


def test_it_is_computed_in_float32_inside_autocast() -> None:
    first, second, tags = units(4, 8).float(), units(5, 8).float(), torch.arange(8) // 2
    plain = csd_loss(first, second, tags)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        inside = csd_loss(first, second, tags)
    assert inside.total.dtype == torch.float32
    assert inside.total.item() == plain.total.item()
    halves = csd_loss(first.bfloat16(), second.bfloat16(), tags)
    assert halves.total.dtype == torch.float32


def test_a_small_temperature_does_not_overflow() -> None:
    vectors = units(4, 8).float().requires_grad_()
    losses = csd_loss(vectors, vectors, torch.arange(8) // 2, temperature=1e-3)
    losses.total.backward()
    assert torch.isfinite(losses.total)
    assert torch.isfinite(vectors.grad).all()
