import pytest

from stylesearch.attribution.gallery import read_gallery
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
        "DELETE FROM descriptor WHERE image_id = (SELECT min(id) FROM image)",
        "UPDATE descriptor SET vector = (SELECT vector FROM descriptor d2 ORDER BY image_id DESC LIMIT 1) WHERE image_id = (SELECT min(id) FROM image)",
        "UPDATE image SET sha256 = sha256('other bytes') WHERE id = (SELECT min(id) FROM image)",
    ],
)
def test_the_digest_changes_with_what_a_search_would_find(read, execute, statement):
    before = read()
    execute(statement)
    assert read().digest != before.digest


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE work SET title = 'New', medium = 'ink', updated_at = now()",
        "UPDATE image SET storage_key = 'elsewhere'",
        "INSERT INTO artist (name, sort_name) VALUES ('Nobody', 'nobody')",
        "UPDATE work_artist SET qualifier = 'after'",
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
