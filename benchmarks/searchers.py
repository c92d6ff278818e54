"""The contenders of the benchmark of searching: ours, pgvector without us, and peers, each behind the same few calls.

A contender that is not installed says so when it is made; it is then left out by name.
"""

from __future__ import annotations

import json
import shutil
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import psycopg
from hard_gallery import BLOCK, CODES, DIM, FILTERS, Hard, K
from numpy.typing import NDArray
from pgvector import HalfVector, Vector
from pgvector.psycopg import register_vector
from psycopg.types.json import Jsonb
from sqlalchemy import text

from stylesearch.catalog import encoders, hnsw, indexes
from stylesearch.catalog.collections import ensure_collection
from stylesearch.catalog.connections import copy_binary
from stylesearch.catalog.credits import ensure_artists
from stylesearch.catalog.database import Database, sqlalchemy_url
from stylesearch.catalog.records import Credit
from stylesearch.catalog.schema import migrate
from stylesearch.catalog.writers import ensure_licenses
from stylesearch.encoders.protocol import EncoderSpec
from stylesearch.local import services
from stylesearch.search.conditions import Keyworded
from stylesearch.search.examples import DescriptorExample
from stylesearch.search.filters import EVERYTHING
from stylesearch.search.query import StyleQuery
from stylesearch.search.service import StyleSearch
from stylesearch.settings import Settings

Setting = dict[str, Any]
WORDS = {name: f"below-{bound}" for name, bound in FILTERS.items() if bound < CODES}
"""The keywords that stand for the filters in our catalogue."""

ARTISTS, RIGHTS = 500, ["CC0-1.0", "CC-BY-4.0", "http://rightsstatements.org/vocab/InC/1.0/", None]
GAPS = [8, 16, 32, 64, 128, 256, 512, 1000]


@dataclass
class Built:
    """What building took: seconds by step, bytes on disk by what they are for, and the most memory at a time."""

    seconds: dict[str, float] = field(default_factory=dict)
    disk_bytes: dict[str, int] = field(default_factory=dict)
    peak_bytes: int = 0


class Searcher(ABC):
    """Something that searches a hard gallery."""

    name: str
    settings: Sequence[Setting] = ({},)
    """What to try, the quickest first; the first one is what it does unless it is told otherwise."""

    def __init__(self, folder: Path, hard: Hard) -> None:
        self.folder = folder / self.name.replace(" ", "-")
        self.hard = hard

    @abstractmethod
    def build(self) -> Built:
        """Take the gallery in, and index it."""

    @abstractmethod
    def ready(self, setting: Setting, bound: int) -> Callable[[NDArray[np.float16]], list[int]]:
        """Return what answers one question under a filter: rows, the nearest first."""

    def warm(self) -> None:  # noqa: B027 - most hold everything in memory
        """Read what is searched into memory."""

    def close(self) -> None:  # noqa: B027 - most have nothing open
        """Let go of what is open."""


@contextmanager
def watched(built: Built, processes: Callable[[], list[psutil.Process]]) -> Iterator[None]:
    """Note the most memory that some processes have to themselves at a time."""
    ended = threading.Event()

    def watch() -> None:
        while not ended.wait(0.5):
            total = 0
            for process in processes():
                try:
                    total += process.memory_full_info().uss
                except psutil.Error:
                    continue
            built.peak_bytes = max(built.peak_bytes, total)

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


@contextmanager
def timed(built: Built, step: str) -> Iterator[None]:
    began = time.monotonic()
    yield
    built.seconds[step] = time.monotonic() - began


