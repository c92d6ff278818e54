import gzip
import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from sqlalchemy import text

from stylesearch.catalog.records import Credit, WorkRecord
from stylesearch.encoders.protocol import EncoderSpec
from stylesearch.errors import ServiceError, StylesearchError
from stylesearch.images.store import ImageStore, open_store
from stylesearch.ingest.counts import Counts
from stylesearch.ingest.driving import drive
from stylesearch.ingest.outages import through_outages
from stylesearch.ingest.pipeline import Pipeline
from stylesearch.ingest.records import complete_record
from stylesearch.ingest.run import Into, close_if_done, discover, find_run, open_run
from stylesearch.ingest.sources.folder import FolderSource

DIM = 4
ROWS = """
    SELECT source_id, title, encode(sha256, 'hex'), width, height, media_type, storage_key, vector::text
    FROM work JOIN image ON work_id = work.id JOIN descriptor ON image_id = image.id ORDER BY source_id
"""
QUIET = {"on_progress": lambda counts: None}


class ToyEncoder:
    """Describes a picture by its mean colour: quick, and enough to follow a picture through."""

    def __init__(self) -> None:
        self.described = 0
        self.before: Callable[[], None] = lambda: None

    spec = EncoderSpec("toy", DIM, "w", "mean-1", "CC0-1.0")
    input_size = 1

    def encode(self, images):
        self.before()
        self.described += len(images)
        means = np.stack([np.append(image.mean(axis=(0, 1)), 1.0) for image in images])
        return (means / np.linalg.norm(means, axis=1, keepdims=True)).astype(np.float32)


class Spoilt(ToyEncoder):
    """Has no descriptor of what is black."""

    def encode(self, images):
        vectors = super().encode(images)
        vectors[[not image.any() for image in images]] = np.nan
        return vectors


def picture(colour, size=(40, 30), file_format="PNG") -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", size, colour).save(buffer, file_format)
    return buffer.getvalue()


def begin(database, settings, folder: Path | None, encoder=None, *, store=None, source=None):
    """Discover a folder, or another source; return its pipeline and its run's id."""
    encoder = encoder or ToyEncoder()
    source = source or FolderSource(folder, max_bytes=settings.max_file_bytes)
    with database.session() as session:
        run, _ = open_run(session, source, Into("toys", default_license="CC0-1.0"), spec=encoder.spec)
    discover(database, run.id, source, on_progress=lambda done, total: None)
    return Pipeline(database, store or open_store(settings), encoder, settings), run.id


def rows(database, statement: str = ROWS) -> list[tuple]:
    with database.session() as session:
        return [tuple(row) for row in session.execute(text(statement))]


def spooled(settings) -> list[Path]:
    """What is left in the spool."""
    return [path for path in (settings.home / "store" / "spool").rglob("*") if path.is_file()]


def files(folder: Path) -> dict[str, int]:
    return {str(path): path.stat().st_mtime_ns for path in folder.rglob("*") if path.is_file()}


@pytest.fixture
def mixed(pictures: Path) -> Path:
    """A folder of good and bad files."""
    good = picture("red")
    noise = Image.fromarray(np.random.default_rng(0).integers(0, 255, (90, 90, 3)).astype(np.uint8))
    buffer = io.BytesIO()
    noise.save(buffer, "JPEG")
    svg = b'<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><title>Drawn</title><rect width="5" height="5"/></svg>'
    contents = {
        "bad/corrupt.png": b"\x89PNG\r\n\x1a\n" + b"junk" * 50,
        "bad/empty.jpg": b"",
        "bad/entities.svg": b'<!DOCTYPE svg [<!ENTITY a "b">]><svg xmlns="http://www.w3.org/2000/svg"/>',
        "bad/huge.png": picture("blue", (3000, 2000)),
        "bad/long.png": b"\x89PNG" + b"x" * 40_000,
        "bad/text.png": b"only words",
        "bad/truncated.jpg": buffer.getvalue()[:1500],
        "good/a_red one.png": good,
        "good/b.svg": svg,
        "good/c.svgz": gzip.compress(svg.replace(b"Drawn", b"Packed")),
        "good/d.jpg": buffer.getvalue(),
        "good/e-copy.png": good,
    }
    for name, data in contents.items():
        path = pictures / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(data)
    (pictures / "bad" / "link.png").symlink_to("/etc/hostname")
    return pictures


