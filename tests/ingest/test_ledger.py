import dataclasses
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import text

from stylesearch.errors import ImageError
from stylesearch.ingest import ledger
from stylesearch.ingest.counts import Counts
from stylesearch.ingest.discovery import Discovery
from stylesearch.ingest.ledger import EMBED, FETCH
from stylesearch.ingest.sources.protocol import Page

EXPIRE = "UPDATE ingest_item SET lease_until = now() - interval '1 second' WHERE lease_until IS NOT NULL"


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
        discovery = Discovery(books.run)
        first = Page((make_found("a", "same"),), "1", 2)
        second = Page((make_found("a", "same"), make_found("b", "same"), make_found("b", "other")), "2")
        assert [discovery.enter(session, page) for page in (first, second, Page((), "3"))] == [1, 1, 0]
    assert books.states() == {"a": "pending", "b": "duplicate"}
    assert books.rows("SELECT cursor, total FROM ingest_run") == [("3", 2)]


def test_a_page_and_where_it_ends_are_entered_together(books, make_found):
    def break_off() -> None:
        with books.database.session() as session:
            Discovery(books.run).enter(session, Page((make_found("a"),), "1"))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        break_off()
    assert books.states() == {}
    assert books.rows("SELECT cursor FROM ingest_run") == [(None,)]


def test_two_that_discover_the_same_run_enter_each_file_once(books, make_found):
    pages = [
        Page(tuple(make_found(f"{number}-{place}") for place in range(5)), str(number)) for number in range(6)
    ]
    start = threading.Barrier(2)

    def work(_: int) -> None:
        discovery = Discovery(books.run)
        start.wait()
        for page in pages:
            with books.database.session() as session:
                discovery.enter(session, page)

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(work, range(2)))
    assert len(books.states()) == 30


def test_a_version_tells_that_nothing_has_changed(books, make_found):
    taken_in(books, make_found("a", version="1", title="A"), make_found("b", version="1"), make_found("c"))
    later = books.new_run()
    later.discover(
        make_found("a", unread=True, version="1", title="A"),
        make_found("b", unread=True, version="2"),
        make_found("c", unread=True),
        make_found("d", unread=True, version="1"),
    )
    assert later.states() == {"a": "unchanged", "b": "pending", "c": "pending", "d": "pending"}
    assert later.rows("SELECT source_id, sha256 IS NULL FROM ingest_item WHERE run_id = :run ORDER BY 1") == [
        ("a", False), ("b", True), ("c", True), ("d", True),
    ]  # fmt: skip


def test_changed_metadata_alone_need_no_picture(books, make_found):
    taken_in(books, make_found("a", version="1", title="A"), make_found("b", title="B"))
    later = books.new_run()
    later.discover(make_found("a", unread=True, version="1", title="New"), make_found("b", title="New"))
    assert later.rows("SELECT source_id, task, image_id IS NOT NULL FROM ingest_item WHERE run_id = :run ORDER BY 1") == [
        ("a", "record", True), ("b", "record", True),
    ]  # fmt: skip
    books.execute("DELETE FROM descriptor")
    undescribed = books.new_run("file:///more")
    undescribed.discover(make_found("a", unread=True, version="1", title="New"))
    assert undescribed.rows("SELECT task, sha256 FROM ingest_item WHERE run_id = :run") == [("take", None)]


def test_claiming_takes_items_in_order_and_only_once(books, make_found):
    books.discover(*(make_found(name, title=name.upper()) for name in "abcde"))
    assert books.claim(limit=2) == ["a", "b"]
    assert books.claim(limit=2) == ["c", "d"]
    assert books.claim(limit=2) == ["e"]
    assert books.claim(limit=2) == []
    assert books.claimed["a"].record.title == "A"
    assert books.claimed["a"].locator == "file:///a"
    assert books.counts() == Counts(fetching=5)


def test_two_that_claim_at_once_get_different_items(books, make_found):
    books.discover(*(make_found(f"{number:02}") for number in range(40)))
    start = threading.Barrier(4)

    def work(_: int) -> list[str]:
        mine = []
        start.wait()
        while True:
            with books.database.session() as session:
                items = ledger.claim(session, books.run.id, FETCH, limit=3, lease_seconds=60, max_attempts=3)
            if not items:
                return mine
            mine += [item.source_id for item in items]

    with ThreadPoolExecutor(4) as pool:
        claimed = [name for mine in pool.map(work, range(4)) for name in mine]
    assert sorted(claimed) == [f"{number:02}" for number in range(40)]


