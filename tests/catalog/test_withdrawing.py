import threading

import pytest
from sqlalchemy import select, text

from stylesearch.catalog import withdrawing
from stylesearch.catalog.audit import AuditEvent
from stylesearch.catalog.collections import ensure_collection
from stylesearch.catalog.duplicates import count_unjudged
from stylesearch.catalog.versions import ChangedMeanwhileError
from stylesearch.catalog.withdrawals import Withdrawal, WithdrawalRequest
from stylesearch.catalog.works import Work
from stylesearch.catalog.writers import hold_collection, write_works
from stylesearch.errors import ConflictError, InputError, NotFoundError

ASKED = {
    "address": "https://art.example/works/1", "ground": "rights", "name": "Ann", "email": "ann@example.org",
    "statement": "I drew it.",
}  # fmt: skip


@pytest.fixture
def works(toy, make_work) -> dict[str, int]:
    """Works of two collections by source id; ``a`` and ``copy`` have the same picture."""
    toy.write(make_work("a", content="picture"), make_work("b"))
    with toy.database.session() as session:
        other = ensure_collection(session, "others", title="Others")
        write_works(
            session,
            collection_id=other.id,
            encoder=toy.encoder,
            works=[make_work("copy", content="picture"), make_work("c")],
        )
        return dict(session.execute(select(Work.source_id, Work.id)).all())


@pytest.fixture
def ask(toy, works):
    def make(work="a", **more):
        with toy.database.session() as session:
            return withdrawing.ask(session, work_id=works.get(work), **{**ASKED, **more})

    return make


def hidden(toy) -> set[str]:
    return {row[0] for row in toy.rows("SELECT source_id FROM work WHERE withdrawn_at IS NOT NULL")}


def tombstones(toy) -> int:
    return toy.value("SELECT count(*) FROM withdrawal")


def do(toy, deed, request, **more):
    with toy.database.session() as session:
        getattr(withdrawing, deed)(session, request.id, **more)


def state(toy, request) -> str:
    with toy.database.session() as session:
        return withdrawing.find_request(session, request.public_id).state


def test_a_request_hides_nothing_by_itself(toy, ask):
    request = ask()
    assert state(toy, request) == "open"
    assert hidden(toy) == set()
    assert len(request.public_id) >= 20


@pytest.mark.parametrize(("everywhere", "gone"), [(True, {"a", "copy"}), (False, {"a"})])
def test_what_is_granted_is_hidden_and_has_tombstones(toy, ask, everywhere, gone):
    request = ask()
    do(toy, "grant", request, note="Sorry.", everywhere=everywhere)
    assert hidden(toy) == gone
    assert state(toy, request) == "granted"
    with toy.database.session() as session:
        stones = session.scalars(select(Withdrawal)).all()
        assert {one.source_id for one in stones if one.source_id} == gone
        (file,) = [one for one in stones if one.sha256]
        assert (file.collection_id is None) == everywhere
        found = withdrawing.find_request(session, request.id)
        assert found.decided_by.endswith("at the command line")
        assert found.note == "Sorry."


def test_a_work_can_be_hidden_while_it_is_looked_into(toy, ask):
    request = ask()
    do(toy, "hide", request)
    assert hidden(toy) == {"a"}
    assert tombstones(toy) == 0
    do(toy, "refuse", request)
    assert hidden(toy) == set()
    assert state(toy, request) == "refused"


def test_a_decision_is_taken_back_with_all_that_it_did(toy, ask):
    request = ask()
    do(toy, "grant", request)
    do(toy, "reopen", request)
    assert hidden(toy) == set()
    assert tombstones(toy) == 0
    assert state(toy, request) == "open"
    do(toy, "grant", request)
    assert hidden(toy) == {"a", "copy"}


def test_a_work_stays_hidden_as_long_as_one_request_hides_it(toy, ask):
    first, second = ask(), ask()
    do(toy, "hide", first)
    do(toy, "grant", second)
    do(toy, "refuse", first)
    assert hidden(toy) == {"a", "copy"}
    do(toy, "reopen", second)
    assert hidden(toy) == set()


def test_what_was_withdrawn_before_stays_withdrawn(toy, ask):
    with toy.database.session() as session:
        session.execute(text("UPDATE work SET withdrawn_at = now() WHERE source_id = 'copy'"))
    request = ask()
    do(toy, "grant", request)
    do(toy, "reopen", request)
    assert hidden(toy) == {"copy"}


