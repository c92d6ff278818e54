import io

import pytest
import redis
from pydantic import SecretStr

from stylesearch.settings import Settings
from web.app import create_app
from web.rates import Rates, TooManyError


@pytest.fixture
def limits(archive, broker):
    """Settings with limits that are reached soon."""
    return archive.settings.model_copy(
        update={
            "rate_search": "3/minute",
            "rate_describe": "2/hour",
            "rate_tiles": "2/minute",
            "rate_login": "3/hour",
        }
    )


def test_who_asks_too_often_waits(limits, catalogue):
    client = create_app(limits).test_client()
    address = f"/search?work={catalogue.first_work()}"
    assert [client.get(address).status_code for _ in range(4)] == [200, 200, 200, 429]
    answer = client.get(address)
    assert 0 < int(answer.headers["Retry-After"]) <= 120
    assert "too often" in answer.text
    document = client.get(address, headers={"Accept": "application/json"})
    assert (document.status_code, document.json["code"]) == (429, "too_many")
    assert client.get(f"/works/{catalogue.first_work()}").status_code == 200
    elsewhere = client.get(address, environ_base={"REMOTE_ADDR": "192.0.2.7"})
    assert elsewhere.status_code == 200


def test_parts_of_images_are_counted_by_themselves(limits, catalogue):
    client = create_app(limits).test_client()
    base = f"/iiif/3/{catalogue.digest(catalogue.first_work())}"
    tiles = [client.get(f"{base}/0,0,64,64/{width},/0/default.jpg").status_code for width in (8, 9, 10)]
    assert tiles == [200, 200, 429]
    assert client.get(f"{base}/info.json").status_code == 200


def test_users_are_counted_by_themselves_wherever_they_are(limits, catalogue, sign_in):
    app = create_app(limits)
    address = f"/search?work={catalogue.first_work()}"
    ann, bea = sign_in(app.test_client(), "viewer"), sign_in(app.test_client(), "curator")
    for number in range(3):
        assert ann.get(address, environ_base={"REMOTE_ADDR": f"192.0.2.{number}"}).status_code == 200
    assert ann.get(address, environ_base={"REMOTE_ADDR": "192.0.2.9"}).status_code == 429
    assert bea.get(address).status_code == 200


def test_one_network_of_a_house_is_one_visitor(limits, catalogue):
    client = create_app(limits).test_client()
    address = f"/search?work={catalogue.first_work()}"
    found = [
        client.get(address, environ_base={"REMOTE_ADDR": sender}).status_code
        for sender in ("2001:db8::1", "2001:db8::2", "2001:db8::3", "2001:db8::4", "2001:db8:0:1::1")
    ]
    assert found == [200, 200, 200, 429, 200]


def test_uploads_and_reports_count_together(limits, picture, token, catalogue):
    client = create_app(limits).test_client()
    sign = token(client)
    image = {"csrf_token": sign, "image": (io.BytesIO(picture()), "p.png")}
    assert client.post("/search", data=image).status_code == 303
    form = {"csrf_token": sign, "work": str(catalogue.first_work())}
    assert client.post("/reports", data=form).status_code == 303
    assert client.post("/reports", data=form).status_code == 429


def test_a_form_that_is_not_ours_does_not_count(limits):
    client = create_app(limits).test_client()
    assert [client.post("/reports").status_code for _ in range(4)] == [400] * 4


def test_passwords_are_tried_a_few_times_only(limits, token):
    client = create_app(limits).test_client()
    sign = token(client, "/login")

    def enter(sender: str, email: str = "nobody@example.org") -> int:
        form = {"csrf_token": sign, "email": email, "password": "x"}
        return client.post("/login", data=form, environ_base={"REMOTE_ADDR": sender}).status_code

    assert [enter("192.0.2.1") for _ in range(4)] == [401, 401, 401, 429]
    assert enter("192.0.2.2") == 429  # one user, from wherever
    assert enter("192.0.2.3", "other@example.org") == 401


def test_all_portals_count_together(limits):
    first, second = Rates(limits), Rates(limits)
    for one in (first, second, first):
        one.take("search", "x")
    with pytest.raises(TooManyError) as caught:
        second.take("search", "x")
    assert caught.value.retry_after > 0


def test_without_redis_each_portal_counts_for_itself(limits):
    away = limits.model_copy(update={"redis_url": SecretStr("redis://127.0.0.1:1/0")})
    rates = Rates(away)
    for _ in range(3):
        rates.take("search", "x")
    with pytest.raises(TooManyError):
        rates.take("search", "x")
    Rates(away).take("search", "x")


def test_a_redis_that_comes_back_is_asked_again(limits, monkeypatch):
    from web import rates as module

    rates = Rates(limits)
    rates.take("search", "x")
    lost = rates._shared.storage.storage.connection_pool

    def refuse(*_args, **_more):
        raise redis.ConnectionError("gone")

    with monkeypatch.context() as patch:
        patch.setattr(lost, "get_connection", refuse)
        rates.take("search", "x")
    assert rates._reach() is None
    assert rates._away_until > 0
    monkeypatch.setattr(module.time, "monotonic", lambda: rates._away_until + 1)
    assert rates._reach() is not None


def test_no_limit_is_no_limit(archive):
    rates = Rates(archive.settings)
    for _ in range(100):
        rates.take("search", "x")


@pytest.mark.parametrize(
    "wrong", ["many", "0/minute", "5/minutes", "5 per minute", "-1/hour", "5/minute;1/hour"]
)
def test_what_is_no_rate(wrong):
    with pytest.raises(ValueError, match="rate_search"):
        Settings(rate_search=wrong)
