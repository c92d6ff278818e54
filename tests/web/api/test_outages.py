"""While the database or the broker is away: problem documents that say so, and nothing lost."""

import dataclasses

import pytest

from stylesearch.catalog.database import Database, sqlalchemy_url
from stylesearch.catalog.runs import IngestRun
from stylesearch.catalog.works import Collection
from web.services import EXTENSION


@pytest.fixture
def without_database(api, servers):
    gone = Database(sqlalchemy_url(servers.url_of("a_database_that_is_not_there")))
    app = api.client.application
    before = app.extensions[EXTENSION]
    search = type(before.everybodys_search)(gone, before.settings)
    app.extensions[EXTENSION] = dataclasses.replace(before, database=gone, everybodys_search=search)
    yield api
    app.extensions[EXTENSION] = before
    gone.close()


@pytest.mark.parametrize(
    "address",
    [
        "works", "works/1", "works/1/manifest", "works?format=csv", "artists", "artists?format=jsonl", "collections",
        "search?like=work:1", "search?like=work:1&format=csv", "oai?verb=ListRecords&metadataPrefix=oai_dc",
        "oai?verb=Identify", "reports/none", "reports/none/pdf",
    ],
)  # fmt: skip
def test_without_a_database_it_is_briefly_unavailable(without_database, address):
    problem = without_database.refused(address, 503, "database_unreachable")
    assert "STYLESEARCH" not in problem["hint"]
    answer = without_database.get(address)
    assert int(answer.headers["Retry-After"]) > 0
    assert without_database.get("openapi.json").status_code == 200


def test_without_a_broker_a_run_is_begun_all_the_same(staff, archive):
    app = staff.client.application
    away = archive.settings.model_copy(
        update={"redis_url": type(archive.settings.redis_url)("redis://127.0.0.1:1/0")}
    )
    before = app.extensions[EXTENSION]
    doorbell = type(before.doorbell)(away)
    app.extensions[EXTENSION] = dataclasses.replace(before, doorbell=doorbell)
    try:
        body = {"kind": "oai", "url": "https://oai.example/", "collection": "begun"}
        answer = staff.post("ingest/runs", json=body)
        assert (answer.status_code, answer.json["state"]) == (201, "discovering")
        assert staff.told(answer.headers["Location"])["collection"] == "begun"
    finally:
        with archive.database.session() as session:
            run = session.get_one(IngestRun, answer.json["run_id"])
            collection = session.get_one(Collection, run.collection_id)
            session.delete(run)
            session.flush()
            session.delete(collection)
