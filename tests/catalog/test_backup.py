import stat

import pytest
from sqlalchemy import text

from stylesearch.catalog import encoders, indexes, schema, shards, splitting, upgrades
from stylesearch.catalog.backup import backup, restore
from stylesearch.catalog.database import Database, sqlalchemy_url
from stylesearch.catalog.records import Credit
from stylesearch.errors import InputError, ServiceError

CONTENT = {
    "work": "SELECT * FROM work ORDER BY id",
    "image": "SELECT * FROM image ORDER BY id",
    "descriptor": "SELECT encoder_id, image_id, vector::text FROM descriptor ORDER BY 1, 2",
    "artist": "SELECT * FROM artist ORDER BY id",
    "work_artist": "SELECT * FROM work_artist ORDER BY 1, 2",
    "license": "SELECT * FROM license ORDER BY id",
    "encoder": "SELECT * FROM encoder ORDER BY id",
    "user": 'SELECT * FROM "user" ORDER BY id',
}


def content(database: Database) -> dict[str, list[tuple]]:
    with database.session() as session:
        return {name: [tuple(row) for row in session.execute(text(query))] for name, query in CONTENT.items()}


@pytest.fixture
def filled(toy, make_work):
    toy.write(
        *(make_work(f"w{n}", credits=(Credit(f"Artist {n % 3}"),), work_rights="CC0-1.0") for n in range(50))
    )
    with toy.database.session() as session:
        session.execute(text("INSERT INTO \"user\" (email, name) VALUES ('a@example.org', 'Ann')"))
        indexes.build_index(session, toy.encoder)
    return toy


@pytest.fixture
def other(servers, databases_of_test, empty_template):
    database = Database(sqlalchemy_url(servers.url_of(databases_of_test(empty_template))))
    yield database
    database.close()


def test_a_backup_restores_to_the_same_content(filled, other, tmp_path):
    path = tmp_path / "catalogue.backup"
    size = backup(filled.database, path)
    assert size == path.stat().st_size > 0
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert list(tmp_path.iterdir()) == [path]
    restore(other, path, replace=False)
    assert content(other) == content(filled.database)
    with other.engine.connect() as connection:
        assert schema.differences(connection) == []
    with other.session() as session:
        assert indexes.has_index(session, filled.encoder)


def test_what_is_restored_goes_on_working(filled, other, tmp_path, make_work):
    backup(filled.database, tmp_path / "b")
    restore(other, tmp_path / "b", replace=False)
    written = type(filled)(other, filled.collection_id, filled.encoder).write(
        make_work("new"), make_work("w1")
    )
    assert set(written) == {"new", "w1"}
    with other.session() as session:
        assert session.scalar(text("SELECT count(*) FROM work")) == 51


def test_a_catalogue_is_replaced_only_when_told(filled, tmp_path, make_work):
    backup(filled.database, tmp_path / "b")
    before = content(filled.database)
    filled.write(make_work("later"))
    with pytest.raises(InputError) as caught:
        restore(filled.database, tmp_path / "b", replace=False)
    assert caught.value.code == "database_not_empty"
    assert filled.value("SELECT count(*) FROM work") == 51
    restore(filled.database, tmp_path / "b", replace=True)
    assert content(filled.database) == before


@pytest.mark.parametrize("kept", [0, 3, 40, 0.3, 0.9, -1])
def test_a_cut_off_backup_is_refused_and_nothing_thrown_away(filled, tmp_path, kept):
    path = tmp_path / "b"
    backup(filled.database, path)
    data = path.read_bytes()
    path.write_bytes(data[: int(kept * len(data)) if isinstance(kept, float) else kept])
    before = content(filled.database)
    with pytest.raises((InputError, ServiceError)) as caught:
        restore(filled.database, path, replace=True)
    assert caught.value.code in ("no_backup", "backup_failed")
    assert content(filled.database) == before


def test_another_file_is_no_backup(other, tmp_path):
    (tmp_path / "note.txt").write_text("hello")
    for name in ("note.txt", "missing", "."):
        with pytest.raises(InputError) as caught:
            restore(other, tmp_path / name, replace=True)
        assert caught.value.code == "no_backup"


def test_a_place_that_cannot_be_written_is_told(filled, tmp_path):
    with pytest.raises(ServiceError) as caught:
        backup(filled.database, tmp_path / "missing" / "b")
    assert caught.value.code == "backup_failed"


