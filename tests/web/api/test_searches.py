import csv
import io
import json
from urllib.parse import parse_qsl, quote, urlsplit

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stylesearch.search.query import StyleQuery
from stylesearch.wire.searches import SearchRequest
from web.api.searches import query_of


@pytest.fixture
def work(catalogue) -> int:
    return catalogue.first_work()


@pytest.fixture
def artist(api, work) -> str:
    return api.told(f"works/{work}")["credits"][0]["name"]


def ids(page) -> list[int]:
    return [hit["work_id"] for hit in page["results"]]


def test_works_near_a_work(api, work):
    page = api.told(f"search?like=work:{work}&k=5")
    assert [hit["rank"] for hit in page["results"]] == [1, 2, 3, 4, 5]
    scores = [hit["score"] for hit in page["results"]]
    assert scores == sorted(scores, reverse=True)
    assert work not in ids(page)
    assert (page["complete"], page["reason"], page["query"], page["where"]) == (True, None, "All works", "")
    assert page["encoder"]["slug"] == "lite"
    assert page["matching"] == 29
    assert page["facets"] is None


def test_pages_of_a_search_are_its_ranking_cut_up(api, work):
    whole = ids(api.told(f"search?like=work:{work}&k=1000"))
    found, following = [], f"search?like=work:{work}&k=7"
    while following:
        page = api.told(following)
        found += ids(page)
        following = page["next"]
    assert found == whole
    assert len(found) == 29


def test_the_address_of_the_next_page_says_all_that_was_asked(api, work, artist):
    asked = [
        ("like", f"work:{work}^2"), ("like", f"artist:{artist}"), ("unlike", f"work:{work + 1}"), ("q", "has:image"),
        ("k", "2"), ("group", "image"), ("per_artist", "3"), ("mode", "exact"), ("fusion", "rank"), ("force", "0.25"),
        ("facets", "true"), ("encoder", "lite"),
    ]  # fmt: skip
    page = api.told("search?" + "&".join(f"{name}={quote(value)}" for name, value in asked))
    following = dict(parse_qsl(urlsplit(page["next"]).query))
    assert following.pop("after") == page["after"]
    assert sorted(parse_qsl(urlsplit(page["next"]).query)) == sorted([*asked, ("after", page["after"])])
    assert set(page["facets"]) >= {"artist", "reuse"}
    assert not set(ids(page)) & set(ids(api.told(page["next"])))


def test_a_posted_search_is_the_same_search(api, work, artist):
    asked = {
        "examples": [{"work": work}, {"artist": artist, "weight": 0.5}, {"work": work + 1, "against": True}],
        "where": "reuse:open OR has:image",
        "k": 4,
    }
    posted = api.post("search", json=asked)
    assert posted.status_code == 200
    address = f"search?like=work:{work}&like=artist:{quote(artist)}^0.5&unlike=work:{work + 1}&q=reuse:open+OR+has:image&k=4"
    by_address = api.told(address)
    assert posted.json["results"] == by_address["results"]
    second = api.post(posted.json["next"], json=asked).json
    assert second["results"] == api.told(by_address["next"])["results"]
    assert (
        api.post("search", json=asked | {"after": posted.json["after"]}).json["results"] == second["results"]
    )
    as_json = api.post("search", json=asked | {"where": {"any": [{"reuse": "open"}, {"has": "image"}]}}).json
    assert as_json["results"] == posted.json["results"]


def test_a_descriptor_is_searched_with(api):
    page = api.post("search", json={"examples": [{"descriptor": [1.0] * 256}], "k": 3})
    dim = page.json
    if page.status_code == 400:  # the width is the encoder's
        assert dim["code"] == "descriptor_dim"
    else:
        assert len(dim["results"]) == 3


def test_a_search_as_csv_goes_through_all_pages(api, work):
    whole = api.told(f"search?like=work:{work}&k=1000")
    answer = api.get(f"search?like=work:{work}&k=3&format=csv")
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert [int(row["work_id"]) for row in rows] == ids(whole)
    assert [int(row["rank"]) for row in rows] == list(range(1, 30))
    assert [float(row["score"]) for row in rows] == [hit["score"] for hit in whole["results"]]
    few = api.get(f"search?like=work:{work}&format=jsonl&most=4").text.splitlines()
    assert [json.loads(line) for line in few] == whole["results"][:4]
    posted = api.post("search?format=jsonl&most=4", json={"examples": [{"work": work}]})
    assert posted.text.splitlines() == few


