import io
from dataclasses import replace

import pytest
from PIL import Image

from stylesearch.attribution.evidence import NEAR_COPY_BITS, artists_among, near_copies, repeated
from stylesearch.catalog.cards import cards_of_images
from stylesearch.images.decode import decode
from stylesearch.images.hashes import hash_distance
from stylesearch.search.query import StyleQuery
from stylesearch.search.service import Hit


@pytest.fixture
def rendering(archive, drawing) -> bytes:
    """An archive work as somebody else would have saved it: smaller, and as JPEG."""
    picture = decode(drawing.read_bytes(), max_bytes=10**9, max_pixels=10**9)
    buffer = io.BytesIO()
    Image.fromarray(picture.pixels).resize((300, 300)).save(buffer, "JPEG", quality=60)
    return buffer.getvalue()


def near(archive, **values):
    with archive.database.session() as session:
        found = near_copies(session, **values)
        cards = cards_of_images(session, [image_id for image_id, _ in found])
    return [(cards[image_id].source_id, bits) for image_id, bits in found]


def test_a_rendering_of_an_archive_work_is_found_and_others_are_not(archive, maker, drawing, rendering):
    example = maker.style_search.describe(rendering)
    found = near(archive, sha256=example.sha256, perceptual_hash=example.perceptual_hash)
    source_id = drawing.relative_to(archive.folder).as_posix()
    assert source_id in [name for name, _ in found]
    assert found[0][0] == source_id
    assert len(found) <= 2


def test_the_very_file_is_no_near_copy(archive, maker, drawing):
    example = maker.style_search.describe(drawing.read_bytes())
    found = near(archive, sha256=example.sha256, perceptual_hash=example.perceptual_hash)
    assert drawing.relative_to(archive.folder).as_posix() not in [name for name, _ in found]


def test_bits_are_counted_over_the_whole_range(archive, execute):
    telling = 0x5555_5555_5555_5555
    flipped = [0, 1, 2**62, 0b10101, -(2**63), -(2**62), 0x7FFF]
    hashes = [telling ^ bits for bits in flipped]
    execute(
        "UPDATE image SET perceptual_hash = 3689348814741910323"
    )  # half of all bits: far from every one below
    for number, value in enumerate(hashes):
        execute(
            "UPDATE image SET perceptual_hash = :value WHERE id = (SELECT id FROM image ORDER BY id OFFSET :at LIMIT 1)",
            value=value,
            at=number,
        )
    for value in hashes:
        with archive.database.session() as session:
            found = [bits for _, bits in near_copies(session, sha256=b"", perceptual_hash=value)]
        expected = sorted(hash_distance(value, other) for other in hashes)
        assert found == [bits for bits in expected if bits <= NEAR_COPY_BITS]


def test_withdrawn_works_are_no_near_copies(archive, maker, rendering, execute):
    example = maker.style_search.describe(rendering)
    execute("UPDATE work SET withdrawn_at = now()")
    assert near(archive, sha256=example.sha256, perceptual_hash=example.perceptual_hash) == []


@pytest.fixture
def hits(maker, drawing) -> tuple[Hit, ...]:
    described = maker.style_search.describe(drawing.read_bytes())
    query = StyleQuery(examples=(described.example,), k=12)
    return maker.style_search.search(query, at_hand=[described]).hits


def test_artists_among_the_nearest(archive, hits):
    with archive.database.session() as session:
        evidence = artists_among(session, hits)
    assert sum(one.works_among_nearest for one in evidence) == 12
    assert [one.works_among_nearest for one in evidence] == sorted(
        (one.works_among_nearest for one in evidence), reverse=True
    )
    for one in evidence:
        theirs = [hit for hit in hits if one.name in hit.card.artists]
        best = [hit.score for hit in theirs][:3]
        assert (one.works_among_nearest, one.works_in_gallery) == (len(theirs), 5)
        assert (one.best_rank, one.best_score) == (theirs[0].rank, theirs[0].score)
        assert one.mean_score == round(sum(best) / len(best), 6)


def test_the_same_picture_again_is_told_by_the_rank_of_the_first(archive, hits, execute):
    for number, hit in enumerate(hits):
        execute(
            "UPDATE image SET perceptual_hash = :value WHERE id = :id",
            value=0x5555_5555_5555_5555 ^ (0xFFFF << 16 * (number % 3) if number else 0b11),
            id=hit.card.image_id,
        )
    execute("UPDATE image SET perceptual_hash = 6148914691236517205 WHERE id = :id", id=hits[5].card.image_id)
    with archive.database.session() as session:
        found = repeated(session, hits)
        assert repeated(session, ()) == {}
    assert found[hits[5].card.image_id] == hits[0].rank
    assert hits[0].card.image_id not in found


def test_what_is_only_near_an_artist_is_not_theirs(archive, hits, execute):
    name = hits[0].card.artist_names[0]
    execute(
        "UPDATE work_artist SET qualifier = 'after' WHERE artist_id = (SELECT id FROM artist WHERE name = :name)"
        " AND work_id <> :work",
        name=name,
        work=hits[0].card.work_id,
    )
    with archive.database.session() as session:
        cards = cards_of_images(session, [hit.card.image_id for hit in hits])
        evidence = artists_among(session, [replace(hit, card=cards[hit.card.image_id]) for hit in hits])
    (one,) = [one for one in evidence if one.name == name]
    assert (one.works_among_nearest, one.works_in_gallery) == (1, 1)


def test_two_parts_in_one_work_are_one_work(archive, hits, execute):
    execute(
        "INSERT INTO work_artist (work_id, artist_id, role) SELECT work_id, artist_id, 'contributor' FROM work_artist"
    )
    with archive.database.session() as session:
        cards = cards_of_images(session, [hit.card.image_id for hit in hits])
        doubled = artists_among(session, [replace(hit, card=cards[hit.card.image_id]) for hit in hits])
        assert doubled == artists_among(session, hits)


def test_withdrawn_works_are_not_counted(archive, hits, execute):
    execute("UPDATE work SET withdrawn_at = now() WHERE id = :id", id=hits[0].card.work_id)
    with archive.database.session() as session:
        evidence = artists_among(session, hits[1:])
    name = hits[0].card.artist_names[0]
    assert all(one.works_in_gallery == (4 if one.name == name else 5) for one in evidence)


def test_no_hits_no_artists(archive):
    with archive.database.session() as session:
        assert artists_among(session, []) == []


def test_a_picture_with_nothing_in_it_has_no_near_copies(archive, execute):
    execute("UPDATE image SET perceptual_hash = 0")
    with archive.database.session() as session:
        assert near_copies(session, sha256=b"", perceptual_hash=0) == []