@pytest.mark.parametrize(
    ("first", "then"), [("grant", "refuse"), ("refuse", "grant"), ("grant", "grant"), ("refuse", "hide")]
)
def test_what_is_decided_is_not_decided_twice(toy, ask, first, then):
    request = ask()
    do(toy, first, request)
    before = hidden(toy)
    with pytest.raises(ConflictError) as caught:
        do(toy, then, request)
    assert caught.value.code == "decided"
    assert hidden(toy) == before


def test_there_is_no_decision_to_take_back(toy, ask):
    with pytest.raises(ConflictError):
        do(toy, "reopen", ask())


def test_the_second_of_two_who_decide_is_told_of_the_first(toy, ask):
    request = ask()
    do(toy, "grant", request, version=request.version)
    with pytest.raises(ChangedMeanwhileError) as caught:
        do(toy, "refuse", request, version=request.version)
    (one,) = caught.value.differences
    assert (one.name, one.now, one.wanted) == ("state", "granted", "refused")
    assert hidden(toy) == {"a", "copy"}


def test_a_request_of_which_the_work_is_not_known(toy, ask, works):
    request = ask(work="nowhere")
    for deed in ("hide", "grant"):
        with pytest.raises(NotFoundError) as caught:
            do(toy, deed, request)
        assert caught.value.code == "unknown_work"
    with pytest.raises(NotFoundError):
        do(toy, "concern", request, work_id=10**9)
    do(toy, "concern", request, work_id=works["b"])
    do(toy, "grant", request)
    assert hidden(toy) == {"b"}
    with pytest.raises(ConflictError):
        do(toy, "concern", request, work_id=works["a"])


@pytest.mark.parametrize(
    "wrong", [{"ground": "spite"}, {"name": ""}, {"statement": "x" * 5001}, {"address": "x" * 2001}]
)
def test_what_is_no_request(toy, ask, wrong):
    with pytest.raises(InputError):
        ask(**wrong)


def test_requests_are_listed_by_whether_they_wait(toy, ask):
    open_, other = ask(), ask("b")
    do(toy, "refuse", other)
    with toy.database.session() as session:
        assert [one.id for one in withdrawing.list_requests(session, decided=False)] == [open_.id]
        assert [one.id for one in withdrawing.list_requests(session, decided=True)] == [other.id]
        assert withdrawing.list_requests(session, decided=False, before=open_.id) == []
        for which in (10**9, "", "x", "\ud800"[:0]):
            with pytest.raises(NotFoundError):
                withdrawing.find_request(session, which)


def test_everything_that_is_done_is_written_down(toy, ask):
    request = ask()
    for deed in ("hide", "grant", "reopen", "refuse"):
        do(toy, deed, request)
    with toy.database.session() as session:
        rows = session.scalars(
            select(AuditEvent.action)
            .where(AuditEvent.subject == withdrawing.subject_of(request))
            .order_by(AuditEvent.id)
        )
        assert list(rows) == [f"withdrawal.{one}" for one in ("ask", "hide", "grant", "reopen", "refuse")]


def test_who_grants_waits_for_who_is_writing_works(toy, ask):
    """What is just being taken in is seen, or sees the tombstone: never neither."""
    request = ask()
    granted = threading.Event()

    def grant() -> None:
        do(toy, "grant", request)
        granted.set()

    with toy.database.session() as session:
        hold_collection(session, toy.collection_id)
        thread = threading.Thread(target=grant)
        thread.start()
        assert not granted.wait(0.5)
    thread.join(30)
    assert granted.is_set()


def test_pairs_with_a_withdrawn_work_are_not_for_judging(toy, ask):
    with toy.database.session() as session:  # all toys have one perceptual hash
        before = count_unjudged(session)
    assert before == 2
    do(toy, "grant", ask())
    with toy.database.session() as session:
        assert count_unjudged(session) == 0


def test_a_request_outlives_its_work(toy, ask):
    request = ask()
    with toy.database.session() as session:
        session.execute(text("DELETE FROM work WHERE source_id = 'a'"))
    with toy.database.session() as session:
        assert session.get_one(WithdrawalRequest, request.id).work_id is None
