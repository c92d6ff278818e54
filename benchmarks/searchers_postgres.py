"""The contenders of the benchmark of searching that use PostgreSQL: ours, and pgvector without us."""

from __future__ import annotations

from collections.abc import Callable
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
from searchers import Built, Searcher, Setting, timed, watched
from sqlalchemy import text

from stylesearch.catalog import encoders, indexes
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

WORDS = {name: f"below-{bound}" for name, bound in FILTERS.items() if bound < CODES}
"""The keywords that stand for the filters in our catalogue."""

ARTISTS, RIGHTS = 500, ["CC0-1.0", "CC-BY-4.0", "http://rightsstatements.org/vocab/InC/1.0/", None]


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

    def service(self, **settings: Any) -> StyleSearch:
        """Make what answers queries."""
        search = _Search(self.database, Settings(home=self.home, database_url=self.url, **settings))
        search.given = self.encoder_spec
        return search

    def ready(self, setting: Setting, bound: int) -> Callable[[NDArray[np.float16]], list[int]]:
        search = self.service(**setting)
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
