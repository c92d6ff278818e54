"""A study as files: the figures as CSV and JSON, and one HTML page."""

from __future__ import annotations

import base64
import csv
import io
import json
import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

from stylesearch.attribution.model_study import ArtistStudy, Generated, Study
from stylesearch.attribution.overview import harmless
from stylesearch.encoders.protocol import EncoderSpec
from stylesearch.files import written_whole

GRID = 8
"""Images of an artist that the page shows: those with the highest cosine first, then the lowest."""

Thumbnail = Callable[[Generated], bytes | None]

_environment = Environment(
    loader=PackageLoader("stylesearch.attribution"),
    autoescape=select_autoescape(default=True),
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


def write_study(
    out: Path, found: Study, generated: Sequence[Generated], encoder: EncoderSpec, thumbnail: Thumbnail
) -> list[Path]:
    """Write a study's files into a folder; return their paths.

    Parameters
    ----------
    encoder:
        What described the images.
    thumbnail:
        Gives a WebP picture of an image; ``None`` where there is none.

    Raises
    ------
    OSError
        If one cannot be written.
    """
    out.mkdir(parents=True, exist_ok=True)
    kinds = [one.kind for one in found.retrieval]
    files = {
        "artists.csv": _csv(_ARTIST_COLUMNS, ([_cell(getattr(one, name)) for name in _ARTIST_COLUMNS] for one in found.artists)),
        "kinds.csv": _csv(
            ("artist", "kind", "gss"),
            ([one.artist, kind, _cell(gss)] for one in found.artists for kind, gss in one.kinds.items()),
        ),
        "retrieval.csv": _csv(
            ("artist", "kind", "images", "map_at_10", "recall_at_10"),
            (
                [name, one.kind, one.images, _cell(one.map_at_k), _cell(one.recall_at_k)]
                for name, one in [
                    *(("", one) for one in found.retrieval),
                    *((artist.artist, artist.retrieval) for artist in found.artists),
                ]
            ),
        ),
        "heat_map.csv": _csv(
            ("prompted", *(one.artist for one in found.artists)),
            ([one.artist, *map(_cell, line)] for one, line in zip(found.artists, found.heat, strict=True)),
        ),
        "images.csv": _csv(
            ("path", "artist", "prompt", "seed", "kind", "cosine"),
            (
                [one.path, one.artist or "", one.prompt, one.seed, one.kind, _cell(cosine)]
                for one, cosine in zip(generated, found.cosines, strict=True)
            ),
        ),
        "study.json": json.dumps(study_json(found, encoder), ensure_ascii=False, indent=1) + "\n",
        "study.html": _page(found, generated, encoder, thumbnail, kinds),
    }  # fmt: skip
    for name, text in files.items():
        with written_whole(out / name) as file:
            file.write(text.encode())
    return [out / name for name in files]


_ARTIST_COLUMNS = (
    "artist", "images", "works", "gss", "low", "high", "baseline", "ceiling", "strength", "intra",
)  # fmt: skip


def study_json(found: Study, encoder: EncoderSpec) -> dict[str, Any]:
    """Return a study as JSON values; what cannot be worked out is null."""
    told: dict[str, Any] = _finite(
        {
            "format": "stylesearch-model-study",
            "version": 1,
            "encoder": {**asdict(encoder), "digest": encoder.digest},
            "baseline_images": found.baseline_images,
            "unknown_artists": list(found.unknown),
            "artists": [asdict(one) for one in found.artists],
            "retrieval": [asdict(one) for one in found.retrieval],
            "heat_map": found.heat.tolist(),
        }
    )
    return told


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _finite(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(one) for one in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _csv(head: Sequence[str], lines: Iterable[Sequence[object]]) -> str:
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    writer.writerow(head)
    writer.writerows([[harmless(cell) for cell in line] for line in lines])
    return buffer.getvalue()


def _cell(value: object) -> object:
    if isinstance(value, float):
        return round(value, 6) if math.isfinite(value) else ""
    return value


def _page(
    found: Study, generated: Sequence[Generated], encoder: EncoderSpec, thumbnail: Thumbnail, kinds: list[str]
) -> str:
    return _environment.get_template("study.html").render(
        study=found,
        kinds=kinds,
        encoder=encoder,
        grids={one.artist: _grid(one, found, generated, thumbnail) for one in found.artists},
        shade=lambda value: _shade(value, found),
        finite=math.isfinite,
    )


def _grid(
    artist: ArtistStudy, found: Study, generated: Sequence[Generated], thumbnail: Thumbnail
) -> list[dict[str, Any]]:
    places = [place for place, one in enumerate(generated) if one.artist == artist.artist]
    places.sort(key=lambda place: (-found.cosines[place], place))
    shown = places if len(places) <= GRID else places[: GRID // 2] + places[-(GRID // 2) :]
    cells = []
    for place in shown:
        data = thumbnail(generated[place])
        cells.append(
            {
                "address": data and "data:image/webp;base64," + base64.b64encode(data).decode(),
                "cosine": float(found.cosines[place]),
                "seed": generated[place].seed,
            }
        )
    return cells


def _shade(value: float, found: Study) -> float:
    """Return how dark a cell of the heat map is, 0 to 1."""
    low, high = float(found.heat.min()), float(found.heat.max())
    return 0.0 if high <= low else round((value - low) / (high - low), 3)
