"""What people made of tags and of copies: kept in the catalogue by set, and applied again by each run."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from sqlalchemy import delete, func, or_, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from stylesearch.catalog.curations import Curation, CurationPair, CurationTag, find_curation
from stylesearch.curation.recipe import digest
from stylesearch.errors import InputError, NotFoundError

Pair = tuple[str, str]
"""The hex digests of two images' files, the lower one first."""


@dataclass(frozen=True, slots=True)
class TagVerdicts:
    """Kind and key of tags: those to keep, those to drop, and those that are another spelling of a tag, with its key."""

    keep: frozenset[tuple[str, str]] = frozenset()
    drop: frozenset[tuple[str, str]] = frozenset()
    join: Mapping[tuple[str, str], str] = field(default_factory=dict)

    @property
    def digest(self) -> str:
        """Hex SHA-256 over all of it."""
        return digest(
            sorted(self.keep), sorted(self.drop), sorted((*place, key) for place, key in self.join.items())
        )


@dataclass(frozen=True, slots=True)
class CopyVerdicts:
    """Pairs of images that were said to be the same, and to be different."""

    same: frozenset[Pair] = frozenset()
    different: frozenset[Pair] = frozenset()

    @property
    def digest(self) -> str:
        """Hex SHA-256 over all of it."""
        return digest(sorted(self.same), sorted(self.different))


def tag_verdicts(session: Session, slug: str) -> TagVerdicts:
    """Return what people made of a set's tags; nothing for a set that is not there yet."""
    rows = session.execute(
        select(CurationTag.kind, CurationTag.key, CurationTag.verdict, CurationTag.join_key)
        .join(Curation, Curation.id == CurationTag.curation_id)
        .where(Curation.slug == slug, CurationTag.verdict.is_not(None))
    ).all()
    by_verdict: dict[str, set[tuple[str, str]]] = {"keep": set(), "drop": set()}
    joins: dict[tuple[str, str], str] = {}
    for kind, key, verdict, join_key in rows:
        if verdict == "join" and join_key is not None:
            joins[kind, key] = join_key
        elif verdict is not None:
            by_verdict[verdict].add((kind, key))
    return TagVerdicts(frozenset(by_verdict["keep"]), frozenset(by_verdict["drop"]), _resolved(joins))


def _resolved(joins: Mapping[tuple[str, str], str]) -> dict[tuple[str, str], str]:
    """Follow each join to its end; of those that lead in a circle, none counts."""
    found = {}
    for (kind, key), first in joins.items():
        seen, target = {key}, first
        while target not in seen and (kind, target) in joins:
            seen.add(target)
            target = joins[kind, target]
        if target not in seen:
            found[kind, key] = target
    return found


def copy_verdicts(session: Session, slug: str) -> CopyVerdicts:
    """Return what people made of a set's copies; nothing for a set that is not there yet."""
    rows = session.execute(
        select(CurationPair.sha256_a, CurationPair.sha256_b, CurationPair.verdict)
        .join(Curation, Curation.id == CurationPair.curation_id)
        .where(Curation.slug == slug, CurationPair.verdict.is_not(None))
    ).all()
    found: dict[str, set[Pair]] = {"same": set(), "different": set()}
    for one, other, verdict in rows:
        assert verdict is not None
        found[verdict].add((bytes(one).hex(), bytes(other).hex()))
    return CopyVerdicts(frozenset(found["same"]), frozenset(found["different"]))


