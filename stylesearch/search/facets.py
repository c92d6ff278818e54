"""What the filters can be set to, with counts: the choices that the works under the present filters leave."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import CTE, CompoundSelect, FromClause, Select, func, literal, select, union_all
from sqlalchemy.orm import Session

from stylesearch.catalog.access import Access
from stylesearch.catalog.artists import Artist, WorkArtist
from stylesearch.catalog.rights import License
from stylesearch.catalog.works import Collection, Work
from stylesearch.search.clauses import REUSE_WORDS, clause, visible_conditions
from stylesearch.search.conditions import NAMED_FIELDS, UNKNOWN
from stylesearch.search.filters import Filter

AT_MOST = 40
FACETS = ("artist", "reuse", "license", "collection", *NAMED_FIELDS, "keyword")


@dataclass(frozen=True, slots=True)
class Choice:
    """One value of a filter; ``label`` is how it is shown, ``count`` how many works have it."""

    value: str
    label: str
    count: int


Rows = Select[*tuple[Any, ...]]
"""A statement that brings rows of whatever kind."""

Facets = dict[str, list[Choice]]
"""The choices of each field, the most frequent first."""


def facets(
    session: Session, where: Filter, *, access: Access = Access.EVERYBODY, at_most: int = AT_MOST
) -> Facets:
    """Count the works that a filter lets through by artist, reuse class, licence, collection and so on.

    Raises
    ------
    NotFoundError, InputError
        If a filter names something unknown.
    """
    asked = clause(session, where, access)
    if asked.impossible:
        return read_facets([])
    found = select(Work.id.label("work_id")).where(*visible_conditions([asked], access)).cte("found")
    return read_facets(session.execute(facet_statement(found, at_most)).all())


def facet_statement(found: FromClause, at_most: int = AT_MOST) -> CompoundSelect[*tuple[Any, ...]]:
    """Return the statement that counts works: rows of field, value, label and count.

    Parameters
    ----------
    found:
        With ids of works in ``work_id``, which may come twice.
    """
    works = _works(found)
    number = func.count()
    keyword = select(func.unnest(works.c.keywords).label("word")).subquery()
    parts: dict[str, Rows] = {
        "artist": select(literal("artist"), Artist.name, Artist.name, func.count(works.c.id.distinct()))
        .select_from(works)
        .join(WorkArtist, WorkArtist.work_id == works.c.id)
        .join(Artist, Artist.id == WorkArtist.artist_id)
        .group_by(Artist.id),
        "reuse": _reuse(works),
        "license": select(literal("license"), License.uri, License.label, number)
        .select_from(works)
        .join(License, License.id == works.c.image_license_id)
        .group_by(License.id),
        "collection": select(literal("collection"), Collection.slug, Collection.title, number)
        .select_from(works)
        .join(Collection, Collection.id == works.c.collection_id)
        .group_by(Collection.id),
        **{field: _named(works, field) for field in NAMED_FIELDS},
        "keyword": select(literal("keyword"), keyword.c.word, keyword.c.word, number).group_by(
            keyword.c.word
        ),
    }
    ranked = [
        select(
            part.order_by(part.selected_columns[3].desc(), part.selected_columns[1]).limit(at_most).subquery()
        )
        for part in parts.values()
    ]
    return union_all(*ranked)


def read_facets(rows: Iterable[Sequence[Any]]) -> Facets:
    """Return the choices of the rows of :func:`facet_statement`."""
    found: Facets = {name: [] for name in FACETS}
    for name, value, label, count in rows:
        shown = REUSE_WORDS[label].capitalize() if name == "reuse" else label
        found[name].append(Choice(value, shown, count))
    for choices in found.values():
        choices.sort(key=lambda choice: (-choice.count, choice.label))
    return found


def _works(found: FromClause) -> CTE:
    columns = ("id", "collection_id", "image_license_id", "keywords", *NAMED_FIELDS.values())
    return (
        select(*(getattr(Work, name) for name in columns))
        .where(Work.id.in_(select(found.c.work_id)))
        .cte("counted")
    )


def _reuse(works: CTE) -> Rows:
    reuse = func.coalesce(License.reuse, UNKNOWN)
    return (
        select(literal("reuse"), reuse, reuse, func.count())
        .select_from(works)
        .outerjoin(License, License.id == works.c.image_license_id)
        .group_by(reuse)
    )


def _named(works: CTE, field: str) -> Rows:
    """Count a field that is compared without regard to case; it is shown as it is written most often."""
    column = works.c[NAMED_FIELDS[field]]
    value = func.lower(column)
    return (
        select(literal(field), value, func.mode().within_group(column), func.count())
        .where(column.is_not(None))
        .group_by(value)
    )