@pytest.mark.parametrize(
    ("parameters", "status", "code"),
    [
        ("", 400, "no_example"),
        ("unlike=work:1", 400, "no_example"),
        ("like=1", 400, "bad_example"),
        ("like=work:one", 400, "bad_example"),
        ("like=work:999999", 404, "unknown_work"),
        ("like=image:999999", 404, "unknown_image"),
        (f"like=file:{'0' * 64}", 404, "query_expired"),
        ("like=file:abc", 400, "bad_digest"),
        ("like=artist:nobody", 404, "unknown_artist"),
        ("like=words:a+storm", 400, "no_words"),
        ("like=work:WORK^0", 400, "bad_weight"),
        ("like=image:1@0,0,0,0", 400, "bad_region"),
        ("like=work:WORK&k=0", 400, "bad_parameter"),
        ("like=work:WORK&k=1001", 400, "bad_parameter"),
        ("like=work:WORK&after=1_2_3", 400, "bad_cursor"),
        ("like=work:WORK&after=1_2_0123456789ab", 400, "bad_cursor"),
        ("like=work:WORK&mode=quick", 400, "bad_parameter"),
        ("like=work:WORK&encoder=other", 400, "unknown_encoder"),
        ("like=work:WORK&force=nan", 400, "bad_parameter"),
        ("like=work:WORK&q=reuse:free", 400, "unknown_reuse"),
        ("like=work:WORK&q=collection:other", 404, "unknown_collection"),
        ("like=work:WORK&page=2", 400, "unknown_parameter"),
        ("&".join(["like=work:WORK"] * 21), 400, "bad_parameter"),
        ("like=work:WORK%00", 400, "bad_parameter"),
    ],
)
def test_what_cannot_be_searched(api, work, parameters, status, code):
    problem = api.refused(f"search?{parameters.replace('WORK', str(work))}", status, code)
    assert problem["detail"]


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", "bad_body"),
        (b"{", "bad_body"),
        (b"[]", "bad_body"),
        (b"null", "bad_body"),
        (b'{"examples": []}', "bad_body"),
        (b'{"examples": [{}]}', "bad_example"),
        (b'{"examples": [{"work": 1, "artist": "x"}]}', "bad_example"),
        (b'{"examples": [{"work": 1, "region": "1,2,3,4"}]}', "bad_example"),
        (b'{"examples": [{"work": "1"}], "limit": 2}', "bad_body"),
        (b'{"examples": [{"work": 1e400}]}', "bad_body"),
        (b'{"examples": [{"descriptor": [NaN]}]}', "bad_body"),
        (b'{"examples": [{"descriptor": [0, 0]}]}', "descriptor_invalid"),
        (b'{"examples": [{"words": "\\u0000"}]}', "bad_body"),
        (b'{"examples": [{"words": "\\ud800"}]}', "bad_body"),
        (b'{"examples": [{"work": 1}], "where": {"x": 1}}', "bad_filter"),
        (b'{"examples": [{"work": 1}], "where": "medium:a\\u0000b"}', "bad_body"),
        (
            b'{"examples": [{"work": 1}], "where": ' + b'{"not": ' * 60 + b"{}" + b"}" * 60 + b"}",
            "filter_too_large",
        ),
        (b'{"examples": [{"work": 1}], "where": ' + b"[" * 100_000 + b"]" * 100_000 + b"}", "bad_body"),
        (b'{"examples": [{"work": 1}], "after": "x"}', "bad_cursor"),
        (b"\xff\xfe", "bad_body"),
    ],
)
def test_bodies_that_cannot_be_read(api, body, code):
    api.refused("search", 400, code, method="POST", data=body, content_type="application/json")


def test_a_body_of_another_kind_or_size(api):
    problem = api.refused("search", 415, "media_type", method="POST", data=b"examples=1")
    assert "application/json" in problem["hint"]
    large = b'{"examples": [' + b" " * (4 * 1024**2) + b"]}"
    api.refused("search", 413, "body_too_large", method="POST", data=large, content_type="application/json")


def test_an_address_can_be_used_in_its_own_ways_only(client):
    answer = client.delete("/api/v1/search")
    assert (answer.status_code, answer.mimetype) == (405, "application/problem+json")
    assert "POST" in answer.headers["Allow"]
    assert answer.json["code"] == "method_not_allowed"


def test_head_has_no_body(client, work):
    answer = client.head(f"/api/v1/works/{work}")
    assert (answer.status_code, answer.data) == (200, b"")
    assert answer.headers["ETag"]


EXAMPLE = st.fixed_dictionaries(
    {},
    optional={
        "weight": st.floats(0.01, 100),
        "against": st.booleans(),
    },
).flatmap(
    lambda more: st.one_of(
        st.fixed_dictionaries({"work": st.integers(1, 2**63 - 1)}),
        st.fixed_dictionaries({"file": st.text("0123456789abcdef", min_size=64, max_size=64)}),
        st.fixed_dictionaries({"descriptor": st.lists(st.floats(0.1, 1), min_size=1, max_size=8)}),
    ).map(lambda one: {**one, **more})
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.fixed_dictionaries(
        {"examples": st.lists(EXAMPLE, min_size=1, max_size=4)},
        optional={
            "k": st.integers(1, 1000),
            "group": st.sampled_from(["work", "image"]),
            "mode": st.sampled_from(["auto", "exact", "hnsw", "binary"]),
            "per_artist": st.integers(1, 1000),
            "where": st.sampled_from([{}, {"medium": "ink"}, {"not": {"reuse": "open"}}]),
            "exclude_images": st.lists(st.integers(1, 2**63 - 1), max_size=5),
            "readout": st.fixed_dictionaries({}, optional={"force": st.floats(0, 10)}),
        },
    )
)
def test_every_query_of_the_library_can_be_sent(described, values):
    query = StyleQuery.from_json(values)
    told = query.to_json()
    sent = SearchRequest.model_validate(told)
    described.validate(
        {"$ref": "#/components/schemas/SearchRequest"}, json.loads(sent.model_dump_json(exclude_unset=True))
    )
    back = sent.model_dump(exclude_none=True, exclude={"facets"}) | {"where": told.get("where", {})}
    assert StyleQuery.from_json(back) == query


def test_parameters_stand_for_the_same_query_as_the_objects(work):
    from stylesearch.wire.searches import SearchParameters

    read = query_of(SearchParameters(like=[f"work:{work}"], q=["medium:ink", "reuse:open"], k=3))
    assert read == StyleQuery.from_json(
        {"examples": [{"work": work}], "where": {"all": [{"medium": "ink"}, {"reuse": "open"}]}, "k": 3}
    )
