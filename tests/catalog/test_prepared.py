from sqlalchemy import text

from stylesearch.catalog.connections import PREPARED


def test_only_what_asks_for_it_is_prepared(database):
    kept = text("SELECT count(*) FROM pg_prepared_statements WHERE statement LIKE :like")
    with database.session() as session:
        for _ in range(8):
            session.execute(text("SELECT 'plain', CAST(:number AS int)"), {"number": 1})
        session.execute(
            text("SELECT 'asks', CAST(:number AS int)"), {"number": 1}, execution_options={PREPARED: True}
        )
        assert session.scalar(kept, {"like": "SELECT 'plain'%"}) == 0
        assert session.scalar(kept, {"like": "SELECT 'asks'%"}) == 1
