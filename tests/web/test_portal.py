import io
import re
from contextlib import contextmanager
from html import unescape
from urllib.parse import parse_qs, urlsplit

import pytest

from stylesearch.catalog.access import Access
from stylesearch.catalog.collections import set_visibility
from stylesearch.search.examples import WorkExample
from stylesearch.search.query import StyleQuery
from stylesearch.search.service import StyleSearch
from web.app import create_app


def hits(page: str) -> list[int]:
    """Work ids of the results, in order."""
    return [
        int(one) for one in re.findall(r'id="result-\d+">\s*<a class="card-link" href="/works/(\d+)"', page)
    ]


def test_home_says_how_large_the_archive_is_and_offers_works(client):
    page = client.get("/")
    assert page.status_code == 200
    figures = dict(re.findall(r"<dt>(\w+)</dt><dd>([\d,]+)</dd>", page.text))
    assert figures == {"works": "30", "artists": "6", "collection": "1"}
    assert len(re.findall(r'class="card-link"', page.text)) == 6  # one an artist
    assert client.get("/").text.count("/works/") == page.text.count("/works/")


def test_home_of_an_empty_archive_says_how_to_take_in_a_collection(settings, database):
    page = create_app(settings).test_client().get("/")
    assert page.status_code == 200
    assert "stylesearch ingest folder" in page.text
    assert 'type="file"' not in page.text


def test_a_search_in_an_empty_archive_says_so(settings, database):
    page = create_app(settings).test_client().get("/search?work=1")
    assert page.status_code == 404


def test_an_upload_leads_to_results_that_can_be_shared(upload, picture, app):
    answer = upload(picture())
    assert answer.status_code == 303
    address = answer.headers["Location"]
    assert re.fullmatch(r"/search\?image=[0-9a-f]{64}", address)
    page = app.test_client().get(address)  # somebody else
    assert page.status_code == 200
    assert len(hits(page.text)) == 24
    assert hits(app.test_client().get(address).text) == hits(page.text)


def test_results_are_described_again_by_another_process(archive, query_url):
    page = create_app(archive.settings).test_client().get(query_url)
    assert page.status_code == 200
    assert len(hits(page.text)) == 24


def test_scores_fall_and_are_explained(client, query_url):
    page = client.get(query_url).text
    scores = [float(one.replace("−", "-")) for one in re.findall(r"Score </span>(−?[\d.]+)</span>", page)]
    assert len(scores) == 24
    assert scores == sorted(scores, reverse=True)
    assert "not a percentage" in page


def test_show_more_raises_k_until_all_are_shown(client, query_url):
    page = client.get(query_url).text
    more = re.search(r'href="([^"]+)">Show 24 more', page)
    assert more
    address = unescape(more[1])
    assert parse_qs(urlsplit(address).query)["k"] == ["48"]
    longer = client.get(address.split("#")[0]).text
    assert len(hits(longer)) == 30
    assert hits(longer)[:24] == hits(page)
    assert not re.search(r"Show \d+ more</a>", longer)


def test_a_work_leads_to_its_style(client, catalogue):
    work = catalogue.first_work()
    page = client.get(f"/search?work={work}")
    assert page.status_code == 200
    assert work not in hits(page.text)
    assert f"/works/{work}" in page.text


def test_filters_hold_and_can_be_taken_back(client, query_url, archive):
    page = client.get(f"{query_url}&k=30").text
    artist = unescape(re.findall(r'name="artist" value="([^"]+)"', page)[0])
    ticked = client.get("/search", query_string={"image": query_url.split("=")[1], "artist": artist})
    assert ticked.status_code == 302
    only = client.get(ticked.headers["Location"])
    assert only.status_code == 200
    assert len(hits(only.text)) == 5
    assert f"Works by {artist}" in unescape(only.text)
    chip = re.search(r'class="chip" href="([^"]+)"', only.text)
    assert chip
    assert unescape(chip[1]) == query_url
    left_out = {"image": query_url.split("=")[1], "artist_not": artist}
    without = client.get("/search", query_string=left_out, follow_redirects=True)
    assert len(hits(without.text)) == 24
    assert not set(hits(without.text)) & set(hits(only.text))