def decide_tag(
    session: Session,
    slug: str,
    kind: str,
    key: str,
    verdict: str | None,
    *,
    by: str,
    join_key: str | None = None,
) -> None:
    """Note what a person made of a tag; ``None`` takes it back. It holds from the next run on.

    Raises
    ------
    NotFoundError
        ``unknown_tag``, if the set has no such tag, or none to join it to.
    InputError
        ``join``, if it was to be joined to itself.
    """
    curation = find_curation(session, slug)
    keys = {key, join_key} if verdict == "join" and join_key is not None else {key}
    known = set(
        session.scalars(
            select(CurationTag.key).where(
                CurationTag.curation_id == curation.id, CurationTag.kind == kind, CurationTag.key.in_(keys)
            )
        )
    )
    if keys - known:
        raise NotFoundError(
            f"The set {slug!r} has no {kind} {min(keys - known)!r}.",
            hint="'stylesearch curate tags' lists its tags.",
            code="unknown_tag",
        )
    if verdict == "join" and join_key in (None, key):
        raise InputError("A tag is joined to another one of its kind.", hint="Name that one.", code="join")
    session.execute(
        update(CurationTag)
        .where(CurationTag.curation_id == curation.id, CurationTag.kind == kind, CurationTag.key == key)
        .values(
            verdict=verdict,
            join_key=join_key if verdict == "join" else None,
            decided_at=None if verdict is None else func.now(),
            decided_by=None if verdict is None else by,
        )
    )


def decide_copies(
    session: Session, slug: str, component: int, verdict: str | None, *, by: str, of: Sequence[str] = ()
) -> int:
    """Note what a person made of a group of copies; return how many pairs that is. It holds from the next run on.

    Parameters
    ----------
    component:
        The group's number in the last run.
    verdict:
        ``same``, ``different``, or ``None`` to take it back.
    of:
        Hex digests of the only images whose pairs are meant; none for all of the group.

    Raises
    ------
    NotFoundError
        ``unknown_group``, if there is no such pair.
    """
    curation = find_curation(session, slug)
    meant = [bytes.fromhex(one) for one in of]
    narrowed = [or_(CurationPair.sha256_a.in_(meant), CurationPair.sha256_b.in_(meant))] if meant else []
    decided = session.execute(
        update(CurationPair)
        .where(CurationPair.curation_id == curation.id, CurationPair.component == component, *narrowed)
        .values(
            verdict=verdict,
            decided_at=None if verdict is None else func.now(),
            decided_by=None if verdict is None else by,
        )
        .returning(CurationPair.sha256_a)
    ).all()
    if not decided:
        raise NotFoundError(
            f"The set {slug!r} has no such group of copies.",
            hint="'stylesearch curate copies' lists them.",
            code="unknown_group",
        )
    return len(decided)


def keep_tags(session: Session, curation_id: int, rows: Iterable[Mapping[str, object]]) -> None:
    """Write a set's tags as the last run left them; what people made of them stays, also of those that are gone.

    Parameters
    ----------
    rows:
        Columns of the table to values, without verdicts.
    """
    values = [{"curation_id": curation_id, **row} for row in rows]
    session.execute(
        update(CurationTag)
        .where(CurationTag.curation_id == curation_id)
        .values(captions=0, images=0, outcome="gone")
    )
    for begin in range(0, len(values), 1000):
        statement = insert(CurationTag).values(values[begin : begin + 1000])
        changes = {
            name: statement.excluded[name]
            for name in ("name", "flags", "near", "captions", "images", "outcome")
        }
        session.execute(
            statement.on_conflict_do_update(
                index_elements=[CurationTag.curation_id, CurationTag.kind, CurationTag.key], set_=changes
            )
        )
    session.execute(
        delete(CurationTag).where(
            CurationTag.curation_id == curation_id,
            CurationTag.outcome == "gone",
            CurationTag.verdict.is_(None),
        )
    )


def keep_pairs(session: Session, curation_id: int, rows: Iterable[Mapping[str, object]]) -> None:
    """Write a set's pairs of copies as the last run left them; what people made of them stays."""
    session.execute(
        update(CurationPair).where(CurationPair.curation_id == curation_id).values(component=None)
    )
    values = [{"curation_id": curation_id, **row} for row in rows]
    for begin in range(0, len(values), 1000):
        statement = insert(CurationPair).values(values[begin : begin + 1000])
        changes = {name: statement.excluded[name] for name in ("score", "kind", "component")}
        session.execute(
            statement.on_conflict_do_update(
                index_elements=[CurationPair.curation_id, CurationPair.sha256_a, CurationPair.sha256_b],
                set_=changes,
            )
        )
    session.execute(
        delete(CurationPair).where(
            CurationPair.curation_id == curation_id,
            CurationPair.component.is_(None),
            CurationPair.verdict.is_(None),
        )
    )