def test_an_open_transaction_does_not_hold_others_up(books, make_found):
    books.discover(*(make_found(name) for name in "abcd"))
    with books.database.session() as first, books.database.session() as second:
        mine = ledger.claim(first, books.run.id, FETCH, limit=2, lease_seconds=60, max_attempts=3)
        theirs = ledger.claim(second, books.run.id, FETCH, limit=9, lease_seconds=60, max_attempts=3)
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
    assert books.states() == {"a": "worker_lost", "b": "fetching"}
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
        pending=1, fetching=1, ingested=1, duplicate=1, quarantined=3, errors={"x": 2, "y": 1}
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


def test_what_has_no_image_to_be_fetched_is_not_retried(books, make_found):
    nowhere = dataclasses.replace(make_found("b", error="table_row"), locator="")
    books.discover(make_found("a", error="file_unreadable"), nowhere)
    assert books.finish()
    assert books.retry() == 1
    assert books.states() == {"a": "pending", "b": "table_row"}


def test_retrying_nothing_leaves_the_run_closed(books, make_found):
    taken_in(books, make_found("a"))
    assert books.retry() == 0
    assert books.rows("SELECT state FROM ingest_run") == [("finished",)]


def test_a_failed_transaction_gives_the_items_back(books, make_found):
    books.discover(make_found("a"))

    def break_off() -> None:
        with books.database.session() as session:
            ledger.claim(session, books.run.id, FETCH, limit=1, lease_seconds=60, max_attempts=3)
            session.execute(text("SELECT 1"))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        break_off()
    assert books.claim() == ["a"]


def test_an_item_goes_through_two_stages(books, make_found):
    books.discover(make_found("a"), make_found("b", unread=True))
    assert books.claim(stage=EMBED) == []
    assert books.claim() == ["a", "b"]
    assert books.prepare("a", "b") == {books.claimed["a"].id, books.claimed["b"].id}
    assert books.counts() == Counts(prepared=2)
    assert books.claim() == []
    assert books.claim(stage=EMBED) == ["a", "b"]
    assert books.claimed["b"].spool_key == "key-b"
    assert books.claimed["b"].sha256 is not None
    assert books.counts() == Counts(embedding=2)
    books.write("a", "b")
    assert books.finish()
    assert (
        books.rows("SELECT state, spool_key, spool_bytes, held_by FROM ingest_item")
        == [("ingested", None, 0, None)] * 2
    )


@pytest.mark.parametrize("stage", [FETCH, EMBED])
def test_each_stage_has_attempts_of_its_own(books, make_found, stage):
    books.discover(make_found("a"))
    books.claim()
    books.execute(EXPIRE)
    books.claim()
    if stage is EMBED:
        books.prepare("a")
        books.claim(stage=EMBED)
    for _ in range(2):
        books.execute(EXPIRE)
        books.claim(stage=stage)
    assert books.states()["a"] == ("embedding" if stage is EMBED else "worker_lost")
    books.execute(EXPIRE)
    books.claim(stage=stage)
    assert books.states()["a"] == "worker_lost"
    assert books.rows("SELECT count(*) FROM ingest_item WHERE spool_key IS NOT NULL") == [(0,)]


def test_what_was_taken_over_is_not_handed_over_twice(books, make_found):
    books.discover(make_found("a"))
    books.claim()
    books.execute(EXPIRE)
    books.claim()
    assert books.prepare("a")
    assert not books.prepare("a")
    books.claim(stage=EMBED)
    assert not books.prepare("a")
    assert books.counts() == Counts(embedding=1)