def test_filters_are_carried_to_the_next_search_and_the_report(client, query_url):
    page = client.get(f"{query_url}&q=reuse:open+year:1000..+-snow").text
    written = "reuse%3Aopen\\+year%3A1000..\\+-text%3Asnow"
    assert re.search(rf'href="/search\?work=\d+&amp;q={written}"', page)
    report_form = page.split('action="/reports"')[1].split("</form>")[0]
    assert '<input type="hidden" name="q" value="reuse:open year:1000.. -text:snow">' in report_form
    panel = page.split('id="filters"')[1].split("</aside>", maxsplit=1)[0]
    assert 'name="reuse" value="open" checked' in panel
    assert 'name="year_from" inputmode="numeric" min="-10000" max="3000" step="1" value="1000"' in panel
    assert 'name="q" value="-text:snow"' in panel


def test_values_of_one_filter_stay_to_be_chosen(client, query_url):
    def boxes(page: str) -> list[tuple[str, str]]:
        panel = page.split('id="filters"')[1].split("</aside>", maxsplit=1)[0]
        return re.findall(r'type="checkbox" name="artist" value="([^"]+)"( checked)?', panel)

    artists = sorted(name for name, _ in boxes(client.get(query_url).text))
    assert len(artists) == 6
    address = {"image": query_url.split("=")[1], "artist": unescape(artists[2])}
    only = boxes(client.get("/search", query_string=address, follow_redirects=True).text)
    assert sorted(name for name, _ in only) == artists
    assert [name for name, checked in only if checked] == [artists[2]]


def test_no_match_is_a_page_that_offers_the_way_back(client, query_url):
    page = client.get(f"{query_url}&q=year:2900..")
    assert page.status_code == 200
    assert hits(page.text) == []
    assert "No work matches these filters" in page.text
    assert f'href="{query_url}"' in page.text


def test_an_unknown_artist_is_said_above_the_filters(client, query_url):
    page = client.get(f"{query_url}&q=artist:%22Nobody+Known%22")
    assert page.status_code == 404
    assert "There is no artist" in page.text
    assert f'class="chip" href="{query_url}"' in page.text


def test_empty_parameters_are_ignored(client, query_url):
    plain = client.get(query_url).text
    empty = f"{query_url}&artist=&artist_not=&year_from=&year_to=&k=&keyword=+&q="
    answer = client.get(empty)
    assert answer.headers["Location"] == query_url
    assert hits(client.get(empty, follow_redirects=True).text) == hits(plain)


@pytest.mark.parametrize(
    ("more", "named"),
    [
        ("&artits=X", "artits"),
        ("&k=0", "k"),
        ("&k=1001", "k"),
        ("&k=many", "k"),
        ("&k=24&k=48", "k"),
        ("&year_from=soon", "year_from"),
        ("&year_from=1900&year_to=1800", "1900"),
        ("&year_from=99999", "99999"),
        ("&reuse=free", "free"),
        ("&artist=a%00b", "artist"),
        ("&q=a%00b", "q"),
        ("&q=artits:x", "artits"),
        ("&q=(a", "not closed"),
        ("&after=here", "no such page"),
    ],
)
def test_what_an_address_cannot_mean_is_400_and_named(client, query_url, more, named):
    page = client.get(query_url + more)
    assert page.status_code == 400
    assert named in page.text


@pytest.mark.parametrize(
    "query",
    [
        "?image=../../etc/passwd",
        "?image=ABC",
        "?work=x",
        "?work=99999999999999999999",
        "?like=picture",
        "?like=file:ABC",
        "?like=descriptor:1",
        "?unlike=work:1",
        "?work=1&like=image:1@0,0,99999,9",
        "?" + "&".join(f"work={number}" for number in range(1, 23)),
        "?sort=best",
        "?per_artist=0&work=1",
        "?page=0",
        "?page=x",
    ],
)
def test_a_search_without_a_usable_example_is_400(client, query):
    assert client.get(f"/search{query}").status_code == 400


def test_an_image_that_is_not_kept_any_more_is_404_with_the_form(client):
    page = client.get(f"/search?image={'0' * 64}")
    assert page.status_code == 404
    assert "not kept any more" in page.text
    assert 'type="file"' in page.text


