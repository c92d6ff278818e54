import pytest

from stylesearch.ingest.metadata.vocabulary import FIELD_NAMES, automatic, field_named, simple


@pytest.mark.parametrize(
    ("name", "field"),
    [
        ("Title", "title"),
        ("dc:title", "title"),
        ("TITEL:", "title"),
        ("Künstler/in", "artist"),
        ("Artist(s)", "artist"),
        ("artist_name", "artist"),
        ("Artiste", "artist"),
        ("objectNumber", "id"),
        ("Object-Number", "id"),
        ("Material / Technik", "medium"),
        ("Date created", "date_text"),
        ("datierung", "date_text"),
        ("image_url", "image"),
        ("Lizenz", "work_rights"),
        ("image license", "image_rights"),
        ("Schlagwörter", "keywords"),
        ("Epoche", "period"),
        ("Period:", "period"),
        ("shelf", None),
        ("", None),
        ("title of the frame", None),
    ],
)
def test_usual_names(name, field):
    assert field_named(name) == field


def test_no_name_stands_for_two_fields():
    names = [(simple(name), field) for field, names in FIELD_NAMES.items() for name in (field, *names)]
    taken: dict[str, str] = {}
    assert {name for name, field in names if taken.setdefault(name, field) != field} == set()


def test_of_several_names_for_a_field_the_likeliest_counts():
    assert automatic(["label", "Title", "path", "url", "shelf"]) == {"Title": "title", "url": "image"}
    assert automatic(["path", "image"]) == {"image": "image"}
    assert automatic([]) == {}
