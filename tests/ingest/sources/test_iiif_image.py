import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from stylesearch.ingest.metadata.iiif import CanvasImage
from stylesearch.ingest.sources.iiif_image import image_address, read_service
from stylesearch.ingest.sources.iiif_tree import WebDocuments


@pytest.fixture
def fetch_size(web_client):
    """A function that asks a server for an image, and returns its size."""

    def fetch_size(image: CanvasImage, side: int) -> tuple[int, int]:
        address = image_address(image, side=side, info=WebDocuments(web_client).find)
        return Image.open(io.BytesIO(web_client.get(address).data)).size

    return fetch_size


@pytest.mark.parametrize("version", [1, 2, 3])
@pytest.mark.parametrize(("level", "sizes"), [(0, ((200, 150), (100, 75))), (1, ()), (2, ())])
@pytest.mark.parametrize("said", [(400, 300), (None, None)])
def test_an_image_comes_in_the_size_that_is_needed(
    make_image_server, fetch_size, version, level, sizes, said
):
    server = make_image_server(version=version, level=level, sizes=sizes)
    image = CanvasImage(None, server.add("a"), *said)
    assert fetch_size(image, 100) == (100, 75)
    # Without asking, where the manifest says enough.
    asked = server.site.asked["/iiif/a/info.json"]
    assert asked == (0 if level == 2 or (level == 1 and said[0]) else 1)


@pytest.mark.parametrize("version", [1, 2, 3])
@pytest.mark.parametrize(("level", "sizes"), [(0, ((100, 75),)), (0, ()), (1, ()), (2, ())])
def test_an_image_is_never_enlarged(make_image_server, fetch_size, version, level, sizes):
    server = make_image_server(version=version, level=level, sizes=sizes)
    assert fetch_size(CanvasImage(None, server.add("a"), 400, 300), 1024) == (400, 300)


@pytest.mark.parametrize("version", [2, 3])
def test_an_upright_image_is_asked_for_by_its_height(make_image_server, fetch_size, version):
    server = make_image_server(version=version, level=1, size=(300, 400))
    assert fetch_size(CanvasImage(None, server.add("a"), 300, 400), 100) == (75, 100)


def test_of_listed_sizes_the_smallest_that_is_large_enough():
    service = {
        "id": "https://e.org/a",
        "type": "ImageService3",
        "profile": "level0",
        "width": 4000,
        "height": 3000,
    }
    sizes = [{"width": width, "height": width * 3 // 4} for width in (3000, 250, 1000, 2000)]
    address = image_address(CanvasImage(None, service), side=900, info=lambda _: {**service, "sizes": sizes})
    assert address == "https://e.org/a/full/1000,750/0/default.jpg"


def test_a_service_that_says_nothing_is_asked():
    service = {"@id": "https://e.org/a/", "@context": "http://iiif.io/api/image/2/context.json"}
    info = {
        "profile": ["http://iiif.io/api/image/2/level2.json", {"maxWidth": 200}],
        "width": 400,
        "height": 300,
    }
    asked = []
    address = image_address(CanvasImage(None, service), side=100, info=lambda url: asked.append(url) or info)
    assert asked == ["https://e.org/a/info.json"]
    assert address == "https://e.org/a/full/!100,100/0/default.jpg"


@pytest.mark.parametrize("url", ["https://e.org/a.jpg", None])
def test_a_service_that_does_not_answer(url):
    service = {"id": "https://e.org/a", "type": "ImageService3"}
    address = image_address(CanvasImage(url, service), side=100, info=lambda _: None)
    assert address == (url or "https://e.org/a/full/max/0/default.jpg")


def test_an_image_without_a_service_is_taken_as_it_is():
    assert (
        image_address(CanvasImage("https://e.org/a.jpg"), side=100, info=lambda _: None)
        == "https://e.org/a.jpg"
    )
    assert image_address(CanvasImage(None), side=100, info=lambda _: None) is None


@pytest.mark.parametrize(
    ("said", "version", "level"),
    [
        ({"type": "ImageService3", "profile": "level1"}, 3, 1),
        ({"@type": "ImageService2", "profile": "level2"}, 2, 2),
        ({"@context": "http://iiif.io/api/image/3/context.json"}, 3, None),
        ({"profile": ["http://iiif.io/api/image/2/level0.json", {"formats": ["jpg"]}]}, 2, 0),
        ({"profile": "http://library.stanford.edu/iiif/image-api/compliance.html#level1"}, 1, 1),
        ({"profile": "http://library.stanford.edu/iiif/image-api/1.1/conformance.html#level2"}, 1, 2),
        ({"profile": 7}, 2, None),
    ],
)
def test_descriptions_of_all_versions(said, version, level):
    service = read_service({"@id": "https://e.org/a", **said})
    assert (service.version, service.level) == (version, level)


JSON = (
    st.none()
    | st.integers()
    | st.text(max_size=12)
    | st.just("level2")
    | st.lists(st.dictionaries(st.just("width"), st.integers()), max_size=2)
)


@settings(deadline=None)
@given(
    st.dictionaries(
        st.sampled_from(["id", "@id", "profile", "type", "@context", "sizes", "width", "height", "maxWidth"]),
        JSON,
    ),
    st.dictionaries(st.sampled_from(["profile", "type", "sizes", "width", "height"]), JSON) | st.none(),
    st.integers(1, 5000),
)
def test_any_description_gives_a_web_address_or_none(said, info, side):
    for service in (said, {**said, "id": "https://e.org/a"}):
        address = image_address(CanvasImage(None, service), side=side, info=lambda _: info)
        assert address is None or address.startswith("https://e.org/a/full/")
