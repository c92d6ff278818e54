import hashlib
from collections import Counter
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import pytest
from sqlalchemy import event, text

from stylesearch.catalog import encoders, hnsw, indexes, whitening
from stylesearch.catalog.access import Access
from stylesearch.catalog.artists import QUALIFIERS
from stylesearch.catalog.collections import ensure_collection
from stylesearch.catalog.connections import copy_binary
from stylesearch.catalog.credits import ensure_artists
from stylesearch.catalog.database import Database, sqlalchemy_url
from stylesearch.catalog.densities import measure
from stylesearch.catalog.descriptors import EncoderRow
from stylesearch.catalog.records import Credit, ImageFacts, NewWork, WorkRecord
from stylesearch.catalog.whitening import Space
from stylesearch.catalog.writers import ensure_licenses, write_descriptors, write_works
from stylesearch.search.conditions import (
    NAMED_FIELDS,
    ByArtist,
    FromCollection,
    HasImage,
    Ingested,
    Keyworded,
    Licensed,
    Made,
    Named,
    Qualified,
    Reusable,
    Says,
)  # fmt: skip
from stylesearch.search.engine import search
from stylesearch.search.filters import All, Either, Filter, Not
from stylesearch.search.grammar import parse
from stylesearch.search.query import StyleQuery
from stylesearch.search.readout import Readout
from stylesearch.search.scoring import Weighted
from stylesearch.search.vectors import halfvec_text
from stylesearch.settings import Settings

DIM, SIZE, CLUSTERS = 256, 5200, 60
TWINS = range(300, 338)
SEVERAL = range(2000, 2300)  # of these, three in a row are images of one work
ARTISTS = [f"Artist {letter}" for letter in "ABCDEFGH"]
RIGHTS = [
    "CC0-1.0", "CC-BY-4.0", "CC-BY-NC-4.0", "http://rightsstatements.org/vocab/InC/1.0/", None, "ask us", "http://example.org/terms",
]  # fmt: skip
MEDIA = ["ink", "Ink", "oil on canvas", "pastel", None]
MOVEMENTS, PERIODS, KINDS = ["Realism", "Symbolism", None], ["Meiji", "Edo", None], ["print", "drawing", None]
KEYWORDS = ["barn", "snow", "cat", "tree", "sea"]
SAID = {
    "Two boats by the shore": ("boat", "shore", '"two boats"'),
    "Die roten Boote im Hafen": ("Booten", "rote", "hafen"),
    "Un bateau à voile": ("bateaux", "voiles"),
    "Barche rosse": ("barca", "rosso"),
    "A quiet street": ("streets", '"quiet street"'),
}
"""Descriptions, and words that find them though most are inflected otherwise."""
SAYINGS = [*SAID, ""]
URIS = {
    "CC-BY-4.0": "http://creativecommons.org/licenses/by/4.0/",
    "CC0-1.0": "http://creativecommons.org/publicdomain/zero/1.0/",
}
ROWS = """
    SELECT image.id AS image_id, work.id AS work_id, work.source_id, collection.slug AS collection, year_from, year_to, medium,
        movement, period, object_type, keywords, description, (work.created_at AT TIME ZONE 'UTC')::date AS ingested, license.uri AS license,
        license.reuse, withdrawn_at IS NOT NULL OR visibility <> 'everybody' AS hidden, withdrawn_at IS NOT NULL AS withdrawn,
        vector::vector::real[] AS vector, density.mean AS crowding,
        ARRAY(SELECT artist.name FROM work_artist JOIN artist ON artist.id = artist_id WHERE work_id = work.id) AS artists,
        ARRAY(SELECT artist_id FROM work_artist WHERE work_id = work.id) AS artist_ids,
        ARRAY(SELECT coalesce(qualifier, 'own') || ': ' || artist.name FROM work_artist JOIN artist ON artist.id = artist_id
              WHERE work_id = work.id) AS credits
    FROM image JOIN work ON work.id = work_id JOIN collection ON collection.id = work.collection_id
    JOIN descriptor ON image_id = image.id LEFT JOIN license ON license.id = image_license_id
    LEFT JOIN density ON density.image_id = image.id ORDER BY image.id
"""


