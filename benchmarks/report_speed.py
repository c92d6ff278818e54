"""How long does a report take over a gallery of 100,000 images? And where does the time go?

    python benchmarks/report_speed.py --packages FOLDER

FOLDER keeps the Debian package openclipart-svg, which is fetched into it if it is missing; a drawing of it is reported on.
The gallery is made up: 2,000 artists with 50 works each, every artist's descriptors around a direction of their own, in a
database of its own that goes with the run. It is calibrated without holding anything out. Then reports are made, and what
the encoder, the decoder and the thumbnail take is taken off.

The table and the profile are written to benchmarks/results/report_speed.
"""

import cProfile
import os
import pstats
import re
import tempfile
import time
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path

import numpy as np
from pgvector import HalfVector
from pgvector.psycopg import register_vector
from record import arguments, plain_figure, table, write

from stylesearch.attribution.calibrating import calibrate_gallery
from stylesearch.attribution.report import ReportMaker
from stylesearch.catalog import encoders, indexes
from stylesearch.catalog.connections import copy_binary, raw_connection
from stylesearch.catalog.database import Database, open_database
from stylesearch.encoders.lite import WEIGHTS
from stylesearch.encoders.registry import configured_encoder
from stylesearch.images.store import open_store
from stylesearch.images.thumbnails import thumbnail
from stylesearch.local import services
from stylesearch.local.apt import fetch
from stylesearch.search.service import StyleSearch
from stylesearch.settings import Settings
from stylesearch.training.data.artists import clipart
from stylesearch.training.data.packages import DRAWINGS

NAME = "report_speed"
ARTISTS, WORKS = 2000, 50
SPREAD = 0.6
REPORTS = 5
SHOWN = 12


def main() -> None:
    parser = arguments(__doc__, NAME)
    parser.add_argument("--artists", type=int, default=ARTISTS)
    parser.add_argument("--works", type=int, default=WORKS)
    options = parser.parse_args()
    fetch(DRAWINGS, options.packages)
    drawing = clipart(options.packages)[0].path
    with tempfile.TemporaryDirectory(prefix="stylesearch-speed-") as folder:
        Path(folder).chmod(0o711)
        settings = Settings(home=Path(folder) / "home")
        try:
            measure(options, settings, drawing.read_bytes())
        finally:
            services.stop(settings.home)


def measure(options, settings: Settings, data: bytes) -> None:
    database = open_database(settings)
    fill(database, settings, options.artists, options.works)
    with timed() as calibrating:
        calibrate_gallery(database, lambda session: encoders.active(session, "lite"), check=False)
    style_search = StyleSearch(database, settings)
    maker = ReportMaker(style_search, open_store(settings))
    maker.make(data, name="warming up")
    wholes, examining = [], []
    for _ in range(REPORTS):
        with timed() as whole:
            maker.make(data, name="measured")
        with timed() as part:
            thumbnail(style_search.decode_and_describe(data)[1].pixels)
        wholes.append(whole())
        examining.append(part())
    beyond = [whole - part for whole, part in zip(wholes, examining, strict=True)]
    profile = cProfile.Profile()
    profile.runcall(maker.make, data, name="profiled")
    lines = profiled(profile)
    images = options.artists * options.works
    rows = [
        ("report, whole", f"{np.median(wholes):.2f}", f"{min(wholes):.2f}"),
        ("of this, decoding, describing, thumbnail", f"{np.median(examining):.2f}", f"{min(examining):.2f}"),
        ("beyond the encoder", f"{np.median(beyond):.2f}", f"{min(beyond):.2f}"),
    ]
    load = os.getloadavg()[0]
    figure, axes = plain_figure(7.0, 3.6)
    axes.barh([name for name, _ in lines[::-1]], [seconds for _, seconds in lines[::-1]], color="#0072B2")
    axes.set_xlabel("seconds within, profiled")
    write(
        options.out,
        "How long a report takes",
        [
            (
                f"{images:,} images by {options.artists:,} artists; {REPORTS} reports on one drawing; seconds. Calibrating took"
                f" {calibrating():.0f} s. The machine's load was {load:.1f} while it was measured."
            ),
            table(("", "median", "best"), rows),
            "Where the time goes, under the profiler, which makes all of it slower; what calls the others counts them in:",
            table(("", "seconds"), [(name, f"{seconds:.2f}") for name, seconds in lines]),
        ],
        {
            "images": images,
            "artists": options.artists,
            "seconds": wholes,
            "encoder_seconds": examining,
            "beyond_seconds": beyond,
            "calibrating_seconds": calibrating(),
            "load": load,
            "profile": dict(lines),
        },
        {"profile": figure},
        weights=WEIGHTS,
    )