def test_a_copy_is_told_apart_from_the_results(client, upload, catalogue):
    work = catalogue.first_work()
    page = client.get(upload(catalogue.original(work), "copy.svg").headers["Location"]).text
    banner = page.split('id="copies"')[1].split("</section>")[0]
    assert f"/works/{work}" in banner
    assert work not in hits(page)


def test_a_work_page_shows_rights_credit_and_neighbours(client, catalogue, archive):
    work = catalogue.first_work()
    catalogue.change(work, credit_line="Lent by the museum", movement="Drawn school")
    page = client.get(f"/works/{work}")
    assert page.status_code == 200
    text = unescape(page.text)
    for words in (
        "Lent by the museum",
        "Drawn school",
        "The work",
        "This image of it",
        "Drawn by stylesearch",
    ):
        assert words in text
    assert len(hits(page.text)) == 12
    assert page.text.split('id="others"')[1].split("</section>")[0].count("card-link") == 4
    assert f'href="/search?work={work}"' in page.text
    assert re.search(r'rel="license[^"]*"', page.text)


@pytest.mark.parametrize("work", ["0", "999999999", "9223372036854775807", "9223372036854775808", "-1", "x"])
def test_a_work_that_is_not_there_is_404(client, work):
    assert client.get(f"/works/{work}").status_code == 404


def test_a_withdrawn_work_is_nowhere(client, catalogue, query_url):
    work = catalogue.first_work()
    digest = catalogue.digest(work)
    assert work in hits(client.get(f"{query_url}&k=30").text)
    catalogue.withdraw(work)
    assert client.get(f"/works/{work}").status_code == 404
    assert client.get(f"/search?work={work}").status_code == 404
    for address in (f"thumbnails/{digest}.webp", f"previews/{digest}.webp", f"originals/{digest}"):
        assert client.get(f"/media/{address}").status_code == 404
    page = client.get(f"{query_url}&k=30").text
    assert work not in hits(page)
    assert len(hits(page)) == 29
    for other in (work + 1, work + 2):
        assert f'href="/works/{work}"' not in client.get(f"/works/{other}").text
    assert f'href="/works/{work}"' not in client.get("/").text
    assert "<dd>29</dd>" in client.get("/").text


def test_metadata_is_never_markup(settings, database, ingest_folder, drawn_folder, tmp_path):
    attack = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>"
    folder = tmp_path / "hostile"
    folder.mkdir()
    drawings = sorted(drawn_folder.rglob("*.svg"))[:2]
    for number, drawing in enumerate(drawings):
        (folder / f"{number}.svg").write_bytes(drawing.read_bytes())
    fields = [
        "path",
        "title",
        "description",
        "artist",
        "date",
        "medium",
        "keywords",
        "source_url",
        "credit_line",
    ]
    quoted = '"' + attack.replace('"', '""') + '"'
    lines = [",".join(fields)]
    for number in range(2):
        values = [quoted] * len(fields)
        values[0], values[7] = f"{number}.svg", '"javascript:alert(3)"'
        lines.append(",".join(values))
    (folder / "metadata.csv").write_text("\n".join(lines))
    _, counts = ingest_folder(settings, folder, "hostile", title=attack)
    assert counts.ingested == 2
    client = create_app(settings).test_client()
    works = re.findall(r'href="(/works/\d+)"', client.get("/").text)
    assert works
    work = works[0].rsplit("/", 1)[1]
    pages = [
        "/",
        works[0],
        f"/search?work={work}",
        "/search",
        "/artists",
        "/artists/1",
        "/collections",
        "/collections/hostile",
    ]
    pages += [f"/part?work={work}&of=work:{work}", f"/compare?a=work:{work}&b=work:{work}"]
    pages.append(client.get("/search", query_string={"work": work, "artist": attack}).headers["Location"])
    for address in pages:
        page = client.get(address)
        assert page.status_code == 200
        assert "<script>" not in page.text
        assert "<img src=x" not in page.text
        assert "javascript:" not in page.text
        assert "&lt;script&gt;" in page.text