def overlaps(row, start, end) -> bool:
    ends = [year for year in (row.year_from, row.year_to) if year is not None]
    return bool(ends) and (start is None or max(ends) >= start) and (end is None or min(ends) <= end)


# What a condition means in plain Python, told again without the code that is tested.
MEANINGS = {
    ByArtist: lambda one, row: any(
        one.name in (name, {"Artist A": "The master of A"}.get(name))
        and one.qualifier in (None, qualifier)
        for qualifier, name in (credit.split(": ", 1) for credit in row.credits)
    ),
    Qualified: lambda one, row: any(credit.startswith(f"{one.qualifier}: ") for credit in row.credits),
    Licensed: lambda one, row: row.license == URIS.get(one.statement, one.statement),
    Reusable: lambda one, row: (row.reuse or "unknown") == one.kind,
    FromCollection: lambda one, row: row.collection == one.slug,
    Made: lambda one, row: overlaps(row, one.start, one.end),
    Named: lambda one, row: (getattr(row, NAMED_FIELDS[one.kind]) or "").lower() == one.name,
    Keyworded: lambda one, row: one.word in row.keywords,
    Says: lambda one, row: one.words in SAID.get(row.description, ()),
    HasImage: lambda one, row: True,
    Ingested: lambda one, row: (one.start is None or row.ingested >= one.start)
    and (one.end is None or row.ingested <= one.end),
}  # fmt: skip


