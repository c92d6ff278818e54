"""What the benchmark of ingestion compares: parts of the pipeline alone, all of it in one process, and a plain loop.

Each runs in a process of its own, with the services started already, and tells how long it took.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import psutil
import psycopg
from pgvector import HalfVector
from pgvector.psycopg import register_vector
from PIL import Image
from stopwatches import Clocks, ThreadWatch

from stylesearch.catalog import hnsw
from stylesearch.catalog.database import open_database
from stylesearch.encoders.decoding import decode_for
from stylesearch.encoders.devices import usable_processors
from stylesearch.encoders.lite import DIM, PREPROCESSING, LiteEncoder
from stylesearch.encoders.protocol import Descriptors, Encoder, Pixels
from stylesearch.encoders.tower import SquareEncoder
from stylesearch.images.decode import Picture
from stylesearch.images.hashes import perceptual_hash, sha256
from stylesearch.images.store import ImageStore
from stylesearch.images.thumbnails import thumbnail
from stylesearch.ingest import ledger, pipeline, preparing, run
from stylesearch.ingest.describing import Describer
from stylesearch.ingest.driving import drive
from stylesearch.ingest.getting import Getter
from stylesearch.ingest.outcome import Outcome
from stylesearch.ingest.preparing import Preparer
from stylesearch.ingest.sources.folder import FolderSource
from stylesearch.ingest.spool import Spool
from stylesearch.settings import Settings

PLAIN_BATCH = 32
PART = 8
"""Pictures that a process decodes at a time."""

DESCRIBED, DIFFERENT = 64, 512
"""Pictures that are described at a time, and how many different ones: what they show does not change the speed."""

COLLECTION = "photographs"
DECODE = "decode, thumbnail"
"""One stage, for libvips works for both in threads of its own."""

QUIET = {"on_progress": lambda *_: None}

# Functions of each stage; what is between them is the rest.
PLACES = (
    (run, "discover", "discover"),
    (Getter, "_get", "fetch"),
    (Preparer, "decode", DECODE),
    (SquareEncoder, "prepare", "cut to squares"),
    (preparing, "sha256", "hash"),
    (preparing, "perceptual_hash", "hash"),
    (preparing, "thumbnail", DECODE),
    (ImageStore, "put_original", "keep"),
    (ImageStore, "put_thumbnail", "keep"),
    (preparing._Batch, "_record", "metadata"),
    (preparing._Batch, "_reservations", "metadata"),
    (Spool, "put", "spool"),
    (Spool, "get", "spool"),
    (Spool, "remove", "spool"),
    (ledger, "claim", "ledger"),
    (pipeline, "read_facts", "ledger"),
    (Spool, "room", "ledger"),
    (preparing, "held_works", "ledger"),
    (Outcome, "write", "ledger"),
    (SquareEncoder, "encode_prepared", "describe"),
    (Describer, "_write", "write"),
)


@dataclass
class Measured:
    """How long something took.

    Attributes
    ----------
    seconds:
        By the clock on the wall.
    stages:
        Processor seconds by stage.
    """

    seconds: float
    stages: dict[str, float] = field(default_factory=dict)


def decoding(paths: list[Path], store: str | None) -> Measured:
    """Do the first stage's work on pictures, without the ledger and the spool, in a process for each processor.

    Parameters
    ----------
    store:
        A folder to keep originals and thumbnails in; without it pictures are only read, decoded and cut to squares.
    """
    parts = [paths[first : first + PART] for first in range(0, len(paths), PART)]
    number = usable_processors()
    with ProcessPoolExecutor(number, get_context("spawn")) as pool:
        for warm in [pool.submit(_decode_part, paths[:1], None, 0.5) for _ in range(number)]:
            warm.result()
        began = time.monotonic()
        used = sum(pool.map(_decode_part, parts, [store] * len(parts)))
        return Measured(time.monotonic() - began, {"decode": used})


def _decode_part(paths: list[Path], store: str | None, pause: float = 0.0) -> float:
    """Return the processor seconds that it took."""
    encoder, settings = LiteEncoder(device="cpu"), Settings()
    kept = ImageStore(store) if store is not None else None
    began = time.process_time()
    for path in paths:
        data = path.read_bytes()
        picture = decode_for(encoder, data, max_bytes=settings.max_file_bytes, max_pixels=settings.max_pixels)
        if kept is not None:
            _keep(kept, data, picture)
        encoder.prepare(picture.pixels)
    time.sleep(pause)  # so that every process gets something to warm up with
    return time.process_time() - began


def _keep(store: ImageStore, data: bytes, picture: Picture) -> None:
    digest = sha256(data)
    perceptual_hash(picture.pixels)
    store.put_original(data, digest, picture.info.media_type)
    store.put_thumbnail(thumbnail(picture.pixels), digest)


def describing(paths: list[Path]) -> Measured:
    """Describe as many squares as there are paths, decoded beforehand."""
    encoder = LiteEncoder(device="cpu")
    squares = [
        encoder.prepare(decode_for(encoder, path.read_bytes(), **_limits()).pixels)
        for path in paths[:DIFFERENT]
    ]
    encoder.encode_prepared(squares[:PART])
    began, used = time.monotonic(), time.process_time()
    for first in range(0, len(paths), DESCRIBED):
        places = range(first, min(first + DESCRIBED, len(paths)))
        encoder.encode_prepared([squares[place % len(squares)] for place in places])
    return Measured(time.monotonic() - began, {"describe": time.process_time() - used})


def _limits() -> dict[str, int]:
    settings = Settings()
    return {"max_bytes": settings.max_file_bytes, "max_pixels": settings.max_pixels}


def plain_loop(paths: list[Path], url: str) -> Measured:
    """Decode with Pillow, describe with the same network in torch, and insert by ``executemany``, one after the other.

    The network is timm's own modules, 32 pictures at a time, with all processors; what is inserted is each picture's
    name, size and descriptor. It ends with the same index on the descriptors.
    """
    # Not above: only this contender has torch, and the others' memory is measured too.
    import torch
    from lite_speed import PlainLite, in_torch

    from stylesearch.encoders.lite_network import build_network

    torch.set_num_threads(usable_processors())
    encoder = LiteEncoder(device="cpu")
    head = build_network(encoder.weights.read(), "the weights").head
    describe = in_torch(PlainLite(head).requires_grad_(requires_grad=False).eval())
    stages = dict.fromkeys(("decode", "describe", "write", "index"), 0.0)
    with psycopg.connect(url, autocommit=True) as connection:
        register_vector(connection)
        connection.execute(
            f"CREATE TABLE plain (name text PRIMARY KEY, width int, height int, vector halfvec({DIM}))"
        )
        began = time.monotonic()
        for first in range(0, len(paths), PLAIN_BATCH):
            _plain_batch(connection, paths[first : first + PLAIN_BATCH], describe, stages)
        indexing = time.monotonic()
        connection.execute(
            "CREATE INDEX ON plain USING hnsw (vector halfvec_cosine_ops)"
            f" WITH (m = {hnsw.HNSW_M}, ef_construction = {hnsw.HNSW_EF_CONSTRUCTION})"
        )
        ended = time.monotonic()
    stages["index"] = ended - indexing
    return Measured(ended - began, stages)


def _plain_batch(
    connection: psycopg.Connection,
    paths: list[Path],
    describe: Callable[[Sequence[Pixels]], Descriptors],
    stages: dict[str, float],
) -> None:
    times = [time.process_time()]
    sizes, squares = [], []
    for path in paths:
        with Image.open(path) as image:
            sizes.append(image.size)
            side = PREPROCESSING.size
            squares.append(np.asarray(image.convert("RGB").resize((side, side), Image.Resampling.BICUBIC)))
    times.append(time.process_time())
    vectors = describe(squares)
    times.append(time.process_time())
    rows = [
        (path.name, *size, HalfVector(vector))
        for path, size, vector in zip(paths, sizes, vectors, strict=True)
    ]
    connection.cursor().executemany("INSERT INTO plain VALUES (%s, %s, %s, %s)", rows)
    times.append(time.process_time())
    for stage, began, ended in zip(("decode", "describe", "write"), times, times[1:], strict=False):
        stages[stage] += ended - began


def inline(folder: Path, home: Path) -> Measured:
    """Take a folder in as ``stylesearch ingest folder --inline`` does, with a clock on each stage."""
    settings = Settings(home=home)
    database = open_database(settings)
    clocks, walls = Clocks(), {"index": 0.0}
    with closing(run.make_pipeline(database, settings)) as whole:
        describing_threads = _load(whole.encoder)
        began, used = time.monotonic(), time.process_time()
        with clocks.on(PLACES), _timed(walls), ThreadWatch() as threads:
            source = FolderSource(folder)
            with database.session() as session:
                opened, _ = run.open_run(session, source, run.Into(COLLECTION), spec=whole.encoder.spec)
            run.discover(database, opened.id, source, **QUIET)
            drive(whole, opened.id, on_progress=lambda _: None)
        seconds, used = time.monotonic() - began, time.process_time() - used
    for thread, spent in threads.seconds.items():
        clocks.seconds["describe" if thread in describing_threads else DECODE] += spent
    database.close()
    stages = dict(clocks.seconds)
    return Measured(seconds, {**stages, "rest": used - sum(stages.values()), **walls})


def _load(encoder: Encoder) -> set[int]:
    """Load an encoder; return the threads that it has started to compute with."""
    before = _threads()
    encoder.load()
    return _threads() - before


def _threads() -> set[int]:
    return {one.id for one in psutil.Process().threads()}


@contextmanager
def _timed(walls: dict[str, float]) -> Iterator[None]:
    """Take the time of building the index, which the database's process spends."""
    build = run.indexes.build_index

    def timed(*arguments: object) -> bool:
        began = time.monotonic()
        try:
            return build(*arguments)
        finally:
            walls["index"] += time.monotonic() - began

    run.indexes.build_index = timed
    try:
        yield
    finally:
        run.indexes.build_index = build
