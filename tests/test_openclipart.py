"""The whole Open Clip Art Library, end to end: 8,121 drawings through Redis and two workers.

Needs the Debian package ``openclipart-svg``, fetched with apt-get where the machine can.
"""

import hashlib
import json
import os
import re
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ET
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from PIL import Image
from playwright.sync_api import Page, expect
from sqlalchemy import text

from stylesearch.catalog import encoders
from stylesearch.catalog.database import Database, open_database
from stylesearch.catalog.halfvecs import unpack_halfvecs
from stylesearch.demo import openclipart
from stylesearch.images.decode import decode
from stylesearch.search import stylemap
from stylesearch.search.engine import search
from stylesearch.search.grammar import parse
from stylesearch.search.query import StyleQuery
from stylesearch.search.scoring import Weighted
from stylesearch.settings import Settings
from tests.plugins.catalogues import UNLIMITED

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]

DC = "{http://purl.org/dc/elements/1.1/}"
RDF = "{http://www.w3.org/1999/02/22-rdf-syntax-ns#}"
QUERIES = 300


@dataclass(frozen=True)
class ClipArt:
    settings: Settings
    database: Database
    folder: Path
    said: str


@pytest.fixture(scope="module")
def clip_art(servers, databases_of_run, empty_template, tmp_path_factory) -> Iterator[ClipArt]:
    folder = openclipart.fetch(Path(tempfile.gettempdir()) / f"stylesearch-test-cache-{os.geteuid()}")
    if folder is None:
        assert not os.environ.get("CI"), "CI must be able to fetch the collection"
        pytest.skip("the Debian package openclipart-svg cannot be had here")
    home = tmp_path_factory.mktemp("clip-art")
    settings = Settings(
        home=home, database_url=servers.url_of(databases_of_run(empty_template)), redis_url=servers.redis_url
    )
    assert settings.database_url is not None
    environment = os.environ | {
        "STYLESEARCH_HOME": str(home),
        "STYLESEARCH_DATABASE_URL": settings.database_url.get_secret_value(),
        "STYLESEARCH_REDIS_URL": servers.redis_url,
    }
    command = ["ingest", "folder", str(folder), "--collection", "open-clip-art", "--workers", "2"]
    done = subprocess.run(
        [sys.executable, "-m", "stylesearch", *command],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    database = open_database(settings)
    yield ClipArt(settings, database, folder, done.stdout)
    database.close()


@dataclass(frozen=True)
class Reading:
    """What the files say, read with nothing of ours: the works of each creator, and the licence of each work."""

    creators: dict[str, set[str]]
    licenses: dict[str, str | None]


# How the files name a licence, and the address that it has today.
ADDRESSES = {
    None: None,
    "": None,
    "http://web.resource.org/cc/PublicDomain": "http://creativecommons.org/licenses/publicdomain/",
    "http://creativecommons.org/licenses/publicdomain/": "http://creativecommons.org/licenses/publicdomain/",
    "http://creativecommons.org/licenses/GPL/2.0/": "https://www.gnu.org/licenses/gpl-2.0",
}


def independent_reading(folder: Path, left_out: set[str]) -> Reading:
    files = sorted((path for path in folder.rglob("*.svg")), key=lambda path: str(path).encode())
    seen: set[bytes] = set()
    reading = Reading({}, {})
    for path in files:
        data = path.read_bytes()
        digest = hashlib.md5(data).digest()
        name = str(path.relative_to(folder))
        if digest in seen or name in left_out:
            continue
        seen.add(digest)
        root = ET.fromstring(data)
        for creator in root.iter(f"{DC}creator"):
            for title in creator.iter(f"{DC}title"):
                if title.text and title.text.strip():
                    reading.creators.setdefault(" ".join(title.text.split()), set()).add(name)
        stated = (one.get(f"{RDF}resource") for one in root.iter() if str(one.tag).endswith("license"))
        reading.licenses[name] = ADDRESSES[next(stated, None)]
    return reading


@pytest.fixture(scope="module")
def reading(clip_art: ClipArt) -> Reading:
    with clip_art.database.session() as session:
        quarantined = session.scalars(text("SELECT source_id FROM ingest_item WHERE state = 'quarantined'"))
        return independent_reading(clip_art.folder, set(quarantined))


def test_every_file_is_accounted_for(clip_art: ClipArt, figure) -> None:
    with clip_art.database.session() as session:
        states = Counter(
            dict(session.execute(text("SELECT state, count(*) FROM ingest_item GROUP BY state")).all())
        )
        codes = session.execute(
            text(
                "SELECT error_code, count(*) FROM ingest_item WHERE state = 'quarantined' GROUP BY 1 ORDER BY 1"
            )
        ).all()
        works, images, descriptors = session.execute(
            text(
                "SELECT (SELECT count(*) FROM work), (SELECT count(*) FROM image), (SELECT count(*) FROM descriptor)"
            )
        ).one()
        lost = session.scalar(
            text("SELECT count(*) FROM ingest_item WHERE state = 'duplicate' AND image_id IS NULL")
        )
    discovered = sum(1 for _ in clip_art.folder.rglob("*.svg"))
    figure(f"Open Clip Art: {clip_art.said.splitlines()[0]}; codes {dict(codes)}")
    assert discovered == states["ingested"] + states["duplicate"] + states["quarantined"]
    assert works == images == descriptors == states["ingested"]
    assert states["ingested"] > 0.9 * (discovered - states["duplicate"])
    assert all(code for code, _ in codes)
    assert lost == 0
    assert re.search(r"[\d.]+ images/s", clip_art.said)


def test_artists_and_their_works_equal_an_independent_reading(
    clip_art: ClipArt, reading: Reading, figure
) -> None:
    with clip_art.database.session() as session:
        rows = session.execute(
            text(
                "SELECT artist.name, work.source_id FROM artist JOIN work_artist ON artist_id = artist.id"
                " JOIN work ON work.id = work_id"
            )
        ).all()
    ours: dict[str, set[str]] = {}
    for name, source_id in rows:
        ours.setdefault(name, set()).add(source_id)
    assert len(ours) == len(reading.creators) > 500
    assert ours == reading.creators
    figure(
        f"Open Clip Art: {len(ours)} artists, as many as an independent reading finds, with the same works"
    )


def test_licences_equal_an_independent_reading(clip_art: ClipArt, reading: Reading, figure) -> None:
    with clip_art.database.session() as session:
        rows = session.execute(
            text(
                "SELECT work.source_id, of_work.uri, of_image.uri, of_image.reuse FROM work"
                " LEFT JOIN license AS of_work ON of_work.id = work_license_id"
                " LEFT JOIN license AS of_image ON of_image.id = image_license_id"
            )
        ).all()
    assert {name: uri for name, _, uri, _ in rows} == reading.licenses
    assert {name: uri for name, uri, _, _ in rows} == reading.licenses  # a drawing is its own image
    assert {reuse for _, _, uri, reuse in rows if uri is not None} == {"open"}
    counted = Counter(reading.licenses.values())
    assert counted[None] < 0.02 * counted.total()
    figure(f"Open Clip Art: licences as an independent reading finds them: {dict(counted)}")


def everything(clip_art: ClipArt):
    with clip_art.database.session() as session:
        rows = session.execute(
            text(
                """
                SELECT image.id, halfvec_send(descriptor.vector) AS vector, work.year_from, work.year_to, work.keywords,
                       license.reuse, license.uri,
                       ARRAY(SELECT name FROM artist JOIN work_artist ON artist_id = artist.id WHERE work_id = work.id) AS artists
                FROM descriptor JOIN image ON image.id = image_id JOIN work ON work.id = image.work_id
                LEFT JOIN license ON license.id = work.image_license_id ORDER BY image.id
                """
            )
        ).all()
    return rows, unpack_halfvecs([bytes(row.vector) for row in rows])


def one(example: np.ndarray) -> Weighted:
    return Weighted(example.astype(np.float16).astype(float)[None], np.ones(1))


def test_exact_search_equals_brute_force(clip_art: ClipArt) -> None:
    rows, vectors = everything(clip_art)
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    ids = np.array([row.id for row in rows])
    filters = {
        "": lambda row: True,
        'artist:"Jose Hevia" OR artist:"Benji Park"': lambda row: (
            {"Jose Hevia", "Benji Park"} & set(row.artists)
        ),
        '-artist:"Danny Allen"': lambda row: "Danny Allen" not in row.artists,
        "reuse:open": lambda row: row.reuse == "open",
        "license:CC-PDDC": lambda row: (row.uri or "").endswith("licenses/publicdomain/"),
        "year:2004..2005": lambda row: (
            row.year_from is not None and row.year_to >= 2004 and row.year_from <= 2005
        ),
        "keyword:animal -year:2004..2005": lambda row: (
            "animal" in row.keywords
            and not (row.year_from is not None and row.year_to >= 2004 and row.year_from <= 2005)
        ),
        "collection:open-clip-art": lambda row: True,
    }
    masks = {name: np.array([bool(keep(row)) for row in rows]) for name, keep in filters.items()}
    generator = np.random.default_rng(7)
    for number in range(QUERIES):
        name = list(filters)[number % len(filters)]
        mask = masks[name]
        assert mask.any(), name
        noisy = unit[generator.integers(len(ids))] + generator.normal(0, 0.03, unit.shape[1])
        example = noisy.astype(np.float32)
        exact = example.astype(np.float16).astype(np.float64)
        scores = np.round(unit @ (exact / np.linalg.norm(exact)), 9)
        order = np.lexsort((ids, -scores))
        expected = ids[order[mask[order]]][:10]
        with clip_art.database.session() as session:
            encoder = encoders.active(session, clip_art.settings.encoder)
            query = StyleQuery(where=parse(name), k=10, mode="exact")
            ranking = search(session, encoder, one(example), query, clip_art.settings)
        assert [one.image_id for one in ranking.ranked] == expected.tolist(), name
        assert ranking.complete


def test_index_recall(clip_art: ClipArt, figure) -> None:
    """Recall by score: of many works with the very same descriptor (there are 123 blank drawings), any is as right."""
    _, vectors = everything(clip_art)
    generator = np.random.default_rng(11)
    found = 0
    with clip_art.database.session() as session:
        encoder = encoders.active(session, clip_art.settings.encoder)
        for _ in range(QUERIES):
            noise = generator.normal(0, 0.03, vectors.shape[1])
            example = (vectors[generator.integers(len(vectors))] + noise).astype(np.float32)
            wanted = one(example)
            exact = search(session, encoder, wanted, StyleQuery(k=10, mode="exact"), clip_art.settings)
            through_index = search(session, encoder, wanted, StyleQuery(k=10, mode="hnsw"), clip_art.settings)
            assert through_index.method == "hnsw"
            found += sum(one.score >= exact.ranked[-1].score for one in through_index.ranked)
    recall = found / (10 * QUERIES)
    figure(
        f"Open Clip Art: HNSW recall@10 at the default settings over {len(vectors)} descriptors: {recall:.4f}"
    )
    assert recall >= 0.98


@pytest.fixture
def portal(clip_art: ClipArt, serving) -> Iterator[str]:
    """The portal of the whole library."""
    with serving(clip_art.settings.model_copy(update=UNLIMITED)) as address:
        yield address


def found_works(page: Page) -> list[str]:
    return page.locator(".results .card-link").evaluate_all("all => all.map(one => one.pathname)")


@pytest.mark.browser
def test_a_visitor_goes_from_an_upload_to_a_report_as_pdf(
    clip_art: ClipArt, open_page, check_page, tmp_path: Path
) -> None:
    drawing = openclipart.sample(clip_art.folder, 1)[0]
    pixels = decode(drawing.read_bytes(), max_bytes=10**8, max_pixels=10**8, shortest_side=500).pixels
    Image.fromarray(pixels).save(tmp_path / "query.png")
    page = open_page()
    page.set_input_files("input[type=file]", tmp_path / "query.png")
    page.wait_for_url("**/search?image=*")
    check_page(page)
    nearest = found_works(page)
    with clip_art.database.session() as session:
        itself = session.scalar(
            text("SELECT id FROM work WHERE source_id = :name"),
            {"name": drawing.relative_to(clip_art.folder).as_posix()},
        )
    assert f"/works/{itself}" in nearest[:5]

    page.get_by_label("Words or filters").fill("flower")
    page.get_by_role("button", name="Apply").click()
    page.wait_for_url("**q=flower*")
    flowers = found_works(page)
    assert flowers
    assert flowers != nearest
    page.locator(".results .card").nth(2).get_by_role("link", name=re.compile("^Not like")).click()
    page.wait_for_url("**unlike=work*")
    against = found_works(page)
    assert against != flowers
    assert found_works(open_page(page.url)) == against  # a link to share

    page.get_by_role("link", name=re.compile("^Choose a part of")).first.click()
    page.get_by_role("spinbutton", name="Width").fill("200")
    page.get_by_role("button", name="Search with this part").click()
    page.wait_for_url("**/search?like=file*")
    expect(page.locator(".tray")).to_contain_text("a part of it")

    page.locator(".results .card-link").first.click()
    page.wait_for_url("**/works/*")
    check_page(page)
    page.get_by_role("button", name="Make a report").click()
    page.wait_for_url("**/reports/*")
    with page.expect_download() as download:
        page.get_by_role("link", name=re.compile("PDF")).first.click()
    assert Path(download.value.path()).read_bytes().startswith(b"%PDF")


@pytest.mark.browser
def test_the_map_of_thousands_is_brushed(clip_art: ClipArt, open_page) -> None:
    with clip_art.database.session() as session:
        encoder = encoders.active(session, "lite")
    stylemap.build(clip_art.database, encoder)
    page = open_page("/map")
    expect(page.locator(".map-key").first).to_be_visible()
    page.get_by_role("button", name="chooses a part").click()
    box = page.locator("[data-canvas]").bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + box["width"] * 0.4, box["y"] + box["height"] * 0.4)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.6, box["y"] + box["height"] * 0.6, steps=5)
    page.mouse.up()
    told = page.locator("[data-chosen-words]")
    expect(told).to_have_text(re.compile(r"\d+ works chosen"))
    number = re.search(r"[\d,]+", told.inner_text())[0]
    page.get_by_role("link", name="Show these works").first.click()
    page.wait_for_url("**/search?q=map*")
    expect(page.locator("main")).to_contain_text(f"{int(number.replace(',', '')):,} works.")


