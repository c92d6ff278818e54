"""Each kind of source taken in for good, on real servers and files, and taken in again."""

import io
import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import webdataset
from PIL import Image

COLOURS = ("red", "green", "blue")
OAI = '<OAI-PMH xmlns="http://www.openarchives.org/OAI/2.0/"><ListRecords>{}</ListRecords></OAI-PMH>'


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


def manifest_3(colour: str, url: str, image: dict) -> dict:
    annotation = {"motivation": "painting", "body": image}
    return {
        "@context": "http://iiif.io/api/presentation/3/context.json",
        "id": url,
        "type": "Manifest",
        "label": {"en": [colour]},
        "metadata": [{"label": {"en": ["Artist"]}, "value": {"en": ["after Ann"]}}],
        "items": [
            {"id": f"{url}/1", "type": "Canvas", "items": [{"type": "AnnotationPage", "items": [annotation]}]}
        ],
    }


def manifest_2(colour: str, url: str, image: dict) -> dict:
    return {
        "@context": "http://iiif.io/api/presentation/2/context.json",
        "@id": url,
        "@type": "sc:Manifest",
        "label": colour,
        "metadata": [{"label": "Artist", "value": "after Ann"}],
        "sequences": [
            {"canvases": [{"@id": f"{url}/1", "@type": "sc:Canvas", "images": [{"resource": image}]}]}
        ],
    }


def iiif_images(site, version: int) -> dict[str, dict]:
    """Pictures on a IIIF Image API of 400 x 300 pixels that gives them at 100 pixels; by colour, as a manifest holds them."""
    described = {}
    for colour in COLOURS:
        base = f"{site.url}/iiif{version}/{colour}"
        profile = "level2" if version == 3 else "http://iiif.io/api/image/2/level2.json"
        service = {"@id": base, "@context": "http://iiif.io/api/image/2/context.json", "profile": profile}
        if version == 3:
            service = {"id": base, "type": "ImageService3", "profile": profile}
        site.serve(
            f"/iiif{version}/{colour}/full/!100,100/0/default.jpg", picture(colour), Content_Type="image/png"
        )
        name, kind = ("id", "Image") if version == 3 else ("@id", "dctypes:Image")
        whole = f"{base}/full/{'max' if version == 3 else 'full'}/0/default.jpg"
        described[colour] = {name: whole, name.replace("id", "type"): kind, "service": [service]}
    return described


def iiif(site, version: int) -> Source:
    manifests = []
    for colour, image in iiif_images(site, version).items():
        address = f"{site.url}/{version}/{colour}/manifest"
        manifest = (manifest_3 if version == 3 else manifest_2)(colour, address, image)
        site.serve(
            f"/{version}/{colour}/manifest", json.dumps(manifest).encode(), Content_Type="application/json"
        )
        manifests.append(address)
    listed = {"type": "Collection", "items": [{"id": one, "type": "Manifest"} for one in manifests]}
    if version == 2:
        listed = {
            "@type": "sc:Collection",
            "manifests": [{"@id": one, "@type": "sc:Manifest"} for one in manifests],
        }
    url = site.serve(f"/{version}/collection", json.dumps(listed).encode(), Content_Type="application/json")
    return "iiif", {"url": url, "side": 100}


def iiif_2(site, folder) -> Source:
    return iiif(site, 2)


def iiif_3(site, folder) -> Source:
    return iiif(site, 3)


def folder_with_json(site, folder) -> Source:
    for colour in COLOURS:
        (folder / f"{colour}.png").write_bytes(picture(colour))
        (folder / f"{colour}.json").write_text(json.dumps({"title": colour, "artist": "after Ann"}))
    return "folder", {"path": str(folder)}


def oai(site, folder) -> Source:
    records = "".join(
        f"<record><header><identifier>oai:e.org:{colour}</identifier><datestamp>2024-01-01</datestamp></header><metadata>"
        '<dc xmlns="http://www.openarchives.org/OAI/2.0/oai_dc/" xmlns:dc="http://purl.org/dc/elements/1.1/">'
        f"<dc:title>{colour}</dc:title><dc:creator>after Ann</dc:creator><dc:identifier>{url}</dc:identifier></dc>"
        "</metadata></record>"
        for colour, url in addresses(site).items()
    )
    return "oai", {"url": site.serve("/oai", OAI.format(records).encode(), Content_Type="text/xml")}


SOURCES = [folder_with_json, csv_with_paths, json_lines, parquet, shards, iiif_2, iiif_3, oai]
FIRST_TIME = {
    "decode_for": 3, "weigh": 3, "put_original": 3, "put_thumbnail": 3, "put_spooled": 3,
    "work": 3, "image": 3, "descriptor": 3, "artist": 1, "work_artist": 3, "near_duplicate": 3,
}  # fmt: skip


