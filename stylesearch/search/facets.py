"""What the filters can be set to, with counts: the choices that the works under the present filters leave."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import ColumnElement, func, literal, select, union_all
from sqlalchemy.orm import Session

from stylesearch.catalog.artists import Artist, WorkArtist
from stylesearch.catalog.rights import License
from stylesearch.catalog.works import Collection, Work
from stylesearch.search.filters import REUSE_WORDS, clauses, visible
from stylesearch.search.query import Filters


@dataclass(frozen=True, slots=True)
class Choice:
    """One value of a filter; ``label`` is how it is shown, ``count`` how many works have it."""

    value: str
    label: str
    count: int


def facets(session: Session, filters: Filters, *, at_most: int = 40) -> dict[str, list[Choice]]:
    """Count works by artist, reuse class, licence, collection, medium and keyword, the most frequent first.

    Raises
    ------
    NotFoundError, InputError
        If a filter names something unknown.
    """
    conditions: list[ColumnElement[bool]] = [visible(), *(clause.sql for clause in clauses(session, filters))]
    base = (
        select(Work.id, Work.collection_id, Work.image_license_id, Work.medium, Work.keywords)
        .where(*conditions)
        .cte("found")
    )
    keyword = select(base.c.id, func.unnest(base.c.keywords).label("word")).subquery()
    number, distinct = func.count(), func.count(base.c.id.distinct())
    parts = {
        "artist": select(literal("artist"), Artist.name, Artist.name, distinct)
        .select_from(base)
        .join(WorkArtist, WorkArtist.work_id == base.c.id)
        .join(Artist, Artist.id == WorkArtist.artist_id)
        .group_by(Artist.id),
        "reuse": select(literal("reuse"), License.reuse, License.reuse, number)
        .select_from(base)
        .join(License, License.id == base.c.image_license_id)
        .group_by(License.reuse),
        "license": select(literal("license"), License.uri, License.label, number)
        .select_from(base)
        .join(License, License.id == base.c.image_license_id)
        .group_by(License.id),
        "collection": select(literal("collection"), Collection.slug, Collection.title, number)
        .select_from(base)
        .join(Collection, Collection.id == base.c.collection_id)
        .group_by(Collection.id),
        "medium": select(literal("medium"), base.c.medium, base.c.medium, number)
        .where(base.c.medium.is_not(None))
        .group_by(base.c.medium),
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
    result: dict[str, list[Choice]] = {name: [] for name in parts}
    for name, value, label, count in session.execute(union_all(*ranked)):
        result[name].append(
            Choice(value, REUSE_WORDS[label].capitalize() if name == "reuse" else label, count)
        )
    for choices in result.values():
        choices.sort(key=lambda choice: (-choice.count, choice.label))
    return result
