import pytest

from stylesearch.attribution.gallery import Difference, difference, read_gallery, read_leaves
from stylesearch.attribution.merkle import leaf, root
from stylesearch.catalog import encoders

ONE_WORK = "(SELECT min(id) FROM work)"


@pytest.fixture
def read(archive):
    def read():
        with archive.database.session() as session:
            return read_gallery(session, encoders.active(session, "lite"))

    return read


def test_a_gallery_in_numbers(read):
    gallery = read()
    assert (gallery.images, gallery.works, gallery.artists) == (30, 30, 6)
    assert len(bytes.fromhex(gallery.digest)) == 32
    assert read() == gallery


@pytest.mark.parametrize(
    "statement",
    [
        f"UPDATE work SET withdrawn_at = now() WHERE id = {ONE_WORK}",
        f"DELETE FROM work WHERE id = {ONE_WORK}",
        "UPDATE collection SET visibility = 'staff'",
        "DELETE FROM descriptor WHERE image_id = (SELECT min(id) FROM image)",
        "UPDATE descriptor SET vector = (SELECT vector FROM descriptor d2 ORDER BY image_id DESC LIMIT 1) WHERE image_id = (SELECT min(id) FROM image)",
        "UPDATE image SET sha256 = sha256('other bytes') WHERE id = (SELECT min(id) FROM image)",
        f"UPDATE work_artist SET qualifier = 'after' WHERE work_id = {ONE_WORK}",
        f"UPDATE work SET movement = 'another' WHERE id = {ONE_WORK}",
        f"UPDATE work SET medium = 'another' WHERE id = {ONE_WORK}",
        "UPDATE artist SET name = 'Another Name' WHERE id = (SELECT min(artist_id) FROM work_artist)",
    ],
)
def test_the_digest_changes_with_what_an_answer_hangs_on(read, execute, statement):
    before = read()
    execute(statement)
    assert read().digest != before.digest


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE work SET title = 'New', updated_at = now()",
        "UPDATE image SET storage_key = 'elsewhere'",
        "INSERT INTO artist (name, sort_name) VALUES ('Nobody', 'nobody')",
        "INSERT INTO collection (slug, title) VALUES ('empty', 'e')",
    ],
)
def test_the_digest_does_not_change_with_anything_else(read, execute, statement):
    before = read()
    execute(statement)
    assert read() == before


def test_the_digest_comes_back_with_what_was_withdrawn(read, execute):
    before = read()
    execute(f"UPDATE work SET withdrawn_at = now() WHERE id = {ONE_WORK}")
    execute("UPDATE work SET withdrawn_at = NULL")
    assert read() == before


def test_equal_galleries_have_equal_digests_whatever_their_numbers(read, execute, archive, ingest_folder):
    before = read()
    execute("DELETE FROM collection")
    assert read().images == 0
    ingest_folder(archive.settings, archive.folder, "again")
    assert read() == before


def test_the_root_is_that_of_rfc_6962():
    from hashlib import sha256

    leaves = sorted(leaf(bytes([number])) for number in range(5))
    assert leaf(b"\x05") == sha256(b"\x00\x05").digest()
    node = lambda left, right: sha256(b"\x01" + left + right).digest()  # noqa: E731
    four = node(node(leaves[0], leaves[1]), node(leaves[2], leaves[3]))
    assert root(reversed(leaves)) == node(four, leaves[4])
    assert root(leaves[:1]) == leaves[0]
    assert root([]) == sha256(b"").digest()


def test_what_changed_is_told_apart(archive, execute):
    def leaves():
        with archive.database.session() as session:
            return read_leaves(session, encoders.active(session, "lite"))

    before = leaves()
    images = before.images.tolist()
    assert difference(before.to_bytes(), leaves()) == Difference(0, 0, ())
    execute(
        "UPDATE work SET withdrawn_at = now() WHERE id = (SELECT work_id FROM image WHERE id = :id)",
        id=images[3],
    )
    execute(
        "UPDATE work SET medium = 'another' WHERE id = (SELECT work_id FROM image WHERE id = :id)",
        id=images[5],
    )
    after = leaves()
    assert difference(before.to_bytes(), after) == Difference(0, 1, (images[5],))
    assert difference(after.to_bytes(), before) == Difference(1, 0, (images[5],))
    assert after.of(images[3]) is None
    assert after.of(images[4]) == before.of(images[4]) is not None
    assert after.root() != before.root()