def test_parameters_are_never_markup(client, query_url):
    attack = {"image": query_url.split("=")[1], "artist": "<script>alert(1)</script>"}
    page = client.get("/search", query_string=attack, follow_redirects=True)
    assert page.status_code == 404
    assert "<script>" not in page.text
    page = client.get("/search", query_string={"work": "1", "q": "year:<script>alert(1)</script>"})
    assert page.status_code == 400
    assert "<script>" not in page.text
    assert "&lt;script&gt;" in page.text
    page = client.get("/search?<script>=1")
    assert page.status_code == 400
    assert "<script>" not in page.text


def test_a_form_without_a_file_says_so(client, token):
    answer = client.post("/search", data={"csrf_token": token(client)})
    assert answer.status_code == 400
    assert "No image was chosen" in answer.text
    answer = client.post("/search", data={"csrf_token": token(client), "image": (io.BytesIO(b""), "")})
    assert answer.status_code == 400
    assert "No image was chosen" in answer.text


def test_pages_have_no_inline_script_or_style(client, query_url, catalogue):
    for address in ("/", query_url, f"/works/{catalogue.first_work()}", "/nowhere"):
        page = client.get(address).text
        assert not re.search(r"<script(?![^>]*\bsrc=)", page)
        assert not re.search(r"<style|\sstyle=|\son\w+=", page)
        assert not re.search(r'(?:src|href)="(?:https?:)?//(?![^"]*"[^>]*rel=)', page)


def test_a_filter_that_cannot_be_read_is_shown_with_its_place(client, query_url):
    page = client.get(f"{query_url}&q=cat+artits:x")
    assert '<pre class="place" tabindex="0">cat artits:x\n    ^</pre>' in page.text
    problem = client.get(f"{query_url}&q=cat+artits:x", headers={"Accept": "application/problem+json"}).json
    assert (problem["code"], problem["place"]) == ("unknown_filter", "cat artits:x\n    ^")


def test_a_page_goes_on_behind_another(client, query_url, archive):
    search = StyleSearch(archive.database, archive.settings)
    work = hits(client.get(query_url).text)[0]
    query = StyleQuery(examples=(WorkExample(work),), k=24)
    following = search.search(query).following
    page = client.get(f"/search?work={work}&after={following.after}").text
    first = hits(client.get(f"/search?work={work}").text)
    assert len(hits(page)) == 5
    assert not set(hits(page)) & set(first)
    assert "Works behind these" in page


def test_what_the_staff_alone_may_see_is_nowhere(
    client, catalogue, query_url, ingest_folder, archive, drawn_folder
):
    shown = hits(client.get(f"{query_url}&k=30").text)
    name = re.findall(r'name="artist" value="([^"]+)"', client.get(query_url).text)[0]
    with hidden(archive):
        check_nowhere(client, query_url, shown[0], name)
    assert hits(client.get(f"{query_url}&k=30").text) == shown


@contextmanager
def hidden(archive):
    """Have the archive's collection seen by its staff alone, for a while."""

    def seen_by(who: Access) -> None:
        with archive.database.session() as session:
            set_visibility(session, "drawn", who)

    seen_by(Access.STAFF)
    try:
        yield
    finally:
        seen_by(Access.EVERYBODY)


def check_nowhere(client, query_url, work, name):
    for address in (f"/works/{work}", f"/search?work={work}", f"{query_url}&q=collection:drawn"):
        assert client.get(address).status_code == 404
    page = client.get(query_url)
    assert hits(page.text) == []
    assert name not in page.text
    for address in ("/search", "/artists", "/collections", "/search?q=cat"):
        assert name not in client.get(address).text
        assert hits(client.get(address).text) == []
    for address in ("/collections/drawn", "/artists/1", f"/compare?a=work:{work}&b=work:{work}"):
        assert client.get(address).status_code == 404
    assert "drawn" not in client.get(f"{query_url}&q=collection:other").text.lower().split("<main")[1]
    assert "<dd>0</dd>" in client.get("/").text or "stylesearch ingest" in client.get("/").text


def test_a_filter_that_cannot_be_read_can_be_mended_where_it_is_told(client, query_url):
    page = client.get(f"{query_url}&q=cat+artits:x&sort=oldest").text.split("<main")[1]
    assert '<input id="mended" type="search" name="q" value="cat artits:x"' in page
    assert '<input type="hidden" name="sort" value="oldest">' in page
    assert f'value="{query_url.split("=")[1]}"' in page
