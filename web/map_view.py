"""A style map as browsers get it: places and colours of all works in one small file, and a table of its parts."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Text, cast, func, select, text
from sqlalchemy.orm import Session

from stylesearch.catalog.access import Access
from stylesearch.catalog.artists import Artist, WorkArtist
from stylesearch.catalog.maps import SIZE, MapPoint, StyleMap
from stylesearch.catalog.rights import License
from stylesearch.catalog.works import Work
from stylesearch.search.clauses import clause, visible_conditions
from stylesearch.search.conditions import UNKNOWN, OnMap
from stylesearch.search.examples import Region
from stylesearch.search.filters import Filter
from web.messages import gettext as _
from web.phrases import REUSE

MOST_COLOURS = 10
"""Values that have a colour of their own; the others share one."""

PARTS = 6
"""Parts of the map along either side, in the table."""

NOT_KNOWN, OTHERS = 254, 255
Numbers = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Group:
    """Works by what they are coloured by: a number for each of ``[n]`` works, and the words for each number."""

    numbers: Numbers
    words: dict[int, str]


@dataclass(frozen=True, slots=True)
class MapView:
    """The works of a map that may be seen, under a filter: ``works``, ``x`` and ``y`` are ``[n]``."""

    map_id: int
    works: Numbers
    x: Numbers
    y: Numbers
    artists: Group
    rights: Group
    periods: Group


@dataclass(frozen=True, slots=True)
class MapPart:
    """A part of a map that holds works: its place in words, how many, by whom mostly, and as a filter."""

    place: str
    works: int
    artists: tuple[str, ...]
    where: OnMap


def read_map(session: Session, found: StyleMap, where: Filter, access: Access) -> MapView:
    """Return a map's works that may be seen, under a filter.

    Raises
    ------
    NotFoundError, InputError
        If the filter names something unknown.
    """
    first = (
        select(WorkArtist.artist_id)
        .where(WorkArtist.work_id == Work.id)
        .order_by(WorkArtist.position, WorkArtist.artist_id)
        .limit(1)
        .correlate(Work)
        .scalar_subquery()
    )
    period = func.coalesce(Work.period, cast(func.ceil(Work.year_from / 100.0), Text))
    rows = session.execute(
        select(MapPoint.work_id, MapPoint.x, MapPoint.y, first, License.reuse, period)
        .join(Work, Work.id == MapPoint.work_id)
        .outerjoin(License, License.id == Work.image_license_id)
        .where(MapPoint.map_id == found.id, *visible_conditions([clause(session, where, access)], access))
        .order_by(MapPoint.work_id)
    ).all()
    works, x, y = (np.array([row[n] for row in rows], dtype=np.int64) for n in range(3))
    ids = np.array([-1 if row[3] is None else row[3] for row in rows], dtype=np.int64)
    return MapView(
        found.id, works, x, y,
        artists=_artists(session, ids),
        rights=_grouped([row[4] or UNKNOWN for row in rows], {name: str(words) for name, words in REUSE.items()}),
        periods=_grouped([row[5] or "" for row in rows], {}),
    )  # fmt: skip


def _artists(session: Session, ids: Numbers) -> Group:
    names = dict(
        session.execute(select(Artist.id, Artist.name).where(Artist.id.in_(np.unique(ids).tolist()))).all()
    )
    return Group(ids, {int(number): str(name) for number, name in names.items()})


def _grouped(values: Sequence[str], words: dict[str, str]) -> Group:
    number = {value: place for place, value in enumerate(sorted(set(values) - {""}))}
    return Group(
        np.array([number.get(value, -1) for value in values], dtype=np.int64),
        {place: words.get(value) or _period(value) for value, place in number.items()},
    )


def _period(value: str) -> str:
    """Return a period in words; one that is only a number is a century."""
    try:
        century = int(float(value))
    except ValueError:
        return value
    if century <= 0:
        return _("century %(number)s BC", number=1 - century)
    return _("century %(number)s", number=century)


def packed(view: MapView) -> bytes:
    """Return a map for a browser.

    A 32-bit number says how long the JSON behind it is; behind that come, for n works and without anything between them,
    n 32-bit numbers to be added to ``base`` for the works' ids, n 16-bit places from the left, n from the top, and n 8-bit
    colours for each of ``colourings``. All numbers have their lowest byte first.
    """
    base = int(view.works.min()) if len(view.works) else 0
    colours, told = [], {}
    for name in ("artists", "rights", "periods"):
        codes, words = _coloured(getattr(view, name))
        colours.append(codes)
        told[name] = words
    head = json.dumps(
        {
            "map": view.map_id, "size": SIZE, "base": base, "works": len(view.works), "colourings": told,
            "others": OTHERS, "unknown": NOT_KNOWN,
        }
    ).encode()  # fmt: skip
    head += b" " * (-len(head) % 4)
    return b"".join(
        [
            np.uint32(len(head)).tobytes(),
            head,
            (view.works - base).astype("<u4").tobytes(),
            view.x.astype("<u2").tobytes(),
            view.y.astype("<u2").tobytes(),
            *(one.tobytes() for one in colours),
        ]
    )


def _coloured(group: Group) -> tuple[NDArray[np.uint8], list[str]]:
    """Return a colour for each work, and the words for each colour, the most frequent first."""
    known = group.numbers[group.numbers >= 0]
    values, counts = np.unique(known, return_counts=True)
    frequent = values[np.argsort(-counts, kind="stable")][:MOST_COLOURS]
    codes = np.where(group.numbers >= 0, OTHERS, NOT_KNOWN).astype(np.uint8)
    for code, value in enumerate(frequent):
        codes[group.numbers == value] = code
    return codes, [group.words.get(int(value), "") for value in frequent]


def parts_of_map(view: MapView) -> list[MapPart]:
    """Return the parts of a map that hold works, row by row."""
    step = -(-(SIZE + 1) // PARTS)
    cells = (view.y // step) * PARTS + view.x // step
    found = []
    for cell in np.unique(cells).tolist():
        inside = cells == cell
        row, column = divmod(cell, PARTS)
        left, top = column * step, row * step
        box = Region(left, top, min(step, SIZE + 1 - left), min(step, SIZE + 1 - top))
        names = Counter(view.artists.numbers[inside].tolist())
        frequent = [
            view.artists.words[one] for one, _number in names.most_common() if one in view.artists.words
        ]
        place = _("row %(row)s, column %(column)s", row=row + 1, column=column + 1)
        found.append(MapPart(place, int(inside.sum()), tuple(frequent[:3]), OnMap(view.map_id, box)))
    return found


def state_of(session: Session, found: StyleMap) -> str:
    """Return what changes whenever what may be seen of a map, or is told of it, does."""
    return str(
        session.execute(
            text(
                "SELECT count(*) || '-' || coalesce(extract(epoch FROM max(work.updated_at)), 0) || '-'"
                " || count(work.withdrawn_at) || '-' || (SELECT md5(string_agg(id || visibility, ',' ORDER BY id)) FROM collection)"
                " FROM map_point JOIN work ON work.id = work_id WHERE map_id = :map"
            ),
            {"map": found.id},
        ).scalar_one()
    )
