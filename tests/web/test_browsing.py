"""Works without an example, several examples, and parts of them."""

import io
import re
from html import unescape
from urllib.parse import parse_qs, urlsplit

import pytest


def hits(page: str) -> list[int]:
    return [
        int(one) for one in re.findall(r'id="result-\d+">\s*<a class="card-link" href="/works/(\d+)"', page)
    ]


def test_works_are_listed_by_the_page(client):
    first = client.get("/search")
    assert first.status_code == 200
    second = client.get("/search?page=2")
    assert len(hits(first.text)) == 24
    assert len(hits(second.text)) == 6
    assert len({*hits(first.text), *hits(second.text)}) == 30
    assert "Page 1 of 2" in first.text
    assert 'rel="next" href="/search?page=2"' in first.text
    assert 'rel="prev" href="/search"' in second.text
    titles = re.findall(r'class="card-title" dir="auto">([^<]+)<', first.text)
    assert titles == sorted(titles, key=str.lower)


def test_a_page_behind_the_last_is_404_and_says_how_many_there_are(client):
    page = client.get("/search?page=3")
    assert page.status_code == 404
    assert "there are 2 pages" in page.text
    assert client.get("/artists?page=2").status_code == 404
    assert client.get("/artists/1?page=9").status_code == 404
    assert client.get("/collections/drawn?page=0").status_code == 400


def test_words_find_titles(client):
    page = client.get("/search?q=cat")
    assert len(hits(page.text)) == 6
    assert "Works that say “cat”" in unescape(page.text)
    assert "6 works." in page.text


def test_works_are_sorted_by_date_undated_ones_last(client, catalogue):
    work = catalogue.first_work()
    catalogue.change(work, year_from=1001, year_to=1001)
    catalogue.change(work + 1, year_from=2999, year_to=2999)
    assert hits(client.get("/search?sort=oldest").text)[0] == work
    assert hits(client.get("/search?sort=newest").text)[0] == work + 1


def test_the_nearest_works_may_be_put_in_order_of_their_dates(client, catalogue, query_url):
    nearest = hits(client.get(query_url).text)
    catalogue.change(nearest[9], year_from=1001, year_to=1001)
    page = client.get(f"{query_url}&sort=oldest").text
    assert sorted(hits(page)) == sorted(nearest)
    assert hits(page)[0] == nearest[9]
    assert "in order of their dates" in page


def test_examples_are_added_turned_and_taken_out(client, catalogue):
    work = catalogue.first_work()
    page = client.get(f"/search?work={work}").text
    other = hits(page)[3]
    also, unlike = (
        unescape(re.search(rf'<a class="tool" href="([^"]+)" title="{words} like [^"]*">', card)[1])
        for card in [page.split(f'href="/works/{other}"')[1].split("</li>")[0]]
        for words in ("Also", "Not")
    )
    assert parse_qs(urlsplit(also).query)["work"] == [str(work), str(other)]
    assert parse_qs(urlsplit(unlike).query)["unlike"] == [f"work:{other}"]
    both = client.get(unlike)
    assert both.status_code == 200
    assert work not in hits(both.text)
    assert hits(both.text) != hits(page)
    assert "example-against" in both.text
    tray = both.text.split('class="tray"')[1].split("</ul>")[0]
    assert f'href="/search?work={work}&amp;work={other}"' in tray  # turned
    assert f'href="/search?work={work}"' in tray  # without


def test_an_upload_joins_the_search_that_it_is_sent_from(client, token, picture, catalogue):
    work = catalogue.first_work()
    form = {
        "csrf_token": token(client, f"/search?work={work}"), "work": str(work), "q": "cat", "side": "unlike",
        "image": (io.BytesIO(picture()), "p.png"),
    }  # fmt: skip
    address = client.post("/search", data=form).headers["Location"]
    values = parse_qs(urlsplit(address).query)
    assert values["work"] == [str(work)]
    assert values["q"] == ["text:cat"]
    assert re.fullmatch("file:[0-9a-f]{64}", values["unlike"][0])
    assert client.get(address).status_code == 200


def test_an_artist_is_an_example(client):
    name = unescape(re.findall(r'name="artist" value="([^"]+)"', client.get("/search").text)[0])
    page = client.get("/search", query_string={"like": f"artist:{name}"})
    assert page.status_code == 200
    assert len(hits(page.text)) == 24


