import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from alembic import command
from sqlalchemy import create_engine, inspect, text

from stylesearch.catalog import schema
from stylesearch.catalog.database import Database, open_database, sqlalchemy_url
from stylesearch.catalog.encoders import register
from stylesearch.catalog.licenses import LICENSES
from stylesearch.catalog.tables import Base
from stylesearch.errors import ServiceError

SECOND = '''"""One more table."""

import sqlalchemy as sa
from alembic import op

revision = "9999"
down_revision = "{head}"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table("later", sa.Column("id", sa.BigInteger(), primary_key=True))


def downgrade() -> None:
    op.drop_table("later")
'''


@pytest.fixture
def empty(servers, databases_of_test):
    """A database without any table."""
    database = Database(sqlalchemy_url(servers.url_of(databases_of_test())))
    yield database
    database.close()


def tables(database: Database) -> set[str]:
    return set(inspect(database.engine).get_table_names())


@pytest.fixture
def newer_code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have this version of stylesearch know one more migration than the database."""
    folder = tmp_path / "migrations"
    shutil.copytree(schema.migrations_folder(), folder, ignore=shutil.ignore_patterns("__pycache__"))
    (folder / "versions" / "9999_later.py").write_text(SECOND.format(head=schema.head()))
    monkeypatch.setattr(schema, "migrations_folder", lambda: folder)


def test_upgrades_an_empty_database_whoever_it_belongs_to(empty):
    schema.bring_up_to_date(empty.engine, upgrade=False)
    assert tables(empty) >= set(Base.metadata.tables)
    with empty.engine.connect() as connection:
        assert schema.current(connection) == schema.head()
        assert connection.scalar(text("SELECT count(*) FROM license")) == len(LICENSES)


def test_upgrading_again_changes_nothing(database):
    before = tables(database)
    schema.bring_up_to_date(database.engine, upgrade=False)
    schema.migrate(database.engine)
    assert tables(database) == before


def test_models_and_migrations_agree(database, make_identity):
    with database.session() as session:
        register(session, make_identity())  # an encoder's partition is no difference
    with database.engine.connect() as connection:
        assert schema.differences(connection) == []


def test_differences_are_told(database):
    with database.engine.begin() as connection:
        connection.execute(text("ALTER TABLE work DROP COLUMN credit_line"))
        connection.execute(text("DROP INDEX ix_work_medium"))
    with database.engine.connect() as connection:
        told = " ".join(schema.differences(connection))
    assert "credit_line" in told
    assert "ix_work_medium" in told


def test_downgrades_to_nothing_and_comes_back(toy, make_work):
    toy.write(make_work("a"))
    schema.migrate(toy.database.engine, "base")
    assert tables(toy.database) == {"alembic_version"}
    schema.bring_up_to_date(toy.database.engine, upgrade=False)
    assert toy.value("SELECT count(*) FROM work") == 0


def test_searches_have_what_they_need_of_works_from_before(toy, make_work):
    """One step down and up again: what is made of a work's texts and years is made anew."""
    toy.write(
        make_work("a", title="Two boats", year_from=1880, keywords=("sea",), medium="Ink", period="Edo")
    )
    columns = "SELECT words @@ to_tsquery('english', 'boat & sea & ink'), years::text, period, visibility FROM work, collection"
    assert toy.rows(columns) == [(True, "[1880,1881)", "Edo", "everybody")]
    config = schema.alembic_config()
    with toy.database.engine.begin() as connection:
        config.attributes["connection"] = connection
        command.downgrade(config, "0003")
    present = {column["name"] for column in inspect(toy.database.engine).get_columns("work")}
    assert not {"words", "years", "period"} & present
    assert "density" not in tables(toy.database)
    schema.migrate(toy.database.engine)
    assert toy.rows(columns) == [(True, "[1880,1881)", None, "everybody")]


def test_what_is_too_long_to_be_indexed_is_cut(toy, make_work):
    words = [f"word{number}" for number in range(5000)]
    toy.write(make_work("a", description=" ".join(words), keywords=tuple(words[:200])))
    assert toy.value("SELECT words @@ to_tsquery('simple', 'word1') FROM work")


def test_a_newer_schema_is_refused(database):
    with database.engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = 'f00d'"))
    for upgrade in (True, False):
        with pytest.raises(ServiceError) as caught:
            schema.bring_up_to_date(database.engine, upgrade=upgrade)
        assert caught.value.code == "schema_newer"


def test_an_older_schema_that_is_not_ours_is_refused(settings, database, newer_code):
    database.close()
    fresh = Database(database.url)
    with pytest.raises(ServiceError) as caught:
        schema.bring_up_to_date(fresh.engine, upgrade=settings.uses_local_database)
    assert caught.value.code == "schema_older"
    assert "db upgrade" in caught.value.hint
    assert "later" not in tables(fresh)
    fresh.close()


def test_an_older_schema_that_is_ours_is_upgraded(database, newer_code):
    schema.bring_up_to_date(database.engine, upgrade=True)
    assert "later" in tables(database)
    with database.engine.connect() as connection:
        assert schema.current(connection) == "9999"


def test_tables_of_somebody_else_are_not_taken_for_an_empty_database(empty):
    with empty.engine.begin() as connection:
        connection.execute(text("CREATE TABLE work (id int)"))
    with pytest.raises(ServiceError) as caught:
        schema.bring_up_to_date(empty.engine, upgrade=False)
    assert caught.value.code == "schema_older"


def test_a_failed_upgrade_leaves_nothing_behind(empty):
    with empty.engine.begin() as connection:
        connection.execute(text("CREATE TABLE image (id int)"))  # in the way of ours
    with pytest.raises(ServiceError) as caught:
        schema.migrate(empty.engine)
    assert caught.value.code == "upgrade_failed"
    assert "image" in caught.value.message
    assert "\n" not in str(caught.value)
    assert tables(empty) == {"image"}


def test_many_that_upgrade_at_once_upgrade_once(empty):
    def upgrade(_: int) -> None:
        engine = create_engine(empty.url)
        try:
            schema.bring_up_to_date(engine, upgrade=True)
        finally:
            engine.dispose()

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(upgrade, range(4)))
    with empty.engine.connect() as connection:
        assert connection.scalars(text("SELECT version_num FROM alembic_version")).all() == [schema.head()]
        assert connection.scalar(text("SELECT count(*) FROM license")) == len(LICENSES)


def test_the_command_upgrades_what_opening_refused(environment, database, newer_code, run_command):
    database.close()
    done = run_command("db", "upgrade")
    assert (done.code, done.err) == (0, "")
    assert done.out.strip().endswith("-> 9999")
    assert run_command("db", "upgrade").out.strip() == "at 9999"


def test_the_command_checks(environment, database, run_command):
    done = run_command("db", "check")
    assert done.code == 0
    assert "as it should be" in done.out
    with database.engine.begin() as connection:
        connection.execute(text("ALTER TABLE work DROP COLUMN credit_line"))
    done = run_command("db", "check")
    assert done.code == 1
    assert "credit_line" in done.out
    assert len(done.err.splitlines()) == 1


def test_opening_a_database_upgrades_it_when_it_is_empty(servers, databases_of_test, tmp_path):
    from stylesearch.settings import Settings

    settings = Settings(home=tmp_path, database_url=servers.url_of(databases_of_test()))
    database = open_database(settings)
    assert "work" in tables(database)
    database.close()