@dataclass(frozen=True, eq=False)
class Gallery:
    """A large catalogue that only is read: made descriptors in clusters, and every kind of metadata."""

    database: Database
    settings: Settings
    encoder: EncoderRow
    rows: list
    vectors: np.ndarray = field(repr=False)
    units: np.ndarray = field(repr=False)
    space: Space | None = field(repr=False)
    masks: dict = field(default_factory=dict, repr=False)

    def ask(
        self,
        *wanted,
        weights=None,
        unwanted=(),
        access=Access.EVERYBODY,
        facets=False,
        settings=None,
        query=None,
        where="",
        **more,
    ):
        """Search with some vectors, by a query or by what makes one; ``where`` may be written."""
        changed = self.settings.model_copy(update=settings or {})
        asked = query or StyleQuery(**more, where=parse(where) if isinstance(where, str) else where)
        with self.database.session() as session:
            return search(
                session, self.encoder, weighted(wanted, weights), asked, changed,
                unwanted=weighted(unwanted) if len(unwanted) else None, access=access, with_facets=facets,
            )  # fmt: skip

    @cached_property
    def places(self) -> np.ndarray:
        """Where the rows are in the whitened space, of unit norm."""
        found = (self.vectors.astype(np.float64) - self.space.centre) @ self.space.matrix
        return found / np.linalg.norm(found, axis=1, keepdims=True)

    def query(self, seed: int) -> np.ndarray:
        """A unit vector near the gallery's own, and at times one of them, in half precision."""
        dice = np.random.default_rng([7, seed])
        near = self.vectors[dice.integers(len(self.vectors))]
        mixed = near + dice.choice([0, 0.02, 0.08]) * dice.standard_normal(len(near))
        return (mixed / np.linalg.norm(mixed)).astype(np.float16).astype(np.float64)

    def mask(self, where: Filter) -> np.ndarray:
        """Which rows a filter lets through, whoever may see them."""
        if isinstance(where, All):
            return np.logical_and.reduce(
                [self.mask(part) for part in where.parts] or [np.ones(len(self.rows), bool)]
            )
        if isinstance(where, Either):
            return np.logical_or.reduce(
                [self.mask(part) for part in where.parts] or [np.zeros(len(self.rows), bool)]
            )
        if isinstance(where, Not):
            return ~self.mask(where.part)
        if where not in self.masks:
            self.masks[where] = np.array([bool(MEANINGS[type(where)](where, row)) for row in self.rows])
        return self.masks[where]

    def chosen(self, where: Filter | str = "", *, staff: bool = False, without=()) -> np.ndarray:
        """Places of the rows that may be seen and that a filter lets through."""
        if ("hidden", staff) not in self.masks:
            hidden = [row.withdrawn if staff else row.hidden for row in self.rows]
            self.masks["hidden", staff] = np.array(hidden)
            self.masks["ids"] = np.array([row.image_id for row in self.rows])
        allowed = self.mask(parse(where) if isinstance(where, str) else where) & ~self.masks["hidden", staff]
        return np.flatnonzero(allowed & ~np.isin(self.masks["ids"], list(without)))

    def cosines(self, vector: np.ndarray, chosen: np.ndarray) -> np.ndarray:
        return (self.units @ (vector / np.linalg.norm(vector)))[chosen]

    def scores(self, vector, others, chosen, readout: Readout) -> np.ndarray:
        """One example's scores, with equal weights of the others, straight from the definitions."""

        def nearness(one):
            if readout.measure == "whitened":
                return self.places[chosen] @ (one / np.linalg.norm(one))
            found = self.cosines(one, chosen)
            if readout.measure == "csls":
                everybody = np.sort(np.round(self.cosines(one, self.chosen()), 9))[::-1][:15].mean()
                found = 2 * found - np.array([self.rows[index].crowding for index in chosen]) - everybody
            return found

        score = nearness(vector)
        if readout.against == "margin":
            for other in others:
                score = score - readout.force / len(others) * np.maximum(
                    0, nearness(other) - nearness(vector) + readout.margin
                )
        return score

    def ranked(self, wanted, unwanted, query: StyleQuery, most: int = 10**9) -> list[tuple[int, float]]:
        """The right answer, all pages of it or its beginning: image ids and scores."""
        chosen = self.chosen(query.where, without=query.exclude_images)
        readout = query.readout
        if readout.measure == "whitened":
            wanted, unwanted = (
                [(one / np.linalg.norm(one) - self.space.centre) @ self.space.matrix for one in part]
                for part in (wanted, unwanted)
            )
        subtracted = unwanted if readout.against == "subtract" else []
        if readout.fusion == "mean":
            vector = wanted[0]
            if len(wanted) > 1 or len(subtracted):
                mean = np.mean([one / np.linalg.norm(one) for one in wanted], axis=0)
                if len(subtracted):
                    mean = mean - readout.force * np.mean(
                        [one / np.linalg.norm(one) for one in subtracted], axis=0
                    )
                vector = mean / np.linalg.norm(mean)
                if readout.measure != "whitened":
                    vector = vector.astype(np.float16).astype(np.float64)
            scores = self.scores(vector, unwanted, chosen, readout)
        else:
            scores, near = np.zeros(len(chosen)), np.zeros(len(chosen), bool)
            signed = [(one, 1 / len(wanted)) for one in wanted]
            signed += [(one, -readout.force / len(subtracted)) for one in subtracted]
            if len(signed) == 1:
                scores, near = self.scores(signed[0][0], unwanted, chosen, readout), ~near
            else:
                for vector, weight in signed:
                    each = np.round(self.scores(vector, unwanted, chosen, readout), 9)
                    order = np.lexsort((self.masks["ids"][chosen], -each))[:1000]
                    scores[order] += weight * 61 / (60 + np.arange(1, len(order) + 1))
                    near[order] |= weight > 0
            chosen, scores = chosen[near], scores[near]
        return self.page(np.round(scores, 9), chosen, query, most)

    def page(
        self, scores: np.ndarray, chosen: np.ndarray, query: StyleQuery, most: int
    ) -> list[tuple[int, float]]:
        found, works, shown = [], set(), Counter()
        for place in np.lexsort((self.masks["ids"][chosen], -scores)):
            row = self.rows[chosen[place]]
            if query.group == "work" and row.work_id in works:
                continue
            if query.per_artist and any(shown[artist] >= query.per_artist for artist in row.artist_ids):
                continue
            works.add(row.work_id)
            shown.update(row.artist_ids)
            found.append((row.image_id, float(scores[place])))
            if len(found) == most:
                break
        return found

    def nearest(self, vector: np.ndarray, where="", k: int = 10, **query) -> list[int]:
        """The right answer to one example, by its cosine: image ids."""
        asked = StyleQuery(where=parse(where) if isinstance(where, str) else where, **query)
        return [image_id for image_id, _ in self.ranked([vector], [], asked)[:k]]


