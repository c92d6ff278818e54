import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import text

from stylesearch.ingest import ledger
from stylesearch.ingest.ledger import Counts, Discovery

EXPIRE = "UPDATE ingest_item SET lease_until = now() - interval '1 second' WHERE state = 'leased'"


def taken_in(books, *items):
    """Take some files in, from discovery to a finished run."""
    books.discover(*items)
    books.write(*books.claim())
    assert books.finish()
    return books


def test_discovery_enters_what_there_is(books, make_found):
    books.discover(make_found("a", title="A"), make_found("b"), make_found("c", error="broken_link"))
    assert books.states() == {"a": "pending", "b": "pending", "c": "broken_link"}
    assert books.rows("SELECT locator, record, error_text FROM ingest_item ORDER BY id") == [
        ("file:///a", {"title": "A"}, None),
        ("file:///b", {}, None),
        ("file:///c", {}, "It is broken."),
    ]


def test_a_double_in_the_run_is_a_duplicate(books, make_found):
    books.discover(make_found("a", "same"), make_found("b", "same"), make_found("c"))
    assert books.states() == {"a": "pending", "b": "duplicate", "c": "pending"}


def test_doubles_of_the_collection_are_told_from_what_is_unchanged(books, make_found):
    taken_in(books, make_found("a", title="A"), make_found("b"))
    later = books.new_run()
    later.discover(make_found("a", title="A"), make_found("moved", "b"), make_found("b"), make_found("new"))
    assert later.states() == {"a": "unchanged", "moved": "duplicate", "b": "unchanged", "new": "pending"}
    holder = later.rows(
        "SELECT item.source_id, work.source_id FROM ingest_item item JOIN image ON image.id = image_id"
        " JOIN work ON work.id = work_id WHERE run_id = :run ORDER BY 1"
    )
    assert holder == [("a", "a"), ("b", "b"), ("moved", "b")]


def test_changed_metadata_or_bytes_are_work_to_do(books, make_found):
    taken_in(books, make_found("a", title="A"), make_found("b"))
    later = books.new_run()
    later.discover(make_found("a", title="New"), make_found("b", "other bytes"))
    assert later.states() == {"a": "pending", "b": "pending"}
    later.write(*later.claim())
    assert later.finish()
    assert later.rows("SELECT source_id, title FROM work ORDER BY 1") == [("a", "New"), ("b", "")]
    assert later.rows("SELECT count(*) FROM image") == [(2,)]


def test_what_has_no_descriptor_of_the_runs_encoder_is_work_to_do(books, make_found):
    taken_in(books, make_found("a"))
    books.execute("DELETE FROM descriptor")
    later = books.new_run()
    later.discover(make_found("a"))
    assert later.states() == {"a": "pending"}


def test_other_collections_are_no_matter(books, make_found):
    taken_in(books, make_found("a"))
    books.execute("INSERT INTO collection (slug, title) VALUES ('other', 'o')")
    later = books.new_run()
    later.execute(
        "UPDATE ingest_run SET collection_id = (SELECT id FROM collection WHERE slug = 'other') WHERE id = :id",
        id=later.run.id,
    )
    with later.database.session() as session:
        later.run = session.merge(later.run, load=True)
        session.refresh(later.run)
    later.discover(make_found("a"))
    assert later.states() == {"a": "pending"}


@pytest.mark.parametrize(
    ("columns", "values", "refused"),
    [
        ("collection_id, source_id", "(SELECT id FROM collection), 'a'", {"a"}),
        ("collection_id, sha256", "(SELECT id FROM collection), sha256('same')", {"a", "b"}),
        ("sha256", "sha256('same')", {"a", "b"}),
        ("source_id", "'a'", set()),  # a path means nothing outside its collection
    ],
)
def test_what_was_withdrawn_is_not_taken_in(books, make_found, columns, values, refused):
    books.execute(f"INSERT INTO withdrawal ({columns}, reason) VALUES ({values}, 'asked')")
    books.discover(make_found("a", "same"), make_found("b", "same"), make_found("c"))
    assert {name for name, state in books.states().items() if state == "withdrawn"} == refused
    assert books.states()["c"] == "pending"


