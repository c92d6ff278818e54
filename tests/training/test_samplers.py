from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stylesearch.errors import InputError
from stylesearch.training.labels import Labels
from stylesearch.training.samplers import (
    ContentCrossedSampler,
    WorldsSampler,
    build_sampler,
    rank_batches,
)


def crossed(styles: int, contents: int, *, holes: float = 0.0, seed: int = 0) -> Labels:
    random = np.random.default_rng(seed)
    cells = [(s, c) for s in range(styles) for c in range(contents) if random.random() >= holes]
    return Labels.of([[f"s{s}"] for s, _ in cells], [f"c{c}" for _, c in cells])


def sampler(labels: Labels, styles: int = 4, contents: int = 3, seed: int = 0) -> ContentCrossedSampler:
    return ContentCrossedSampler(labels, styles=styles, contents=contents, seed=seed)


@st.composite
def any_labels(draw) -> Labels:
    samples = draw(
        st.lists(
            st.tuples(
                st.sets(st.sampled_from("abcdef"), min_size=1, max_size=3),
                st.one_of(st.none(), st.sampled_from("uvwxyz")),
            ),
            min_size=1,
            max_size=60,
        )
    )
    return Labels.of([tags for tags, _ in samples], [content for _, content in samples])


@settings(max_examples=150, deadline=None)
@given(
    labels=any_labels(),
    styles=st.integers(2, 5),
    contents=st.integers(2, 4),
    seed=st.integers(0, 99),
    step=st.integers(0, 10**6),
)
def test_a_batch_is_whole_without_repeats_and_the_same_each_time(
    labels, styles, contents, seed, step
) -> None:
    groups = [set(members.tolist()) for members in labels.members if len(members) > 1]
    if len(groups) < 2 or len(set.union(*groups)) < styles * contents:
        with pytest.raises(InputError):
            sampler(labels, styles, contents, seed)
        return
    drawn = sampler(labels, styles, contents, seed)
    batch = drawn.batch(step)
    assert len(batch) == len(set(batch.tolist())) == styles * contents
    assert 0 <= batch.min() <= batch.max() < len(labels.tags)
    drawn.batch(step + 1)
    assert np.array_equal(drawn.batch(step), batch)
    assert np.array_equal(sampler(labels, styles, contents, seed).batch(step), batch)


@settings(max_examples=30, deadline=None)
@given(ranks=st.sampled_from([1, 2, 3, 4, 6, 12]), start=st.integers(0, 50))
def test_the_parts_of_all_ranks_are_the_global_batch(ranks, start) -> None:
    drawn = sampler(crossed(6, 7, holes=0.3))
    parts = [list(rank_batches(drawn, start, start + 3, rank=rank, ranks=ranks)) for rank in range(ranks)]
    for offset in range(3):
        whole = [key for part in parts for key in part[offset]]
        assert [step for step, _ in whole] == [start + offset] * 12
        assert [sample for _, sample in whole] == drawn.batch(start + offset).tolist()


def test_going_on_at_a_step_gives_the_rest() -> None:
    drawn = sampler(crossed(6, 7))
    whole = list(rank_batches(drawn, 0, 9))
    assert whole[5:] == list(rank_batches(drawn, 5, 9))
    assert {sample for _, sample in whole[0]} != {sample for _, sample in whole[1]}


def grid(labels: Labels, batch: np.ndarray) -> dict[int, set[int]]:
    """The contents of each style in a batch."""
    shown: dict[int, set[int]] = {}
    for sample in batch.tolist():
        shown.setdefault(labels.tags[sample][0], set()).add(int(labels.contents[sample]))
    return shown


def test_crossed_data_give_whole_grids() -> None:
    labels = crossed(9, 11)
    drawn = sampler(labels)
    for step in range(40):
        shown = list(grid(labels, drawn.batch(step)).values())
        assert len(shown) == 4
        assert all(contents == shown[0] and len(contents) == 3 for contents in shown)


def partnered(labels: Labels, batch: np.ndarray) -> float:
    """Share of a batch's pictures with the same content in another style beside them."""
    tags, contents = np.array([labels.tags[s][0] for s in batch]), labels.contents[batch]
    same = (contents[:, None] == contents) & (contents >= 0) & (tags[:, None] != tags)
    return float(same.any(axis=1).mean())