def weighted(vectors, weights=None) -> Weighted:
    halves = np.asarray(vectors, dtype=np.float16).astype(np.float64)
    return Weighted(halves, np.ones(len(halves)) if weights is None else np.asarray(weights, dtype=float))


def _vectors(dice: np.random.Generator, size: int = SIZE, dim: int = DIM) -> np.ndarray:
    centres = dice.standard_normal((CLUSTERS, dim))
    vectors = centres[dice.integers(CLUSTERS, size=size)] + 0.6 * dice.standard_normal((size, dim))
    vectors[100:170] = vectors[100]  # more equal ones than any answer has spare places for
    vectors[1000:1200:2] = vectors[1001:1201:2]
    vectors[3000:3010] = -vectors[100]
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    halves = vectors.astype(np.float16)
    for number in range(TWINS.start, TWINS.stop):  # each differs from the first in the last bit of one number
        halves[number] = halves[TWINS.start]
        halves[number, number % dim] = np.nextafter(halves[number, number % dim], np.float16(1))
    return halves.astype(np.float32)


def _record(dice: np.random.Generator, number: int) -> WorkRecord:
    def pick(values: list):
        return values[dice.integers(len(values))]

    year = int(dice.integers(1700, 2000))
    span = int(dice.integers(0, 40))
    dated = [(year, year + span), (year, None), (None, year), (None, None), (year, year)][dice.integers(5)]
    names = dice.choice(ARTISTS, size=dice.integers(0, 3), replace=False)
    return WorkRecord(
        title=f"Work {number}",
        description=pick(SAYINGS) or None,
        credits=tuple(
            Credit(str(name), qualifier=QUALIFIERS[number % len(QUALIFIERS)] if dice.random() < 0.2 else None)
            for name in names
        ),
        year_from=dated[0],
        year_to=dated[1],
        medium=pick(MEDIA),
        movement=pick(MOVEMENTS),
        period=pick(PERIODS),
        object_type=pick(KINDS),
        keywords=(
            *(word for word in KEYWORDS if dice.random() < 0.3),
            *(["rare"] if number % 1999 == 1 else []),
            *(["single"] if number == 777 else []),
        ),
        image_rights=pick(RIGHTS),
    )


def _works(dice: np.random.Generator) -> list[NewWork]:
    works = []
    for number, vector in enumerate(_vectors(dice)):
        sha256 = hashlib.sha256(str(number).encode()).digest()
        image = ImageFacts(sha256, int(dice.integers(-(2**62), 2**62)), 9, 9, "image/png", "k")
        works.append(NewWork(f"w{number:05}", sha256, _record(dice, number), image, vector))
    return works