def test_an_interrupted_discovery_goes_on(books, make_found):
    items = [make_found("a", "same"), make_found("b"), make_found("c", "same"), make_found("d", error="x")]
    books.discover(*items[:2], complete=False)
    books.discover(*items)
    books.discover(*items)
    assert books.states() == {"a": "pending", "b": "pending", "c": "duplicate", "d": "x"}


def test_discovery_remembers_from_chunk_to_chunk(books, make_found):
    with books.database.session() as session:
        discovery = Discovery(session, books.run)
        discovery.enter(session, [make_found("a", "same")])
        discovery.enter(session, [make_found("a", "same"), make_found("b", "same")])
        discovery.enter(session, [])
    assert books.states() == {"a": "pending", "b": "duplicate"}


def test_claiming_takes_items_in_order_and_only_once(books, make_found):
    books.discover(*(make_found(name, title=name.upper()) for name in "abcde"))
    assert books.claim(limit=2) == ["a", "b"]
    assert books.claim(limit=2) == ["c", "d"]
    assert books.claim(limit=2) == ["e"]
    assert books.claim(limit=2) == []
    assert books.claimed["a"].record.title == "A"
    assert books.claimed["a"].locator == "file:///a"
    assert books.counts() == Counts(leased=5)


def test_two_that_claim_at_once_get_different_items(books, make_found):
    books.discover(*(make_found(f"{number:02}") for number in range(40)))
    start = threading.Barrier(4)

    def work(_: int) -> list[str]:
        mine = []
        start.wait()
        while True:
            with books.database.session() as session:
                items = ledger.claim(session, books.run.id, limit=3, lease_seconds=60, max_attempts=3)
            if not items:
                return mine
            mine += [item.source_id for item in items]

    with ThreadPoolExecutor(4) as pool:
        claimed = [name for mine in pool.map(work, range(4)) for name in mine]
    assert sorted(claimed) == [f"{number:02}" for number in range(40)]


def test_an_open_transaction_does_not_hold_others_up(books, make_found):
    books.discover(*(make_found(name) for name in "abcd"))
    with books.database.session() as first, books.database.session() as second:
        mine = ledger.claim(first, books.run.id, limit=2, lease_seconds=60, max_attempts=3)
        theirs = ledger.claim(second, books.run.id, limit=9, lease_seconds=60, max_attempts=3)
    assert [item.source_id for item in mine] == ["a", "b"]
    assert [item.source_id for item in theirs] == ["c", "d"]


def test_what_a_lost_worker_held_is_taken_alone(books, make_found):
    books.discover(*(make_found(name) for name in "abcd"))
    assert books.claim(limit=2) == ["a", "b"]
    books.execute(EXPIRE)
    assert books.claim(limit=9) == ["a"]
    assert books.claim(limit=9) == ["b"]
    assert books.claim(limit=9) == ["c", "d"]


def test_an_item_that_kills_its_worker_again_and_again_is_put_away(books, make_found):
    books.discover(make_found("a"), make_found("b"))
    for _ in range(3):
        assert books.claim(limit=1, attempts=3) == ["a"]
        books.execute(EXPIRE)
    assert books.claim(limit=9, attempts=3) == ["b"]
    assert books.states() == {"a": "worker_lost", "b": "leased"}
    assert books.counts().errors == {"worker_lost": 1}


def test_settling(books, make_found):
    books.discover(*(make_found(name) for name in "abcd"))
    books.claim(limit=3)
    books.fail("a")
    books.write("b")
    with books.database.session() as session:
        ledger.settle(session, ingested={}, duplicates=[books.claimed["c"].id])
    assert books.states() == {"a": "image_truncated", "b": "ingested", "c": "duplicate", "d": "pending"}
    assert books.rows("SELECT count(*) FROM ingest_item WHERE lease_until IS NOT NULL") == [(0,)]
    assert books.rows("SELECT error_text FROM ingest_item WHERE source_id = 'a'") == [("It is cut off.",)]


