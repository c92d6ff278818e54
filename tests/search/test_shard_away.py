"""A shard's server that is killed between two questions: partial answers that say so, and its return without a restart."""

import json
import socket
import time

import pytest
from sqlalchemy import text

from stylesearch.errors import ServiceError
from stylesearch.search import service
from stylesearch.search.examples import ArtistExample, WorkExample
from stylesearch.search.query import StyleQuery
from stylesearch.search.service import StyleSearch


@pytest.fixture(autouse=True)
def _soon(monkeypatch):
    """A shard is asked again soon, so that no test has to wait."""
    monkeypatch.setattr(service, "DOWN_SECONDS", 0.3)


@pytest.fixture
def style_search(split_archive) -> StyleSearch:
    return StyleSearch(split_archive.database, split_archive.settings)


def like(work: int, **query) -> StyleQuery:
    return StyleQuery(examples=(WorkExample(work),), **query)


def found(result) -> list[tuple[int, float]]:
    return [(hit.card.work_id, hit.score) for hit in result.hits]


def until_complete(style_search, query):
    """Ask again and again until the answer is complete, for as long as a person would."""
    deadline = time.monotonic() + 60
    while not (result := style_search.search(query)).ranking.complete:
        assert time.monotonic() < deadline
        time.sleep(0.1)
    return result


def test_a_shard_killed_between_two_questions_is_told_and_its_return_is_noticed(split_archive, style_search):
    first, second = (split_archive.kept_by(shard) for shard in ("one", "two"))
    query = like(first[0], k=29)
    whole = style_search.search(query)
    assert (whole.ranking.complete, len(whole.hits), whole.ranking.matching) == (True, 29, 29)
    split_archive.server.kill()
    for _ in range(3):  # the first meets the dead server; others know by then, or ask again
        part = style_search.search(query)
        assert (part.ranking.complete, part.ranking.reason) == (False, "shard_down")
        assert part.ranking.matching is None
        assert found(part) == [one for one in found(whole) if one[0] in first]
        time.sleep(0.2)
    for example in (WorkExample(second[0]), WorkExample(second[-1])):
        with pytest.raises(ServiceError) as caught:
            style_search.search(StyleQuery(examples=(example,)))
        assert caught.value.code == "shard_down"
        assert "'two'" in caught.value.message
    split_archive.server.start()
    assert found(until_complete(style_search, query)) == found(whole)
    assert style_search.search(like(second[0])).ranking.complete


def test_a_page_behind_another_is_as_honest(split_archive, style_search):
    first = split_archive.kept_by("one")
    query = like(first[0], k=4)
    page = style_search.search(query)
    rest = found(style_search.search(query.with_(k=29)))[4:]
    split_archive.server.kill()
    part = style_search.search(page.following)
    assert (part.ranking.complete, part.ranking.reason) == (False, "shard_down")
    assert found(part) == [one for one in rest if one[0] in first][:4]


def test_a_shard_that_hangs_is_left_out_too(split_archive):
    """One that takes connections and never says a word: the time runs out once, and is not waited for again."""
    style_search = StyleSearch(
        split_archive.database, split_archive.settings.model_copy(update={"search_timeout_seconds": 1.0})
    )
    first = split_archive.kept_by("one")
    query = like(first[0], k=29)
    whole = found(style_search.search(query))
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        with split_archive.database.session() as session:
            session.execute(
                text(
                    f"ALTER SERVER stylesearch_two OPTIONS (SET host '127.0.0.1', SET port '{silent.getsockname()[1]}')"
                )
            )
        part = style_search.search(query)
    assert (part.ranking.complete, part.ranking.reason) == (False, "shard_down")
    assert found(part) == [one for one in whole if one[0] in first]


def test_another_gallery_is_not_touched(split_archive, archive, style_search):
    """What is known of a shard says nothing of a gallery that has no part there."""
    query = like(split_archive.kept_by("one")[0], k=29)
    style_search.search(query)
    split_archive.server.kill()
    assert not style_search.search(query).ranking.complete
    whole = StyleSearch(archive.database, archive.settings)
    with archive.database.session() as session:
        answer = whole.search_in(session, query, absent=frozenset(["two"]))
    assert (answer.ranking.complete, len(answer.hits)) == (True, 29)


def test_an_artist_of_whom_nothing_is_at_hand_is_no_unknown_one(split_archive, style_search):
    there = split_archive.kept_by("two")
    with split_archive.database.session() as session:
        session.execute(
            text("UPDATE work_artist SET qualifier = 'after' WHERE work_id <> :work"), {"work": there[0]}
        )
        artist = session.scalar(
            text("SELECT name FROM artist JOIN work_artist ON artist_id = artist.id WHERE work_id = :work"),
            {"work": there[0]},
        )
    query = StyleQuery(examples=(ArtistExample(artist),))
    assert style_search.search(query).ranking.complete
    split_archive.server.kill()
    with pytest.raises(ServiceError) as caught:
        style_search.search(query)
    assert caught.value.code == "shard_down"


def test_the_command_says_it_in_words(split_environment, run_command):
    work, there = (split_environment.kept_by(shard)[0] for shard in ("one", "two"))
    assert run_command("search", "--work", work, "-k", 29).err == ""
    split_environment.server.kill()
    told = run_command("search", "--work", work, "-k", 29)
    assert (told.code, told.err.strip()) == (
        0, "The search was cut short: a part of the gallery could not be asked.",
    )  # fmt: skip
    answer = json.loads(run_command("search", "--work", work, "-k", 29, "--json").out)
    assert (answer["complete"], answer["reason"], answer["matching"]) == (False, "shard_down", None)
    assert 0 < len(answer["results"]) < 29
    lost = run_command("search", "--work", there)
    assert (lost.code, lost.out, len(lost.err.splitlines())) == (1, "", 1)
    assert "The shard 'two' cannot be reached" in lost.err
    split_environment.server.start()
    assert run_command("search", "--work", work, "-k", 29).err == ""
