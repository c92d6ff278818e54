"""From one encoder to the next, with searches going on all the time."""

import hashlib
import itertools
import json
import os
import re
import subprocess
import sys
import threading
import time
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import numpy as np
import open_clip
import pytest
from flask import Flask
from sqlalchemy import text
from werkzeug.serving import make_server

from stylesearch.catalog.database import open_database
from stylesearch.catalog.halfvecs import unpack_halfvecs
from stylesearch.encoders import csd
from stylesearch.encoders.decoding import decode_for
from stylesearch.encoders.registry import configured_encoder
from stylesearch.errors import NotFoundError
from stylesearch.ingest.doorbell import Doorbell
from stylesearch.search.describing import Described
from stylesearch.search.query import StyleQuery
from stylesearch.search.service import SearchResult, StyleSearch, through_retirement
from stylesearch.search.vectors import cosines, in_halves
from stylesearch.settings import Settings, get_settings
from web.app import create_app
from web.services import services

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture
def catalogue(archive, monkeypatch, tmp_path) -> Iterator[Settings]:
    """The archive, with a data folder of its own for encoders."""
    settings = archive.settings.model_copy(
        update={"home": tmp_path / "home", "store_url": str(archive.settings.home / "store"), "device": "cpu"}
    )
    monkeypatch.setenv("STYLESEARCH_HOME", str(settings.home))
    monkeypatch.setenv("STYLESEARCH_STORE_URL", str(settings.store_url))
    monkeypatch.setenv("STYLESEARCH_DATABASE_URL", settings.database_url.get_secret_value())
    monkeypatch.setenv("STYLESEARCH_REDIS_URL", settings.redis_url.get_secret_value())
    monkeypatch.setenv("STYLESEARCH_DEVICE", "cpu")
    get_settings.cache_clear()
    yield settings
    get_settings.cache_clear()


@pytest.fixture
def next_encoder(catalogue, small_csd, small_weights, run_command) -> str:
    """Slug of a second encoder that is added."""
    assert run_command("encoders", "add", small_weights, "--slug", "next", "--no-benchmark").code == 0
    return "next"


def rows(settings: Settings, statement: str) -> list[tuple]:
    with open_database(settings).session() as session:
        return [tuple(row) for row in session.execute(text(statement))]


# A worker that knows the small encoder of the tests, too.
WORKER = """
import sys
from pathlib import Path
import open_clip
from stylesearch.cli.main import main
from stylesearch.encoders import csd
open_clip.add_model_config(Path(sys.argv[1]))
csd.ARCHITECTURES[sys.argv[2]] = csd.Architecture(Path(sys.argv[1]).stem, *map(int, sys.argv[3:]))
main(["workers", "start", "--queues", "ingest,embed,maintenance", "--concurrency", "1"])
"""
RESULT = re.compile(r'id="result-\d+".*?href="/works/(\d+)".*?Score </span>([^<]+)<', re.DOTALL)
SOME = 20
"""So many answers are waited for before the next step."""

Works = tuple[tuple[int, str], ...]
"""The works that were found, the nearest first, and how near they are as the page says it."""