def size_of(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


class OnPostgres(Searcher):
    """What uses a PostgreSQL of its own, the one that stylesearch brings."""

    read: tuple[str, ...]
    """Tables and indexes that are read while searching."""

    def __init__(self, folder: Path, hard: Hard) -> None:
        super().__init__(folder, hard)
        home = folder / "home"
        home.mkdir(parents=True, exist_ok=True)
        folder.chmod(0o755)
        self.home = home
        self.url = services.ensure(home).database_url
        self._open: psycopg.Connection[Any] | None = None

    @property
    def connection(self) -> psycopg.Connection[Any]:
        if self._open is None:
            self._open = psycopg.connect(self.url, autocommit=True)
            register_vector(self._open)
        return self._open

    def servers(self) -> list[psutil.Process]:
        found = []
        for process in psutil.process_iter(["name"]):
            if "postgres" in (process.info["name"] or ""):
                found.append(process)
        return found

    def value(self, statement: str, *values: Any) -> Any:
        row = self.connection.execute(statement, values).fetchone()
        return row[0] if row else None

    def warm(self) -> None:
        self.connection.execute("CREATE EXTENSION IF NOT EXISTS pg_prewarm")
        for name in self.read:
            self.value("SELECT pg_prewarm(%s)", name)

    def close(self) -> None:
        if self._open is not None:
            self._open.close()
        services.stop(self.home)


class Ours(OnPostgres):
    """A whole query of ours: made, run, and ten works fetched with artist and licence."""

    name = "stylesearch"
    settings = ({}, *({"search_ef": ef} for ef in (40, 80, 120, 160, 240, 320, 480, 640)))
    mode = "auto"
    read = ("work", "pk_work", "ix_work_keywords", "image", "pk_image", "ix_image_work_id", "work_artist", "descriptor_1",
            "descriptor_1_pkey", "descriptor_1_hnsw")  # fmt: skip

    def __init__(self, folder: Path, hard: Hard) -> None:
        super().__init__(folder, hard)
        self.database = Database(sqlalchemy_url(self.url))
        self.encoder_spec = EncoderSpec("hard", DIM, "0" * 64, "none", "CC0-1.0")

    def build(self) -> Built:
        built = Built()
        if self.value("SELECT to_regclass('descriptor_1_binary')") is not None:
            return built
        migrate(self.database.engine)
        rows = len(self.hard.codes)
        with watched(built, self.servers):
            with timed(built, "works"), self.database.session() as session:
                self._write_works(session, rows)
            with timed(built, "descriptors"), self.database.session() as session:
                encoder = encoders.register(session, encoders.EncoderIdentity(
                    "hard", self.encoder_spec.digest, DIM, "0" * 64, "none", "CC0-1.0"
                ))  # fmt: skip
                register_vector(session.connection().connection.driver_connection)
                columns = {"encoder_id": "int8", "image_id": "int8", "vector": "halfvec"}
                vectors = (
                    (encoder.id, number + 1, HalfVector(vector))
                    for start in range(0, rows, BLOCK)
                    for number, vector in enumerate(np.array(self.hard.vectors[start : start + BLOCK]), start)
                )
                copy_binary(session, encoder.partition, columns, vectors)
            with timed(built, "index"):
                indexes.build_index_beside(self.database, encoder)
            with timed(built, "binary index"):
                indexes.build_index_beside(self.database, encoder, "binary")
        with self.database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(text("VACUUM ANALYZE"))
        for what, name in (("descriptors", encoder.partition), ("index", encoder.index), ("binary index", encoder.binary_index)):  # fmt: skip
            built.disk_bytes[what] = self.value("SELECT pg_table_size(to_regclass(%s))", name)
        return built

    def _write_works(self, session: Any, rows: int) -> None:
        collection = ensure_collection(session, "hard", title="Hard").id
        artists = list(
            ensure_artists(session, {Credit(f"Artist {number:03}") for number in range(ARTISTS)}).values()
        )
        licenses = ensure_licenses(session, RIGHTS)
        license_ids = [licenses[one] if one is not None else None for one in RIGHTS]
        codes = self.hard.codes

        def words(number: int) -> list[str]:
            return [word for name, word in WORDS.items() if codes[number] < FILTERS[name]]

        copy_binary(
            session, "work",
            {"id": "int8", "collection_id": "int8", "source_id": "text", "source_digest": "bytea", "title": "text",
             "keywords": "text[]", "work_license_id": "int8", "image_license_id": "int8", "extra": "jsonb"},
            ((number + 1, collection, str(number), b"", f"Work {number}", words(number), license_ids[number % 4],
              license_ids[number % 4], Jsonb({})) for number in range(rows)),
        )  # fmt: skip
        copy_binary(
            session, "work_artist",
            {"work_id": "int8", "artist_id": "int8", "role": "text", "position": "int8"},
            ((number + 1, artists[number % ARTISTS], "creator", 0) for number in range(rows)),
        )  # fmt: skip
        copy_binary(
            session, "image",
            {"id": "int8", "work_id": "int8", "collection_id": "int8", "sha256": "bytea", "perceptual_hash": "int8",
             "width": "int8", "height": "int8", "media_type": "text", "storage_key": "text"},
            ((number + 1, number + 1, collection, number.to_bytes(32, "big"), 0, 9, 9, "image/png", "k")
             for number in range(rows)),
        )  # fmt: skip

    def ready(self, setting: Setting, bound: int) -> Callable[[NDArray[np.float16]], list[int]]:
        settings = Settings(home=self.home, database_url=self.url, **setting)
        search = _Search(self.database, settings)
        search.given = self.encoder_spec
        word = next((WORDS[name] for name, one in FILTERS.items() if one == bound and name in WORDS), None)

        def ask(vector: NDArray[np.float16]) -> list[int]:
            query = StyleQuery(
                examples=(DescriptorExample(tuple(vector.astype(np.float32).tolist())),),
                where=EVERYTHING if word is None else Keyworded(word),
                k=K,
                mode=self.mode,
            )
            return [hit.card.image_id - 1 for hit in search.search(query).hits]

        return ask


class OursBinary(Ours):
    """The same through the index of signs."""

    name = "stylesearch binary"
    settings = ({}, {"search_ef": 40}, {"search_ef": 640})
    mode = "binary"
    read = (*Ours.read[:-1], "descriptor_1_binary")

    def build(self) -> Built:
        return Built()


class OursExact(Ours):
    """The same, comparing all."""

    name = "stylesearch exact"
    settings = ({},)
    mode = "exact"

    def build(self) -> Built:
        return Built()


class _Encoder:
    def __init__(self, spec: EncoderSpec) -> None:
        self.spec = spec


class _Search(StyleSearch):
    """Ours, with an encoder that describes nothing: questions are descriptors."""

    given: EncoderSpec

    def _encoder(self, session: Any, slug: str | None = None) -> Any:  # noqa: ARG002
        return _Encoder(self.given)


class Bare(OnPostgres):
    """One statement through psycopg, prepared, on our descriptors and index; ids alone, and no filter."""

    name = "bare statement"
    settings = tuple({"ef": ef} for ef in (200, 40, 80, 120, 160, 240, 320, 480, 640))
    read = ("descriptor_1", "descriptor_1_hnsw")

    def build(self) -> Built:
        return Built()

    def ready(self, setting: Setting, bound: int) -> Callable[[NDArray[np.float16]], list[int]]:
        if bound < CODES:
            raise LookupError("no filter")
        self.connection.execute(f"SET hnsw.ef_search = {setting['ef']}")
        self.connection.execute("SET enable_sort = off")
        statement = f"SELECT image_id FROM descriptor_1 ORDER BY vector::halfvec({DIM}) <=> %s::halfvec({DIM}) LIMIT {K}"

        def ask(vector: NDArray[np.float16]) -> list[int]:
            rows = self.connection.execute(statement, (HalfVector(vector),), prepare=True).fetchall()
            return [row[0] - 1 for row in rows]

        return ask


class Tutorial(OnPostgres):
    """pgvector as a tutorial writes it: one table, ``vector``, the index's usual settings, WHERE and ORDER BY."""

    name = "pgvector tutorial"
    settings = tuple({"ef": ef} for ef in (40, 80, 120, 200, 320, 480, 640, 1000))
    iterative = False
    read = ("items", "items_new_pkey", "items_new_code_idx", "items_hnsw")

    def build(self) -> Built:
        built, rows = Built(), len(self.hard.codes)
        if self.value("SELECT to_regclass('items')") is not None:
            return built
        self.connection.execute("DROP TABLE IF EXISTS items_new")
        self.connection.execute(
            "CREATE TABLE items_new (id bigint PRIMARY KEY, embedding vector(768), code int)"
        )
        with watched(built, self.servers):
            with timed(built, "descriptors"), self.connection.cursor() as cursor:
                statement = "COPY items_new (id, embedding, code) FROM STDIN WITH (FORMAT BINARY)"
                with cursor.copy(statement) as copy:
                    copy.set_types(["int8", "vector", "int4"])
                    for start in range(0, rows, BLOCK):
                        block = np.array(self.hard.vectors[start : start + BLOCK], dtype=np.float32)
                        for number, vector in enumerate(block, start):
                            copy.write_row((number, Vector(vector), int(self.hard.codes[number])))
            with timed(built, "index"):
                self.connection.execute("CREATE INDEX ON items_new (code)")
                self.connection.execute("SET maintenance_work_mem = '8GB'")
                self.connection.execute(
                    "CREATE INDEX items_hnsw ON items_new USING hnsw (embedding vector_cosine_ops)"
                )
        self.connection.execute("VACUUM ANALYZE items_new")
        self.connection.execute("ALTER TABLE items_new RENAME TO items")
        built.disk_bytes["descriptors"] = self.value("SELECT pg_table_size('items')")
        built.disk_bytes["index"] = self.value("SELECT pg_relation_size('items_hnsw')")
        return built

    def ready(self, setting: Setting, bound: int) -> Callable[[NDArray[np.float16]], list[int]]:
        self.connection.execute(f"SET hnsw.ef_search = {setting['ef']}")
        self.connection.execute(f"SET hnsw.iterative_scan = {'relaxed_order' if self.iterative else 'off'}")
        where = f"WHERE code < {bound} " if bound < CODES else ""
        statement = f"SELECT id FROM items {where}ORDER BY embedding <=> %s LIMIT {K}"

        def ask(vector: NDArray[np.float16]) -> list[int]:
            rows = self.connection.execute(statement, (Vector(vector.astype(np.float32)),)).fetchall()
            return [row[0] for row in rows]

        return ask


class IterativeTutorial(Tutorial):
    """The same with iterative scans turned on, as pgvector's own manual advises for filters."""

    name = "pgvector tutorial, iterative"
    iterative = True


class Hnswlib(Searcher):
    name = "hnswlib"
    settings = tuple({"ef": gap} for gap in GAPS)

    def build(self) -> Built:
        import hnswlib

        built, rows = Built(), len(self.hard.codes)
        self.index = hnswlib.Index("cosine", DIM)
        self.folder.mkdir(parents=True, exist_ok=True)
        path = self.folder / "index.bin"
        if path.exists():
            self.index.load_index(str(path))
            return built
        self.index.init_index(rows, M=hnsw.HNSW_M, ef_construction=hnsw.HNSW_EF_CONSTRUCTION)
        with watched(built, lambda: [psutil.Process()]), timed(built, "index"):
            for start in range(0, rows, BLOCK):
                block = np.array(self.hard.vectors[start : start + BLOCK], dtype=np.float32)
                self.index.add_items(block, np.arange(start, start + len(block)))
        self.index.save_index(str(path))
        built.disk_bytes["index"] = path.stat().st_size
        return built

    def ready(self, setting: Setting, bound: int) -> Callable[[NDArray[np.float16]], list[int]]:
        self.index.set_ef(max(K, setting["ef"]))
        self.index.set_num_threads(1)
        codes = self.hard.codes
        fits = None if bound >= CODES else lambda label: bool(codes[label] < bound)

        def ask(vector: NDArray[np.float16]) -> list[int]:
            try:
                found, _ = self.index.knn_query(vector.astype(np.float32), k=K, filter=fits)
            except RuntimeError:  # it has met fewer than ten
                return []
            return [int(one) for one in found[0]]

        return ask


class Faiss(Searcher):
    name = "FAISS"
    settings = tuple({"ef": gap} for gap in GAPS)

    def build(self) -> Built:
        import faiss

        self.faiss = faiss
        built, rows = Built(), len(self.hard.codes)
        self.folder.mkdir(parents=True, exist_ok=True)
        path = self.folder / "index.faiss"
        if path.exists():
            self.index = faiss.read_index(str(path))
            return built
        self.index = faiss.IndexHNSWFlat(DIM, hnsw.HNSW_M, faiss.METRIC_INNER_PRODUCT)
        self.index.hnsw.efConstruction = hnsw.HNSW_EF_CONSTRUCTION
        with watched(built, lambda: [psutil.Process()]), timed(built, "index"):
            for start in range(0, rows, BLOCK):
                self.index.add(np.array(self.hard.vectors[start : start + BLOCK], dtype=np.float32))
        faiss.write_index(self.index, str(path))
        built.disk_bytes["index"] = path.stat().st_size
        return built

    def ready(self, setting: Setting, bound: int) -> Callable[[NDArray[np.float16]], list[int]]:
        self.faiss.omp_set_num_threads(1)
        parameters = self.faiss.SearchParametersHNSW(efSearch=setting["ef"])
        selector = None
        if bound < CODES:
            bits = np.packbits(self.hard.codes < bound, bitorder="little")
            selector = self.faiss.IDSelectorBitmap(bits)
            parameters = self.faiss.SearchParametersHNSW(efSearch=setting["ef"], sel=selector)

        def ask(vector: NDArray[np.float16]) -> list[int]:
            _ = selector  # kept alive
            _, found = self.index.search(vector.astype(np.float32)[None], K, params=parameters)
            return [int(one) for one in found[0] if one >= 0]

        return ask


class LanceDb(Searcher):
    name = "LanceDB"
    settings = tuple({"nprobes": 20, "ef": gap, "refine": refine} for gap, refine in ((64, 1), (64, 5), (128, 10), (256, 10), (512, 20), (1000, 50)))  # fmt: skip

    def build(self) -> Built:
        import lancedb
        import pyarrow as pa

        built, rows = Built(), len(self.hard.codes)
        self.folder.mkdir(parents=True, exist_ok=True)
        base = lancedb.connect(self.folder)
        if (self.folder / "done.json").exists():
            self.table = base.open_table("items")
            return built
        shutil.rmtree(self.folder / "items.lance", ignore_errors=True)
        schema = pa.schema(
            [("id", pa.int64()), ("code", pa.int32()), ("vector", pa.list_(pa.float32(), DIM))]
        )

        def batches() -> Iterator[Any]:
            for start in range(0, rows, BLOCK):
                block = np.array(self.hard.vectors[start : start + BLOCK], dtype=np.float32)
                yield pa.RecordBatch.from_arrays(
                    [
                        pa.array(np.arange(start, start + len(block))),
                        pa.array(self.hard.codes[start : start + len(block)].astype(np.int32)),
                        pa.FixedSizeListArray.from_arrays(pa.array(block.reshape(-1)), DIM),
                    ],
                    schema=schema,
                )

        with watched(built, lambda: [psutil.Process()]):
            with timed(built, "descriptors"):
                self.table = base.create_table("items", batches(), schema=schema)
            with timed(built, "index"):
                self.table.create_index(metric="cosine", index_type="IVF_HNSW_SQ", m=hnsw.HNSW_M, ef_construction=hnsw.HNSW_EF_CONSTRUCTION)  # fmt: skip
                self.table.create_scalar_index("code")
        built.disk_bytes["all"] = size_of(self.folder)
        (self.folder / "done.json").write_text(json.dumps(built.seconds))
        return built

    def ready(self, setting: Setting, bound: int) -> Callable[[NDArray[np.float16]], list[int]]:
        def ask(vector: NDArray[np.float16]) -> list[int]:
            asked = (
                self.table.search(vector.astype(np.float32))
                .distance_type("cosine")
                .select(["id", "_distance"])
            )
            asked = (
                asked.nprobes(setting["nprobes"]).ef(setting["ef"]).refine_factor(setting["refine"]).limit(K)
            )
            if bound < CODES:
                asked = asked.where(f"code < {bound}", prefilter=True)
            return [int(one) for one in asked.to_arrow()["id"].to_pylist()]

        return ask


class MilvusLite(Searcher):
    name = "Milvus Lite"
    settings = tuple({"ef": gap} for gap in GAPS)

    def build(self) -> Built:
        from pymilvus import DataType, MilvusClient, MilvusException

        built, rows = Built(), len(self.hard.codes)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.client = MilvusClient(str(self.folder / "milvus.db"))
        if self.client.has_collection("items"):
            self.client.load_collection("items")
            return built
        schema = MilvusClient.create_schema(auto_id=False)
        schema.add_field("id", DataType.INT64, is_primary=True)
        schema.add_field("code", DataType.INT64)
        schema.add_field("vector", DataType.FLOAT_VECTOR, dim=DIM)
        chosen = self.client.prepare_index_params()
        built_with = {"M": hnsw.HNSW_M, "efConstruction": hnsw.HNSW_EF_CONSTRUCTION}
        chosen.add_index("vector", index_type="HNSW", metric_type="COSINE", params=built_with)
        everything = psutil.Process()
        with watched(built, lambda: [everything, *everything.children(recursive=True)]):
            with timed(built, "descriptors"):
                self.client.create_collection("items", schema=schema)
                for start in range(0, rows, 1000):
                    block = np.array(self.hard.vectors[start : start + 1000], dtype=np.float32)
                    self.client.insert("items", [
                        {"id": start + number, "code": int(self.hard.codes[start + number]), "vector": vector}
                        for number, vector in enumerate(block)
                    ])  # fmt: skip
                self.client.flush("items")
            with timed(built, "index"):
                try:
                    self.client.create_index("items", chosen)
                except MilvusException as error:
                    # Its client loses patience in some minutes, and asks once more.
                    if "index already exists" not in error.message:
                        raise
                self.client.load_collection("items")
        built.disk_bytes["all"] = size_of(self.folder)
        return built

    def ready(self, setting: Setting, bound: int) -> Callable[[NDArray[np.float16]], list[int]]:
        def ask(vector: NDArray[np.float16]) -> list[int]:
            found = self.client.search(
                "items",
                [vector.astype(np.float32).tolist()],
                filter=f"code < {bound}" if bound < CODES else "",
                limit=K,
                search_params={"params": {"ef": max(K, setting["ef"])}},
            )
            return [int(one["id"]) for one in found[0]]

        return ask

    def close(self) -> None:
        self.client.close()


class QdrantLocal(Searcher):
    """Qdrant's local mode, which compares everything in numpy and holds all in memory; it warns from 20,000 on."""

    name = "Qdrant local"

    def build(self) -> Built:
        from qdrant_client import QdrantClient, models

        self.models = models
        built = Built()
        self.client = QdrantClient(":memory:")
        self.client.create_collection("items", vectors_config=models.VectorParams(size=DIM, distance=models.Distance.COSINE))  # fmt: skip
        with watched(built, lambda: [psutil.Process()]), timed(built, "descriptors"):
            for start in range(0, len(self.hard.codes), 1000):
                block = np.array(self.hard.vectors[start : start + 1000], dtype=np.float32)
                self.client.upsert("items", models.Batch(
                    ids=list(range(start, start + len(block))),
                    vectors=block.tolist(),
                    payloads=[{"code": int(one)} for one in self.hard.codes[start : start + len(block)]],
                ))  # fmt: skip
        return built

    def ready(self, setting: Setting, bound: int) -> Callable[[NDArray[np.float16]], list[int]]:  # noqa: ARG002
        models = self.models
        only = None
        if bound < CODES:
            only = models.Filter(must=[models.FieldCondition(key="code", range=models.Range(lt=bound))])

        def ask(vector: NDArray[np.float16]) -> list[int]:
            found = self.client.query_points("items", query=vector.astype(np.float32).tolist(), query_filter=only, limit=K)  # fmt: skip
            return [int(one.id) for one in found.points]

        return ask


CONTENDERS: tuple[type[Searcher], ...] = (
    Ours, OursBinary, OursExact, Bare, Tutorial, IterativeTutorial, LanceDb, MilvusLite, QdrantLocal, Hnswlib, Faiss,
)  # fmt: skip
IN_PROCESS = ("hnswlib", "FAISS")
