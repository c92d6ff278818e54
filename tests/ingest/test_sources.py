"""Each kind of source taken in for good, on real servers and files, and taken in again."""

import io
import json
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import webdataset
from PIL import Image
from sqlalchemy import text

from stylesearch.encoders.protocol import EncoderSpec
from stylesearch.images.store import open_store
from stylesearch.ingest.driving import drive
from stylesearch.ingest.pipeline import Pipeline
from stylesearch.ingest.run import Into, discover, open_run
from stylesearch.ingest.sources.registry import build_source

COLOURS = ("red", "green", "blue")
OAI = '<OAI-PMH xmlns="http://www.openarchives.org/OAI/2.0/"><ListRecords>{}</ListRecords></OAI-PMH>'


class CountingEncoder:
    """Describes a picture by its mean colour, and counts."""

    spec = EncoderSpec("toy", 4, "w", "mean-1", "CC0-1.0")
    input_size = 8

    def __init__(self) -> None:
        self.described = 0

    def encode(self, images):
        self.described += len(images)
        means = np.stack([np.append(image.mean(axis=(0, 1)), 1.0) for image in images])
        return (means / np.linalg.norm(means, axis=1, keepdims=True)).astype(np.float32)


@dataclass
class Catalogue:
    """Takes sources in as the command does."""

    database: object
    settings: object
    encoder: CountingEncoder = field(default_factory=CountingEncoder)

    def take(self, kind: str, **options: object):
        source = build_source(kind, json.loads(json.dumps(options)), self.settings)
        with self.database.session() as session:
            run, _ = open_run(session, source, Into("archive"), spec=self.encoder.spec)
        discover(self.database, run.id, source, on_progress=lambda done, total: None)
        pipeline = Pipeline(self.database, open_store(self.settings), self.encoder, self.settings)
        try:
            return drive(pipeline, run.id, on_progress=lambda counts: None)
        finally:
            pipeline.close()

    def rows(self, statement: str) -> list[tuple]:
        with self.database.session() as session:
            return [tuple(row) for row in session.execute(text(statement))]


@pytest.fixture
def catalogue(database, settings) -> Catalogue:
    quick = {"fetch_private": "127.0.0.1", "fetch_tries": 1, "ingest_batch_size": 4}
    return Catalogue(database, settings.model_copy(update=quick))


def picture(colour: str) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (40, 30), colour).save(buffer, "PNG")
    return buffer.getvalue()


Source = tuple[str, dict[str, object]]


def addresses(site) -> dict[str, str]:
    return {
        colour: site.serve(f"/{colour}.png", picture(colour), Content_Type="image/png") for colour in COLOURS
    }


def csv_with_paths(site, folder) -> Source:
    for colour in COLOURS:
        (folder / f"{colour}.png").write_bytes(picture(colour))
    lines = [f"{colour}.png;{colour};after Ann" for colour in COLOURS]
    (folder / "table.csv").write_text("\n".join(["path;title;artist", *lines]))
    return "table", {"path": str(folder / "table.csv")}


def rows(site) -> list[dict[str, str]]:
    return [
        {"id": colour, "image": url, "title": colour, "artist": "after Ann"}
        for colour, url in addresses(site).items()
    ]


def json_lines(site, folder) -> Source:
    (folder / "table.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows(site)))
    return "table", {"path": str(folder / "table.jsonl")}


def parquet(site, folder) -> Source:
    pq.write_table(pa.Table.from_pylist(rows(site)), folder / "table.parquet")
    return "table", {"path": str(folder / "table.parquet")}


def shards(site, folder) -> Source:
    with webdataset.TarWriter(str(folder / "00000.tar")) as writer:
        for colour in COLOURS:
            said = json.dumps({"title": colour, "artist": "after Ann"}).encode()
            writer.write({"__key__": colour, "png": picture(colour), "json": said})
    return "shards", {"path": str(folder)}


def iiif(site, folder) -> Source:
    manifests = []
    for colour, url in addresses(site).items():
        annotation = {"motivation": "painting", "body": {"id": url, "type": "Image"}}
        manifest = {
            "type": "Manifest",
            "label": {"en": [colour]},
            "metadata": [{"label": {"en": ["Artist"]}, "value": {"en": ["after Ann"]}}],
            "items": [{"type": "Canvas", "items": [{"items": [annotation]}]}],
        }
        body = json.dumps(manifest).encode()
        address = site.serve(f"/{colour}/manifest", body, Content_Type="application/json")
        manifests.append({"id": address, "type": "Manifest"})
    collection = json.dumps({"type": "Collection", "items": manifests}).encode()
    return "iiif", {"url": site.serve("/collection", collection, Content_Type="application/json")}


def oai(site, folder) -> Source:
    records = "".join(
        f"<record><header><identifier>oai:e.org:{colour}</identifier><datestamp>2024-01-01</datestamp></header><metadata>"
        '<dc xmlns="http://www.openarchives.org/OAI/2.0/oai_dc/" xmlns:dc="http://purl.org/dc/elements/1.1/">'
        f"<dc:title>{colour}</dc:title><dc:creator>after Ann</dc:creator><dc:identifier>{url}</dc:identifier></dc>"
        "</metadata></record>"
        for colour, url in addresses(site).items()
    )
    return "oai", {"url": site.serve("/oai", OAI.format(records).encode(), Content_Type="text/xml")}


@pytest.mark.parametrize("make", [csv_with_paths, json_lines, parquet, shards, iiif, oai])
def test_a_source_is_taken_in_and_a_second_time_costs_nothing(catalogue, site, tmp_path, make):
    kind, options = make(site, tmp_path)
    counts = catalogue.take(kind, **options)
    assert (counts.ingested, counts.discovered) == (3, 3)
    assert catalogue.rows("SELECT title FROM work ORDER BY title") == [("blue",), ("green",), ("red",)]
    assert catalogue.rows(
        "SELECT DISTINCT name, qualifier FROM work_artist JOIN artist ON artist.id = artist_id"
    ) == [("Ann", "after")]
    before = catalogue.rows("SELECT id, xmin::text FROM work ORDER BY id")
    described = catalogue.encoder.described
    again = catalogue.take(kind, **options)
    assert (again.unchanged, again.discovered) == (3, 3)
    assert catalogue.encoder.described == described
    assert catalogue.rows("SELECT id, xmin::text FROM work ORDER BY id") == before


def test_deleted_and_imageless_records_are_in_the_list_of_errors(catalogue, site):
    records = (
        '<record><header status="deleted"><identifier>a</identifier><datestamp>2024-01-01</datestamp></header></record>'
        "<record><header><identifier>b</identifier><datestamp>2024-01-01</datestamp></header><metadata>"
        '<dc xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:title>B</dc:title></dc></metadata></record>'
    )
    counts = catalogue.take(
        "oai", url=site.serve("/oai", OAI.format(records).encode(), Content_Type="text/xml")
    )
    assert counts.errors == {"record_deleted": 1, "record_without_image": 1}
