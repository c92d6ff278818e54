from collections import Counter

import pytest
from sqlalchemy import text

from stylesearch.errors import InputError, NotFoundError
from stylesearch.images.store import open_store
from stylesearch.training.archive import picture_collection
from stylesearch.training.datasets import Decoding

DECODING = Decoding(shortest_side=32)


def opened(archive, **options):
    with archive.database.session() as session:
        return picture_collection(
            session, archive.slug, open_store(archive.settings), decoding=DECODING, **options
        )


def change(archive, statement: str) -> None:
    with archive.database.session() as session:
        session.execute(text(statement))


def test_a_collection_by_artist_is_crossed_by_title(archive) -> None:
    data = opened(archive, content_by_title=True)
    assert str(data.labels) == "30 samples, 6 tags, 5 contents"
    assert all(name.startswith("artist: ") for name in data.labels.tag_names)
    cells = Counter((data.labels.tags[s], int(data.labels.contents[s])) for s in range(30))
    assert len(cells) == 30
    assert data.load(0).shape == (32, 32, 3)
    assert str(opened(archive).labels).endswith("contents unknown")


def test_several_kinds_of_tags(archive) -> None:
    change(archive, "UPDATE work SET movement = 'Modern' WHERE id % 2 = 0")
    data = opened(archive, tag_by=("medium", "movement", "keyword"))
    kinds = Counter(name.split(": ")[0] for name in data.labels.tag_names)
    assert set(kinds) == {"medium", "movement", "keyword"}
    modern = data.labels.tag_names.index("movement: Modern")
    assert len(data.labels.members[modern]) == 15


def test_what_may_not_be_trained_on_is_left_out(archive) -> None:
    whole = opened(archive)
    change(
        archive,
        "UPDATE work SET withdrawn_at = now() WHERE source_id LIKE '%1%' OR id = (SELECT min(id) FROM work)",
    )
    fewer = opened(archive)
    assert 0 < len(fewer.names) < len(whole.names)
    change(archive, "UPDATE work SET withdrawn_at = NULL")
    change(
        archive,
        "INSERT INTO license (uri, label, reuse, ai_training) VALUES ('urn:none', 'No training', 'restricted', false);"
        "UPDATE work SET image_license_id = (SELECT id FROM license WHERE uri = 'urn:none')"
        " WHERE id = (SELECT max(id) FROM work)",
    )
    assert len(opened(archive).names) == len(whole.names) - 1


def test_a_hand_that_is_only_near_an_artist_is_not_the_artists(archive) -> None:
    change(archive, "UPDATE work_artist SET qualifier = 'after'")
    with pytest.raises(InputError, match="has a tag") as caught:
        opened(archive)
    assert caught.value.code == "tags_missing"


def test_a_collection_that_is_not_there(archive) -> None:
    with archive.database.session() as session, pytest.raises(NotFoundError):
        picture_collection(session, "nowhere", open_store(archive.settings), decoding=DECODING)
