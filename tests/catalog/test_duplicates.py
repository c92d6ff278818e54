import dataclasses

import numpy as np
import pytest
from sqlalchemy import text

from stylesearch.catalog import duplicates
from stylesearch.catalog.duplicates import NEAR_BITS, decide, groups
from stylesearch.errors import NotFoundError
from stylesearch.images.hashes import hash_bands, hash_distance


def hashed(make_work, name: str, value: int):
    work = make_work(name)
    signed = value - (value >> 63 << 64)
    return dataclasses.replace(work, image=dataclasses.replace(work.image, perceptual_hash=signed))


def pairs(toy) -> list[tuple]:
    return toy.rows(
        "SELECT a.source_id, b.source_id, bits FROM near_duplicate JOIN image i ON i.id = image_a JOIN work a ON a.id = i.work_id"
        " JOIN image j ON j.id = image_b JOIN work b ON b.id = j.work_id ORDER BY 1, 2"
    )


def test_what_looks_almost_alike_is_paired(toy, make_work):
    base = 0x8F0F_1234_ABCD_00FF
    toy.write(hashed(make_work, "a", base), hashed(make_work, "b", base ^ 0b111111 << 40))
    toy.write(hashed(make_work, "c", base ^ 0b1111111 << 20), hashed(make_work, "d", ~base & (2**64 - 1)))
    assert pairs(toy) == [("a", "b", 6)]
    toy.write(hashed(make_work, "e", base))
    assert pairs(toy) == [("a", "b", 6), ("a", "e", 0), ("b", "e", 6)]
    toy.write(hashed(make_work, "e", base))  # again
    assert len(pairs(toy)) == 3


def test_all_near_ones_are_found_among_many(toy, make_work):
    generator = np.random.default_rng(1)
    centres = [int(value) for value in generator.integers(0, 2**63, 12)]
    values = {}
    for number in range(120):
        value = centres[number % 12]
        for bit in generator.choice(64, generator.integers(0, 6), replace=False):
            value ^= 1 << int(bit)
        values[f"w{number:03}"] = value
    toy.write(*(hashed(make_work, name, value) for name, value in values.items()))
    names = sorted(values)
    expected = {
        (one, other, hash_distance(values[one], values[other]))
        for place, one in enumerate(names)
        for other in names[place + 1 :]
        if hash_distance(values[one], values[other]) <= NEAR_BITS
    }
    assert set(pairs(toy)) == expected
    assert len(expected) > 50


def test_an_image_is_put_into_some_pairs_at_most(toy, make_work, monkeypatch):
    monkeypatch.setattr(duplicates, "MOST_LINKS", 2)
    for name in "abcde":
        toy.write(hashed(make_work, name, 7))
    assert len(pairs(toy)) == 1 + 2 + 2 + 2
    with toy.database.session() as session:
        assert [len(group) for group in groups(session)] == [5]


def test_other_collections_are_no_matter(toy, make_work):
    toy.write(hashed(make_work, "a", 7))
    with toy.database.session() as session:
        other = session.scalar(
            text("INSERT INTO collection (slug, title) VALUES ('other', 'o') RETURNING id")
        )
    dataclasses.replace(toy, collection_id=other).write(hashed(make_work, "b", 7))
    assert pairs(toy) == []


def test_groups_hang_together_by_what_nobody_has_judged(toy, make_work):
    toy.write(
        *(hashed(make_work, name, value) for name, value in {"a": 0, "b": 0b111, "c": 0b111111111}.items())
    )
    toy.write(hashed(make_work, "x", 0xFF << 40), hashed(make_work, "y", 0xFE << 40))
    with toy.database.session() as session:
        found = groups(session)
        assert [[(one.source_id, one.bits) for one in group] for group in found] == [
            [("a", None), ("b", 3), ("c", 6)],
            [("x", None), ("y", 1)],
        ]
        first = [one.image_id for one in found[0]]
        assert decide(session, first, "different", by="ann") == 2
        assert [[one.source_id for one in group] for group in groups(session)] == [["x", "y"]]
        assert groups(session, collection_id=-1) == []
        with pytest.raises(NotFoundError) as caught:
            decide(session, first[:1], "same", by="ann")
    assert caught.value.code == "no_pair"
    assert toy.rows("SELECT DISTINCT verdict, decided_by FROM near_duplicate WHERE verdict IS NOT NULL") == [
        ("different", "ann")
    ]
    toy.write(hashed(make_work, "b", 0b111))  # a verdict stays
    assert toy.value("SELECT count(*) FROM near_duplicate WHERE verdict IS NULL") == 1


def test_pairs_go_with_their_images(toy, make_work):
    toy.write(hashed(make_work, "a", 7), hashed(make_work, "b", 7))
    toy.rows("DELETE FROM image RETURNING id")
    assert pairs(toy) == []


def test_bands_are_kept_as_the_migration_computes_them(toy, make_work):
    for name, value in {"a": 0x8F0F_1234_ABCD_00FF, "b": 0x0102_8304_0506_0708}.items():
        toy.write(hashed(make_work, name, value))
    rows = toy.rows(
        """
        SELECT perceptual_hash, hash_bands, ARRAY[
            (perceptual_hash >> 48) & 65535, 65536 + ((perceptual_hash >> 32) & 65535),
            131072 + ((perceptual_hash >> 16) & 65535), 196608 + (perceptual_hash & 65535)
        ]::int[] FROM image
        """
    )
    for value, kept, computed in rows:
        assert kept == computed == hash_bands(value)


def test_a_pair_is_judged_once_and_can_be_taken_back(toy, make_work):
    from stylesearch.catalog.duplicates import count_unjudged, judge, judged, unjudged
    from stylesearch.catalog.versions import ChangedMeanwhileError

    images = toy.write(*(make_work(name) for name in "abc"))
    with toy.database.session() as session:
        pairs = unjudged(session)
        assert [(one.image_a, one.image_b) for one in pairs] == sorted(
            (images[a], images[b]) for a, b in ("ab", "ac", "bc")
        )
        assert len(unjudged(session, most=1)) == 1
        assert unjudged(session, after=(pairs[1].image_a, pairs[1].image_b)) == pairs[2:]
        a, b = images["a"], images["b"]
        judge(session, a, b, "same", seen=None)
        assert count_unjudged(session) == 2
    with toy.database.session() as session:
        (one,) = judged(session)
        assert (one.verdict, one.decided_by is not None) == ("same", True)
        judge(session, a, b, "same", seen=None)  # as it is already
        with pytest.raises(ChangedMeanwhileError) as caught:
            judge(session, a, b, "different", seen=None)
        assert caught.value.differences[0].now == "same"
        judge(session, a, b, None, seen="same")
        assert count_unjudged(session) == 3
        assert judged(session) == []
        with pytest.raises(NotFoundError):
            judge(session, b, 10**9, "same", seen=None)
