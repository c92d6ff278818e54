import json

import pytest

from stylesearch.curation.spellings import distance, slips, spellings
from stylesearch.curation.tags import Entry, build_bank
from stylesearch.curation.vocabularies import read_list, read_vocabulary
from stylesearch.errors import InputError

SKOS = """<?xml version="1.0"?>
<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns:skos="http://www.w3.org/2004/02/skos/core#">
  <skos:ConceptScheme rdf:about="http://example.org/movements"><skos:prefLabel>Movements</skos:prefLabel></skos:ConceptScheme>
  <skos:Concept rdf:about="http://example.org/1">
    <skos:prefLabel xml:lang="en">Art Nouveau</skos:prefLabel><skos:prefLabel xml:lang="de">Jugendstil</skos:prefLabel>
    <skos:altLabel>Modern Style</skos:altLabel><skos:inScheme rdf:resource="http://example.org/movements"/>
  </skos:Concept>
  <skos:Concept rdf:about="http://example.org/2"><skos:prefLabel>ink</skos:prefLabel>
    <rdf:type rdf:resource="http://example.org/terms#Material"/></skos:Concept>
</rdf:RDF>"""


def names(bank) -> dict[str, tuple[str, ...]]:
    return {tag.name: tag.spellings for tag in bank.tags}


def test_spellings_of_one_name_are_one_tag():
    given = ["Albrecht Dürer", "ALBRECHT DUERER", "albrecht durer", "Dürer, Albrecht"]
    bank = build_bank([Entry("artist", name) for name in given])
    assert list(names(bank)) == ["Albrecht Dürer"]
    assert (bank.given, bank.doubled, bank.empty) == (4, 3, 0)
    assert ("ALBRECHT DUERER", "Albrecht Dürer") in bank.folded


@pytest.mark.parametrize(
    ("one", "other", "person"),
    [
        ("Toulouse-Lautrec", "toulouselautrec", True),
        ("J. M. W. Turner", "JMW Turner", True),
        ("Turner, J.M.W.", "J. M. W. Turner", True),
        ("O'Keeffe", "OKeeffe", True),
        ("watercolour", "Watercolor", False),
        ("grey wash", "gray wash", False),
        ("Bjørn", "Bjoern", True),
    ],
)
def test_what_is_spelt_by_rule_is_the_same(one, other, person):
    assert set(spellings(one, person=person)) & set(spellings(other, person=person))


def test_only_names_of_people_are_turned_round():
    assert "oil paint" in spellings("paint, oil", person=True)
    assert "oil paint" not in spellings("paint, oil")


def test_bad_entries_are_counted():
    bank = build_bank(
        [
            Entry("artist", ""),
            Entry("artist", " - "),
            Entry("artist", "x" * 300),
            Entry("artist", "Klee"),
            Entry("artist", "KLEE"),
        ]
    )
    assert (bank.given, bank.empty, bank.too_long, bank.doubled) == (5, 2, 1, 1)
    assert len(bank.tags) == 1


def test_kinds_are_kept_apart():
    bank = build_bank([Entry("medium", "Pastel"), Entry("movement", "pastel")])
    assert [tag.kind for tag in bank.tags] == ["medium", "movement"]
    assert all(tag.flags == ("shared",) for tag in bank.tags)


def test_aliases_lead_to_their_tag():
    bank = build_bank(
        [
            Entry("artist", "Hokusai", ("Katsushika Hokusai", "葛飾北斎")),
            Entry("artist", "KATSUSHIKA HOKUSAI"),
        ]
    )
    assert len(bank.tags) == 1
    assert {"katsushika hokusai", "葛 飾 北 斎"} <= set(bank.tags[0].spellings)


def test_a_spelling_stays_with_the_first_that_claims_it():
    bank = build_bank(
        [Entry("artist", "Jan Brueghel", ("Brueghel",)), Entry("artist", "Pieter Brueghel", ("Brueghel",))]
    )
    assert bank.contested == 1
    owners = [tag.name for tag in bank.tags if "brueghel" in tag.spellings]
    assert owners == ["Jan Brueghel"]


@pytest.mark.parametrize(
    ("kind", "name", "flag", "held"),
    [
        ("movement", "art", "stop", True),
        ("medium", "Paper", "stop", True),
        ("artist", "Rose", "ambiguous", True),
        ("artist", "May", "ambiguous", True),
        ("artist", "Al", "short", True),
        ("artist", "Rose Adler", None, False),
        ("movement", "Rose", None, False),
        ("medium", "ink", None, False),
    ],
)
def test_tags_that_somebody_should_look_at_are_held_back(kind, name, flag, held):
    tag = build_bank([Entry(kind, name)]).tags[0]
    assert tag.flags == ((flag,) if flag else ())
    assert tag.held is held


def test_tags_spelt_alike_are_told():
    bank = build_bank(
        [Entry("artist", name) for name in ("Alphonse Mucha", "Alfonse Mucha", "Mucha Alphonse", "Paul Klee")]
    )
    near = {tag.name: tag.near for tag in bank.tags}
    assert near == {
        "Alphonse Mucha": ("alfonse mucha", "mucha alphonse"),
        "Alfonse Mucha": ("alphonse mucha",),
        "Mucha Alphonse": ("alphonse mucha",),
        "Paul Klee": (),
    }


