"""Sets of ids that a column may be in, as filters make them: what cannot be is known before the database is asked."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import ColumnElement, and_, false, or_, true
from sqlalchemy.orm import InstrumentedAttribute

Ids = frozenset[int | None]
"""``None`` stands for a column without a value."""


@dataclass(frozen=True, slots=True)
class Among:
    """A column is one of some ids, or none of them.

    Attributes
    ----------
    others:
        Whether all ids *but* these are meant.
    """

    column: InstrumentedAttribute[int | None]
    ids: Ids
    others: bool = False

    @property
    def empty(self) -> bool:
        """Whether nothing can be in it."""
        return not self.ids and not self.others

    @property
    def sql(self) -> ColumnElement[bool]:
        """As a condition."""
        numbers = sorted(one for one in self.ids if one is not None)
        if self.empty:
            return false()
        if not self.others:
            parts = [self.column.in_(numbers)] if numbers else []
            return or_(*parts, *([self.column.is_(None)] if None in self.ids else []))
        if None in self.ids:
            return and_(self.column.is_not(None), *([self.column.not_in(numbers)] if numbers else []))
        return or_(self.column.not_in(numbers), self.column.is_(None)) if numbers else true()

    def __invert__(self) -> Among:
        """Return the ids that are not in it."""
        return Among(self.column, self.ids, not self.others)

    def __and__(self, other: Among) -> Among:
        """Return what is in both; they are of one column."""
        if self.others and other.others:
            return Among(self.column, self.ids | other.ids, others=True)
        if self.others:
            return Among(self.column, other.ids - self.ids)
        return Among(self.column, self.ids - other.ids if other.others else self.ids & other.ids)

    def __or__(self, other: Among) -> Among:
        """Return what is in either; they are of one column."""
        return ~(~self & ~other)
