"""What tells copies from what only looks alike."""

from random import Random

import numpy as np
import pytest

from stylesearch.curation import looks
from stylesearch.curation.components import check_sizes, components
from stylesearch.curation.copiers import LooksCopier, ModelCopier, open_copier
from stylesearch.curation.made_copies import COPYINGS, made_copy
from stylesearch.curation.neighbours import near_pairs
from stylesearch.curation.thresholds import learn
from stylesearch.errors import InputError

COUNT = 60

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(scope="module")
def pictures(pixels):
    return [pixels(seed) for seed in range(COUNT)]


@pytest.fixture(scope="module")
def described(pictures):
    return LooksCopier().describe(pictures)


@pytest.mark.parametrize("kind", COPYINGS)
def test_made_copies_agree_with_what_they_were_made_of(pictures, described, kind):
    copies = LooksCopier().describe(
        [made_copy(one, kind, Random(f"{kind} {place}")) for place, one in enumerate(pictures)]
    )
    scores = looks.agreement(described, copies)
    assert np.quantile(scores, 0.1) > 0.8
    assert np.allclose(scores, looks.agreement(copies, described), atol=0.2)


def test_other_pictures_do_not_agree(described):
    scores = looks.agreement(described[:-1], described[1:])
    assert np.quantile(scores, 0.9) < 0.6
    assert scores.max() <= 1 + 1e-5


def test_a_picture_agrees_with_itself(described):
    assert np.allclose(looks.agreement(described, described), 1, atol=1e-4)


def test_blank_pictures_are_told(pixels):
    white = np.full((50, 70, 3), 255, np.uint8)
    grey = np.random.default_rng(0).integers(120, 124, white.shape).astype(np.uint8)
    dotted = white.copy()
    dotted[20:22, 20:22] = 0
    described = LooksCopier().describe([white, grey, dotted, pixels(1)])
    assert LooksCopier().blank(described).tolist() == [True, True, False, False]


def test_pictures_of_any_shape_have_a_look():
    for shape in ((1, 1), (1, 500), (500, 3), (64, 64)):
        assert looks.look(np.zeros((*shape, 3), np.uint8)).shape == (64, 64, 3)


def test_views_are_unit_vectors(described):
    found = looks.queries(described)
    assert found.shape == (len(looks.VIEWS), COUNT, 192)
    assert np.allclose(np.linalg.norm(found, axis=2), 1, atol=1e-3)
    assert np.allclose(found[0], looks.keys(described))


def test_a_mirrored_view_is_the_view_of_the_mirrored_picture(described):
    number = next(place for place, view in enumerate(looks.VIEWS) if view.mirrored)
    assert np.allclose(looks.queries(described)[number], looks.keys(described[:, :, ::-1]), atol=1e-5)


@pytest.mark.parametrize("way", ["exact", "index"])
def test_both_ways_find_the_copies(pictures, described, database, way):
    copier = LooksCopier()
    kinds = list(COPYINGS)
    copies = [
        made_copy(one, kinds[place % len(kinds)], Random(place)) for place, one in enumerate(pictures[:25])
    ]
    rows = np.concatenate([described, copier.describe(copies)])
    pairs = near_pairs(
        rows,
        copier.keys(rows),
        copier.queries,
        floor=looks.FLOOR,
        way=way,
        database=database,
        on_done=lambda *_: None,
    )
    found = {tuple(pair) for pair in pairs.tolist()}
    wanted = {(place, COUNT + place) for place in range(25)}
    assert len(wanted - found) <= 2
    assert (pairs[:, 0] < pairs[:, 1]).all()
    assert len(found) == len(pairs)