@pytest.mark.parametrize("make", SOURCES)
def test_a_source_is_taken_in_and_a_second_time_costs_nothing(catalogue, spent, site, pictures, make):
    kind, options = make(site, pictures)
    counts = catalogue.take(kind, **options)
    assert (counts.ingested, counts.discovered) == (3, 3)
    assert spent.since() == FIRST_TIME
    assert catalogue.encoder.described == 3
    assert catalogue.rows("SELECT title FROM work ORDER BY title") == [("blue",), ("green",), ("red",)]
    assert catalogue.rows(
        "SELECT DISTINCT name, qualifier FROM work_artist JOIN artist ON artist.id = artist_id"
    ) == [("Ann", "after")]
    again = catalogue.take(kind, **options)
    assert (again.unchanged, again.discovered) == (3, 3)
    assert spent.since() == {}
    assert catalogue.encoder.described == 3


def test_only_the_size_that_is_needed_is_asked_of_a_iiif_server(catalogue, site, pictures):
    kind, options = iiif_3(site, pictures)
    catalogue.take(kind, **options)
    asked = {path for path in site.asked if "/iiif3/" in path}
    assert asked == {f"/iiif3/{colour}/full/!100,100/0/default.jpg" for colour in COLOURS}


def test_a_changed_sidecar_changes_the_record_without_decoding(catalogue, spent, site, pictures):
    kind, options = folder_with_json(site, pictures)
    catalogue.take(kind, **options)
    spent.since()
    (pictures / "red.json").write_text(json.dumps({"title": "Crimson", "artist": "Bo", "license": "CC0-1.0"}))
    counts = catalogue.take(kind, **options)
    assert (counts.ingested, counts.unchanged) == (1, 2)
    assert catalogue.encoder.described == 3
    costs = spent.since()
    assert {"decode_for", "weigh", "put_original", "put_spooled", "image", "descriptor"}.isdisjoint(costs)
    assert costs["work"] == 1
    said = "SELECT title, artist.name, license.spdx_id FROM work JOIN work_artist ON work_id = work.id"
    said += " JOIN artist ON artist.id = artist_id JOIN license ON license.id = work_license_id"
    assert catalogue.rows(said) == [("Crimson", "Bo", "CC0-1.0")]
    (pictures / "red.json").unlink()
    assert catalogue.take(kind, **options).ingested == 1
    assert catalogue.rows("SELECT title FROM work WHERE source_id = 'red.png'") == [("red",)]


def test_what_a_package_says_counts_where_the_picture_says_nothing(catalogue, spent, pictures):
    (pictures / "debian").mkdir()
    said = "Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/\n\nFiles: *\n"
    (pictures / "debian" / "copyright").write_text(f"{said}Copyright: 2001 Cy Dee\nLicense: Expat\n")
    (pictures / "plain.png").write_bytes(picture("red"))
    (pictures / "told.svg").write_bytes(
        b'<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9" xmlns:cc="http://creativecommons.org/ns#"'
        b' xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns:dc="http://purl.org/dc/elements/1.1/"><metadata>'
        b"<rdf:RDF><cc:Work><dc:creator><cc:Agent><dc:title>Ann</dc:title></cc:Agent></dc:creator>"
        b'<cc:license rdf:resource="http://creativecommons.org/publicdomain/zero/1.0/"/></cc:Work></rdf:RDF></metadata>'
        b'<rect width="5" height="5"/></svg>'
    )
    assert catalogue.take("folder", path=str(pictures)).ingested == 2
    told = (
        "SELECT source_id, artist.name, license.spdx_id, extra -> 'debian_copyright' ->> 'license' FROM work"
        " JOIN work_artist ON work_id = work.id JOIN artist ON artist.id = artist_id"
        " JOIN license ON license.id = image_license_id ORDER BY 1"
    )
    assert catalogue.rows(told) == [
        ("plain.png", "Cy Dee", "MIT", "Expat"),
        ("told.svg", "Ann", "CC0-1.0", "Expat"),
    ]
    spent.since()
    (pictures / "debian" / "copyright").write_text(f"{said}Copyright: 2002 Di Eff\nLicense: CC0\n")
    assert catalogue.take("folder", path=str(pictures)).ingested == 2
    assert "decode_for" not in spent.since()
    assert catalogue.rows(told) == [
        ("plain.png", "Di Eff", "CC0-1.0", "CC0"),
        ("told.svg", "Ann", "CC0-1.0", "CC0"),
    ]


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