CODES = {
    "bad/corrupt.png": ("image_truncated", "image_unreadable"),
    "bad/empty.jpg": ("image_empty",),
    "bad/entities.svg": ("svg_entities",),
    "bad/huge.png": ("image_too_many_pixels",),
    "bad/link.png": ("outside_source",),
    "bad/long.png": ("image_too_many_bytes",),
    "bad/text.png": ("image_unreadable",),
    "bad/truncated.jpg": ("image_truncated",),
}


@pytest.fixture
def tight(settings):
    return settings.model_copy(
        update={"max_pixels": 1_000_000, "max_file_bytes": 30_000, "ingest_batch_size": 4}
    )


def test_good_files_are_taken_in_and_bad_ones_listed_with_their_reason(database, tight, mixed):
    pipeline, run_id = begin(database, tight, mixed)
    seen: list[Counts] = []
    counts = drive(pipeline, run_id, on_progress=seen.append)
    assert (counts.ingested, counts.duplicate, counts.quarantined, counts.open) == (4, 1, len(CODES), 0)
    assert counts.discovered == sum(path.is_file() for path in mixed.rglob("*"))
    assert seen[-1] == counts
    assert all(one.discovered == counts.discovered for one in seen)
    found = rows(
        database, "SELECT source_id, error_code, error_text FROM ingest_item WHERE state = 'quarantined'"
    )
    assert {name for name, _, _ in found} == set(CODES)
    for name, code, why in found:
        assert code in CODES[name], (name, code, why)
        assert why
        assert "\n" not in why


def test_nothing_is_half_written(database, tight, mixed):
    pipeline, run_id = begin(database, tight, mixed)
    drive(pipeline, run_id, **QUIET)
    taken = rows(database)
    assert [(row[0], row[1]) for row in taken] == [
        ("good/a_red one.png", "a red one"), ("good/b.svg", "Drawn"), ("good/c.svgz", "Packed"), ("good/d.jpg", "d"),
    ]  # fmt: skip
    for source_id, _, sha256, *_, key, _ in taken:
        assert pipeline.store.read(key) == (mixed / source_id).read_bytes()
        thumbnail = Image.open(
            io.BytesIO(pipeline.store.read(pipeline.store.thumbnail_key(bytes.fromhex(sha256))))
        )
        assert thumbnail.format == "WEBP"
    assert len(files(tight.home / "store")) == 2 * len(taken)
    assert rows(database, "SELECT count(*) FROM work") == [(len(taken),)]
    assert rows(database, "SELECT state FROM ingest_run") == [("finished",)]
    assert rows(database, "SELECT count(*) FROM pg_indexes WHERE indexdef LIKE '%hnsw%'") == [(1,)]


def test_the_second_run_looks_at_no_picture(database, tight, mixed):
    first, run_id = begin(database, tight, mixed)
    drive(first, run_id, **QUIET)
    before, stored = rows(database), files(tight.home / "store")
    again, next_id = begin(database, tight, mixed)
    assert next_id != run_id
    counts = drive(again, next_id, **QUIET)
    assert (counts.unchanged, counts.duplicate, counts.ingested) == (4, 1, 0)
    assert again.encoder.described == 0
    assert rows(database) == before
    assert files(tight.home / "store") == stored


def test_changed_files_and_metadata_are_brought_up_to_date(database, settings, pictures):
    (pictures / "a.png").write_bytes(picture("red"))
    (pictures / "b.png").write_bytes(picture("blue"))
    drive(*begin(database, settings, pictures), **QUIET)
    (pictures / "a.png").write_bytes(picture("green"))
    (pictures / "metadata.csv").write_text("path,title,artist\nb.png,Blue,Ann\n")
    counts = drive(*begin(database, settings, pictures), **QUIET)
    assert (counts.ingested, counts.unchanged) == (2, 0)
    assert rows(database, "SELECT source_id, title FROM work ORDER BY 1") == [
        ("a.png", "a"),
        ("b.png", "Blue"),
    ]
    assert len(rows(database)) == 2
    assert rows(database, "SELECT name FROM artist") == [("Ann",)]


