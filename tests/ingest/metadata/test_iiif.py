import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stylesearch.catalog.records import Credit, WorkRecord
from stylesearch.ingest.metadata.iiif import CanvasImage, language_values, read_manifest

CC0 = "http://creativecommons.org/publicdomain/zero/1.0/"
SERVICE_3 = {"id": "https://e.org/iiif/7", "type": "ImageService3", "profile": "level2"}
SERVICE_2 = {
    "@context": "http://iiif.io/api/image/2/context.json",
    "@id": "https://e.org/iiif/7",
    "profile": "http://iiif.io/api/image/2/level2.json",
}
V3 = {
    "@context": "http://iiif.io/api/presentation/3/context.json",
    "id": "https://e.org/7/manifest",
    "type": "Manifest",
    "label": {"en": ["A barn"], "de": ["Scheune"]},
    "summary": {"none": ["<p>Red, <b>in snow</b>.</p>"]},
    "metadata": [
        {
            "label": {"en": ["Artist"], "de": ["Künstler"]},
            "value": {
                "none": [
                    "<a href='http://vocab.getty.edu/ulan/500011051'>Ann Lee</a> (1850-1910)",
                    "after Bo Ek",
                ]
            },
        },
        {"label": {"de": ["Datierung"]}, "value": {"de": ["um 1890"]}},
        {"label": {"en": ["Materials"]}, "value": {"en": ["ink"], "de": ["Tusche"]}},
        {"label": {"en": ["Inventory Number"]}, "value": {"none": ["7"]}},
        {"label": {"en": ["Shelf"]}, "value": {"none": ["a", "b"]}},
    ],
    "rights": CC0,
    "requiredStatement": {"label": {"en": ["Attribution"]}, "value": {"en": ["City <i>Museum</i>"]}},
    "provider": [{"id": "https://e.org/", "type": "Agent", "label": {"en": ["City Museum"]}}],
    "homepage": [{"id": "https://e.org/works/7", "type": "Text", "label": {"en": ["Page"]}}],
    "seeAlso": [{"id": "https://e.org/7.xml", "type": "Dataset"}],
    "navDate": "1890-01-01T00:00:00Z",
    "items": [
        {
            "id": "https://e.org/7/canvas/1",
            "type": "Canvas",
            "label": {"none": ["recto"]},
            "items": [
                {
                    "type": "AnnotationPage",
                    "items": [
                        {
                            "type": "Annotation",
                            "motivation": "painting",
                            "body": {
                                "id": "https://e.org/iiif/7/full/max/0/default.jpg",
                                "type": "Image",
                                "format": "image/jpeg",
                                "width": 4000,
                                "height": 3000,
                                "service": [SERVICE_3],
                            },
                        }
                    ],
                }
            ],
        }
    ],
}
V2 = {
    "@context": "http://iiif.io/api/presentation/2/context.json",
    "@id": "https://e.org/7/manifest",
    "@type": "sc:Manifest",
    "label": [{"@value": "Scheune", "@language": "de"}, {"@value": "A barn", "@language": "en"}],
    "description": "Red, in snow.",
    "metadata": [
        {"label": "Artist", "value": ["Ann Lee", "Bo Ek (after)"]},
        {"label": [{"@value": "Datum", "@language": "nl"}], "value": "1890"},
        {
            "label": "Shelf",
            "value": [{"@value": "oben", "@language": "de"}, {"@value": "top", "@language": "en"}],
        },
    ],
    "license": CC0,
    "attribution": "City Museum",
    "related": {"@id": "https://e.org/works/7", "format": "text/html"},
    "sequences": [
        {
            "@type": "sc:Sequence",
            "canvases": [
                {
                    "@id": "https://e.org/7/canvas/1",
                    "label": "recto",
                    "images": [
                        {
                            "@type": "oa:Annotation",
                            "motivation": "sc:painting",
                            "resource": {
                                "@id": "https://e.org/iiif/7/full/full/0/default.jpg",
                                "@type": "dctypes:Image",
                                "format": "image/jpeg",
                                "width": 4000,
                                "height": 3000,
                                "service": SERVICE_2,
                            },
                        }
                    ],
                }
            ],
        }
    ],
}


def test_version_3():
    manifest = read_manifest(V3)
    assert manifest.record == WorkRecord(
        title="A barn",
        description="Red, in snow.",
        credits=(Credit("Ann Lee", ulan_id="500011051"), Credit("Bo Ek", qualifier="after")),
        date_text="um 1890",
        year_from=1890,
        year_to=1890,
        medium="ink",
        source_url="https://e.org/works/7",
        image_rights=CC0,
        credit_line="City Museum",
        extra={
            "credited_as": ["Ann Lee (1850-1910)", "after Bo Ek"],
            "Inventory Number": ["7"],
            "Shelf": ["a", "b"],
            "provider": "City Museum",
            "see_also": ["https://e.org/7.xml"],
            "nav_date": "1890-01-01T00:00:00Z",
        },
    )
    (canvas,) = manifest.canvases
    assert (canvas.id, canvas.label) == ("https://e.org/7/canvas/1", "recto")
    assert canvas.image == CanvasImage("https://e.org/iiif/7/full/max/0/default.jpg", SERVICE_3, 4000, 3000)


