"""Who may see what: the condition that every query on works carries."""

from __future__ import annotations

from enum import StrEnum

from sqlalchemy import ColumnElement, and_, select

from stylesearch.catalog.works import Collection, Work


class Access(StrEnum):
    """On whose behalf the catalogue is asked; the same words say who may see a collection. Each sees what those before do."""

    EVERYBODY = "everybody"
    VIEWERS = "viewers"
    STAFF = "staff"

    @property
    def hidden(self) -> tuple[str, ...]:
        """The visibilities of collections that it does not see."""
        order = list(Access)
        return tuple(one.value for one in order[order.index(self) + 1 :])


VISIBLE_SQL = (
    "work.withdrawn_at IS NULL"
    " AND work.collection_id NOT IN (SELECT collection.id FROM collection WHERE collection.visibility <> 'everybody')"
)
"""What :func:`visible` is for everybody, for statements that are written by hand."""


def visible(access: Access = Access.EVERYBODY) -> ColumnElement[bool]:
    """Return the condition on ``work`` that it may be seen.

    A withdrawn work is neither shown nor counted, whoever asks; a collection only by those whom it is for.
    """
    present = Work.withdrawn_at.is_(None)
    if not access.hidden:
        return present
    hidden = select(Collection.id).where(~open_to(access))
    return and_(present, Work.collection_id.not_in(hidden))


def open_to(access: Access) -> ColumnElement[bool]:
    """Return the condition on ``collection`` that it may be seen."""
    return Collection.visibility.not_in(access.hidden)