@pytest.mark.parametrize("where", ["encoder", "store"])
def test_an_interrupted_run_goes_on_to_the_same_rows(database, settings, pictures, tmp_path, where):
    for number in range(12):
        (pictures / f"{number:02}.png").write_bytes(picture((number * 20, 99, 7)))
    settings = settings.model_copy(
        update={"ingest_batch_size": 3, "embed_batch_size": 3, "ingest_lease_seconds": 1, "ingest_threads": 1}
    )

    class FullStore(ImageStore):
        puts = 0

        def put_original(self, *arguments):
            self.puts += 1
            if self.puts == 8:
                raise ServiceError("The image store is full.", code="disk_full")
            return super().put_original(*arguments)

    encoder = ToyEncoder()
    store = FullStore(str(settings.home / "store")) if where == "store" else None

    def interrupt() -> None:
        if encoder.described >= 6 and where == "encoder":
            raise KeyboardInterrupt

    encoder.before = interrupt
    pipeline, run_id = begin(database, settings, pictures, encoder, store=store)
    with pytest.raises((KeyboardInterrupt, ServiceError)):
        drive(pipeline, run_id, **QUIET)
    assert rows(database, "SELECT count(*) FROM ingest_item WHERE lease_until IS NOT NULL") == [(0,)]
    assert len(rows(database)) < 12
    assert rows(database, "SELECT state FROM ingest_run") == [("running",)]
    again, same_id = begin(database, settings, pictures)
    assert same_id == run_id
    counts = drive(again, run_id, **QUIET)
    assert (counts.ingested, counts.discovered) == (12, 12)
    assert not spooled(settings)
    interrupted = rows(database)
    with database.session() as session:
        session.execute(text("DELETE FROM collection"))
    drive(*begin(database, settings, pictures), **QUIET)
    assert rows(database) == interrupted


def test_one_picture_without_a_descriptor_does_not_spoil_its_batch(database, settings, pictures):
    for colour in ("red", "black", "blue"):
        (pictures / f"{colour}.png").write_bytes(picture(colour))
    counts = drive(*begin(database, settings, pictures, Spoilt()), **QUIET)
    assert (counts.ingested, counts.errors) == (2, {"descriptor_invalid": 1})
    assert [row[0] for row in rows(database)] == ["blue.png", "red.png"]


def test_a_fault_of_the_encoder_itself_quarantines_nothing(database, settings, pictures):
    (pictures / "a.png").write_bytes(picture("red"))
    encoder = ToyEncoder()

    def fail() -> None:
        raise StylesearchError("The weights are damaged.", code="weights_mismatch")

    encoder.before = fail
    pipeline, run_id = begin(database, settings, pictures, encoder)
    with pytest.raises(StylesearchError) as caught:
        pipeline.run_batch(run_id)
    assert caught.value.code == "weights_mismatch"
    assert rows(database, "SELECT state, attempts FROM ingest_item") == [("prepared", 0)]


def test_a_file_that_has_gone_since_discovery(database, settings, pictures):
    (pictures / "a.png").write_bytes(picture("red"))
    (pictures / "b.png").write_bytes(picture("blue"))
    pipeline, run_id = begin(database, settings, pictures)
    (pictures / "a.png").unlink()
    counts = drive(pipeline, run_id, **QUIET)
    assert (counts.ingested, counts.errors) == (1, {"file_missing": 1})


def test_nothing_to_do_is_said_so(database, settings, pictures):
    (pictures / "a.png").write_bytes(picture("red"))
    pipeline, run_id = begin(database, settings, pictures)
    assert (pipeline.embed_batch(run_id), pipeline.fetch_batch(run_id)) == (0, 1)
    assert (pipeline.fetch_batch(run_id), pipeline.embed_batch(run_id)) == (0, 1)
    assert pipeline.run_batch(run_id) == 0
    assert close_if_done(database, run_id).ingested == 1