def _change(session, several: range) -> None:
    """Hide some works, set their days, and have some of them share their images as the pages of a book do."""
    for statement in (
        "UPDATE work SET withdrawn_at = now() WHERE id % 31 = 0",
        "UPDATE collection SET visibility = 'staff' WHERE slug = 'vault'",
        "UPDATE work SET created_at = timestamptz '2024-01-01 12:00+00' + (id % 300) * interval '1 day'",
        "INSERT INTO artist_alias SELECT id, 'The master of A' FROM artist WHERE name = 'Artist A'",
    ):
        session.execute(text(statement))
    session.execute(
        text(
            "UPDATE image SET work_id = first.id FROM work AS old, work AS first"
            " WHERE image.work_id = old.id AND first.collection_id = old.collection_id"
            " AND substr(old.source_id, 2)::int >= :start AND substr(old.source_id, 2)::int < :stop"
            " AND substr(old.source_id, 2)::int % 3 > 0 AND first.source_id ="
            " 'w' || lpad((substr(old.source_id, 2)::int - substr(old.source_id, 2)::int % 3)::text, 5, '0')"
        ),
        {"start": several.start + -several.start % 3, "stop": several.stop},
    )


def _opened(database: Database, settings: Settings, encoder: EncoderRow) -> Gallery:
    with database.session() as session:
        rows = list(session.execute(text(ROWS)))
        space = whitening.space(session, encoder)
    vectors = np.array([row.vector for row in rows], dtype=np.float32)
    units = vectors.astype(np.float64)
    units /= np.linalg.norm(units, axis=1, keepdims=True)
    return Gallery(database, settings, encoder, rows, vectors, units, space)


@pytest.fixture(scope="session")
def gallery(servers, databases_of_run, empty_template, tmp_path_factory):
    name = databases_of_run(empty_template)
    url = servers.url_of(name)
    settings = Settings(home=tmp_path_factory.mktemp("gallery"), database_url=url)
    database = Database(sqlalchemy_url(url))
    works = _works(np.random.default_rng(11))
    with database.session() as session:
        encoder = encoders.register(session, encoders.EncoderIdentity("toy", "d", DIM, "w", "p", "CC0-1.0"))
        ids = [
            ensure_collection(session, slug, title=slug.title()).id for slug in ("first", "second", "vault")
        ]
        for collection_id, part in zip(ids, (works[:3500], works[3500:5000], works[5000:]), strict=True):
            write_works(session, collection_id=collection_id, encoder=encoder, works=part)
        _change(session, SEVERAL)
        indexes.build_index(session, encoder)
        indexes.build_index(session, encoder, "binary")
        session.execute(text("ANALYZE"))
        while measure(session, encoder, at_most=1000):
            pass
        session.execute(text("UPDATE encoder SET density = (SELECT avg(mean) FROM density)"))
        session.refresh(encoder)
        session.expunge(encoder)
    assert whitening.refresh(database, encoder) == SIZE
    yield _opened(database, settings, encoder)
    database.close()


@pytest.fixture
def explain():
    """Runs a search, and returns the plan of its last statement."""

    def run(gallery, *, verbose: bool = False, **case) -> str:
        plans: list[str] = []
        options = "COSTS OFF, VERBOSE" if verbose else "COSTS OFF"

        def listen(connection, cursor, statement, parameters, context, executemany):
            if "<=>" in statement:
                raw = connection.connection.driver_connection
                rows = raw.execute(f"EXPLAIN ({options}) {statement}", parameters).fetchall()
                plans.append("\n".join(row[0] for row in rows))

        event.listen(gallery.database.engine, "before_cursor_execute", listen)
        try:
            gallery.ask(gallery.query(1), k=10, **case)
        finally:
            event.remove(gallery.database.engine, "before_cursor_execute", listen)
        return plans[-1]

    return run


