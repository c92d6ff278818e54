import json
import threading
from functools import partial

import pytest

from stylesearch.errors import InputError, ServiceError
from stylesearch.ingest.sources import iiif
from stylesearch.ingest.sources.iiif import IiifSource, from_options
from stylesearch.settings import Settings


@pytest.fixture
def take(connect, harvest):
    return lambda url, cursor=None, **options: harvest(IiifSource(url, connect, **options), cursor)


def test_one_manifest_with_one_image(library, take):
    url = library.manifest("7")
    result = take(url, side=100)
    (found,) = result.found
    assert found.source_id == url
    assert found.locator == library.url("/iiif/7/full/!100,100/0/default.jpg")
    assert (found.record.title, found.record.source_url) == ("Title of 7", url)
    assert found.sha256 is None
    assert found.version
    assert result.pages[-1].cursor is None
    assert library.site.asked["/iiif/7/info.json"] == 0


def test_a_manifest_with_several_images_is_a_work_for_each(library, take):
    url = library.manifest("book", *(library.image(f"b{number}") for number in range(3)))
    result = take(url)
    assert result.ids == [f"{url}#canvas/{number}" for number in (1, 2, 3)]
    assert result.titles == [f"Title of book, leaf {number}" for number in (1, 2, 3)]
    assert take(url, canvases="first").ids == [url]


def test_a_nested_collection_is_walked_in_order(library, take):
    manifests = [library.manifest(name) for name in "abcd"]
    inner = library.collection("inner", manifests[2], manifests[0])
    empty = library.collection("empty")
    url = library.collection("all", manifests[0], manifests[1], collections=(empty, inner))
    assert take(url).ids == [manifests[0], manifests[1], manifests[2]]
    assert library.site.asked["/a/manifest"] == 1


def test_a_collection_that_loops_is_walked_once(library, take):
    manifest = library.manifest("a")
    names = ("all", "one", "two")
    urls = {name: library.url(f"/{name}") for name in names}
    library.collection("one", manifest, collections=(urls["two"], urls["one"]))
    library.collection("two", collections=(urls["all"], urls["one"]))
    url = library.collection("all", collections=(urls["one"], urls["two"]))
    assert take(url).ids == [manifest]
    assert [library.site.asked[f"/{name}"] for name in names] == [1, 1, 1]


def test_a_collection_in_pages(library, take):
    manifests = [library.manifest(name) for name in "abc"]
    third = library.collection("page3", manifests[2], next=library.url("/page1"))
    second = library.collection("page2", manifests[1], next=third)
    first = library.collection("page1", manifests[0], next=second)
    url = library.collection("all", first=first, total=3)
    assert take(url).ids == manifests


def test_manifests_that_a_collection_holds_are_not_fetched(site, connect, harvest):
    image = {"id": "https://e.org/a.jpg", "type": "Image"}
    canvas = {"type": "Canvas", "items": [{"items": [{"motivation": "painting", "body": image}]}]}
    held = {"id": site.url + "/held", "type": "Manifest", "items": [canvas]}
    url = site.serve("/all", json.dumps({"type": "Collection", "items": [held]}).encode())
    assert harvest(IiifSource(url, connect)).ids == [site.url + "/held"]
    assert site.asked["/held"] == 0


def test_it_goes_on_behind_a_cursor(library, take, monkeypatch):
    monkeypatch.setattr(iiif, "PAGE", 2)
    manifests = [library.manifest(name) for name in "abcde"]
    url = library.collection("all", *manifests)
    first = take(url)
    assert [page.cursor for page in first.pages] == [manifests[1], manifests[3], None]
    library.site.asked.clear()
    assert take(url, cursor=manifests[1]).ids == manifests[2:]
    assert library.site.asked["/a/manifest"] == 0


def test_a_cursor_whose_manifest_has_gone_offers_everything_again(library, take):
    manifests = [library.manifest(name) for name in "ab"]
    url = library.collection("all", *manifests)
    assert take(url, cursor=library.url("/gone/manifest")).ids == manifests


def test_the_version_tells_whether_the_image_is_the_same(library, take):
    def version(**image: object) -> str:
        (found,) = take(library.manifest("7", library.image("7", **image))).found
        return found.version

    assert version(width=400, height=300) == version(width=400, height=300)
    assert version(width=400, height=300) != version(width=800, height=600)
    assert (
        take(library.manifest("7"), side=100).found[0].version != take(library.manifest("7")).found[0].version
    )