def test_version_2():
    manifest = read_manifest(V2)
    assert manifest.record == WorkRecord(
        title="A barn",
        description="Red, in snow.",
        credits=(Credit("Ann Lee"), Credit("Bo Ek", qualifier="after")),
        date_text="1890",
        year_from=1890,
        year_to=1890,
        source_url="https://e.org/works/7",
        image_rights=CC0,
        credit_line="City Museum",
        extra={"credited_as": "Bo Ek (after)", "Shelf": ["top"]},
    )
    (canvas,) = manifest.canvases
    assert canvas.label == "recto"
    assert canvas.image == CanvasImage("https://e.org/iiif/7/full/full/0/default.jpg", SERVICE_2, 4000, 3000)


def test_the_language_that_is_asked_for():
    assert read_manifest(V3, languages=("de",)).record.title == "Scheune"
    assert read_manifest(V2, languages=("de",)).record.title == "Scheune"
    assert read_manifest(V3, languages=("de",)).record.medium == "Tusche"


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("a", ["a"]),
        (["a", "b"], ["a", "b"]),
        ({"@value": "a"}, ["a"]),
        ({"en": "a"}, ["a"]),
        ([{"@value": "a", "@language": "fr"}, {"@value": "b", "@language": "en"}], ["b"]),
        (["a", {"@value": "b", "@language": "fr"}], ["a"]),
        ([{"en": ["a"]}, {"de": ["b"]}], ["a", "b"]),
        (None, []),
        ({}, []),
    ],
)
def test_every_way_of_writing_a_text(value, expected):
    assert language_values(value, ["en"]) == expected


def canvas(body: object, **more: object) -> dict:
    annotation = {"motivation": "painting", "body": body, **more}
    return {"type": "Canvas", "items": [{"items": [annotation]}]}


IMAGE = {"id": "https://e.org/a.jpg", "type": "Image"}


@pytest.mark.parametrize(
    ("body", "url"),
    [
        (IMAGE, "https://e.org/a.jpg"),
        ([{"type": "TextualBody"}, IMAGE], "https://e.org/a.jpg"),
        (
            {"type": "Choice", "items": [IMAGE, {"id": "https://e.org/b.jpg", "type": "Image"}]},
            "https://e.org/a.jpg",
        ),
        ({"@type": "oa:Choice", "default": IMAGE, "item": []}, "https://e.org/a.jpg"),
        ({"type": "SpecificResource", "source": IMAGE}, "https://e.org/a.jpg"),
        ({"type": "SpecificResource", "source": "https://e.org/a.jpg"}, "https://e.org/a.jpg"),
        ("https://e.org/a.jpg", "https://e.org/a.jpg"),
        ({"id": "https://e.org/a", "format": "image/png"}, "https://e.org/a"),
        ({"id": "https://e.org/a.mp4", "type": "Video"}, None),
        ({"id": "https://e.org/a", "type": "Dataset"}, None),
        ({"id": "javascript:alert(1)", "type": "Image"}, None),
        ({"type": "Image"}, None),
        (None, None),
    ],
)
def test_what_is_painted_on_a_canvas(body, url):
    found = read_manifest({"items": [canvas(body)]}).canvases
    assert [one.image.url for one in found] == ([url] if url else [])


def test_what_only_comments_is_not_painted():
    assert read_manifest({"items": [canvas(IMAGE, motivation="commenting")]}).canvases == ()


def test_a_choice_within_a_choice_has_an_end():
    body: object = IMAGE
    for _ in range(200):
        body = {"type": "Choice", "items": [body]}
    assert read_manifest({"items": [canvas(body)]}).canvases == ()


def test_a_changed_image_has_another_digest():
    def digest(**changes: object) -> str:
        return read_manifest({"items": [canvas({**IMAGE, **changes})]}).canvases[0].image.digest

    assert digest() == digest(format="image/jpeg")
    assert len({digest(), digest(width=10), digest(id="https://e.org/b.jpg")}) == 3


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=10)
    | st.just("https://e.org/a.jpg"),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["id", "@id", "type", "@value", "en", "items", "label", "value", "body"]), inner
        )
    ),
    max_leaves=12,
)
KEYS = [*V3, *V2]


@settings(deadline=None)
@given(st.sampled_from([V2, V3]), st.dictionaries(st.sampled_from(KEYS), JSON, max_size=4))
def test_values_of_any_kind_do_no_harm(manifest, changes):
    read = read_manifest({**manifest, **changes})
    json.dumps(read.record.to_json(), allow_nan=False)
    assert read.record == read.record.clipped()