@pytest.fixture
def worker(catalogue, broker, small_csd, tmp_path) -> Iterator[None]:
    """A worker in a process of its own, ready for work."""
    architecture = csd.ARCHITECTURES[small_csd.removeprefix("csd-")]
    config = tmp_path / f"{architecture.tower}.json"
    config.write_text(json.dumps(open_clip.get_model_config(architecture.tower)))
    sizes = [str(number) for number in (architecture.width, architecture.patch, architecture.dim)]
    command = [sys.executable, "-c", WORKER, config, small_csd.removeprefix("csd-"), *sizes]
    with (tmp_path / "worker.log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, env=os.environ | {"OMP_NUM_THREADS": "1"})
    doorbell = Doorbell(catalogue)
    deadline = time.monotonic() + 300
    while not doorbell.answering():
        assert process.poll() is None, (tmp_path / "worker.log").read_text()
        assert time.monotonic() < deadline, (tmp_path / "worker.log").read_text()
    yield
    process.terminate()
    process.wait(100)


@pytest.fixture
def portal(catalogue) -> Iterator[tuple[Flask, str]]:
    """A portal, and its address."""
    app = create_app(catalogue)
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield app, f"http://127.0.0.1:{server.port}"
    server.shutdown()
    thread.join()


@dataclass
class Visitors(threading.Thread):
    """Visitors who ask ten times a second, each time another one of some questions.

    Attributes
    ----------
    answers:
        When a question was asked, when it was answered, its name, and the answer.
    """

    questions: dict[str, Callable[[], Works]]
    stopped: threading.Event = field(default_factory=threading.Event)
    answers: list[tuple[float, float, str, Works]] = field(default_factory=list)
    failures: list[object] = field(default_factory=list)

    __hash__ = threading.Thread.__hash__

    def __post_init__(self) -> None:
        super().__init__()

    def run(self) -> None:
        turn = itertools.cycle(self.questions)
        began = time.monotonic()
        with ThreadPoolExecutor(8) as pool:
            for number in itertools.count(1):
                pool.submit(self.ask, next(turn))
                if self.stopped.wait(max(0.0, began + number / 10 - time.monotonic())):
                    return

    def ask(self, question: str) -> None:
        asked = time.monotonic()
        try:
            answer = self.questions[question]()
            self.answers.append((asked, time.monotonic(), question, answer))
        except BaseException as error:
            self.failures.append(error)

    def go_on(self) -> None:
        """Wait until some more questions have been answered."""
        enough = len(self.answers) + SOME
        while len(self.answers) < enough and not self.failures:
            self.join(0.05)


def searched(search: StyleSearch, data: bytes) -> SearchResult:
    """Describe a file and search with it, as the commands do."""

    def ask() -> SearchResult:
        described = search.describe(data)
        return search.search(StyleQuery(examples=(described.example,), k=24), at_hand=[described])

    return through_retirement(ask)


def shown(url: str) -> Works:
    with urllib.request.urlopen(url, timeout=100) as answer:
        return tuple((int(work), score) for work, score in RESULT.findall(answer.read().decode()))


def compared(settings: Settings, slug: str, data: bytes, *, stored: bool) -> Works:
    """All works but those with the very image, compared one by one with what an encoder says of it.

    Parameters
    ----------
    stored:
        Whether to take what is stored as its descriptor, or to describe it.
    """
    gallery = rows(
        settings,
        "SELECT image.id, work_id, sha256, halfvec_send(vector) FROM image JOIN descriptor ON image_id = image.id"
        f" JOIN encoder ON encoder.id = encoder_id WHERE slug = '{slug}'",
    )
    digest = hashlib.sha256(data).digest()
    vectors = unpack_halfvecs([bytes(row[3]) for row in gallery])
    if stored:
        (example,) = (vector for row, vector in zip(gallery, vectors, strict=True) if bytes(row[2]) == digest)
    else:
        encoder = configured_encoder(settings, slug)
        picture = decode_for(encoder, data, max_bytes=10**7, max_pixels=10**7)
        described = encoder.encode([picture.pixels])[0]
        example = in_halves(described, dim=encoder.spec.dim, slug=slug)
    scored = [
        (-score, image, work)
        for (image, work, sha256, _), score in zip(
            gallery, cosines(vectors, np.asarray(example)[None])[:, 0], strict=True
        )
        if bytes(sha256) != digest
    ]
    return tuple((work, f"{-score:.3f}".replace("-", "−")) for score, _, work in sorted(scored))


def test_a_catalogue_is_upgraded_while_it_is_searched(
    catalogue, archive, next_encoder, worker, portal, run_command, figure
):
    app, address = portal
    data = min(archive.folder.rglob("*.svg")).read_bytes()
    image = services(app).examples.take(data)
    ((work,),) = rows(catalogue, f"SELECT work_id FROM image WHERE sha256 = '\\x{image}'")
    search = StyleSearch(open_database(catalogue), catalogue)

    def asked_of_the_library() -> Works:
        hits = searched(search, data).hits
        return tuple((hit.card.work_id, f"{hit.score:.3f}".replace("-", "−")) for hit in hits)

    visitors = Visitors(
        {
            "image": lambda: shown(f"{address}/search?image={image}"),
            "work": lambda: shown(f"{address}/search?work={work}"),
            "library": asked_of_the_library,
        }
    )

    def expect(slug: str) -> dict[str, Works]:
        by_image = compared(catalogue, slug, data, stored=False)[:24]
        return {
            "image": by_image,
            "work": compared(catalogue, slug, data, stored=True)[:24],
            "library": by_image,
        }

    visitors.start()
    try:
        visitors.go_on()
        before = expect("lite")
        assert "Nothing here has been described" in run_command("encoders", "activate", next_encoder).err
        filled = run_command("encoders", "backfill", next_encoder)
        assert filled.code == 0, filled.err
        assert "ingested 30" in filled.out
        assert rows(catalogue, "SELECT slug, status, serving FROM encoder ORDER BY id") == [
            ("lite", "active", False),
            ("next", "building", False),
        ]
        after = expect("next")
        visitors.go_on()
        switching = time.monotonic()
        switched = run_command("encoders", "activate", next_encoder)
        assert switched.code == 0, switched.err
        assert "next serves: 30 descriptors, recall 1.000, canary" in switched.out
        has_switched = time.monotonic()
        visitors.go_on()
        assert run_command("encoders", "retire", "lite").code == 0
        visitors.go_on()
    finally:
        visitors.stopped.set()
        visitors.join()
    assert visitors.failures == []
    told = Counter()
    for begun, ended, question, answer in visitors.answers:
        assert answer in (before[question], after[question]), question
        assert answer == before[question] or ended > switching
        assert answer == after[question] or begun < has_switched
        told["old" if answer == before[question] else "new"] += 1
    assert min(told["old"], told["new"]) >= SOME
    assert not set(before.values()) & set(after.values())
    asked_for = max(ended for _, ended, _, _ in visitors.answers) - visitors.answers[0][0]
    figure(
        f"an upgrade under load: {told.total()} searches in {asked_for:.0f} s all through backfill, activation and"
        f" retirement; {told['old']} answered by the old encoder, {told['new']} by the new one, none failed, empty or mixed"
    )
    assert rows(catalogue, "SELECT slug, status, serving FROM encoder ORDER BY id") == [
        ("lite", "retired", False),
        ("next", "active", True),
    ]
    found = run_command("search", min(archive.folder.rglob("*.svg")), "-k", "3", "--json")
    assert '"slug": "next"' in found.out
    assert rows(
        catalogue, "SELECT action, subject FROM audit_event WHERE action LIKE 'encoder.%' ORDER BY id"
    ) == [
        ("encoder.activate", "encoder:next"),
        ("encoder.retire", "encoder:lite"),
    ]


def test_what_a_retired_encoder_has_described_is_described_anew(
    catalogue, archive, next_encoder, run_command
):
    """Its encoder is retired between the describing and the looking up."""
    assert run_command("encoders", "backfill", next_encoder, "--inline").code == 0
    data = min(archive.folder.rglob("*.svg")).read_bytes()
    described: list[Described] = []

    class Late(StyleSearch):
        def describe(self, data: bytes, *, encoder: str | None = None) -> Described:
            described.append(super().describe(data, encoder=encoder))
            if len(described) == 1:
                assert run_command("encoders", "activate", next_encoder).code == 0
                assert run_command("encoders", "retire", "lite").code == 0
            return described[-1]

    search = Late(open_database(catalogue), catalogue)
    result = searched(search, data)
    assert [example.encoder.slug for example in described] == ["lite", "next"]
    assert (result.encoder, len(result.hits)) == ("next", 24)
    with pytest.raises(NotFoundError) as caught:
        search.search(StyleQuery(examples=(described[0].example,)), at_hand=described[:1])
    assert caught.value.code == "encoder_retired"


def test_an_old_encoder_goes_when_it_no_longer_serves(catalogue, next_encoder, run_command):
    assert "answered with the encoder 'lite'" in run_command("encoders", "retire", "lite").err
    assert run_command("encoders", "backfill", next_encoder, "--inline").code == 0
    assert run_command("encoders", "activate", next_encoder).code == 0
    assert "answered with the encoder 'next'" in run_command("encoders", "retire", "next").err
    assert run_command("encoders", "retire", "lite").code == 0
    assert rows(catalogue, "SELECT slug, status FROM encoder ORDER BY id") == [
        ("lite", "retired"),
        ("next", "active"),
    ]
    assert rows(catalogue, "SELECT count(*), count(DISTINCT encoder_id) FROM descriptor") == [(30, 1)]
    # And back again.
    assert run_command("encoders", "backfill", "lite", "--inline").code == 0
    assert run_command("encoders", "activate", "lite").code == 0
    assert rows(catalogue, "SELECT slug FROM encoder WHERE serving") == [("lite",)]


def test_new_works_are_described_by_the_one_that_serves(
    catalogue, next_encoder, run_command, tmp_path, archive
):
    assert run_command("encoders", "backfill", next_encoder, "--inline").code == 0
    assert run_command("encoders", "activate", next_encoder).code == 0
    folder = tmp_path / "more"
    folder.mkdir()
    (folder / "new.svg").write_bytes(min(archive.folder.rglob("*.svg")).read_bytes() + b"<!-- another -->")
    assert run_command("ingest", "folder", folder, "-c", "more", "--inline").code == 0
    described = rows(
        catalogue,
        "SELECT slug, count(*) FROM descriptor JOIN encoder ON id = encoder_id GROUP BY 1 ORDER BY 1",
    )
    assert described == [("lite", 30), ("next", 31)]
    # The old one may serve again when it has caught up.
    refused = run_command("encoders", "activate", "lite")
    assert "1 images have not been described" in refused.err
    again = run_command("encoders", "backfill", "lite", "--inline")
    assert "ingested 0 + duplicates 0 + unchanged 30" in again.out
    assert "ingested 1 + " in again.out
    assert run_command("encoders", "activate", "lite").code == 0


def test_a_gallery_that_was_made_otherwise_does_not_serve(catalogue, next_encoder, run_command):
    assert run_command("encoders", "backfill", next_encoder, "--inline").code == 0
    with open_database(catalogue).session() as session:
        session.execute(
            text(
                "UPDATE descriptor SET vector = other.vector FROM descriptor AS other JOIN encoder ON encoder.id = other.encoder_id"
                " WHERE slug = 'next' AND descriptor.encoder_id = other.encoder_id"
                " AND other.image_id = (SELECT min(image_id) FROM descriptor)"
            )
        )
    refused = run_command("encoders", "activate", next_encoder)
    assert refused.code == 1
    assert "is not fit to serve" in refused.err
    assert rows(catalogue, "SELECT count(*) FROM encoder WHERE serving") == [(0,)]


def test_an_interrupted_backfill_goes_on(catalogue, next_encoder, run_command, monkeypatch):
    from stylesearch.ingest.describing import Describer

    whole = Describer.deal_with
    calls = []

    def break_off(self, *arguments):
        calls.append(1)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return whole(self, *arguments)

    monkeypatch.setenv("STYLESEARCH_EMBED_BATCH_SIZE", "4")
    monkeypatch.setenv("STYLESEARCH_INGEST_LEASE_SECONDS", "1")
    monkeypatch.setattr(Describer, "deal_with", break_off)
    assert run_command("encoders", "backfill", next_encoder, "--inline").code == 130
    ((done,),) = rows(
        catalogue, "SELECT count(*) FROM descriptor JOIN encoder ON id = encoder_id WHERE slug = 'next'"
    )
    assert 0 < done < 30
    monkeypatch.setattr(Describer, "deal_with", whole)
    again = run_command("encoders", "backfill", next_encoder, "--inline")
    assert "going on with run" in again.out
    assert "ingested 30" in again.out
    assert rows(catalogue, "SELECT count(*) FROM image") == [(30,)]


def test_an_image_that_the_store_has_lost_is_told(catalogue, next_encoder, run_command):
    with open_database(catalogue).session() as session:
        session.execute(
            text(
                "UPDATE image SET storage_key = 'originals/00/00/' || repeat('0', 64) WHERE id = (SELECT min(id) FROM image)"
            )
        )
    filled = run_command("encoders", "backfill", next_encoder, "--inline")
    assert "image_missing: 1" in filled.out
    assert "1 images are still to be described" in filled.out
    assert "1 images have not been described" in run_command("encoders", "activate", next_encoder).err


def test_what_is_not_there_cannot_be_upgraded_to(catalogue, run_command):
    for command in ("backfill", "activate"):
        outcome = run_command("encoders", command, "nobody")
        assert outcome.code == 1
        assert "There is no encoder 'nobody'" in outcome.err