@dataclass(frozen=True)
class Curated:
    clip_art: ClipArt
    folder: Path
    said: str


@pytest.fixture(scope="module")
def curated(clip_art: ClipArt, tmp_path_factory) -> Curated:
    """The library as a style-tagged set: its artists are the tags, titles, descriptions and keywords the captions."""
    folder = tmp_path_factory.mktemp("curated") / "run"
    done = command(
        clip_art,
        "curate",
        "run",
        folder,
        "--name",
        "clip-art",
        "--collection",
        "open-clip-art",
        "--tags-of",
        "open-clip-art",
    )
    assert done.returncode == 0, done.stderr
    checked = command(clip_art, "curate", "check", folder)
    assert checked.returncode == 0, checked.stderr
    return Curated(clip_art, folder, done.stdout)


def command(clip_art: ClipArt, *arguments: object) -> subprocess.CompletedProcess[str]:
    assert clip_art.settings.database_url is not None
    environment = os.environ | {
        "STYLESEARCH_HOME": str(clip_art.settings.home),
        "STYLESEARCH_DATABASE_URL": clip_art.settings.database_url.get_secret_value(),
    }
    return subprocess.run(
        [sys.executable, "-m", "stylesearch", *map(str, arguments)],
        env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip


def plain_words(said: str) -> str:
    return " ".join(re.findall(r"[^\W_]+", said.casefold()))


def test_artists_that_captions_name_are_found(curated: Curated, figure) -> None:
    """For every work whose caption names its artist, the tags found are its creators, and whom else the caption names."""
    bank = pq.read_table(curated.folder / "1-tags.parquet").to_pylist()
    tag_of = {
        spelling: number
        for number, row in enumerate(bank)
        if row["kind"] == "artist"
        for spelling in row["spellings"]
    }
    used = {number for number, row in enumerate(bank) if row["outcome"] == "used"}
    with curated.clip_art.database.session() as session:
        rows = session.execute(
            text(
                "SELECT work.source_id, concat_ws(E'\\n', title, description, array_to_string(keywords, ', ')) AS caption,"
                " ARRAY(SELECT name FROM artist JOIN work_artist ON artist_id = artist.id WHERE work_id = work.id) AS creators"
                " FROM work"
            )
        ).all()
    found = {
        row["id"]: set(row["tags"]) for row in pq.read_table(curated.folder / "2-matches.parquet").to_pylist()
    }
    named = equal = 0
    for source_id, caption, creators in rows:
        words = f" {plain_words(caption)} "
        own = {
            tag_of[key] for name in creators if (key := plain_words(name)) in tag_of and f" {key} " in words
        } & used
        if own:
            named += 1
            tags = {tag for tag in found.get(source_id, set()) if bank[tag]["kind"] == "artist"}
            assert own <= tags, source_id
            others = tags - own
            # Whoever else is found is named too, under one of the spellings.
            assert all(any(f" {one} " in words for one in bank[tag]["spellings"]) for tag in others), (
                source_id
            )
            equal += not others
    assert named > 500
    assert equal > 0.98 * named
    figure(
        f"Open Clip Art, curated: {named} captions name their artist; all are found, {equal} of them with nobody else"
    )
    figure(f"Open Clip Art, curated: {curated.said}")


def test_the_set_is_trained_on_and_evaluated(curated: Curated, tmp_path: Path) -> None:
    trained = command(
        curated.clip_art, "train", "--model", "csd-vit-b-16", "--curated", "clip-art", "--part", "train", "--out", tmp_path / "trained",
        "--steps", 4, "--image-size", 112, "--styles-per-batch", 4, "--contents-per-batch", 2, "--workers", 0, "--device", "cpu",
    )  # fmt: skip
    assert trained.returncode == 0, trained.stderr
    shards = command(
        curated.clip_art, "train", "--model", "csd-vit-b-16", "--shards", curated.folder / "export/shards", "--out", tmp_path / "again",
        "--steps", 1, "--image-size", 112, "--styles-per-batch", 4, "--contents-per-batch", 2, "--workers", 0, "--device", "cpu",
    )  # fmt: skip
    assert shards.returncode == 0, shards.stderr
    evaluated = command(curated.clip_art, "evaluate", "curated", "clip-art", "--kind", "artist", "--json")
    assert evaluated.returncode == 0, evaluated.stderr
    assert json.loads(evaluated.stdout)["protocol"] == "curated"