@pytest.fixture
def small(database, gallery):
    """A gallery of a dozen that may be changed: the session, its encoder, and what to search with."""
    with database.session() as session:
        row = encoders.register(session, encoders.EncoderIdentity("toy", "d", 256, "w", "p", "CC0-1.0"))
        session.execute(text("INSERT INTO collection (slug, title) VALUES ('c', 'c')"))
        session.execute(
            text(
                "INSERT INTO work (collection_id, source_id, source_digest, title)"
                " SELECT c.id, n::text, '', 'Work ' || n FROM collection c, generate_series(1, 12) n"
            )
        )
        session.execute(
            text(
                "INSERT INTO image (work_id, collection_id, sha256, perceptual_hash, width, height, media_type, storage_key)"
                " SELECT id, collection_id, sha256(source_id::bytea), 0, 1, 1, 'image/png', 'k' FROM work"
            )
        )
        for number, (image_id,) in enumerate(session.execute(text("SELECT id FROM image ORDER BY id")).all()):
            session.execute(
                text(f"INSERT INTO descriptor VALUES ({row.id}, {image_id}, :vector)"),
                {"vector": halfvec_text(gallery.vectors[number])},
            )
    with database.session() as session:
        yield session, row, Weighted(gallery.vectors[:1].astype(float), np.ones(1))


LARGE, LARGE_DIM = 50_000, 32


@pytest.fixture(scope="session")
def make_large():
    """Makes a gallery of 50,000 descriptors, written by the shortest way."""

    def make(url: str, home) -> Gallery:
        database = Database(sqlalchemy_url(url))
        dice = np.random.default_rng(5)
        vectors = _vectors(dice, LARGE, LARGE_DIM)
        records = [_record(dice, number) for number in range(LARGE)]
        with database.session() as session:
            identity = encoders.EncoderIdentity("large", "d", LARGE_DIM, "w", "p", "CC0-1.0")
            encoder = encoders.register(session, identity)
            slugs = [("first", 30_000), ("second", 49_000), ("vault", LARGE)]
            ids = [(ensure_collection(session, slug, title=slug.title()).id, end) for slug, end in slugs]
            artists = ensure_artists(session, {credit for record in records for credit in record.credits})
            licenses = ensure_licenses(session, RIGHTS)
            of_work = [next(one for one, end in ids if number < end) for number in range(LARGE)]
            names = {
                "id": "int8",
                "collection_id": "int8",
                "source_id": "text",
                "source_digest": "bytea",
                "title": "text",
            }
            names |= {
                "description": "text",
                "year_from": "int8",
                "year_to": "int8",
                "medium": "text",
                "movement": "text",
            }
            names |= {
                "period": "text",
                "object_type": "text",
                "keywords": "text[]",
                "image_license_id": "int8",
            }
            copy_binary(
                session, "work", names,
                (
                    (
                        number + 1, of_work[number], f"w{number:05}", b"", one.title, one.description, one.year_from, one.year_to,
                        one.medium, one.movement, one.period, one.object_type, list(one.keywords), licenses.get(one.image_rights),
                    )
                    for number, one in enumerate(records)
                ),
            )  # fmt: skip
            names = {
                "work_id": "int8",
                "artist_id": "int8",
                "role": "text",
                "qualifier": "text",
                "position": "int8",
            }
            parts = (
                (number + 1, artists[credit], credit.role, credit.qualifier, place)
                for number, one in enumerate(records)
                for place, credit in enumerate(one.credits)
            )
            copy_binary(session, "work_artist", names, parts)
            names = {
                "id": "int8",
                "work_id": "int8",
                "collection_id": "int8",
                "sha256": "bytea",
                "perceptual_hash": "int8",
            }
            names |= {"width": "int8", "height": "int8", "media_type": "text", "storage_key": "text"}
            copy_binary(
                session, "image", names,
                (
                    (number + 1, number + 1, of_work[number], number.to_bytes(32, "big"), 0, 9, 9, "image/png", "k")
                    for number in range(LARGE)
                ),
            )  # fmt: skip
            write_descriptors(session, encoder, {number + 1: vector for number, vector in enumerate(vectors)})
            _change(session, range(20_000, 26_000))
            for kind in hnsw.KINDS:
                indexes.build_index(session, encoder, kind)
            session.execute(text("ANALYZE"))
            session.expunge(encoder)
        return _opened(database, Settings(home=home, database_url=url), encoder)

    return make
