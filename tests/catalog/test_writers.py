import random
import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from sqlalchemy import text

from stylesearch.catalog import encoders
from stylesearch.catalog.collections import ensure_collection
from stylesearch.catalog.records import Credit
from stylesearch.catalog.writers import LONGEST_URI, ensure_licenses, write_works
from stylesearch.errors import ServiceError

EVERYTHING = """
    SELECT work.id, source_id, encode(source_digest, 'hex'), title, date_text, year_from, year_to, medium, keywords,
        work_license_id, image_license_id, extra::text, image.id, encode(sha256, 'hex'), storage_key, vector::text,
        (SELECT array_agg(artist.name || coalesce('/' || qualifier, '') || '/' || role ORDER BY position)
         FROM work_artist JOIN artist ON artist.id = artist_id WHERE work_id = work.id)
    FROM work LEFT JOIN image ON image.work_id = work.id LEFT JOIN descriptor ON image_id = image.id
    ORDER BY source_id, image.id
"""
CREDITS = """
    SELECT source_id, artist.name, qualifier, role, position FROM work_artist
    JOIN work ON work.id = work_id JOIN artist ON artist.id = artist_id ORDER BY source_id, position
"""
RIGHTS = """
    SELECT source_id, w.uri, i.uri, i.reuse, extra FROM work
    LEFT JOIN license w ON w.id = work_license_id LEFT JOIN license i ON i.id = image_license_id ORDER BY source_id
"""
BY = "http://creativecommons.org/licenses/by/4.0/"


def test_nothing_is_written_of_nothing(toy):
    assert toy.write() == {}


def test_writes_all_that_is_known(toy, make_work):
    work = make_work(
        "a",
        date_text="1890s",
        year_from=1890,
        year_to=1899,
        medium="ink",
        movement="realism",
        period="Meiji",
        object_type="drawing",
        keywords=("barn", "snow"),
        source_url="https://example.org/a",
        description="Red.",
        credit_line="Gift",
        extra={"shelf": "7"},
    )
    (image_id,) = toy.write(work).values()
    columns = "title, description, date_text, year_from, year_to, medium, movement, period, object_type, keywords, source_url, credit_line, extra"
    assert toy.rows(f"SELECT {columns} FROM work") == [
        ("a", "Red.", "1890s", 1890, 1899, "ink", "realism", "Meiji", "drawing", ["barn", "snow"], "https://example.org/a", "Gift", {"shelf": "7"})
    ]  # fmt: skip
    stored = toy.rows("SELECT id, sha256, perceptual_hash, width, height, media_type, storage_key FROM image")
    image = work.image
    assert stored == [
        (image_id, image.sha256, image.perceptual_hash, image.width, image.height, image.media_type, image.storage_key)
    ]  # fmt: skip


def test_a_descriptor_is_kept_in_half_precision(toy, make_work):
    work = make_work("a")
    toy.write(work)
    kept = np.array(toy.value("SELECT vector::vector::real[] FROM descriptor"), dtype=np.float32)
    assert (kept == work.vector.astype(np.float16).astype(np.float32)).all()


def test_writing_twice_leaves_the_same_rows(toy, make_work):
    works = [make_work(name, credits=(Credit("Ann"), Credit("Bo")), work_rights=BY) for name in "abc"]
    first = toy.write(*works)
    before = toy.rows(EVERYTHING)
    assert toy.write(*works) == first
    assert toy.write(*reversed(works)) == first
    assert toy.rows(EVERYTHING) == before


def test_changed_metadata_is_brought_up_to_date(toy, make_work):
    first = toy.write(make_work("a", medium="ink", keywords=("x",), credits=(Credit("Ann"),), work_rights=BY))
    created = toy.value("SELECT created_at FROM work")
    again = toy.write(make_work("a", title="New", keywords=("y", "z"), credits=(Credit("Bo"), Credit("Ann"))))
    assert again == first
    assert toy.rows("SELECT title, medium, keywords, work_license_id FROM work") == [
        ("New", None, ["y", "z"], None)
    ]
    assert [(row[1], row[4]) for row in toy.rows(CREDITS)] == [("Bo", 0), ("Ann", 1)]
    assert toy.rows("SELECT created_at = :then, updated_at > :then FROM work", then=created) == [(True, True)]


