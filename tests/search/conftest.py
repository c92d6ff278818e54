import hashlib
from dataclasses import dataclass, field

import numpy as np
import pytest
from sqlalchemy import text

from stylesearch.catalog import encoders
from stylesearch.catalog.collections import ensure_collection
from stylesearch.catalog.database import Database, sqlalchemy_url
from stylesearch.catalog.descriptors import EncoderRow
from stylesearch.catalog.records import Credit, ImageFacts, NewWork, WorkRecord
from stylesearch.catalog.writers import write_works
from stylesearch.settings import Settings

DIM, SIZE, CLUSTERS = 256, 5200, 60
TWINS = range(300, 338)
ARTISTS = [f"Artist {letter}" for letter in "ABCDEFGH"]
RIGHTS = [
    "CC0-1.0", "CC-BY-4.0", "CC-BY-NC-4.0", "http://rightsstatements.org/vocab/InC/1.0/", None, "ask us", "http://example.org/terms",
]  # fmt: skip
MEDIA = ["ink", "Ink", "oil on canvas", "pastel", None]
KEYWORDS = ["barn", "snow", "cat", "tree", "sea"]
ROWS = """
    SELECT image.id AS image_id, work.id AS work_id, work.source_id, collection.slug AS collection, year_from, year_to, medium,
        keywords, license.uri AS license, license.reuse, withdrawn_at IS NOT NULL AS withdrawn, vector::vector::real[] AS vector,
        ARRAY(SELECT artist.name FROM work_artist JOIN artist ON artist.id = artist_id WHERE work_id = work.id) AS artists
    FROM image JOIN work ON work.id = work_id JOIN collection ON collection.id = work.collection_id
    JOIN descriptor ON image_id = image.id LEFT JOIN license ON license.id = image_license_id ORDER BY image.id
"""


@dataclass(frozen=True)
class Gallery:
    """A large catalogue that only is read: made descriptors in clusters, and every kind of metadata."""

    database: Database
    settings: Settings
    encoder: EncoderRow
    rows: list
    vectors: np.ndarray = field(repr=False)

    def query(self, seed: int) -> np.ndarray:
        """A unit vector near the gallery's own, and at times one of them."""
        dice = np.random.default_rng([7, seed])
        near = self.vectors[dice.integers(len(self.vectors))]
        mixed = near + dice.choice([0, 0.02, 0.08]) * dice.standard_normal(DIM)
        return (mixed / np.linalg.norm(mixed)).astype(np.float32)

    def nearest(self, vector: np.ndarray, allowed, k: int) -> list[int]:
        """The right answer, from all descriptors, in double precision."""
        chosen = np.flatnonzero([not row.withdrawn and allowed(row) for row in self.rows])
        example = vector.astype(np.float16).astype(np.float64)
        stored = self.vectors[chosen].astype(np.float64)
        cosines = (stored * example).sum(axis=1) / np.sqrt((stored**2).sum(axis=1) * (example**2).sum())
        ids = [self.rows[index].image_id for index in chosen]
        return [image_id for _, image_id in sorted(zip(-np.round(cosines, 9), ids, strict=True))[:k]]


def _vectors(dice: np.random.Generator) -> np.ndarray:
    centres = dice.standard_normal((CLUSTERS, DIM))
    vectors = centres[dice.integers(CLUSTERS, size=SIZE)] + 0.6 * dice.standard_normal((SIZE, DIM))
    vectors[100:170] = vectors[100]  # more equal ones than any answer has spare places for
    vectors[1000:1200:2] = vectors[1001:1201:2]
    vectors[3000:3010] = -vectors[100]
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    halves = vectors.astype(np.float16)
    for number in range(TWINS.start, TWINS.stop):  # each differs from the first in the last bit of one number
        halves[number] = halves[TWINS.start]
        halves[number, number % DIM] = np.nextafter(halves[number, number % DIM], np.float16(1))
    return halves.astype(np.float32)


def _works(dice: np.random.Generator) -> list[NewWork]:
    works = []
    for number, vector in enumerate(_vectors(dice)):
        year = int(dice.integers(1700, 2000))
        span = int(dice.integers(0, 40))
        dated = [(year, year + span), (year, None), (None, year), (None, None), (year, year)][
            dice.integers(5)
        ]
        names = dice.choice(ARTISTS, size=dice.integers(0, 3), replace=False)
        record = WorkRecord(
            title=f"Work {number}",
            credits=tuple(
                Credit(str(name), qualifier="after" if dice.random() < 0.2 else None) for name in names
            ),
            year_from=dated[0],
            year_to=dated[1],
            medium=MEDIA[dice.integers(len(MEDIA))],
            keywords=tuple(word for word in KEYWORDS if dice.random() < 0.3),
            image_rights=RIGHTS[dice.integers(len(RIGHTS))],
        )
        sha256 = hashlib.sha256(str(number).encode()).digest()
        image = ImageFacts(sha256, int(dice.integers(-(2**62), 2**62)), 9, 9, "image/png", "k")
        works.append(NewWork(f"w{number:05}", sha256, record, image, vector))
    return works


@pytest.fixture(scope="session")
def gallery(servers, databases_of_run, empty_template, tmp_path_factory):
    name = databases_of_run(empty_template)
    url = servers.url_of(name)
    settings = Settings(home=tmp_path_factory.mktemp("gallery"), database_url=url)
    database = Database(sqlalchemy_url(url))
    works = _works(np.random.default_rng(11))
    with database.session() as session:
        encoder = encoders.register(session, encoders.EncoderIdentity("toy", "d", DIM, "w", "p", "CC0-1.0"))
        ids = [ensure_collection(session, slug, title=slug.title()).id for slug in ("first", "second")]
        write_works(session, collection_id=ids[0], encoder=encoder, works=works[:3500])
        write_works(session, collection_id=ids[1], encoder=encoder, works=works[3500:])
        session.execute(text("UPDATE work SET withdrawn_at = now() WHERE id % 31 = 0"))
        session.execute(
            text("INSERT INTO artist_alias SELECT id, 'The master of A' FROM artist WHERE name = 'Artist A'")
        )
        encoders.build_index(session, encoder)
        session.execute(text("ANALYZE"))
    with database.session() as session:
        rows = list(session.execute(text(ROWS)))
    vectors = np.array([row.vector for row in rows], dtype=np.float32)
    yield Gallery(database, settings, encoder, rows, vectors)
    database.close()
