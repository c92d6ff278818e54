import pytest

from stylesearch.curation.folding import LONGEST_CAPTION, fold
from stylesearch.curation.matcher import FIELD_SIGN, Found, Matcher
from stylesearch.curation.tags import Bank, Entry, build_bank

BANK = build_bank(
    [
        Entry("artist", "Albrecht Dürer", ("Durer",)),
        Entry("artist", "Claude Monet"),
        Entry("artist", "Édouard Manet"),
        Entry("artist", "J. M. W. Turner"),
        Entry("artist", "Ed"),
        Entry("artist", "葛飾北斎"),
        Entry("artist", "Илья Репин"),
        Entry("medium", "oil painting"),
        Entry("medium", "pastel"),
        Entry("movement", "pastel"),
        Entry("movement", "Impressionism"),
        Entry("movement", "Post-Impressionism"),
    ]
)


def found(*captions: str, bank: Bank = BANK, with_slips: bool = True) -> Found:
    return Matcher(bank.tags, with_slips=with_slips).find(captions)


def labels(caption: str, **options) -> set[str]:
    return {BANK.tags[tag].label for tag in found(caption, **options).tags[0]}


def test_fold_takes_away_what_differs_for_no_reason():
    assert fold("  ALBRECHT\tDÜRER!") == fold("albrecht du\u0308rer") == "albrecht durer"
    assert fold("Ｆｕｌｌ-width, Straße, Øre & Łódź") == "full width strasse ore lodz"
    assert fold("O’Keeffe's") == "o keeffe s"
    assert fold("…—!") == ""


@pytest.mark.parametrize(
    ("caption", "expected"),
    [
        ("Engraving by ALBRECHT DÜRER, c. 1500", {"artist: Albrecht Dürer"}),
        ("albrecht duerer (copy)", {"artist: Albrecht Dürer"}),
        ("The Durer's hare", {"artist: Albrecht Dürer"}),
        ("JMW Turner: oil painting", {"artist: J. M. W. Turner", "medium: oil painting"}),
        ("A reduced edition", set()),  # "Ed" is within words only
        ("Ed, oil  painting", {"artist: Ed", "medium: oil painting"}),
        ("Monet", set()),
        ("post impressionism", {"movement: Post-Impressionism"}),  # and not the one within it
        ("Impressionism and Post-Impressionism", {"movement: Impressionism", "movement: Post-Impressionism"}),
        ("pastel", {"medium: pastel", "movement: pastel"}),
        ("富嶽三十六景、葛飾北斎の絵", {"artist: 葛飾北斎"}),
        ("Портрет работы ИЛЬЯ РЕПИН", {"artist: Илья Репин"}),
        (
            "<b>oil</b> <i class='a'>painting</i> by Claude&nbsp;Monet",
            {"medium: oil painting", "artist: Claude Monet"},
        ),
        ("oil, painting", {"medium: oil painting"}),
        (f"in oil{FIELD_SIGN}painting", set()),  # no tag reaches from one field into the next
        (f"oil painting{FIELD_SIGN}Claude Monet", {"medium: oil painting", "artist: Claude Monet"}),
        ("", set()),
        ("!!! … ---", set()),
    ],
)
def test_whole_tokens_are_found(caption, expected):
    assert labels(caption) == expected


@pytest.mark.parametrize(
    "caption",
    [
        "not by Claude Monet",
        "This is NOT a painting by Claude Monet.",
        "unlike Claude Monet",
        "nicht von Claude Monet",
        "n'est pas de Claude Monet",
        "non di Claude Monet",
        "no de Claude Monet",
        "niet van Claude Monet",
        "rather than by Claude Monet",
        "not in the style of Claude Monet",
    ],
)
def test_what_a_caption_denies_is_no_tag_and_is_counted(caption):
    result = found(caption)
    assert result.tags == [()]
    assert {BANK.tags[tag].name: number for tag, number in result.denied.items()} == {"Claude Monet": 1}


@pytest.mark.parametrize(
    "caption",
    [
        "not only by Claude Monet",
        "Why not? Here is a picture. Claude Monet painted it",
        "after Claude Monet",
        "in the style of Claude Monet, not Rembrandt",
        "not by Claude Monet; yes it is: Claude Monet",
    ],
)
def test_what_is_not_denied_is_a_tag(caption):
    assert labels(caption) == {"artist: Claude Monet"}


def test_a_denial_goes_on_through_or():
    result = found("not by Claude Monet or Édouard Manet, oil painting")
    assert {BANK.tags[tag].label for tag in result.tags[0]} == {"medium: oil painting"}
    assert len(result.denied) == 2


def test_a_denial_ends_with_its_caption():
    result = found("not by", "Claude Monet")
    assert [len(tags) for tags in result.tags] == [0, 1]


@pytest.mark.parametrize("slip", ["Impresionism", "Impressionnism", "Imprsesionism"])
def test_slips_of_long_tags_are_found_and_counted(slip):
    result = found(f"French {slip}")
    assert [BANK.tags[tag].name for tag in result.tags[0]] == ["Impressionism"]
    assert sum(result.slipped.values()) == 1
    assert labels(f"French {slip}", with_slips=False) == set()


def test_a_slip_of_a_short_tag_is_another_word():
    assert labels("pastl, paste, pasel") == set()


def test_a_slip_that_is_a_tag_is_that_tag():
    bank = build_bank([Entry("artist", "Johannes Meer"), Entry("artist", "Johannes Mer")])
    result = found("Johannes Mer", bank=bank)
    assert [bank.tags[tag].name for tag in result.tags[0]] == ["Johannes Mer"]
    assert not result.slipped


def test_long_captions_are_cut_and_counted():
    caption = "word " * 20_000 + "oil painting"  # 100 kB
    result = found(caption, "oil painting " + caption)
    assert result.cut == 2
    assert len(caption) > 10 * LONGEST_CAPTION
    assert [len(tags) for tags in result.tags] == [0, 1]


def test_empty_captions_and_markup_are_counted():
    result = found("", " \n\t", "&amp;", "a < b and c > d", "<p>oil painting</p>", FIELD_SIGN)
    assert result.empty == 4
    assert result.marked == 2 + 1  # "< b and c >" looks like markup too
    assert len(result.tags[4]) == 1


def test_ascii_and_other_captions_are_folded_alike():
    captions = ["oil painting by J.M.W. Turner", "Impressionism_2, OIL PAINTING"]
    alone = [found(caption).tags[0] for caption in captions]
    together = found(*captions, "ÄÖÜ").tags
    assert together[:2] == alone
    assert all(len(tags) == 2 for tags in alone)


def test_capitals_are_counted_of_artists_of_one_token():
    bank = build_bank([Entry("artist", "Rose")])
    result = found("a rose", "Rose", "ROSE", bank=bank)
    assert result.capital[0] == 2
    assert [len(tags) for tags in result.tags] == [1, 1, 1]


def test_hostile_captions_end_quickly():
    captions = [
        "<" * 9000,
        "&" * 9000,
        "not " * 2000 + "claude monet",
        "<a " * 3000,
        "\x1f" * 5000,
        "\ud800 oil painting",
    ]
    assert len(found(*captions).tags) == len(captions)
