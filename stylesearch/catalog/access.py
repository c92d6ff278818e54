"""Who may see what: the condition that every query on works carries."""

from __future__ import annotations

from enum import StrEnum
from functools import cache

from sqlalchemy import ColumnElement, and_, select

from stylesearch.catalog.works import Collection, Work


class Access(StrEnum):
    """On whose behalf the catalogue is asked."""

    EVERYBODY = "everybody"
    STAFF = "staff"


VISIBLE_SQL = (
    "work.withdrawn_at IS NULL"
    " AND work.collection_id NOT IN (SELECT collection.id FROM collection WHERE collection.visibility <> 'everybody')"
)
"""What :func:`visible` is for everybody, for statements that are written by hand."""


@cache
def visible(access: Access = Access.EVERYBODY) -> ColumnElement[bool]:
    """Return the condition on ``work`` that it may be seen.

    A withdrawn work is neither shown nor counted, whoever asks; a collection for the staff only by the staff.
    """
    present = Work.withdrawn_at.is_(None)
    if access is Access.STAFF:
        return present
    hidden = select(Collection.id).where(~open_to_everybody())
    return and_(present, Work.collection_id.not_in(hidden))


def open_to_everybody() -> ColumnElement[bool]:
    """Return the condition on ``collection`` that everybody may see it."""
    return Collection.visibility == Access.EVERYBODY.value
