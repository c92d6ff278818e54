import numpy as np
import pytest

from stylesearch.training.labels import NO_CONTENT, Labels

LABELS = Labels.of([["ink"], ["oil"], ["ink"], ["fraktur"]], ["cat", "cat", None, "cat"])
WORLDS, SHARES = ["drawn", "drawn", "drawn", "written"], {"written": 1.0, "drawn": 3.0}


def test_samples_are_put_into_worlds():
    labels = LABELS.in_worlds(WORLDS, SHARES)
    assert labels.worlds is not None
    assert labels.worlds.tolist() == [0, 0, 0, 1]
    assert labels.shares == (3.0, 1.0)
    assert (labels.tag_names, labels.tags) == (LABELS.tag_names, LABELS.tags)
    assert str(labels) == "4 samples, 3 tags, 1 contents, 2 worlds"
    assert str(LABELS) == "4 samples, 3 tags, 1 contents"


def test_a_world_that_has_no_share_is_an_error():
    with pytest.raises(KeyError, match="painted"):
        LABELS.in_worlds(["painted", *WORLDS[1:]], SHARES)


def test_the_digest_knows_worlds_and_shares():
    alike = LABELS.in_worlds(WORLDS, SHARES)
    assert alike.digest == LABELS.in_worlds(WORLDS, dict(reversed(SHARES.items()))).digest
    others = [
        LABELS,
        alike,
        LABELS.in_worlds(["drawn", "drawn", "written", "written"], SHARES),
        LABELS.in_worlds(WORLDS, {"written": 2.0, "drawn": 3.0}),
    ]
    assert len({one.digest for one in others}) == len(others)


def test_a_part_keeps_the_numbers_of_tags_and_contents():
    part = LABELS.in_worlds(WORLDS, SHARES).part(np.array([2, 3]))
    assert part.tag_names == LABELS.tag_names
    assert part.tags == (LABELS.tags[2], LABELS.tags[3])
    assert part.contents.tolist() == [NO_CONTENT, LABELS.contents[3]]
    assert part.worlds is None
    assert part.shares == ()
