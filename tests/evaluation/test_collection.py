import hashlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from stylesearch.catalog import encoders
from stylesearch.catalog.collections import ensure_collection
from stylesearch.catalog.records import Credit, ImageFacts, NewWork, WorkRecord
from stylesearch.catalog.writers import write_works
from stylesearch.errors import InputError, NotFoundError
from stylesearch.evaluation.collection import SAME_PICTURE_BITS, read_collection, same_thing
from stylesearch.images.hashes import hash_distance

BLANK, CHECKS, STRIPES = 0, 0x5555_5555_5555_5555, 0x0F0F_0F0F_0F0F_0F0F
IDENTITY = encoders.EncoderIdentity("tiny", "ab" * 32, 4, "cd" * 32, "none-v1", "CC0-1.0")
IDS = st.integers(0, 3)


def work(name: str, vector, *by: Credit, looks: int = BLANK) -> NewWork:
    digest = hashlib.sha256(name.encode()).digest()
    return NewWork(
        name,
        digest,
        WorkRecord(title=name, credits=by),
        ImageFacts(digest, looks, 9, 9, "image/png", "k"),
        np.array(vector, dtype=np.float32) / np.float32(np.linalg.norm(vector)),
    )


def test_what_is_read_of_a_collection(database):
    works = [
        work("a", [1, 0, 0, 0], Credit("Ann"), looks=CHECKS),
        work("b", [3, 4, 0, 0], Credit("Ann"), Credit("Bo"), looks=STRIPES),
        work("c", [0, 0, 1, 0], Credit("Ann", qualifier="circle of")),
        work("d", [0, 0, 1, 1]),
        work("e", [0, 1, 1, 1], Credit("Bo", role="contributor")),
        work("f", [1, 1, 1, 1], Credit("Bo"), Credit("Ann", qualifier="after"), looks=CHECKS ^ 0b1011),
        work("g", [1, 2, 3, 4], Credit("Bo")),
        work("h", [4, 3, 2, 1], Credit("Bo")),
    ]
    with database.session() as session:
        encoder = encoders.register(session, IDENTITY)
        ids = [ensure_collection(session, slug).id for slug in ("first", "second", "empty")]
        write_works(session, collection_id=ids[0], encoder=encoder, works=works)
        write_works(
            session, collection_id=ids[1], encoder=encoder, works=[work("z", [1, 1, 0, 0], Credit("Cy"))]
        )
        session.execute(text("UPDATE work SET withdrawn_at = now() WHERE source_id = 'h'"))
    with database.session() as session:
        found = read_collection(session, "first", "tiny")
        assert read_collection(session, "second", "tiny").artists == ({"Cy"},)
        with pytest.raises(InputError) as raised:
            read_collection(session, "empty", "tiny")
        assert raised.value.code == "empty_collection"
        for arguments, code in (
            (("none", "tiny"), "unknown_collection"),
            (("first", "none"), "empty_gallery"),
        ):
            with pytest.raises(NotFoundError) as missing:
                read_collection(session, *arguments)
            assert missing.value.code == code
    assert found.artists == ({"Ann"}, {"Ann", "Bo"}, {"Bo"}, {"Bo"})
    assert found.left_out == 3
    assert found.descriptors[:2] == pytest.approx(np.array([[1, 0, 0, 0], [0.6, 0.8, 0, 0]]), abs=1e-3)
    assert np.linalg.norm(found.descriptors, axis=1) == pytest.approx(1)
    assert found.groups.tolist() == [0, 1, 0, 3]  # a and f look alike
    assert found.encoder == {
        "slug": "tiny", "digest": "ab" * 32, "dim": 4, "weights_sha256": "cd" * 32, "preprocessing": "none-v1", "license": "CC0-1.0",
    }  # fmt: skip


def group_by_loops(known, hashes):
    """Join whatever is the same, until nothing more can be joined."""
    groups = [{place} for place in range(len(known))]

    def alike(i, j):
        telling = all(16 <= (value & (2**64 - 1)).bit_count() <= 48 for value in (hashes[i], hashes[j]))
        looks = telling and hash_distance(hashes[i], hashes[j]) <= SAME_PICTURE_BITS
        return known[i][0] == known[j][0] or known[i][1] == known[j][1] or looks

    for i in range(len(known)):
        for j in range(i):
            if alike(i, j) and groups[i] is not groups[j]:
                merged = groups[i] | groups[j]
                for place in merged:
                    groups[place] = merged
    return [min(group) for group in groups]


@given(
    st.lists(
        st.tuples(
            st.integers(0, 40),
            IDS,
            st.sampled_from([CHECKS, STRIPES, ~CHECKS, BLANK]),
            st.integers(0, 2**12 - 1),
        ),
        min_size=1,
        max_size=14,
    )
)
@settings(deadline=None)
def test_whatever_is_the_same_as_the_same_is_the_same(images):
    known = [(work_id, f"{file}-{looks}-{noise}".encode()) for work_id, file, looks, noise in images]
    hashes = [looks ^ noise for _, _, looks, noise in images]
    signed = [value - 2**64 if value >= 2**63 else value for value in hashes]
    assert same_thing(known, np.array(signed, dtype=np.int64)).tolist() == group_by_loops(known, signed)


def test_chains_are_followed():
    looks = [CHECKS, CHECKS ^ 0b1111, CHECKS ^ 0b1111_1111, CHECKS ^ 0b1111_1111_1111, STRIPES]
    known = [(place, bytes([place])) for place in range(5)]
    assert same_thing(known, np.array(looks)).tolist() == [0, 0, 0, 0, 4]


def test_pictures_with_nothing_in_them_are_not_alike():
    known = [(place, bytes([place])) for place in range(4)]
    assert same_thing(known, np.array([0, 0, -1, -1])).tolist() == [0, 1, 2, 3]


def test_the_drawn_collection_is_all_different(archive):
    with archive.database.session() as session:
        found = read_collection(session, archive.slug, "lite")
    assert len(found.artists) == 30
    assert found.left_out == 0
    assert len(set(found.artists)) == 6
