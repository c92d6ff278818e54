from dataclasses import replace

import pytest

from stylesearch.attribution.comparison import Finding, compare
from stylesearch.attribution.palette import Palette, Swatch
from stylesearch.attribution.traits import Traits

RED = Swatch("#d02020", "red", 0.6, (45.0, 65.0, 45.0))
WHITE = Swatch("#ffffff", "white", 0.4, (100.0, 0.0, 0.0))
BLUE = Swatch("#2040c0", "blue", 0.6, (33.0, 35.0, -65.0))

PLAIN = Traits(
    palette=(RED, WHITE),
    colourfulness=40.0,
    lightness=60.0,
    contrast=70.0,
    line_weight=1.0,
    outlines=50.0,
    edge_softness=0.6,
    texture_scale=3.0,
    detail=4.0,
    flatness=60.0,
)


def found(trait: str, **values: object) -> Finding | None:
    """What is said of a trait when the second picture has these values."""
    return next((one for one in compare(PLAIN, replace(PLAIN, **values)) if one.trait == trait), None)


def test_a_picture_and_itself_have_everything_in_common():
    findings = compare(PLAIN, PLAIN)
    assert {one.trait for one in findings} == set(Traits.__slots__)
    assert all(one.alike and one.strength == 0 for one in findings)


@pytest.mark.parametrize(
    ("trait", "value", "sentence"),
    [
        ("line_weight", 2.1, "The second has thicker lines: 2.1 against 1.0 % of the longer side."),
        ("line_weight", 0.5, "The first has thicker lines: 1.0 against 0.5 % of the longer side."),
        ("colourfulness", 3.0, "The first is more colourful: 40 against 3 units of chroma."),
        ("lightness", 85.0, "The second is lighter on the whole: 85 against 60 of 100 steps."),
        ("contrast", 100.0, "The second has more contrast: 100 against 70 of 100 steps."),
        ("outlines", 90.0, "The second has dark lines along more of its edges: 90 against 50 % of the edges."),
        ("edge_softness", 1.5, "The second has softer edges: 1.5 against 0.6 % of the longer side."),
        ("texture_scale", 1.5, "The first has a coarser texture: 3.0 against 1.5 % of the longer side from crest to crest."),
        ("detail", 1.0, "The first has more fine detail: 4.0 against 1.0 steps of lightness on average."),
        ("flatness", 95.0, "The second has smoother surfaces: 95 against 60 % of them are even."),
        ("line_weight", None, "Only the first has dark lines."),
        ("palette", (BLUE, WHITE), "Their colours differ: only the first has red, only the second has blue."),
    ],
)  # fmt: skip
def test_what_differs_is_said_with_its_numbers(trait, value, sentence):
    finding = found(trait, **{trait: value})
    assert finding is not None
    assert not finding.alike
    assert finding.sentence == sentence
    assert finding.strength >= 1


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"line_weight": 1.2}, "Both have lines of about the same thickness: 1.0 and 1.2 % of the longer side."),
        ({"lightness": 65.0}, "Both are about as light on the whole: 60 and 65 of 100 steps."),
        ({"flatness": 65.0}, "Surfaces are about as smooth in both: 60 and 65 % of them are even."),
    ],
)  # fmt: skip
def test_what_is_alike_is_said_with_its_numbers(values, sentence):
    finding = found(next(iter(values)), **values)
    assert finding is not None
    assert finding.alike
    assert finding.sentence == sentence


@pytest.mark.parametrize(
    ("trait", "value"),
    [("line_weight", 1.5), ("lightness", 72.0), ("contrast", 85.0), ("outlines", 75.0), ("detail", 6.0)],
)
def test_what_lies_between_is_left_out(trait, value):
    assert found(trait, **{trait: value}) is None


def said(first: Traits, second: Traits, trait: str) -> str:
    return next(one.sentence for one in compare(first, second) if one.trait == trait)


def test_what_both_are_has_a_word_of_its_own():
    for values, sentence in [
        ({"flatness": 97.0}, "Surfaces are smooth in both: 97 and 97 % of them are even."),
        (
            {"flatness": 30.0},
            "Surfaces are textured or steeply shaded in both: 30 and 30 % of them are even.",
        ),
        ({"colourfulness": 1.0}, "Neither has colour: 1 and 1 units of chroma."),
        ({"line_weight": None}, "Neither has dark lines."),
        ({"texture_scale": None}, "Neither has texture."),
    ]:
        both = replace(PLAIN, **values)
        assert said(both, both, next(iter(values))) == sentence


def test_smooth_is_not_said_of_two_that_only_one_is():
    assert said(PLAIN, replace(PLAIN, flatness=95.0), "flatness").startswith("The second has smoother")


def test_the_quotient_of_next_to_nothing_is_no_difference():
    one, other = replace(PLAIN, detail=0.02), replace(PLAIN, detail=0.4)
    assert said(one, other, "detail").startswith("Both have about as much")


def test_shades_of_one_name_are_told_as_such():
    def of(*lightnesses: float) -> Palette:
        return tuple(Swatch("#000000", "blue", 0.5, (one, 20.0, -50.0)) for one in lightnesses)

    dark, light = replace(PLAIN, palette=of(35.0, 40.0)), replace(PLAIN, palette=of(70.0, 75.0))
    assert said(dark, light, "palette") == "Their colours differ: each has a blue of its own."


def test_a_colour_that_only_one_has_is_named():
    more = replace(PLAIN, palette=(*PLAIN.palette, replace(BLUE, share=0.4)))
    assert said(PLAIN, more, "palette") == "Their colours differ: only the second has blue."


def test_the_plainest_difference_comes_first_and_likenesses_last():
    findings = compare(PLAIN, replace(PLAIN, line_weight=9.0, lightness=81.0, contrast=100.0))
    differences = [one.trait for one in findings if not one.alike]
    assert differences == ["line_weight", "contrast", "lightness"]
    assert [one.alike for one in findings] == sorted(one.alike for one in findings)


def test_the_other_way_round_the_same_is_said_of_the_other():
    other = replace(PLAIN, line_weight=2.0, lightness=20.0, outlines=None, palette=(BLUE, WHITE))
    there, back = compare(PLAIN, other), compare(other, PLAIN)
    assert [(one.trait, one.alike, one.strength) for one in there] == [
        (one.trait, one.alike, one.strength) for one in back
    ]
    swapped = {"first": "second", "second": "first"}
    for one, turned in zip(there, back, strict=True):
        if not one.alike and one.trait != "palette":
            words = [swapped.get(word, word) for word in one.sentence.split()]
            assert " ".join(words) == turned.sentence
