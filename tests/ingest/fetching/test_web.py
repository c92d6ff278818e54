import gzip
import socket
import threading
import time
import zlib
from email.utils import formatdate

import pytest

from stylesearch.errors import ImageError, ServiceError, StylesearchError
from stylesearch.ingest.fetching.reservations import Reservation


def answer(handler, body: bytes = b"", *, status: int = 200, **headers: str) -> None:
    handler.send_response(status)
    for name, value in {"Content-Length": str(len(body)), **headers}.items():
        handler.send_header(name, value)
    handler.end_headers()
    handler.wfile.write(body)


def code_of(call) -> str:
    with pytest.raises(StylesearchError) as caught:
        call()
    assert "\n" not in str(caught.value)
    return caught.value.code


def test_what_a_server_gives(site, make_client):
    url = site.serve("/a.png", b"bytes", Content_Type="Image/PNG; charset=binary", ETag='"v1"')
    answer = make_client(contact="mailto:keeper@example.org").get(url, accept="image/*")
    assert (answer.url, answer.data, answer.media_type) == (url, b"bytes", "image/png")
    assert answer.version == 'etag:"v1"'
    assert not answer.not_modified
    sent = site.headers[0]
    assert sent["user-agent"].startswith("stylesearch/")
    assert sent["user-agent"].endswith("(+mailto:keeper@example.org)")
    assert sent["accept"] == "image/*"
    assert sent["host"] == site.url.removeprefix("http://")


def test_text_is_read_in_its_charset(site, make_client):
    client = make_client()
    latin = site.serve("/latin", "é".encode("latin-1"), Content_Type='text/plain; charset="ISO-8859-1"')
    marked = site.serve("/bom", b"\xef\xbb\xbf{}", Content_Type="application/json")
    unknown = site.serve("/unknown", "é".encode(), Content_Type="text/plain; charset=klingon")
    assert [client.get(url).text for url in (latin, marked, unknown)] == ["é", "{}", "é"]


def test_a_second_request_is_conditional(site, make_client):
    def page(handler):
        unchanged = handler.headers["If-None-Match"] == '"v1"'
        answer(handler, b"" if unchanged else b"body", status=304 if unchanged else 200, ETag='"v1"')

    site.pages["/a"] = page
    client = make_client()
    first = client.get(site.url + "/a")
    again = client.get(site.url + "/a", version=first.version)
    assert (first.data, again.data, again.not_modified) == (b"body", b"", True)
    assert again.version == first.version


def test_without_an_etag_the_time_counts(site, make_client):
    when = formatdate(1_700_000_000, usegmt=True)
    url = site.serve("/a", b"x", Last_Modified=when)
    client = make_client()
    version = client.get(url).version
    assert version == f"modified:{when}"
    client.get(url, version=version)
    assert [sent["if-modified-since"] for sent in site.headers if "if-modified-since" in sent] == [when]


@pytest.mark.parametrize(
    "address",
    [
        "http://127.0.0.2/", "http://localhost:1/", "http://0.0.0.0/", "http://10.0.0.1/", "http://192.168.1.1/",
        "http://172.16.0.1/", "http://169.254.169.254/latest/meta-data/", "http://100.64.0.1/", "http://[::1]/",
        "http://[::ffff:127.0.0.2]/", "http://[fe80::1]/", "http://[fd00::1]/", "http://[64:ff9b::7f00:2]/",
        "http://[2002:7f00:2::1]/", "http://[fec0::1]/", "http://224.0.0.1/", "http://240.0.0.1/", "http://2130706434/",
        "http://0x7f000002/", "http://127.2/",
    ],
)  # fmt: skip
def test_addresses_that_are_not_public_are_not_asked(address, make_client):
    resolver = {"resolver": lambda host, port: ["127.0.0.2"]} if "localhost" in address else {}
    assert code_of(lambda: make_client(**resolver).get(address)) == "address_refused"


def test_a_real_name_of_this_machine_is_not_asked(make_client):
    client = make_client(private=())
    for name in {"localhost", socket.gethostname()}:
        assert code_of(lambda name=name: client.get(f"http://{name}/")) in ("address_refused", "fetch_failed")
    assert code_of(lambda: client.get("http://localhost/")) == "address_refused"


def test_one_private_address_among_public_ones_is_enough(make_client):
    client = make_client(resolver=lambda host, port: ["93.184.216.34", "10.0.0.5"])
    assert code_of(lambda: client.get("http://two-faced.example/")) == "address_refused"


def test_a_name_is_asked_for_once_so_that_it_cannot_change(site, make_client):
    asked = []

    def rebinding(host: str, port: int) -> list[str]:
        asked.append(host)
        return ["127.0.0.1"] if len(asked) == 1 else ["127.0.0.2"]

    port = site.url.rpartition(":")[2]
    site.serve("/a", b"x")
    client = make_client(resolver=rebinding)
    assert client.get(f"http://rebinding.example:{port}/a").data == b"x"
    assert asked == ["rebinding.example"]
    assert site.headers[0]["host"] == f"rebinding.example:{port}"


