import numpy as np
import pytest

from stylesearch.images.store import ImageStore
from stylesearch.ingest.ledger import EMBED
from stylesearch.ingest.spool import USUAL_BYTES, Spool

PIXELS = np.arange(2 * 3 * 4 * 3, dtype=np.uint8).reshape(2, 3, 4, 3)


@pytest.fixture
def store(tmp_path):
    return ImageStore(str(tmp_path / "spool"))


@pytest.mark.parametrize("pixels", [PIXELS, PIXELS[0], PIXELS[:, ::2]])
def test_pixels_come_back(store, pixels):
    spool = Spool(store, max_bytes=2**20)
    key, size = spool.put(pixels)
    assert size > pixels.nbytes
    assert np.array_equal(spool.get(key), pixels)
    spool.remove([key])
    assert spool.get(key) is None


@pytest.mark.parametrize("damage", [b"", b"\x93NUMPY", b"nonsense", b"PK\x03\x04zip"])
def test_what_is_damaged_is_gone(store, tmp_path, damage):
    spool = Spool(store, max_bytes=2**20)
    key, _ = spool.put(PIXELS)
    (tmp_path / "spool" / key).write_bytes(damage)
    assert spool.get(key) is None


def test_pickles_and_other_arrays_are_not_loaded(store, tmp_path):
    spool = Spool(store, max_bytes=2**20)
    for array in (np.array([{"a": 1}], dtype=object), np.zeros((2, 2)), np.zeros(5, np.uint8)):
        key, _ = spool.put(PIXELS)
        np.save(tmp_path / "spool" / "a.npy", array, allow_pickle=True)
        (tmp_path / "spool" / key).write_bytes((tmp_path / "spool" / "a.npy").read_bytes())
        assert spool.get(key) is None


def test_room_is_what_the_ledger_says(books, make_found, store):
    books.discover(make_found("a"), make_found("b"))
    books.claim()
    spool = Spool(store, max_bytes=3 * USUAL_BYTES)
    with books.database.session() as session:
        assert spool.room(session) == 3
    books.prepare("a", "b")
    for waiting, room in ((USUAL_BYTES // 2, 2), (2 * USUAL_BYTES, 0), (USUAL_BYTES * 3 // 2, 0)):
        books.execute("UPDATE ingest_item SET spool_bytes = :bytes", bytes=waiting)
        with books.database.session() as session:
            assert spool.room(session) == room
    books.claim(stage=EMBED)
    books.write("a", "b")
    with books.database.session() as session:
        assert spool.room(session) == 3


def test_sweeping_removes_what_the_ledger_does_not_know(books, make_found, store):
    spool = Spool(store, max_bytes=2**20)
    books.discover(make_found("a"))
    books.claim()
    books.prepare("a")
    known, left = spool.put(PIXELS)[0], spool.put(PIXELS)[0]
    books.execute("UPDATE ingest_item SET spool_key = :key", key=known)
    with books.database.session() as session:
        assert spool.sweep(session, older_than_seconds=3600) == 0
        assert spool.sweep(session, older_than_seconds=-1) == 1
    assert spool.get(known) is not None
    assert spool.get(left) is None