def test_what_people_joined_is_one_tag():
    entries = [Entry("artist", "Alfonse Mucha"), Entry("artist", "Alphonse Mucha")]
    bank = build_bank(entries, joined={("artist", "alfonse mucha"): "alphonse mucha"})
    assert [tag.key for tag in bank.tags] == ["alphonse mucha"]
    assert bank.tags[0].name == "Alphonse Mucha"
    assert "alfonse mucha" in bank.tags[0].spellings


def test_the_order_of_the_lists_changes_nothing():
    entries = [Entry("artist", "Klee"), Entry("medium", "ink"), Entry("artist", "Ai Weiwei")]
    assert build_bank(entries).tags == build_bank(entries[::-1]).tags


def test_slips_keep_the_first_letter_and_digits():
    found = slips("impressionism")
    assert "impresionism" in found
    assert "mpressionism" not in found
    assert "impressionism" not in found
    assert slips("monet") == []
    assert all(one[0] == "i" for one in found)


@pytest.mark.parametrize(
    ("one", "other", "number"),
    [("monet", "manet", 1), ("monet", "moent", 1), ("klee", "klee", 0), ("a", "abcdef", 3)],
)
def test_distance(one, other, number):
    assert distance(one, other, most=2) == number


def test_lists_have_aliases_and_remarks(tmp_path):
    path = tmp_path / "artists.txt"
    path.write_text("# mine\nDürer | Albrecht Dürer|Durer\n\n  Klee \n\n", "utf-8")
    entries = read_list(path, "artist")
    assert [(entry.name, entry.aliases) for entry in entries] == [
        ("Dürer", ("Albrecht Dürer", "Durer")),
        ("", ()),
        ("Klee", ()),
    ]
    assert entries[0].source == "artists.txt, line 2"


def test_json_vocabularies(tmp_path):
    path = tmp_path / "tags.json"
    path.write_text(
        json.dumps({"artist": ["Klee", {"name": "Dürer", "aliases": ["Durer"]}], "mediums": ["ink"]})
    )
    assert [(one.kind, one.name, one.aliases) for one in read_vocabulary(path)] == [
        ("artist", "Klee", ()), ("artist", "Dürer", ("Durer",)), ("medium", "ink", ())
    ]  # fmt: skip
    path.write_text(json.dumps([{"name": "Dada", "kind": "movement"}]))
    assert read_vocabulary(path)[0].kind == "movement"
    path.write_text(json.dumps(["Dada"]))
    assert read_vocabulary(path, "movement")[0].name == "Dada"


def test_skos_as_rdf(tmp_path):
    path = tmp_path / "terms.rdf"
    path.write_text(SKOS)
    assert [(one.kind, one.name, one.aliases) for one in read_vocabulary(path)] == [
        ("movement", "Art Nouveau", ("Jugendstil", "Modern Style")), ("medium", "ink", ())
    ]  # fmt: skip


def test_skos_as_json_ld(tmp_path):
    path = tmp_path / "terms.jsonld"
    path.write_text(
        json.dumps(
            {
                "@graph": [
                    {"@type": "skos:Concept", "skos:prefLabel": [{"@value": "Art Nouveau", "@language": "en"}],
                     "skos:altLabel": "Modern Style", "skos:inScheme": {"@id": "http://example.org/movements"}},
                    {"@type": ["skos:Concept", "Artist"], "prefLabel": {"en": "Hokusai"}, "altLabel": ["葛飾北斎"]},
                    {"@type": "skos:ConceptScheme", "prefLabel": "Movements"},
                ]
            }
        )
    )  # fmt: skip
    assert [(one.kind, one.name, one.aliases) for one in read_vocabulary(path)] == [
        ("movement", "Art Nouveau", ("Modern Style",)), ("artist", "Hokusai", ("葛飾北斎",))
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("a.json", "{", "is no JSON"),
        ("a.json", "3", "neither a list nor an object"),
        ("a.json", '["Klee"]', "does not say of what kind entry 1 is"),
        ("a.json", '[{"kind": "artist"}]', "entry 1 no name"),
        ("a.json", "[]", "holds no tag"),
        ("a.ttl", "", "is Turtle"),
        ("a.rdf", "<rdf", "is no XML"),
        ("a.rdf", '<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><a>&b;</a>', "holds no tag"),
        ("a.txt", "\n\n", "holds no tag"),
        ("a.txt", "# only remarks", "holds no tag"),
        ("a.txt", None, "cannot be read"),
    ],
)
def test_files_that_cannot_be_used_are_named(tmp_path, name, text, said):
    path = tmp_path / name
    if text is not None:
        path.write_text(text)
    with pytest.raises(InputError, match=said) as caught:
        read_list(path, "artist") if name.endswith(".txt") else read_vocabulary(path)
    assert caught.value.code == "tags_file"
    assert str(path) in str(caught.value)


def test_a_list_in_another_encoding_is_named(tmp_path):
    path = tmp_path / "a.txt"
    path.write_bytes("Dürer".encode("latin-1"))
    with pytest.raises(InputError, match="not in UTF-8: byte 1"):
        read_list(path, "artist")
