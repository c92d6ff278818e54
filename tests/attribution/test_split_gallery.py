"""Reports and calibrations on a gallery that is split over shards: those of a whole one, or none."""

import pytest

from stylesearch.attribution.batches import (
    MOST_ATTEMPTS,
    Source,
    open_batch,
    progress_of,
    report_for_a_while,
)
from stylesearch.attribution.calibrating import calibrate_gallery, latest, load
from stylesearch.attribution.composing import Subject
from stylesearch.attribution.gallery import read_gallery
from stylesearch.attribution.report import ReportMaker
from stylesearch.attribution.sealed import view
from stylesearch.catalog import encoders
from stylesearch.errors import ServiceError
from stylesearch.images.store import open_store
from stylesearch.search.filters import EVERYTHING
from stylesearch.search.grammar import parse
from stylesearch.search.service import StyleSearch


def active(session):
    return encoders.active(session, "lite")


@pytest.fixture
def split_maker(split_archive) -> ReportMaker:
    search = StyleSearch(split_archive.database, split_archive.settings)
    return ReportMaker(search, open_store(split_archive.settings))


def composed(maker: ReportMaker, data: bytes, where: str):
    """Return a report without what is new each time: its salts, and the moment at which its calibration was made."""
    example, _ = maker.style_search.decode_and_describe(data)
    with maker.style_search.database.session(snapshot=True) as session:
        document, works = maker.compose(
            session, Subject(data, "a.svg", example, parse(where)), public_id="x", created_at="2024-01-01"
        )
    document["record"]["calibration"].pop("created_at")
    return view(document, works)


@pytest.mark.parametrize("where", ["", "reuse:open -year:1900"])
def test_a_report_is_that_of_a_whole_gallery(archive, split_archive, maker, split_maker, drawing, where):
    data = drawing.read_bytes()
    for one in (archive, split_archive):
        calibrate_gallery(one.database, active, check=False)
    assert composed(split_maker, data, where) == composed(maker, data, where)


def test_a_calibration_is_that_of_a_whole_gallery(archive, split_archive):
    one, other = (calibrate_gallery(each.database, active, check=False) for each in (archive, split_archive))
    assert (other.digest, other.gallery_root) == (one.digest, one.gallery_root)
    with archive.database.session() as session, split_archive.database.session() as there:
        assert read_gallery(there, active(there)) == read_gallery(session, active(session))
        near = load(session, active(session), latest(session, active(session)))[1].works.rows[3]
        judged = [
            load(each, active(each), latest(each, active(each)), near=near)[1].works.rows
            for each in (session, there)
        ]
    assert (judged[0] == judged[1]).all()


def test_neither_is_made_while_a_shard_is_away(
    split_archive, split_maker, drawing, run_command, split_environment
):
    data = drawing.read_bytes()
    split_archive.server.kill()
    for make in (
        lambda: split_maker.make(data, name="a.svg"),
        lambda: calibrate_gallery(split_archive.database, active, check=False),
    ):
        with pytest.raises(ServiceError) as caught:
            make()
        assert caught.value.code == "shard_down"
    for command in (("report", "make", drawing), ("calibrate",)):
        outcome = run_command(*command)
        assert (outcome.code, len(outcome.err.splitlines())) == (1, 1), outcome
        assert "cannot be reached" in outcome.err
    split_archive.server.start()
    assert split_maker.make(data, name="a.svg").document["record"]["gallery"]["images"] == 30
    assert calibrate_gallery(split_archive.database, active, check=False).id > 0


def test_a_batch_goes_on_when_the_shard_is_back(split_archive, split_maker, drawing):
    batch_id = open_batch(split_maker, [Source("a.svg", drawing)], EVERYTHING, lambda path: path.read_bytes())
    split_archive.server.kill()
    for _ in range(MOST_ATTEMPTS + 1):
        with pytest.raises(ServiceError) as caught:
            report_for_a_while(split_maker, batch_id)
        assert caught.value.code == "shard_down"
    split_archive.server.start()
    assert report_for_a_while(split_maker, batch_id) is False
    with split_archive.database.session() as session:
        assert progress_of(session, batch_id).done == 1