@contextmanager
def timed():
    began = time.perf_counter()
    ended: list[float] = []
    yield lambda: ended[0]
    ended.append(time.perf_counter() - began)


def fill(database: Database, settings: Settings, artists: int, works: int) -> None:
    """Put made-up works into an empty catalogue."""
    spec = configured_encoder(settings).spec
    dice = np.random.default_rng(0)
    styles = dice.normal(size=(artists, spec.dim))
    styles /= np.linalg.norm(styles, axis=1, keepdims=True)
    rows = (
        np.repeat(styles, works, axis=0)
        + SPREAD * dice.normal(size=(artists * works, spec.dim)) / spec.dim**0.5
    )
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    count = len(rows)
    ids = range(1, count + 1)
    digests = [sha256(str(number).encode()).digest() for number in ids]
    hashes = dice.integers(-(2**63), 2**63, size=count)
    with database.session() as session:
        row = encoders.register(
            session,
            encoders.EncoderIdentity(
                spec.slug, spec.digest, spec.dim, spec.weights_sha256, spec.preprocessing, spec.license
            ),
        )
        text_columns = {"title": "text", "source_id": "text"}
        copy_binary(
            session,
            "collection",
            {"id": "int8", "slug": "text", "title": "text"},
            [(1, "made-up", "Made up")],
        )
        copy_binary(
            session,
            "artist",
            {"id": "int8", "name": "text", "sort_name": "text"},
            ((one, f"Artist {one}", f"artist {one}") for one in range(1, artists + 1)),
        )
        copy_binary(
            session,
            "work",
            {"id": "int8", "collection_id": "int8", **text_columns, "source_digest": "bytea"},
            ((one, 1, f"Work {one}", str(one), digests[one - 1]) for one in ids),
        )
        copy_binary(
            session,
            "work_artist",
            {"work_id": "int8", "artist_id": "int8"},
            ((one, 1 + (one - 1) // works) for one in ids),
        )
        copy_binary(
            session,
            "image",
            {
                "id": "int8", "work_id": "int8", "collection_id": "int8", "sha256": "bytea", "perceptual_hash": "int8",
                "width": "int8", "height": "int8", "media_type": "text", "storage_key": "text",
            },
            (
                (one, one, 1, digests[one - 1], int(hashes[one - 1]), 400, 300, "image/png", f"originals/{one}")
                for one in ids
            ),
        )  # fmt: skip
        register_vector(raw_connection(session))
        copy_binary(
            session,
            "descriptor",
            {"encoder_id": "int8", "image_id": "int8", "vector": "halfvec"},
            ((row.id, one, HalfVector(rows[one - 1])) for one in ids),
        )
    with database.session() as session:
        indexes.build_index(session, encoders.active(session, spec.slug))
    with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql("VACUUM ANALYZE")


def profiled(profile: cProfile.Profile) -> list[tuple[str, float]]:
    """Return the functions of ours that take longest, with all that they call."""
    found = []
    for (path, _, name), values in pstats.Stats(profile).stats.items():
        module = re.search(
            r"stylesearch/(attribution|search|encoders|images|catalog|evaluation)/(\w+)\.py$", path
        )
        if module and not name.startswith("<"):
            found.append((f"{module[1]}.{module[2]}.{name}", values[3]))
    return sorted(found, key=lambda one: -one[1])[:SHOWN]


if __name__ == "__main__":
    main()
