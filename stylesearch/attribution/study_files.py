"""A study as files: the figures as CSV and JSON, and one HTML page."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from markupsafe import Markup

from stylesearch.attribution.model_study import ArtistStudy, Generated, Study
from stylesearch.attribution.overview import harmless
from stylesearch.attribution.render import environment, in_page
from stylesearch.attribution.study_plot import study_plot
from stylesearch.encoders.protocol import EncoderSpec
from stylesearch.files import written_whole

GRID = 8
"""Images of an artist that the page shows: those with the highest cosine first, then the lowest."""

OWN = 4
"""The artist's own works that it shows beside them."""

Thumbnail = Callable[[Generated], bytes | None]
OwnWorks = Callable[[str], Sequence[bytes | None]]


def write_study(
    out: Path,
    found: Study,
    generated: Sequence[Generated],
    encoder: EncoderSpec,
    thumbnail: Thumbnail,
    own: OwnWorks,
) -> list[Path]:
    """Write a study's files into a folder; return their paths.

    Parameters
    ----------
    encoder:
        What described the images.
    thumbnail:
        Gives a WebP picture of an image; ``None`` where there is none.
    own:
        Gives such pictures of an artist's own works, the most typical first; :data:`OWN` are shown.

    Raises
    ------
    OSError
        If one cannot be written.
    """
    out.mkdir(parents=True, exist_ok=True)
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
        "study.html": _page(found, generated, encoder, thumbnail, own),
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
    found: Study, generated: Sequence[Generated], encoder: EncoderSpec, thumbnail: Thumbnail, own: OwnWorks
) -> str:
    return environment.get_template(
        "study.html"
    ).render(
        study=found,
        kinds=[one.kind for one in found.retrieval],
        encoder=encoder,
        plot=Markup(study_plot(found.artists)),  # noqa: S704 - made by us; it escapes names itself
        grids={one.artist: _grid(one, found, generated, thumbnail) for one in found.artists},
        own={one.artist: [in_page(data) for data in own(one.artist)[:OWN] if data] for one in found.artists},
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
                "address": in_page(data),
                "cosine": float(found.cosines[place]),
                "seed": generated[place].seed,
            }
        )
    return cells


def _shade(value: float, found: Study) -> float:
    """Return how dark a cell of the heat map is, 0 to 1."""
    low, high = float(found.heat.min()), float(found.heat.max())
    return 0.0 if high <= low else round((value - low) / (high - low), 3)