def test_missing_cells_leave_batches_balanced_and_mostly_crossed() -> None:
    labels = crossed(12, 40, holes=0.6, seed=2)
    drawn = sampler(labels, 6, 4)
    batches = [drawn.batch(step) for step in range(60)]
    assert all(sorted(Counter(labels.tags[s][0] for s in batch).values()) == [4] * 6 for batch in batches)
    at_random = np.random.default_rng(0)
    by_chance = [partnered(labels, at_random.permutation(len(labels.tags))[:24]) for _ in range(60)]
    assert np.mean([partnered(labels, batch) for batch in batches]) > 0.9 > 2 * np.mean(by_chance)


def test_families_that_share_no_content_are_each_crossed_among_themselves() -> None:
    icons, fonts = crossed(8, 20), crossed(8, 20)
    names = [[f"icon {icons.tag_names[t[0]]}"] for t in icons.tags]
    names += [[f"font {fonts.tag_names[t[0]]}"] for t in fonts.tags]
    contents = [f"icon {c}" for c in icons.contents] + [f"font {c}" for c in fonts.contents]
    labels = Labels.of(names, contents)
    drawn = sampler(labels, 8, 3)
    assert np.mean([partnered(labels, drawn.batch(step)) for step in range(40)]) > 0.95


def test_without_contents_batches_are_balanced_by_tag() -> None:
    sizes = {"many": 500, "some": 40, "few": 9, "fewer": 5}
    labels = Labels.of(
        [[name] for name, size in sizes.items() for _ in range(size)], [None] * sum(sizes.values())
    )
    drawn = sampler(labels, 3, 4)
    counts: Counter[int] = Counter()
    for step in range(400):
        shown = Counter(labels.tags[sample][0] for sample in drawn.batch(step).tolist())
        assert sorted(shown.values()) == [4, 4, 4]
        counts.update(shown.keys())
    assert max(counts.values()) < 1.2 * min(counts.values())


def test_contents_that_one_style_has_alone_change_nothing() -> None:
    tags = [[f"s{number % 3}"] for number in range(60)]
    alone = sampler(Labels.of(tags, [f"c{number}" for number in range(60)]))
    without = sampler(Labels.of(tags, [None] * 60))
    assert all(np.array_equal(alone.batch(step), without.batch(step)) for step in range(20))


def test_every_picture_comes_in_time() -> None:
    labels = crossed(6, 9, holes=0.3)
    drawn = sampler(labels)
    seen = {sample for step in range(300) for sample in drawn.batch(step).tolist()}
    assert seen == set(range(len(labels.tags)))


def test_a_style_smaller_than_its_share_is_topped_up_by_others() -> None:
    labels = Labels.of([["pair"]] * 2 + [["large"]] * 30, [None] * 32)
    batch = sampler(labels, 2, 6).batch(0)
    assert Counter(labels.tags[sample][0] for sample in batch.tolist()) == {0: 10, 1: 2}


@pytest.mark.parametrize(
    ("labels", "shape", "code"),
    [
        (Labels.of([["one"]] * 20, [None] * 20), (2, 2), "one_style"),
        (Labels.of([[str(k)] for k in range(20)], [None] * 20), (2, 2), "one_style"),
        (Labels.of([], []), (2, 2), "one_style"),
        (crossed(3, 3), (4, 3), "batch_too_large"),
        (crossed(3, 3), (1, 3), "batch_too_small"),
        (crossed(3, 3), (3, 1), "batch_too_small"),
    ],
)
def test_data_that_cannot_be_learnt_from(labels, shape, code) -> None:
    with pytest.raises(InputError) as caught:
        sampler(labels, *shape)
    assert caught.value.code == code
    assert caught.value.hint


# Worlds


