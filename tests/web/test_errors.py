import io

import pytest

from stylesearch.errors import ServiceError, StylesearchError
from web.app import create_app
from web.errors import size_text

PROBLEM = "application/problem+json"


@pytest.mark.parametrize(
    ("make", "status", "words"),
    [
        (lambda png: b"This is a letter, not a picture.", 422, "not an image"),
        (lambda png: b"", 422, "empty"),
        (lambda png: png[: len(png) // 2], 422, "cut off or damaged"),
        (lambda png: b"%PDF-1.7 ...", 422, "PDF"),
    ],
)
def test_an_upload_that_is_no_usable_image_is_422_and_asks_for_another(upload, picture, make, status, words):
    answer = upload(make(picture(size=(300, 300))))
    assert answer.status_code == status
    assert words in answer.text
    assert 'type="file"' in answer.text
    assert "Traceback" not in answer.text


@pytest.mark.parametrize("excess", [1, 200_000])
def test_an_upload_over_the_limit_is_413_and_says_the_limit(archive, token, picture, excess):
    settings = archive.settings.model_copy(update={"max_upload_bytes": 50 * 1024})
    client = create_app(settings).test_client()
    data = picture() + bytes(50 * 1024 + excess - len(picture()))
    form = {"csrf_token": token(client), "image": (io.BytesIO(data), "large.png")}
    answer = client.post("/search", data=form)
    assert answer.status_code == 413
    assert "50 kB" in answer.text
    assert 'type="file"' in answer.text


def test_an_upload_of_just_the_limit_is_taken(archive, token, picture):
    data = picture()
    settings = archive.settings.model_copy(update={"max_upload_bytes": len(data)})
    client = create_app(settings).test_client()
    answer = client.post("/search", data={"csrf_token": token(client), "image": (io.BytesIO(data), "p.png")})
    assert answer.status_code == 303


def test_a_client_that_prefers_json_gets_a_problem_document(client, query_url):
    for accept in (PROBLEM, "application/json", "application/json, text/html;q=0.5"):
        answer = client.get(f"{query_url}&artits=X", headers={"Accept": accept})
        assert answer.status_code == 400
        assert answer.content_type == PROBLEM
        assert answer.json == {
            "type": "about:blank",
            "title": "Bad Request",
            "status": 400,
            "detail": "A search has no parameter 'artits'.",
            "hint": answer.json["hint"],
            "code": "unknown_parameter",
        }
        assert "artist" in answer.json["hint"]
        assert "Accept" in answer.vary


def test_a_browser_gets_a_page(client):
    for accept in ("text/html,application/xhtml+xml,*/*;q=0.8", "*/*", "image/png"):
        answer = client.get("/nowhere", headers={"Accept": accept})
        assert answer.status_code == 404
        assert answer.mimetype == "text/html"
        assert "There is no such page" in answer.text


def test_problems_of_routing_are_problem_documents_too(client):
    missing = client.get("/nowhere", headers={"Accept": "application/json"})
    assert (missing.status_code, missing.json["code"]) == (404, "not_found")
    wrong = client.delete("/search", headers={"Accept": "application/json"}).json
    assert wrong["status"] in (400, 405)
    refused = client.put("/healthz", headers={"Accept": "application/json"})
    assert refused.status_code in (400, 405)


def test_a_wrong_method_says_which_are_allowed(client):
    answer = client.options("/nowhere")
    assert answer.status_code == 404
    answer = client.open("/", method="TRACE")
    assert answer.status_code == 405
    assert "GET" in answer.headers["Allow"]


def test_services_that_fail_are_503_and_faults_of_ours_are_500(app):
    def down():
        raise ServiceError(
            "The database at db cannot be reached: refused.", hint="Start it.", code="database_unreachable"
        )

    def odd():
        raise StylesearchError("A descriptor is not finite.", code="descriptor_invalid")

    def broken():
        raise RuntimeError("secret detail")

    for name, view in (("down", down), ("odd", odd), ("broken", broken)):
        app.add_url_rule(f"/{name}", name, view)
    client = app.test_client()
    answer = client.get("/down")
    assert answer.status_code == 503
    assert answer.headers["Retry-After"]
    assert "Start it." in answer.text
    assert client.get("/odd").status_code == 500
    answer = client.get("/broken")
    assert answer.status_code == 500
    assert "secret detail" not in answer.text
    assert "Traceback" not in answer.text
    assert client.get("/broken", headers={"Accept": "application/json"}).json["code"] == "internal"
    assert answer.headers["Content-Security-Policy"]


def test_sizes_are_said_as_people_say_them():
    assert [size_text(number) for number in (12, 1024, 50 * 1024, 32 * 1024**2, 1536 * 1024)] == [
        "12 bytes", "1 kB", "50 kB", "32 MB", "1.5 MB",
    ]  # fmt: skip


def test_a_visitor_is_not_told_of_settings() -> None:
    from web.errors import visitors_hint

    assert visitors_hint("Raise STYLESEARCH_MAX_PIXELS.") == "Ask the people who run this archive."
    assert visitors_hint("Upload it again.") == "Upload it again."