def test_broken_manifests_are_errors_by_themselves(library, take, send_body):
    site = library.site
    good = library.manifest("good")
    bad = {
        "missing": site.url + "/missing",
        "html": site.serve("/html", b"<html>no</html>", Content_Type="text/html"),
        "list": site.serve("/list", b"[]"),
        "cut": site.serve("/cut", b'{"type": "Manifest", "items": ['),
        "deep": site.serve("/deep", b"[" * 100_000),
        "imageless": library.serve("/imageless", {"type": "Manifest", "items": [{"type": "Canvas"}]}),
        "video": library.manifest("video", {"id": site.url + "/a.mp4", "type": "Video"}),
    }
    unread = library.url("/unread")
    url = library.collection("all", *bad.values(), good, collections=(unread,))
    result = take(url)
    assert result.ids == [*bad.values(), good, unread]
    assert result.codes == {
        bad["missing"]: "fetch_status",
        bad["html"]: "iiif_unreadable",
        bad["list"]: "iiif_unreadable",
        bad["cut"]: "iiif_unreadable",
        bad["deep"]: "iiif_unreadable",
        bad["imageless"]: "iiif_no_image",
        bad["video"]: "iiif_no_image",
        unread: "fetch_status",
    }


def test_a_server_that_stumbles_is_asked_again(library, take, send_body):
    good = library.manifest("good")
    page = library.site.pages["/good/manifest"]

    def stumble(handler) -> None:
        if library.site.asked["/good/manifest"] == 1:
            send_body(handler, b"oops", status=500)
        else:
            page(handler)

    library.site.pages["/good/manifest"] = stumble
    assert take(library.collection("all", good)).codes == {}
    assert library.site.asked["/good/manifest"] == 2


def test_manifests_that_always_fail_are_set_aside_while_the_server_answers(library, take, monkeypatch):
    monkeypatch.setattr(iiif, "MOST_FAILURES", 2)
    broken = [library.site.serve(f"/broken{number}", b"oops", status=500) for number in range(3)]
    good = library.manifest("good")
    result = take(library.collection("all", *broken, good))
    assert result.codes == dict.fromkeys(broken, "fetch_busy")
    assert result.ids[-1] == good


def test_a_server_that_goes_away_stops_the_run_and_loses_nothing(
    library, take, connect, monkeypatch, send_body
):
    monkeypatch.setattr(iiif, "PAGE", 2)
    monkeypatch.setattr(iiif, "MOST_FAILURES", 2)
    manifests = [library.manifest(name) for name in "abcdef"]
    url = library.collection("all", *manifests)
    gone = threading.Event()
    for path, page in list(library.site.pages.items()):

        def perhaps(handler, page=page) -> None:
            send_body(handler, b"down", status=503) if gone.is_set() else page(handler)

        library.site.pages[path] = perhaps
    pages = IiifSource(url, partial(connect, tries=1)).pages(None)
    first = next(pages)
    gone.set()
    with pytest.raises(ServiceError) as caught:
        list(pages)
    assert caught.value.code == "fetch_busy"
    gone.clear()
    assert [one.source_id for one in first.found] + take(url, cursor=first.cursor).ids == manifests


def test_a_slow_server_is_waited_for(library, take):
    good = library.manifest("good")
    page = library.site.pages["/good/manifest"]

    def slow(handler) -> None:
        library.site.stopping.wait(0.3)
        page(handler)

    library.site.pages["/good/manifest"] = slow
    assert take(good).codes == {}


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"{}", "iiif_unreadable"),
        (b"<html>", "iiif_unreadable"),
        (b'{"type": "Collection", "items": []}', "iiif_empty"),
    ],
)
def test_an_address_that_leads_to_nothing_is_told(site, take, body, code):
    with pytest.raises(InputError) as caught:
        take(site.serve("/x", body))
    assert caught.value.code == code


def test_an_address_that_cannot_be_used_is_told(site, take):
    for url, code in [
        ("example.org/manifest", "address_invalid"),
        ("http://10.0.0.1/manifest", "address_refused"),
        (site.url + "/missing", "fetch_status"),
    ]:
        with pytest.raises(InputError) as caught:
            take(url)
        assert caught.value.code == code


def test_addresses_in_a_manifest_are_not_asked_before_they_are_fetched_and_guarded(site, take):
    service = {"id": "http://169.254.169.254/latest", "type": "ImageService3", "profile": "level0"}
    image = {"id": "http://169.254.169.254/latest/a.jpg", "type": "Image", "service": service}
    canvas = {"type": "Canvas", "items": [{"items": [{"motivation": "painting", "body": image}]}]}
    url = site.serve("/m", json.dumps({"type": "Manifest", "items": [canvas]}).encode())
    (found,) = take(url).found
    assert found.locator == "http://169.254.169.254/latest/a.jpg"  # refused when it is fetched


def test_a_run_can_be_opened_again_from_its_options(tmp_path):
    options = {"url": "https://e.org/m", "side": 512, "canvases": "first", "languages": ["de", "en"]}
    source = from_options(json.loads(json.dumps(options)), Settings(home=tmp_path))
    assert (source.uri, source.kind, source.side, source.canvases) == (
        "https://e.org/m",
        "iiif",
        512,
        "first",
    )
    assert source.languages == ("de", "en")