def test_a_deferred_item_waits_its_time(books, make_found):
    books.discover(make_found("a"), make_found("b"))
    books.claim()
    books.defer("a", 1000)
    books.defer("b")
    assert books.claim() == ["b"]
    assert books.rows("SELECT attempts, deferrals FROM ingest_item WHERE source_id = 'a'") == [(0, 1)]
    books.execute("UPDATE ingest_item SET not_before = now()")
    assert books.claim() == ["a"]
    assert books.claimed["a"].deferrals == 1
    books.prepare("a")
    books.claim(stage=EMBED)
    books.defer("a")  # its pixels are lost
    assert books.rows("SELECT state, spool_key FROM ingest_item WHERE source_id = 'a'") == [("pending", None)]


def test_what_is_given_back_is_as_if_it_had_never_been_taken(books, make_found):
    books.discover(make_found("a"), make_found("b"))
    books.claim()
    books.prepare("a")
    books.claim(stage=EMBED)
    with books.database.session() as session:
        ledger.give_back(
            session, books.run.id, [item.id for item in books.claimed.values()], "The disk is full."
        )
    assert books.rows("SELECT source_id, state, attempts, held_by FROM ingest_item ORDER BY id") == [
        ("a", "prepared", 0, None),
        ("b", "pending", 0, None),
    ]
    assert books.rows("SELECT problem FROM ingest_run") == [("The disk is full.",)]


def test_what_somebody_else_has_taken_over_is_not_given_back(books, make_found):
    books.discover(make_found("a"))
    books.claim()
    books.execute("UPDATE ingest_item SET held_by = 'another'")
    with books.database.session() as session:
        ledger.give_back(session, books.run.id, [books.claimed["a"].id], None)
    assert books.rows("SELECT state, held_by FROM ingest_item") == [("fetching", "another")]


def test_a_lease_is_renewed_by_its_holder_only(books, make_found):
    books.discover(make_found("a"), make_found("b"))
    books.claim(lease=1)
    books.execute("UPDATE ingest_item SET held_by = 'another' WHERE source_id = 'b'")
    with books.database.session() as session:
        ledger.renew(session, [item.id for item in books.claimed.values()], lease_seconds=1000)
    assert books.rows(
        "SELECT source_id FROM ingest_item WHERE lease_until > now() + interval '500 seconds'"
    ) == [("a",)]


def test_what_is_just_being_settled_is_not_waited_for(books, make_found):
    books.discover(make_found("a"), make_found("b"))
    books.claim(lease=1)
    ids = {name: item.id for name, item in books.claimed.items()}
    with books.database.session() as settling:
        ledger.settle(settling, failures={ids["b"]: ImageError("It is cut off.", code="image_truncated")})
        with books.database.session() as session:
            session.execute(text("SET LOCAL lock_timeout = '1s'"))
            ledger.renew(session, list(ids.values()), lease_seconds=1000)
    assert books.rows("SELECT source_id FROM ingest_item WHERE lease_until IS NOT NULL") == [("a",)]
    assert books.states()["b"] == "image_truncated"


def test_what_is_lost_too_often_is_given_up_by_one_of_many(books, make_found):
    books.discover(make_found("a"), make_found("b"))
    books.claim(attempts=1)
    books.execute(EXPIRE)
    with books.database.session() as session:
        session.execute(text("SELECT FROM ingest_item WHERE source_id = 'a' FOR UPDATE"))
        assert books.claim(attempts=1) == []
    assert books.states() == {"a": "fetching", "b": "worker_lost"}
    assert books.claim(attempts=1) == []
    assert books.states() == {"a": "worker_lost", "b": "worker_lost"}


def test_settling_tells_what_only_fetching_could(books, make_found):
    taken_in(books, make_found("held", "same"))
    ((image,),) = books.rows("SELECT id FROM image")
    later = books.new_run()
    later.discover(*(make_found(name, unread=True) for name in "abc"))
    later.claim()
    ids = {name: item.id for name, item in later.claimed.items()}
    with later.database.session() as session:
        ledger.settle(
            session,
            unchanged={ids["a"]: image},
            duplicates={ids["b"]: image, ids["c"]: None},
            digests={ids["c"]: books._sha256(books.claimed["held"].id)},
        )
    assert later.states() == {"a": "unchanged", "b": "duplicate", "c": "duplicate"}
    assert later.finish()
    assert later.rows("SELECT DISTINCT image_id FROM ingest_item WHERE run_id = :run") == [(image,)]