def test_metadata_comes_from_the_table_then_the_file_then_the_name():
    svg = (
        b'<svg xmlns="http://www.w3.org/2000/svg" xmlns:dc="http://purl.org/dc/elements/1.1/"><title>In the file</title>'
        b"<metadata><dc:date>1999</dc:date><dc:creator>Ann</dc:creator></metadata></svg>"
    )
    said = WorkRecord(title="In the table", year_to=1850)
    record = complete_record("a.svg", said, svg, "image/svg+xml", "CC0-1.0")
    assert record == WorkRecord(
        title="In the table", year_to=1850, credits=(Credit("Ann"),), work_rights="CC0-1.0", image_rights="CC0-1.0"
    )  # fmt: skip
    assert complete_record("a.svg", WorkRecord(), svg, "image/svg+xml", None).title == "In the file"


@pytest.mark.parametrize(
    ("name", "title"),
    [
        ("sub/a_red_one.png", "a red one"),
        ("new\nline.png", "new line"),
        ("_.png", "_.png"),
        ("caf\\xe9.png", "caf\\xe9"),
    ],
)
def test_a_name_is_the_last_resort(name, title):
    assert complete_record(name, WorkRecord(), picture("red"), "image/png", None).title == title


def test_texts_of_any_length_can_be_stored(database, settings, pictures):
    long = "".join(chr(0x4E00 + number * 7919 % 20_000) for number in range(9000))
    svg = (
        '<svg xmlns="http://www.w3.org/2000/svg" xmlns:dc="http://purl.org/dc/elements/1.1/"'
        ' xmlns:dcterms="http://purl.org/dc/terms/" width="9" height="9"><title>'
        + long
        + "</title><metadata>"
        f"<dc:creator>{long}</dc:creator><dcterms:medium>{long}</dcterms:medium><dc:source>http://x/{long}</dc:source>"
        "</metadata></svg>"
    )
    (pictures / "a.svg").write_text(svg)
    counts = drive(*begin(database, settings, pictures), **QUIET)
    assert counts.ingested == 1


def test_an_outage_is_waited_out_but_nothing_else(monkeypatch):
    monkeypatch.setattr("time.sleep", lambda seconds: None)
    failures = [ServiceError("gone", code="database_unreachable")] * 2

    def act() -> str:
        if failures:
            raise failures.pop()
        return "done"

    assert through_outages(act) == "done"
    failures.append(ServiceError("full", code="disk_full"))
    with pytest.raises(ServiceError) as caught:
        through_outages(act)
    assert caught.value.code == "disk_full"


def test_an_outage_that_lasts_is_told(monkeypatch):
    monkeypatch.setattr("stylesearch.ingest.outages.OUTAGE_SECONDS", 0.0)

    def act() -> None:
        raise ServiceError("gone", code="database_unreachable")

    with pytest.raises(ServiceError):
        through_outages(act)


def test_finding_runs(database, settings, pictures):
    with database.session() as session, pytest.raises(StylesearchError) as caught:
        find_run(session, None)
    assert caught.value.code == "unknown_run"
    (pictures / "a.png").write_bytes(picture("red"))
    _, run_id = begin(database, settings, pictures)
    with database.session() as session:
        assert find_run(session, None).id == find_run(session, run_id).id == run_id
        with pytest.raises(StylesearchError) as caught:
            find_run(session, 999)
    assert caught.value.code == "unknown_run"


def test_a_problem_of_the_machine_is_no_fault_of_the_items(settings, database, tmp_path):
    (tmp_path / "a.png").write_bytes(picture("teal"))
    pipeline, run_id = begin(database, settings, tmp_path, encoder := ToyEncoder())

    def fail() -> None:
        raise ServiceError("The disk is full.", code="disk_full")

    encoder.before = fail
    for _ in range(settings.ingest_max_attempts + 1):
        with pytest.raises(ServiceError, match="disk is full"):
            pipeline.run_batch(run_id)
    with database.session() as session:
        item = session.execute(text("SELECT state, attempts FROM ingest_item")).one()
        assert tuple(item) == ("prepared", 0)
        assert session.scalar(text("SELECT problem FROM ingest_run")) == "The disk is full."
    encoder.before = lambda: None
    assert drive(pipeline, run_id, **QUIET).ingested == 1
