from sqlalchemy import select

from stylesearch.catalog import audit
from stylesearch.catalog.audit import Actor, AuditEvent, acting, acting_as


def test_a_change_is_somebodys_as_long_as_they_act(database):
    with database.session() as session:
        with acting_as(Actor("Ann")):
            with acting_as(Actor("Bea")):
                audit.record(session, "thing.change", "thing:1")
                session.flush()
            audit.record(session, "thing.change", "thing:2")
            session.flush()
        audit.record(session, "thing.change", "thing:3")
    with database.session() as session:
        assert [(one.subject, one.actor.split(" at ")[0]) for one in session.scalars(select(AuditEvent))][
            :2
        ] == [
            ("thing:1", "Bea"),
            ("thing:2", "Ann"),
        ]
    assert acting().name.endswith("at the command line")
    assert acting().user_id is None


def test_only_what_differs_is_told():
    assert audit.changes({"a": 1, "b": 2}, {"a": 1, "b": 3}) == {"before": {"b": 2}, "after": {"b": 3}}


def test_another_change_is_noticed_also_where_it_began_before_the_last(database):
    def last() -> str:
        with database.session() as session:
            return audit.last_changes(session)

    with database.session() as early:
        audit.record(early, "thing.change", "thing:1")
        early.flush()
        with database.session() as late:
            audit.record(late, "thing.change", "thing:2")
        between = last()
    assert between != last()