def in_worlds(shares: dict[str, float], styles: int = 5, contents: int = 6) -> Labels:
    """As many worlds as there are shares, each crossed by itself; their samples lie mixed."""
    cells = [(world, s, c) for world in shares for s in range(styles) for c in range(contents)]
    order = np.random.default_rng(1).permutation(len(cells))
    mixed = [cells[place] for place in order]
    labels = Labels.of([[f"{world} {s}"] for world, s, _ in mixed], [f"{world} {c}" for world, _, c in mixed])
    return labels.in_worlds([world for world, _, _ in mixed], shares)


def of_worlds(labels: Labels, worlds: int = 2, seed: int = 0) -> WorldsSampler:
    return WorldsSampler(labels, worlds=worlds, styles=3, contents=2, seed=seed)


def test_a_batch_holds_whole_grids_of_some_worlds() -> None:
    labels = in_worlds({"a": 1.0, "b": 1.0, "c": 1.0})
    drawn = of_worlds(labels)
    assert drawn.batch_size == 12
    for step in range(30):
        batch = drawn.batch(step)
        assert len(set(batch.tolist())) == len(batch) == 12
        halves = batch[:6], batch[6:]
        worlds = [set(labels.worlds[half].tolist()) for half in halves]
        assert all(len(world) == 1 for world in worlds)
        assert worlds[0] != worlds[1]
        for half in halves:
            shown = list(grid(labels, half).values())
            assert len(shown) == 3
            assert all(contents == shown[0] and len(contents) == 2 for contents in shown)


def test_a_batch_of_worlds_is_a_function_of_seed_and_step() -> None:
    labels = in_worlds({"a": 1.0, "b": 2.0, "c": 3.0})
    first, second = of_worlds(labels), of_worlds(labels)
    batches = [first.batch(step) for step in range(8)]
    assert all(np.array_equal(second.batch(step), batches[step]) for step in reversed(range(8)))
    assert not np.array_equal(batches[0], batches[1])
    assert not np.array_equal(of_worlds(labels, seed=1).batch(0), batches[0])


def test_worlds_come_as_often_as_their_shares_say() -> None:
    labels = in_worlds({"never": 0.0, "often": 3.0, "seldom": 1.0})
    drawn = of_worlds(labels, worlds=1)
    counts = Counter(int(labels.worlds[drawn.batch(step)[0]]) for step in range(800))
    assert set(counts) == {1, 2}
    assert 2.3 < counts[1] / counts[2] < 3.9


def test_ranks_part_a_batch_of_worlds_too() -> None:
    drawn = of_worlds(in_worlds({"a": 1.0, "b": 1.0}))
    parts = [next(rank_batches(drawn, 4, 5, rank=rank, ranks=3)) for rank in range(3)]
    assert [key for part in parts for key in part] == [(4, sample) for sample in drawn.batch(4).tolist()]


def test_the_sampler_that_fits_the_labels_is_built() -> None:
    shape = {"styles": 3, "contents": 2, "seed": 4}
    several = in_worlds({"a": 1.0, "b": 1.0})
    assert isinstance(build_sampler(several, worlds=1, **shape), WorldsSampler)
    plain = build_sampler(crossed(5, 6), worlds=1, **shape)
    assert isinstance(plain, ContentCrossedSampler)
    assert np.array_equal(plain.batch(2), sampler(crossed(5, 6), 3, 2, 4).batch(2))


@pytest.mark.parametrize(
    ("labels", "worlds", "code"),
    [
        (in_worlds({"a": 1.0, "b": 1.0}), 3, "too_few_worlds"),
        (in_worlds({"a": 1.0, "b": 0.0}), 2, "too_few_worlds"),
        (in_worlds({"a": 1.0, "b": 1.0}), 0, "too_few_worlds"),
        (crossed(5, 6), 2, "too_few_worlds"),
        (in_worlds({"a": 1.0, "b": 1.0}, styles=1), 1, "one_style"),
        (in_worlds({"a": 1.0, "b": 1.0}, styles=2, contents=2), 1, "batch_too_large"),
    ],
)
def test_worlds_that_cannot_be_drawn_from(labels, worlds, code) -> None:
    with pytest.raises(InputError) as caught:
        build_sampler(labels, worlds=worlds, styles=3, contents=2, seed=0)
    assert caught.value.code == code
    assert caught.value.hint
