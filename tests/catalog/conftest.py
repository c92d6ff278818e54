import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import pytest
from sqlalchemy import text

from stylesearch.catalog import encoders
from stylesearch.catalog.collections import ensure_collection
from stylesearch.catalog.database import Database, sqlalchemy_url
from stylesearch.catalog.descriptors import EncoderRow
from stylesearch.catalog.encoders import EncoderIdentity
from stylesearch.catalog.records import ImageFacts, NewWork, WorkRecord
from stylesearch.catalog.writers import write_works

DIM = 8


def identity(slug: str = "toy", *, dim: int = DIM, digest: str = "d") -> EncoderIdentity:
    return EncoderIdentity(slug, digest, dim, "w", "p-1", "CC0-1.0")


def new_work(source_id: str, *, content: str | None = None, vector=None, **metadata: object) -> NewWork:
    """A work whose picture is ``content``, by default one of its own."""
    sha256 = hashlib.sha256((content or source_id).encode()).digest()
    if vector is None:
        vector = np.random.default_rng(list(sha256)).standard_normal(DIM)
        vector = vector / np.linalg.norm(vector)
    return NewWork(
        source_id=source_id,
        source_digest=hashlib.sha256(repr((sha256, metadata)).encode()).digest(),
        record=WorkRecord(**{"title": source_id, **metadata}),
        image=ImageFacts(sha256, 5, 40, 30, "image/png", f"originals/{sha256.hex()}"),
        vector=np.asarray(vector, dtype=np.float32),
    )


@dataclass(frozen=True)
class Toy:
    """A collection to write into."""

    database: Database
    collection_id: int
    encoder: EncoderRow

    def write(self, *works: NewWork) -> dict[str, int]:
        with self.database.session() as session:
            return write_works(session, collection_id=self.collection_id, encoder=self.encoder, works=works)

    def rows(self, statement: str, **values: object) -> list[tuple]:
        with self.database.session() as session:
            return [tuple(row) for row in session.execute(text(statement), values)]

    def value(self, statement: str, **values: object) -> object:
        return self.rows(statement, **values)[0][0]


@pytest.fixture(scope="module")
def shared(servers, databases_of_run, empty_template) -> Iterator[Database]:
    """An empty catalogue for the tests of a module that write nothing to stay."""
    database = Database(sqlalchemy_url(servers.url_of(databases_of_run(empty_template))))
    yield database
    database.close()


@pytest.fixture
def toy(database: Database) -> Toy:
    with database.session() as session:
        collection = ensure_collection(session, "toys", title="Toys")
        return Toy(database, collection.id, encoders.register(session, identity()))


@pytest.fixture
def make_work() -> Callable[..., NewWork]:
    return new_work


@pytest.fixture
def make_identity() -> Callable[..., EncoderIdentity]:
    return identity
