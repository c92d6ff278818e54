import json

import numpy as np
import pytest
from planted import planted_descriptors
from sqlalchemy import text

from stylesearch.attribution.calibrating import calibrate_gallery, latest, load, of_gallery, told
from stylesearch.attribution.calibration import calibrate, judge
from stylesearch.attribution.calibration_file import digest_of, from_bytes, to_bytes
from stylesearch.attribution.frozen import read_frozen
from stylesearch.attribution.gallery import read_leaves
from stylesearch.catalog import encoders
from stylesearch.errors import InputError, NotFoundError, ServiceError


def active(session):
    return encoders.active(session, "lite")


@pytest.fixture
def frozen(archive):
    with archive.database.session() as session:
        return read_frozen(session, active(session))


def test_what_is_kept_is_what_was_calibrated(archive, frozen):
    found = calibrate_gallery(archive.database, active, check=False)
    with archive.database.session() as session:
        row = latest(session, active(session))
        calibration, again = load(session, active(session), row)
        leaves = read_leaves(session, active(session))
        assert of_gallery(session, active(session), leaves.root()).id == row.id
        assert of_gallery(session, active(session), "0" * 64) is None
        assert row.digest == found.digest == digest_of(row.data)
        assert row.leaves == leaves.to_bytes()
    assert found.gallery_root == leaves.root()
    assert told(found)["id"] == found.digest
    assert (found.summary["works"], found.summary["artists"]) == (28, 4), (
        "two of the 30, by two artists, look alike"
    )
    query = planted_descriptors(1, 2, dim=frozen.works.rows.shape[1])[0]
    fresh = calibrate(frozen.works)
    ours, theirs = judge(fresh, frozen.works, query), judge(calibration, again.works, query)
    for field in ("scores", "standard", "p_values", "log10", "crowding"):
        np.testing.assert_array_equal(getattr(ours, field), getattr(theirs, field))


def test_the_same_gallery_gives_the_same_calibration(archive):
    first, second = (calibrate_gallery(archive.database, active, check=False) for _ in range(2))
    assert first.digest == second.digest
    assert calibrate_gallery(archive.database, active, check=False, seed=1).gallery_root == first.gallery_root


def test_uncertain_works_are_left_out(archive, execute, frozen):
    assert len(frozen.works) == len(frozen.images) == 28
    assert (len(frozen.members), frozen.works.contested) == (28, 2)
    execute("UPDATE work_artist SET qualifier = 'circle of' WHERE work_id = (SELECT min(id) FROM work)")
    execute("UPDATE work SET withdrawn_at = now() WHERE id = (SELECT max(id) FROM work)")
    with archive.database.session() as session:
        fewer = read_frozen(session, active(session))
    assert len(fewer.members) == 26
    assert set(fewer.members) == set(frozen.members.tolist()) - {min(frozen.members), max(frozen.members)}
    execute("UPDATE collection SET visibility = 'staff'")
    with archive.database.session() as session, pytest.raises(InputError) as caught:
        read_frozen(session, active(session))
    assert caught.value.code == "no_sure_works"


def test_pictures_that_look_the_same_count_once_and_are_known_as_copies(archive, execute):
    with archive.database.session() as session:
        ids = session.scalars(
            text(
                "SELECT image.id FROM image JOIN work_artist USING (work_id) WHERE artist_id ="
                " (SELECT min(artist_id) FROM work_artist) ORDER BY image.id"
            )
        ).all()
    execute(
        "UPDATE image SET perceptual_hash = x'0F0F0F0F0F0F0F0F'::bigint WHERE id = ANY(:ids)", ids=ids[:2]
    )
    with archive.database.session() as session:
        frozen = read_frozen(session, active(session))
    assert ids[0] in frozen.images
    assert ids[1] not in frozen.images
    for image in ids[:2]:
        assert frozen.images[frozen.copies(np.array([image]))].tolist() == [ids[0]]
    assert not frozen.copies(np.array([10**9])).any()


def test_descriptors_are_those_of_the_catalogue(archive, frozen):
    with archive.database.session() as session:
        stored = dict(session.execute(text("SELECT image_id, vector::vector::real[] FROM descriptor")).all())
    expected = np.array([stored[image] for image in frozen.images.tolist()])
    np.testing.assert_allclose(frozen.works.rows, expected, atol=1e-3)


def test_a_damaged_calibration_is_told(archive, frozen):
    data = to_bytes(calibrate(frozen.works, resamples=5), frozen)
    assert from_bytes(data).artists == frozen.works.artists
    for broken in (b"", data[:100], b"PK" + data[2:90], data.replace(b"facts", b"farts")):
        with pytest.raises(ServiceError) as caught:
            from_bytes(broken)
        assert caught.value.code == "calibration_damaged"


def test_an_empty_gallery_and_too_few_artists_are_told(archive, execute, database):
    with pytest.raises(NotFoundError):
        calibrate_gallery(database, active)
    execute("UPDATE work_artist SET qualifier = 'after'")
    with pytest.raises(InputError) as caught:
        calibrate_gallery(archive.database, active)
    assert caught.value.code == "no_sure_works"
    execute("UPDATE work_artist SET qualifier = NULL WHERE artist_id = (SELECT min(id) FROM artist)")
    with pytest.raises(InputError) as caught:
        calibrate_gallery(archive.database, active)
    assert caught.value.code == "too_few_artists"


def test_the_command_tells_what_it_found(archive_environment, run_command):
    done = run_command("calibrate", "--json")
    assert done.code == 0, done.err
    found = json.loads(done.out)
    assert found["summary"]["artists"] == 4
    assert found["held_out"].keys() & {"problem", "cllr"}
    with archive_environment.database.session() as session:
        assert latest(session, active(session)).digest == found["id"]
    assert run_command("calibrate", "--no-check", "--plot", "x.svg").code == 2
    done = run_command("calibrate", "--no-check")
    assert done.code == 0
    assert "4 artists with 5 works or more" in done.out


def test_the_command_tells_in_one_line_what_is_missing(environment, run_command):
    done = run_command("calibrate")
    assert done.code == 1
    assert len(done.err.splitlines()) == 1


def test_a_part_of_the_gallery_gives_the_same_numbers(archive, execute, monkeypatch):
    calibrate_gallery(archive.database, active, check=False)
    query = planted_descriptors(1, 3, dim=256)[0]
    with archive.database.session() as session:
        row = latest(session, active(session))
        calibration, whole = load(session, active(session), row)
        copies = whole.images[[2, 9]]
        # Of 28 works, 22 are near; with fewer than 15 by others, all are read.
        for count, least in ((22, 15), (10, len(whole.works))):
            monkeypatch.setattr("stylesearch.attribution.calibrating.NEAREST_READ", count)
            for one in query:
                _, part = load(session, active(session), row, near=one, copies=copies)
                assert least <= len(part.works) <= len(whole.works)
                assert set(copies) <= set(part.images)
                ours = judge(calibration, part.works, one[None], leave_out=part.copies(copies))
                theirs = judge(calibration, whole.works, one[None], leave_out=whole.copies(copies))
                for field in ("scores", "standard", "p_values", "log10", "crowding"):
                    np.testing.assert_array_equal(getattr(ours, field), getattr(theirs, field))