def test_a_failed_backup_leaves_the_last_one_alone(tmp_path):
    path = tmp_path / "b"
    path.write_bytes(b"the last one")
    database = Database(sqlalchemy_url("postgresql://u:secret@127.0.0.1:1/x"))
    with pytest.raises(ServiceError) as caught:
        backup(database, path)
    assert caught.value.code == "database_unreachable"
    assert "secret" not in str(caught.value)
    assert path.read_bytes() == b"the last one"
    assert list(tmp_path.iterdir()) == [path]


def test_the_commands(archive_environment, run_command, tmp_path):
    path = tmp_path / "b"
    before = content(archive_environment.database)
    done = run_command("db", "backup", path)
    assert (done.code, done.err) == (0, "")
    assert f"{path.stat().st_size:,} bytes" in done.out
    refused = run_command("db", "restore", path)
    assert refused.code == 1
    assert "--replace" in refused.err
    assert len(refused.err.splitlines()) == 1
    assert run_command("db", "restore", path, "--replace").code == 0
    assert content(archive_environment.database) == before
    assert run_command("db", "check").code == 0
    path.write_bytes(path.read_bytes()[:-100])
    cut = run_command("db", "restore", path, "--replace")
    assert cut.code == 1
    assert cut.err.startswith("error: pg_restore failed")
    assert content(archive_environment.database) == before


@pytest.fixture
def split(filled, servers, databases_of_test, shard_server):
    """A gallery that is split: a part on the same server, and one on a server that may be killed."""
    shard_server.start()
    for slug, url in (("one", servers.url_of(databases_of_test())), ("two", shard_server.make())):
        shards.add(filled.database, slug, url, ef=100)
    splitting.split(filled.database, filled.encoder)
    yield filled
    shard_server.start()


def is_whole(database, encoder) -> bool:
    """Whether a gallery lies on the catalogue's own server, with all that belongs to it, and no shard is known."""
    with database.session() as session:
        kind = session.scalar(text(f"SELECT relkind FROM pg_class WHERE relname = '{encoder.partition}'"))
        left = session.scalar(
            text("SELECT (SELECT count(*) FROM shard) + (SELECT count(*) FROM pg_foreign_server)")
        )
        return (kind, left) == ("r", 0) and indexes.has_index(session, encoder)


def test_what_shards_keep_is_backed_up_and_restored_whole(split, other, tmp_path, make_work):
    path = tmp_path / "b"
    before = content(split.database)
    backup(split.database, path)
    assert restore(other, path, replace=False) == ["toy"]
    assert content(other) == before
    assert is_whole(other, split.encoder)
    with other.engine.connect() as connection:
        assert schema.differences(connection) == []
    type(split)(other, split.collection_id, split.encoder).write(make_work("new"))
    with other.session() as session:
        assert session.scalar(text("SELECT count(*) FROM descriptor")) == 51
        session.execute(text("DELETE FROM image"))
        assert session.scalar(text("SELECT count(*) FROM descriptor")) == 0
    # What is backed up of a whole gallery knows nothing of shards.
    backup(other, path)
    assert restore(other, path, replace=True) == []


def test_a_split_catalogue_is_replaced_by_what_it_was(split, shard_server, tmp_path):
    backup(split.database, tmp_path / "b")
    before = content(split.database)
    with split.database.session() as session:
        session.execute(text("DELETE FROM image WHERE id % 3 = 0"))
    shard_server.kill()  # nothing of the shards is needed
    restore(split.database, tmp_path / "b", replace=True)
    assert content(split.database) == before
    assert is_whole(split.database, split.encoder)


def test_no_backup_is_made_without_a_part(split, shard_server, tmp_path):
    (tmp_path / "b").write_bytes(b"the last one")
    shard_server.kill()
    with pytest.raises(ServiceError) as caught:
        backup(split.database, tmp_path / "b")
    assert caught.value.code == "shard_down"
    assert "'two'" in caught.value.message
    assert (tmp_path / "b").read_bytes() == b"the last one"


def test_a_retired_encoders_parts_are_not_restored(split, other, tmp_path, make_identity):
    with split.database.session() as session:
        upgrades.activate(session, encoders.register(session, make_identity(slug="next", digest="n")))
    with split.database.session() as session:
        upgrades.retire(session, split.encoder)
    backup(split.database, tmp_path / "b")
    assert restore(other, tmp_path / "b", replace=False) == []
    with other.session() as session:
        assert not session.scalar(text("SELECT count(*) FROM pg_class WHERE relname ~ '_(emptied|one|two)$'"))
        assert upgrades.drop_emptied(session)