def test_the_threshold_lies_between_copies_and_others(pictures, described):
    copier = LooksCopier()
    pairs = near_pairs(
        described, copier.keys(described), copier.queries, floor=looks.FLOOR, way="exact", database=None, on_done=lambda *_: None
    )  # fmt: skip
    others = np.full(COUNT, -1, np.float32)
    for (one, other), score in zip(
        pairs.tolist(), copier.scores(described[pairs[:, 0]], described[pairs[:, 1]]), strict=True
    ):
        others[[one, other]] = np.maximum(others[[one, other]], score)
    threshold = learn(copier, described, lambda place: pictures[place], range(30), others, seed=1)
    assert threshold.learnt
    assert threshold.others == 0
    assert set(threshold.found) == set(COPYINGS)
    assert min(threshold.found.values()) >= 0.8
    again = learn(copier, described, lambda place: pictures[place], range(30), others, seed=1)
    assert again == threshold


def test_too_few_pictures_teach_nothing(pictures, described):
    threshold = learn(
        LooksCopier(), described, lambda place: pictures[place], [0, 1], np.zeros(2, np.float32), seed=0
    )
    assert not threshold.learnt
    unreadable = learn(
        LooksCopier(), described, lambda place: None, range(9), np.zeros(9, np.float32), seed=0
    )
    assert not unreadable.learnt


def test_chains_of_pairs_are_one_group():
    groups = components(7, [(0, 1), (1, 2), (5, 4), (4, 3)])
    assert groups.tolist() == [0, 0, 0, 3, 3, 3, 6]
    assert components(3, []).tolist() == [0, 1, 2]


def test_a_group_that_holds_everything_stops_the_run():
    groups = components(200, [(place, place + 1) for place in range(150)])
    with pytest.raises(InputError, match=r"151 of 200 images at a threshold of 0\.200") as caught:
        check_sizes(groups, largest_share=0.2, free=50, threshold=0.2)
    assert caught.value.code == "copies_everywhere"
    assert "--copy-threshold" in caught.value.hint
    assert check_sizes(groups, largest_share=0.9, free=50, threshold=0.2) == 151
    assert check_sizes(components(3, [(0, 1), (1, 2)]), largest_share=0.2, free=50, threshold=0.2) == 3


@pytest.fixture
def model(tmp_path):
    """A copy descriptor in a file: the means of sixteen parts."""
    import torch

    class Means(torch.nn.Module):
        def forward(self, pictures: torch.Tensor) -> torch.Tensor:
            return torch.nn.functional.adaptive_avg_pool2d(pictures, 4).flatten(1)

    def write(module: torch.nn.Module):
        path = tmp_path / "copies.pt"
        torch.jit.script(module).save(str(path))
        return path

    write.means = Means
    return write


@pytest.mark.filterwarnings("ignore:.*torch.jit.*:FutureWarning")
def test_a_given_model_describes(model, pictures):
    copier = open_copier(str(model(model.means())), "cpu")
    assert isinstance(copier, ModelCopier)
    rows = copier.describe(pictures[:3])
    assert rows.shape == (3, 48)
    assert np.allclose(copier.scores(rows, rows), 1, atol=0.01)
    assert copier.identity == open_copier(str(model(model.means())), "cpu").identity


@pytest.mark.filterwarnings("ignore:.*torch.jit.*:FutureWarning")
def test_a_model_that_gives_something_else_is_refused(model, pictures):
    import torch

    class Pictures(torch.nn.Module):
        def forward(self, pictures: torch.Tensor) -> torch.Tensor:
            return pictures

    class Nothing(torch.nn.Module):
        def forward(self, pictures: torch.Tensor) -> torch.Tensor:
            return pictures.flatten(1) / 0 * 0

    for module in (Pictures(), Nothing()):
        with pytest.raises(InputError, match="cannot be used") as caught:
            open_copier(str(model(module)), "cpu").describe(pictures[:2])
        assert caught.value.code == "copy_model"


@pytest.mark.filterwarnings("ignore:.*torch.jit.*:FutureWarning")
@pytest.mark.parametrize("content", [b"", b"no model", None])
def test_a_file_that_is_no_model_is_refused(tmp_path, content):
    path = tmp_path / "copies.pt"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(InputError, match="cannot be used"):
        open_copier(str(path), "cpu")
