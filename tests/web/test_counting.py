import threading

import pytest

from stylesearch.catalog.access import Access
from stylesearch.search.facets import Choice
from stylesearch.search.filters import EVERYTHING
from stylesearch.search.grammar import parse
from web.counting import FRESH_SECONDS, LARGE, STALE_SECONDS, FacetMemory


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


def counts(number: int) -> dict:
    return {"reuse": [Choice("open", "Open", number)]}


@pytest.fixture
def clock() -> Clock:
    return Clock()


def test_many_works_are_counted_once_in_a_while(clock):
    memory, asked = FacetMemory(clock), []

    def count():
        asked.append(1)
        return counts(LARGE + len(asked))

    first = memory.counted(EVERYTHING, Access.EVERYBODY, count)
    assert memory.counted(EVERYTHING, Access.EVERYBODY, count) is first
    assert memory.counted(EVERYTHING, Access.STAFF, count) is not first
    assert memory.counted(parse("cat"), Access.EVERYBODY, count) is not first
    clock.now += FRESH_SECONDS + 1
    assert memory.counted(EVERYTHING, Access.EVERYBODY, count) is not first
    assert len(asked) == 4


def test_few_works_are_counted_each_time(clock):
    memory = FacetMemory(clock)
    first = memory.counted(EVERYTHING, Access.EVERYBODY, lambda: counts(LARGE))
    assert memory.counted(EVERYTHING, Access.EVERYBODY, lambda: counts(LARGE)) is not first


def test_while_somebody_counts_others_are_told_what_was_counted_before(clock):
    memory = FacetMemory(clock)
    first = memory.counted(EVERYTHING, Access.EVERYBODY, lambda: counts(LARGE + 1))
    clock.now += FRESH_SECONDS + 1
    begun, go_on = threading.Event(), threading.Event()

    def slowly():
        begun.set()
        assert go_on.wait(10)
        return counts(LARGE + 2)

    thread = threading.Thread(target=memory.counted, args=(EVERYTHING, Access.EVERYBODY, slowly))
    thread.start()
    assert begun.wait(10)
    assert memory.recall(EVERYTHING, Access.EVERYBODY) is first
    clock.now += STALE_SECONDS
    assert memory.recall(EVERYTHING, Access.EVERYBODY) is None
    go_on.set()
    thread.join()
    assert memory.recall(EVERYTHING, Access.EVERYBODY) == counts(LARGE + 2)


def test_a_count_that_fails_is_no_count(clock):
    memory = FacetMemory(clock)
    with pytest.raises(ZeroDivisionError):
        memory.counted(EVERYTHING, Access.EVERYBODY, lambda: 1 / 0)
    assert memory.recall(EVERYTHING, Access.EVERYBODY) is None
    assert not memory._counting


def test_what_was_counted_before_something_changed_is_forgotten(clock):
    changes = ["1"]
    memory = FacetMemory(clock, changes=lambda: changes[-1])
    first = memory.counted(EVERYTHING, Access.EVERYBODY, lambda: counts(LARGE + 1))
    assert memory.recall(EVERYTHING, Access.EVERYBODY) is first
    changes.append("2,1")
    assert memory.recall(EVERYTHING, Access.EVERYBODY) is None