def test_a_replaced_image_goes_with_its_descriptor(toy, make_work):
    old = toy.write(make_work("a", content="old"), make_work("b"))
    new = toy.write(make_work("a", content="new"))
    assert new["a"] != old["a"]
    assert sorted(toy.rows("SELECT id FROM image")) == sorted([(new["a"],), (old["b"],)])
    assert sorted(toy.rows("SELECT image_id FROM descriptor")) == sorted([(new["a"],), (old["b"],)])
    assert toy.value("SELECT count(*) FROM work") == 2


def test_a_duplicate_in_the_batch_is_left_out(toy, make_work):
    written = toy.write(make_work("a", content="same"), make_work("b", content="same"), make_work("c"))
    assert set(written) == {"a", "c"}
    assert toy.rows("SELECT source_id FROM work ORDER BY 1") == [("a",), ("c",)]


def test_a_duplicate_of_the_collection_is_left_out(toy, make_work):
    toy.write(make_work("a", content="same"))
    assert toy.write(make_work("b", content="same")) == {}
    assert toy.rows("SELECT source_id FROM work") == [("a",)]


def test_another_collection_may_hold_the_same_picture(toy, make_work):
    toy.write(make_work("a", content="same"))
    with toy.database.session() as session:
        other = ensure_collection(session, "other").id
        written = write_works(
            session, collection_id=other, encoder=toy.encoder, works=[make_work("a", content="same")]
        )
    assert set(written) == {"a"}
    assert toy.value("SELECT count(*) FROM image") == 2


def test_rights(toy, make_work):
    toy.write(
        make_work("a", work_rights="CC0-1.0", image_rights="https://creativecommons.org/licenses/by/4.0"),
        make_work("b", work_rights="http://example.org/terms", image_rights="http://example.org/terms"),
        make_work("c", work_rights="© A museum", image_rights="ask us", extra={"shelf": "7"}),
        make_work("d"),
        make_work("e", image_rights="http://example.org/" + "x" * LONGEST_URI),
    )
    zero = "http://creativecommons.org/publicdomain/zero/1.0/"
    assert toy.rows(RIGHTS) == [
        ("a", zero, BY, "open", {}),
        ("b", "http://example.org/terms", "http://example.org/terms", "permission", {}),
        ("c", None, None, None, {"shelf": "7", "work_rights": "© A museum", "image_rights": "ask us"}),
        ("d", None, None, None, {}),
        ("e", None, None, None, {"image_rights": "http://example.org/" + "x" * LONGEST_URI}),
    ]


def test_rights_that_become_known_are_no_longer_kept_as_text(toy, make_work):
    toy.write(make_work("a", image_rights="ask us"))
    toy.write(make_work("a", image_rights="CC0-1.0"))
    assert toy.rows(RIGHTS)[0][3:] == ("open", {})


def test_no_statement_names_no_license(shared):
    with shared.session() as session:
        assert ensure_licenses(session, [None, "", "free text", "javascript:alert(1)"]) == {}


def test_credits(toy, make_work):
    toy.write(
        make_work("a", credits=(Credit("Ann"), Credit("Bo", qualifier="after"), Credit("Ann"))),
        make_work("b", credits=(Credit("Ann", qualifier="circle of"), Credit("Ann", role="contributor"))),
        make_work("c"),
    )
    assert toy.rows(CREDITS) == [
        ("a", "Ann", None, "creator", 0),
        ("a", "Bo", "after", "creator", 1),
        ("b", "Ann", "circle of", "creator", 0),
        ("b", "Ann", None, "contributor", 1),
    ]
    assert toy.rows("SELECT name, sort_name FROM artist ORDER BY name") == [("Ann", "ann"), ("Bo", "bo")]


def test_texts_that_are_indexed_fit_once_clipped(toy, make_work):
    words = random.Random(1)
    # Neither repeated nor in one byte a letter: what is hardest for an index to hold.
    long = "".join(chr(words.randrange(0x4E00, 0x9F00)) for _ in range(10_000))
    work = make_work("a")
    record = work.record.over(
        type(work.record)(
            medium=long,
            movement=long,
            period=long,
            object_type=long,
            keywords=(long,),
            credits=(Credit(long),),
        )
    )
    work = type(work)(work.source_id, work.source_digest, record.clipped(), work.image, work.vector)
    assert set(toy.write(work)) == {"a"}