def test_at_most_so_many_by_one_artist(client, query_url):
    page = client.get(f"{query_url}&per_artist=1").text
    assert len(hits(page)) == 6
    assert '<option value="1" selected>' in page


def test_a_part_of_an_image_is_chosen_on_a_page_of_its_own(client, query_url):
    digest = query_url.split("=")[1]
    page = client.get("/part", query_string={"image": digest, "of": f"file:{digest}"})
    assert page.status_code == 200
    assert f"/media/queries/{digest}/1200.webp" in page.text
    box = {"left": "10", "top": "5", "width": "40", "height": "30"}
    chosen = client.get("/part", query_string={"image": digest, "of": f"file:{digest}", **box})
    address = chosen.headers["Location"]
    assert parse_qs(urlsplit(address).query) == {"like": [f"file:{digest}@10,5,40,30"]}
    results = client.get(address)
    assert results.status_code == 200
    assert "a part of it" in results.text
    part = re.search(r'src="(/media/queries/[^"]+region[^"]+)"', results.text)
    assert client.get(unescape(part[1])).mimetype == "image/webp"


def test_a_part_of_a_work_is_a_part_of_its_image(client, catalogue):
    work = catalogue.first_work()
    box = {"left": "0", "top": "0", "width": "20", "height": "20"}
    chosen = client.get("/part", query_string={"work": work, "of": f"work:{work}", **box})
    address = chosen.headers["Location"]
    (like,) = parse_qs(urlsplit(address).query)["like"]
    assert re.fullmatch(r"image:\d+@0,0,20,20", like)
    results = client.get(address)
    assert results.status_code == 200
    picture = re.search(r'src="(/iiif/3/[^"]+)"', results.text)
    assert client.get(unescape(picture[1])).mimetype == "image/webp"


@pytest.mark.parametrize(
    ("box", "of"),
    [
        (("0", "0", "0", "10"), "work"),
        (("0", "0", "x", "10"), "work"),
        (("0", "0", "99999", "10"), "work"),
        (("1", "", "", ""), "work"),
        (("", "", "", ""), "other"),
        (("", "", "", ""), "artist:X"),
    ],
)
def test_a_part_that_is_none_is_400(client, catalogue, box, of):
    work = catalogue.first_work()
    of = {"work": f"work:{work}", "other": f"work:{work + 1}"}.get(of, of)
    values = dict(zip(("left", "top", "width", "height"), box, strict=True))
    assert client.get("/part", query_string={"work": work, "of": of, **values}).status_code == 400


def test_names_of_artists_are_suggested(client):
    name = unescape(re.findall(r'name="artist" value="([^"]+)"', client.get("/search").text)[0])
    assert name in client.get("/suggest/artists", query_string={"q": name[1:4]}).json
    assert client.get("/suggest/artists?q=").json == []
    assert client.get("/suggest/artists?q=%00%25_").status_code == 200


def test_two_works_are_compared(client, catalogue):
    work = catalogue.first_work()
    page = client.get(f"/compare?a=work:{work}&b=work:{work + 1}")
    assert page.status_code == 200
    assert page.text.count("data-zoom ") == 2
    score = float(re.search(r"Score </span>(−?[\d.]+)</span>", page.text)[1].replace("−", "-"))
    results = client.get(f"/search?work={work}&k=30").text.split(f'href="/works/{work + 1}"')[1]
    assert score == pytest.approx(float(re.search(r"Score </span>(−?[\d.]+)</span>", results)[1]))


@pytest.mark.parametrize("query", ["", "?a=work:1", "?a=work:1&b=artist:X", "?a=work:1&b=%00"])
def test_what_cannot_be_compared_is_400(client, query):
    assert client.get(f"/compare{query}").status_code == 400


def test_a_results_page_is_light(client, query_url):
    """At most 150 KB without thumbnails."""
    page = client.get(f"{query_url}&q=-year:1000..1001")
    assets = re.findall(r'(?:href|src)="(/static/[^"]+)"', page.text)
    assert len(assets) == 4
    total = len(page.data)
    for one in assets:
        with client.get(unescape(one)) as file:
            total += len(file.data)
    assert total < 150_000
    # No picture moves what is below it; the preview of an upload is there only once somebody has chosen one.
    assert not re.search(r"<img(?![^>]*\bwidth=)(?! data-picture)", page.text)