def test_a_late_worker_changes_nothing_that_is_settled(books, make_found):
    books.discover(make_found("a"))
    books.claim()
    books.write("a")
    books.fail("a")
    assert books.states() == {"a": "ingested"}


def test_counts_add_up(books, make_found):
    books.discover(
        make_found("a"), make_found("b"), make_found("c", "a"), make_found("d", error="x"),
        make_found("e", error="y"), make_found("f", error="x"), make_found("g"),
    )  # fmt: skip
    books.claim(limit=2)
    books.write("a")
    counts = books.counts()
    assert counts == Counts(
        pending=1, leased=1, ingested=1, duplicate=1, quarantined=3, errors={"x": 2, "y": 1}
    )
    assert (counts.discovered, counts.open, counts.done) == (7, 2, 5)
    assert books.new_run().counts() == Counts()


def test_a_run_is_closed_once_and_only_when_all_is_done(books, make_found):
    books.discover(make_found("a"), complete=False)
    books.claim()
    assert not books.finish()  # still discovering
    books.execute("UPDATE ingest_run SET state = 'running'")
    assert not books.finish()  # "a" is held
    books.write("a")
    assert books.finish()
    assert not books.finish()
    assert books.rows("SELECT state, finished_at IS NOT NULL FROM ingest_run") == [("finished", True)]


def test_only_one_of_many_closes_the_run(books, make_found):
    books.discover(make_found("a"))
    books.write(*books.claim())
    start = threading.Barrier(4)

    def finish(_: int) -> bool:
        start.wait()
        return books.finish()

    with ThreadPoolExecutor(4) as pool:
        assert sorted(pool.map(finish, range(4))) == [False, False, False, True]


def test_closing_joins_duplicates_to_what_they_double(books, make_found):
    taken_in(books, make_found("a", "same"), make_found("b", "same"))
    ((first, second),) = books.rows("SELECT min(image_id), max(image_id) FROM ingest_item")
    assert first == second is not None
    assert books.rows("SELECT count(*) FROM ingest_item WHERE image_id IS NULL") == [(0,)]


def test_duplicates_of_what_failed_have_failed_too(books, make_found):
    books.discover(make_found("a", "same"), make_found("b", "same"), make_found("c"))
    books.claim()
    books.fail("a")
    books.write("c")
    assert books.finish()
    assert books.states() == {"a": "image_truncated", "b": "image_truncated", "c": "ingested"}


def test_retrying_opens_what_failed_but_not_what_must_stay_out(books, make_found):
    books.execute("INSERT INTO withdrawal (sha256, reason) VALUES (sha256('w'), 'asked')")
    books.discover(make_found("a"), make_found("b"), make_found("w"), make_found("o", error="outside_source"))
    books.claim()
    books.fail("a")
    books.write("b")
    assert books.finish()
    assert books.retry() == 1
    assert books.states() == {"a": "pending", "b": "ingested", "w": "withdrawn", "o": "outside_source"}
    assert books.rows("SELECT state, finished_at FROM ingest_run") == [("running", None)]
    assert books.claim() == ["a"]
    books.write("a")
    assert books.finish()
    assert books.states()["a"] == "ingested"


def test_retrying_nothing_leaves_the_run_closed(books, make_found):
    taken_in(books, make_found("a"))
    assert books.retry() == 0
    assert books.rows("SELECT state FROM ingest_run") == [("finished",)]


def test_a_failed_transaction_gives_the_items_back(books, make_found):
    books.discover(make_found("a"))

    def break_off() -> None:
        with books.database.session() as session:
            ledger.claim(session, books.run.id, limit=1, lease_seconds=60, max_attempts=3)
            session.execute(text("SELECT 1"))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        break_off()
    assert books.claim() == ["a"]