def test_a_descriptor_of_another_length_is_refused_and_nothing_written(toy, make_work):
    with pytest.raises(ServiceError, match="dim"):
        toy.write(make_work("a"), make_work("b", vector=np.ones(3, dtype=np.float32)))
    assert toy.value("SELECT count(*) FROM work") == 0


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_a_descriptor_out_of_range_is_refused_and_nothing_written(toy, make_work, bad):
    with pytest.raises(ServiceError):
        toy.write(make_work("a", vector=[bad, *[0.0] * 7]))
    assert toy.value("SELECT count(*) FROM work") == 0


def test_writers_of_one_collection_neither_deadlock_nor_double(toy, make_work):
    names = [f"w{number}" for number in range(40)]
    start = threading.Barrier(4)

    def write(seed: int) -> set[str]:
        mine = names.copy()
        random.Random(seed).shuffle(mine)
        written: set[str] = set()
        start.wait()
        for at in range(0, len(mine), 8):
            batch = [
                # Two names, one picture: who comes first has it.
                make_work(name, content=f"c{int(name[1:]) // 2}", credits=(Credit("Ann"), Credit(f"A{at}")))
                for name in mine[at : at + 8]
            ]
            written |= set(toy.write(*batch))
        return written

    with ThreadPoolExecutor(4) as pool:
        written = list(pool.map(write, range(4)))
    assert toy.value("SELECT count(*) FROM image") == len(names) // 2
    assert toy.value("SELECT count(*) FROM work") == len(names) // 2
    assert toy.value("SELECT count(*) FROM descriptor") == len(names) // 2
    kept = {row[0] for row in toy.rows("SELECT source_id FROM work")}
    assert all(one == kept for one in written)


def test_writers_of_several_collections_share_artists_and_licenses(toy, make_work):
    with toy.database.session() as session:
        ids = [ensure_collection(session, f"c{number}").id for number in range(3)]
    start = threading.Barrier(3)

    def write(number: int) -> None:
        order = list(range(30))
        random.Random(number).shuffle(order)
        start.wait()
        for at in range(0, 30, 6):
            works = [
                make_work(f"w{n}", credits=(Credit(f"Artist {n}"),), work_rights=f"http://example.org/{n}")
                for n in order[at : at + 6]
            ]
            with toy.database.session() as session:
                write_works(session, collection_id=ids[number], encoder=toy.encoder, works=works)

    with ThreadPoolExecutor(3) as pool:
        list(pool.map(write, range(3)))
    assert toy.value("SELECT count(*) FROM work") == 90
    assert toy.value("SELECT count(*) FROM artist") == 30
    assert toy.value("SELECT count(*) FROM license WHERE uri LIKE 'http://example.org/%'") == 30
    assert toy.value("SELECT count(*) FROM work_artist") == 90


def test_two_encoders_describe_the_same_images(toy, make_work, make_identity):
    work = make_work("a")
    first = toy.write(work)
    with toy.database.session() as session:
        other = encoders.register(session, make_identity("other", dim=3, digest="e"))
        wider = type(work)(
            work.source_id, work.source_digest, work.record, work.image, np.ones(3, dtype=np.float32)
        )
        assert write_works(session, collection_id=toy.collection_id, encoder=other, works=[wider]) == first
    assert toy.rows("SELECT vector_dims(vector) FROM descriptor ORDER BY 1") == [(3,), (8,)]


def test_a_write_that_is_rolled_back_leaves_nothing(toy, make_work):
    def break_off() -> None:
        with toy.database.session() as session:
            works = [make_work("a", work_rights="http://x")]
            write_works(session, collection_id=toy.collection_id, encoder=toy.encoder, works=works)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        break_off()
    with toy.database.session() as session:
        for table in ("work", "image", "descriptor"):
            assert session.scalar(text(f"SELECT count(*) FROM {table}")) == 0
        assert session.scalar(text("SELECT count(*) FROM license WHERE uri = 'http://x'")) == 0
