from collections import Counter

import pytest

from stylesearch.curation.leaks import LeakError, Parted, check, find_leaks
from stylesearch.curation.parts import DATABASE, QUERY, TEST, TRAIN, disjoint_parts, first_sides, random_sides

GROUPS = [f"{place:03d}" for place in range(200)]


def test_a_random_split_takes_a_share_and_stays_where_it_is():
    sides = random_sides(GROUPS, share=0.2, seed=3)
    assert Counter(sides) == {QUERY: 40, DATABASE: 160}
    assert sides == random_sides(GROUPS, share=0.2, seed=3)
    assert sides != random_sides(GROUPS, share=0.2, seed=4)
    assert random_sides(GROUPS[::-1], share=0.2, seed=3) == sides[::-1]


def test_groups_stay_together():
    groups = [f"{place // 4}" for place in range(40)]
    sides = random_sides(groups, share=0.3, seed=0)
    assert all(len({sides[place] for place in range(4 * group, 4 * group + 4)}) == 1 for group in range(10))


@pytest.mark.parametrize("count", [1, 2, 3])
def test_few_images_leave_something_on_both_sides(count):
    sides = random_sides(GROUPS[:count], share=0.2, seed=0)
    assert sides.count(DATABASE) >= 1
    assert sides.count(QUERY) == (1 if count > 1 else 0)


def test_the_first_works_of_listed_artists_are_queries():
    artists = [["a"]] * 15 + [["b"]] * 15 + [["c"]] * 3 + [["d"]] + [[]]
    sides = first_sides(artists, GROUPS[:35], {"a", "c", "d"}, works=10)
    assert sides[:15] == [QUERY] * 10 + [DATABASE] * 5
    assert sides[15:30] == [DATABASE] * 15
    assert sides[30:] == [QUERY, QUERY, DATABASE, DATABASE, DATABASE]


def test_no_label_is_on_both_sides():
    artists = [[f"artist {place % 20}"] for place in range(200)]
    parts = disjoint_parts(artists, GROUPS, share=0.2, seed=0)
    by_artist = {
        artist: {part for own, part in zip(artists, parts, strict=True) if own == [artist]}
        for artist in {one[0] for one in artists}
    }
    assert all(len(found) == 1 for found in by_artist.values())
    assert 0.1 <= parts.count(TEST) / 200 <= 0.3


def test_artists_of_one_work_stay_together():
    artists = [["a"], ["a", "b"], ["b", "c"], ["c"], ["d"], []]
    parts = disjoint_parts(artists, GROUPS[:6], share=0.4, seed=1)
    assert len(set(parts[:4])) == 1


def test_where_all_hang_together_all_are_trained_on():
    assert disjoint_parts([["a"]] * 5, GROUPS[:5], share=0.5, seed=0) == [TRAIN] * 5


def parted(**changes) -> Parted:
    values = {
        "digests": ["a", "b", "c", "d"],
        "components": [0, 1, 2, 3],
        "artists": [["Klee"], ["Klee"], ["Dix"], []],
        "contents": ["cat", "dog", "cat", ""],
        "splits": {
            "side": [QUERY, DATABASE, QUERY, DATABASE],
            "by_artist": [TRAIN, TRAIN, TEST, TRAIN],
            "by_content": [TRAIN, TEST, TRAIN, TEST],
        },
    }
    return Parted(**{**values, **changes})


def test_what_does_not_leak_passes():
    check(parted(), [("b", "d"), ("a", "gone")])


@pytest.mark.parametrize(
    ("changes", "pairs", "told"),
    [
        ({}, [("a", "b")], "copy a and b in side"),
        ({"components": [0, 0, 2, 3]}, [], "group of copies 0 in side"),
        ({"digests": ["a", "a", "c", "d"]}, [], "image a in side"),
        ({"artists": [["Klee"], ["Klee"], ["Klee"], []]}, [], "artist Klee in by_artist"),
        ({"contents": ["cat", "cat", "cat", ""]}, [], "content cat in by_content"),
    ],
)
def test_leaks_are_told_loudly(changes, pairs, told):
    images = parted(**changes)
    assert told in "; ".join(f"{leak.what} {leak.name} in {leak.split}" for leak in find_leaks(images, pairs))
    with pytest.raises(LeakError, match="leak") as caught:
        check(images, pairs)
    assert caught.value.code == "leak"
    assert told in str(caught.value)