def test_what_is_allowed_is_asked(site, make_client):
    url = site.serve("/a", b"x")
    for private in (("127.0.0.0/8",), ("all",)):
        assert make_client(private=private).get(url).data == b"x"
    assert code_of(lambda: make_client(private=()).get(url)) == "address_refused"
    assert code_of(lambda: make_client(private=("10.0.0.0/8", "::/0")).get(url)) == "address_refused"
    assert code_of(lambda: make_client(private=("nonsense",))) == "setting"


@pytest.mark.parametrize(
    "address",
    ["ftp://example.org/", "file:///etc/passwd", "example.org/a", "http://", "http://user:secret@example.org/", "", "http://[::1", "http://example.org/" + "a" * 9000, "http://example.org:99999/", "http://0177.0.0.2/"],
)  # fmt: skip
def test_what_is_no_address_is_told(address, make_client):
    code = code_of(lambda: make_client().get(address))
    assert code == "address_invalid"


def test_redirects_are_followed_and_checked(site, make_client):
    end = site.serve("/end", b"there")
    site.serve("/two", status=302, Location="/end")
    begin = site.serve("/one", status=301, Location="two")
    answer = make_client().get(begin)
    assert (answer.url, answer.data) == (end, b"there")


@pytest.mark.parametrize(
    "target",
    ["http://127.0.0.2/", "http://169.254.169.254/", "http://[::1]/", "//10.0.0.1/", "file:///etc/passwd", "gopher://x/",
     "http://me:secret@example.org/"],
)  # fmt: skip
def test_redirects_to_where_nothing_may_be_asked_are_refused(target, site, make_client):
    url = site.serve("/a", status=302, Location=target)
    assert code_of(lambda: make_client().get(url)) == "redirect_refused"


def test_redirects_in_a_circle_end(site, make_client):
    url = site.serve("/a", status=302, Location="/a")
    assert code_of(lambda: make_client(redirects=3).get(url)) == "redirect_refused"
    assert site.asked["/a"] == 4


@pytest.mark.parametrize(("status", "code", "kind"), [
    (404, "fetch_status", ImageError), (403, "fetch_status", ImageError), (410, "fetch_status", ImageError),
    (501, "fetch_status", ImageError), (304, "fetch_status", ImageError), (500, "fetch_busy", ServiceError),
    (503, "fetch_busy", ServiceError), (429, "fetch_busy", ServiceError),
])  # fmt: skip
def test_statuses(status, code, kind, site, make_client):
    url = site.serve("/a", status=status)
    with pytest.raises(kind) as caught:
        make_client().get(url)
    assert caught.value.code == code


def test_a_server_that_recovers_is_waited_for(site, make_client, monkeypatch):

    monkeypatch.setattr("stylesearch.ingest.fetching.web.FIRST_WAIT", 0.01)

    def page(handler):
        answer(handler, b"x", status=500 if site.asked["/a"] < 3 else 200)

    site.pages["/a"] = page
    assert make_client(tries=3).get(site.url + "/a").data == b"x"
    assert site.asked["/a"] == 3


def test_a_server_says_how_long_to_wait(site, make_client):
    url = site.serve("/a", status=503, Retry_After="0")
    assert code_of(lambda: make_client(tries=3).get(url)) == "fetch_busy"
    assert site.asked["/a"] == 3
    for value in ("3600", formatdate(time.time() + 3600, usegmt=True)):
        later = site.serve("/later", status=429, Retry_After=value)
        with pytest.raises(ServiceError) as caught:
            make_client(tries=3).get(later)
        assert 3000 < caught.value.retry_after <= 3601
    assert site.asked["/later"] == 2  # once each: nobody waits an hour here
    assert (
        code_of(lambda: make_client().get(site.serve("/odd", status=429, Retry_After="soon"))) == "fetch_busy"
    )


def test_a_body_over_the_limit_is_not_read(site, make_client):
    url = site.serve("/a", b"x" * 1000)
    client = make_client()
    assert len(client.get(url, max_bytes=1000).data) == 1000
    assert code_of(lambda: client.get(url, max_bytes=999)) == "fetch_too_large"


def test_an_endless_body_ends_at_the_limit(site, make_client):
    def page(handler):
        handler.send_response(200)
        handler.send_header("Connection", "close")
        handler.end_headers()
        while not site.stopping.is_set():
            handler.wfile.write(b"x" * 65536)

    site.pages["/a"] = page
    assert code_of(lambda: make_client().get(site.url + "/a", max_bytes=300_000)) == "fetch_too_large"


