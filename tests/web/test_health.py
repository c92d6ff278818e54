from werkzeug.test import Client

from stylesearch.catalog.database import Database, sqlalchemy_url
from web.services import EXTENSION


def test_healthy_while_the_database_answers(client):
    answer = client.get("/healthz")
    assert answer.status_code == 200
    assert answer.json == {"status": "ok", "database": "ok"}
    assert answer.headers["Cache-Control"] == "no-store"


def test_unhealthy_when_it_does_not(app, servers):
    import dataclasses

    gone = Database(sqlalchemy_url(servers.url_of("a_database_that_is_not_there")))
    app.extensions[EXTENSION] = dataclasses.replace(app.extensions[EXTENSION], database=gone)
    answer = Client(app).get("/healthz")
    assert answer.status_code == 503
    assert answer.json == {"status": "unavailable", "database": "database_unreachable"}
    page = app.test_client().get("/")
    assert page.status_code == 503
    gone.close()
