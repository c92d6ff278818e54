import re

import pytest

from stylesearch.ingest.metadata.iiif import read_manifest

HOSTILE = "<script>alert(1)</script>"


def addresses(thing) -> list[str]:
    """Return every id in a manifest."""
    if isinstance(thing, dict):
        own = [thing["id"]] if "id" in thing else []
        return own + [found for value in thing.values() for found in addresses(value)]
    return [found for value in thing for found in addresses(value)] if isinstance(thing, list) else []


def test_a_manifest_says_what_the_work_is(api, catalogue):
    work_id = catalogue.first_work()
    catalogue.change(
        work_id, date_text="about 1890", year_from=1888, year_to=1892, medium="ink", keywords=["sea"]
    )
    work = api.told(f"works/{work_id}")
    answer = api.get(f"works/{work_id}/manifest")
    assert (
        answer.content_type == 'application/ld+json;profile="http://iiif.io/api/presentation/3/context.json"'
    )
    manifest = answer.json
    assert manifest["id"] == work["links"]["manifest"]
    assert manifest["@context"] == "http://iiif.io/api/presentation/3/context.json"
    assert manifest["rights"] == work["image_rights"]["uri"]
    (canvas,) = manifest["items"]
    assert (canvas["width"], canvas["height"]) == (work["width"], work["height"])
    painting = canvas["items"][0]["items"][0]
    assert painting["target"] == canvas["id"]
    assert painting["body"]["id"] == work["links"]["image"]
    ids = addresses(manifest)
    assert all(re.match(r"http://localhost/", one) for one in ids)
    own = [one for one in ids if one.startswith(f"{manifest['id']}/")]
    assert len(own) == len(set(own)) == 3


def test_our_own_reader_finds_everything_again(api, catalogue):
    work_id = catalogue.first_work()
    catalogue.change(
        work_id, date_text="1890", year_from=1890, year_to=1890, medium="ink", movement="Nabis", keywords=["sea", "boat"],
        description="A boat at sea.", credit_line="From the drawer.",
    )  # fmt: skip
    work = api.told(f"works/{work_id}")
    read = read_manifest(api.told(f"works/{work_id}/manifest"))
    record = read.record
    assert record.title == work["title"]
    assert [credit.name for credit in record.credits] == [credit["name"] for credit in work["credits"]]
    assert (record.date_text, record.medium, record.movement) == ("1890", "ink", "Nabis")
    assert record.keywords == ("sea", "boat")
    assert record.description == "A boat at sea."
    assert record.credit_line == "From the drawer."
    assert record.image_rights == work["image_rights"]["uri"]
    assert read.canvases[0].image.url == work["links"]["image"]


def test_what_looks_like_markup_stays_text(api, catalogue):
    work_id = catalogue.first_work()
    catalogue.change(work_id, title=HOSTILE, description=f" {HOSTILE} ", credit_line=HOSTILE, medium=HOSTILE)
    manifest = api.told(f"works/{work_id}/manifest")
    safe = "<span>&lt;script&gt;alert(1)&lt;/script&gt;</span>"
    assert manifest["requiredStatement"]["value"]["none"] == [safe]
    assert manifest["summary"]["none"][0].startswith("<span> &lt;script")
    assert {"label": {"en": ["Medium"]}, "value": {"none": [safe]}} in manifest["metadata"]


def test_lists_are_collections_of_manifests(api, catalogue, monkeypatch):
    from web.api import iiif

    monkeypatch.setattr(iiif, "PER_PAGE", 12)
    for first in ("works/manifests", "works/manifests?q=has:image", "collections/drawn/manifests"):
        found, following = [], first
        while following is not None:
            page = api.told(following)
            assert page["type"] == "Collection"
            kinds = [item["type"] for item in page["items"]]
            found += [item["id"] for item in page["items"] if item["type"] == "Manifest"]
            assert "Collection" not in kinds[:-1]
            following = page["items"][-1]["id"] if kinds[-1] == "Collection" else None
        assert len(found) == len(set(found)) == 30
    assert api.told(found[0])["type"] == "Manifest"
    assert api.told("works/manifests?q=reuse:permission")["items"] == []


def test_a_search_is_a_collection_of_manifests(api, catalogue):
    work = catalogue.first_work()
    plain = api.told(f"search?like=work:{work}&k=4")
    page = api.told(f"search/manifests?like=work:{work}&k=4")
    ids = [item["id"] for item in page["items"][:-1]]
    assert ids == [hit["links"]["manifest"] for hit in plain["results"]]
    assert page["id"] == f"http://localhost/api/v1/search/manifests?like=work%3A{work}&k=4"
    following = api.told(page["items"][-1]["id"])
    assert following["id"] == page["items"][-1]["id"]
    assert not {item["id"] for item in following["items"]} & set(ids)


@pytest.mark.parametrize(
    "address", ["works/999999/manifest", "collections/none/manifests", "search/manifests?like=work:0"]
)
def test_what_there_is_no_manifest_of(api, address):
    answer = api.get(address)
    assert answer.status_code in (400, 404)
    assert answer.mimetype == "application/problem+json"


def test_addresses_are_those_that_the_settings_say(with_settings, catalogue):
    api = with_settings(web_url="https://styles.example.org/")
    answer = api.client.get(
        f"/api/v1/works/{catalogue.first_work()}/manifest", headers={"Host": "evil.example"}
    )
    assert all(one.startswith("https://styles.example.org/") for one in addresses(answer.json))
    assert b"evil" not in answer.data


def test_pages_of_other_sites_read_what_everybody_may_see_and_nothing_else(api, with_token, catalogue):
    work = catalogue.first_work()
    for address in (f"works/{work}/manifest", f"works/{work}", "works?format=csv", "oai?verb=Identify"):
        answer = api.get(address)
        assert answer.headers["Access-Control-Allow-Origin"] == "*"
        assert answer.headers["Cross-Origin-Resource-Policy"] == "cross-origin"
        assert "Access-Control-Allow-Credentials" not in answer.headers
        private = with_token("read").get(address)
        assert "Access-Control-Allow-Origin" not in private.headers
        assert private.headers["Cross-Origin-Resource-Policy"] == "same-origin"
    posted = api.post("search", json={"examples": [{"work": work}]})
    assert "Access-Control-Allow-Origin" not in posted.headers


def test_the_image_service_is_named_where_there_is_one(api, app, catalogue):
    work_id = catalogue.first_work()
    if "iiif.base" not in app.view_functions:
        app.add_url_rule("/iiif/3/<digest:digest>", "iiif.base", lambda digest: digest)
    digest = catalogue.digest(work_id)
    body = api.told(f"works/{work_id}/manifest")["items"][0]["items"][0]["items"][0]["body"]
    service = f"http://localhost/iiif/3/{digest}"
    assert body["service"] == [{"id": service, "type": "ImageService3", "profile": "level2"}]
    record = api.get(f"oai?verb=GetRecord&metadataPrefix=oai_dc&identifier=oai:localhost:work/{work_id}")
    assert f"{service}/full/max/0/default.jpg".encode() in record.data