def test_a_packed_body_is_unpacked_no_further_than_the_limit(site, make_client):
    client = make_client()
    plain = b"words " * 100
    for coding, data in (("gzip", gzip.compress(plain)), ("deflate", zlib.compress(plain))):
        assert client.get(site.serve("/a", data, Content_Encoding=coding)).data == plain
    bomb = gzip.compress(bytes(50_000_000))
    assert len(bomb) < 60_000
    assert (
        code_of(lambda: client.get(site.serve("/b", bomb, Content_Encoding="gzip"), max_bytes=100_000))
        == "fetch_too_large"
    )
    assert code_of(lambda: client.get(site.serve("/c", b"junk", Content_Encoding="gzip"))) == "fetch_type"
    assert (
        code_of(lambda: client.get(site.serve("/d", gzip.compress(plain)[:-9], Content_Encoding="gzip")))
        == "fetch_type"
    )
    assert code_of(lambda: client.get(site.serve("/e", b"junk", Content_Encoding="br"))) == "fetch_type"


def test_the_media_type_is_checked_where_one_is_asked_for(site, make_client):
    client = make_client()
    page = site.serve("/a", b"<html>", Content_Type="text/html")
    nothing = site.serve("/b", b"x")
    assert code_of(lambda: client.get(page, media_types=("image/", "application/xml"))) == "fetch_type"
    assert client.get(page).data == b"<html>"
    assert client.get(nothing, media_types=("image/",)).media_type is None


def test_a_body_that_is_cut_off_is_no_answer(site, make_client):
    def page(handler):
        handler.send_response(200)
        handler.send_header("Content-Length", "1000")
        handler.end_headers()
        handler.wfile.write(b"only this")
        handler.close_connection = True

    site.pages["/a"] = page
    assert code_of(lambda: make_client().get(site.url + "/a")) == "fetch_failed"


def test_nobody_there(make_client):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    assert code_of(lambda: make_client().get(f"http://127.0.0.1:{port}/")) == "fetch_failed"
    assert code_of(lambda: make_client().get("http://name.invalid/")) == "fetch_failed"


def test_a_server_that_says_nothing_is_given_up(site, make_client):
    site.pages["/a"] = lambda handler: site.stopping.wait()
    assert code_of(lambda: make_client(read_seconds=0.2).get(site.url + "/a")) == "fetch_timeout"


@pytest.mark.parametrize("part", ["headers", "body"])
def test_a_server_that_drips_is_given_up_at_the_deadline(part, site, make_client):
    def page(handler):
        handler.wfile.write(b"HTTP/1.1 200 OK\r\n")
        handler.wfile.write(b"Content-Length: 100000\r\n\r\n" if part == "body" else b"X-Slow: ")
        while not site.stopping.wait(0.05):
            handler.wfile.write(b"x")

    site.pages["/a"] = page
    client = make_client(read_seconds=10.0, deadline_seconds=0.6)
    assert code_of(lambda: client.get(site.url + "/a")) == "fetch_timeout"


def test_what_is_no_http_is_told(make_client):
    with socket.create_server(("127.0.0.1", 0)) as server:

        def babble() -> None:
            connection, _ = server.accept()
            with connection:
                connection.recv(1000)
                connection.sendall(b"220 mail.example ESMTP\r\n")

        thread = threading.Thread(target=babble)
        thread.start()
        assert (
            code_of(lambda: make_client().get(f"http://127.0.0.1:{server.getsockname()[1]}/"))
            == "fetch_failed"
        )
        thread.join()


def test_no_more_than_a_few_requests_at_a_time(site, make_client):

    guard, now, most = threading.Lock(), [0], [0]

    def page(handler):
        with guard:
            now[0] += 1
            most[0] = max(most[0], now[0])
        time.sleep(0.02)
        with guard:
            now[0] -= 1
        answer(handler, b"x")

    site.pages["/a"] = page
    client = make_client(per_host=2)
    threads = [threading.Thread(target=client.get, args=[site.url + "/a"]) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert site.asked["/a"] == 8
    assert most[0] == 2


def test_reservations_of_headers_and_of_the_site(site, make_client):
    site.serve(
        "/.well-known/tdmrep.json",
        b'[{"location": "/kept/*.png", "tdm-reservation": 1, "tdm-policy": "https://x/p"}]',
    )
    client = make_client()
    noted = client.get(site.serve("/kept/a.png", b"x", X_Robots_Tag="noindex, NoAI"))
    free = client.get(site.serve("/free/a.png", b"x"))
    assert noted.reservations == (Reservation("noai", "header"), Reservation("tdm", "tdmrep", "https://x/p"))
    assert free.reservations == ()
    assert site.asked["/.well-known/tdmrep.json"] == 1


@pytest.mark.parametrize(
    "body", [b"{", b"[" * 100_000, b"7", b'[{"location": 3}, 4, {"location": "/b"}]', b"x" * 300_000]
)
def test_a_tdmrep_file_that_is_nonsense_reserves_nothing(body, site, make_client):
    site.serve("/.well-known/tdmrep.json", body)
    assert make_client().get(site.serve("/a", b"x")).reservations == ()
