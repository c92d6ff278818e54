"""Making and finding collections."""

from __future__ import annotations

import re

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from stylesearch.catalog.access import Access, open_to_everybody
from stylesearch.catalog.licenses import recognise
from stylesearch.catalog.people import AuditEvent
from stylesearch.catalog.rights import License
from stylesearch.catalog.works import Collection
from stylesearch.errors import InputError, NotFoundError

SLUG = re.compile(r"^[a-z0-9]+(-[a-z0-9]+)*$")


def ensure_collection(
    session: Session,
    slug: str,
    *,
    title: str | None = None,
    provider: str | None = None,
    source_uri: str | None = None,
    default_license: str | None = None,
) -> Collection:
    """Return a collection, made if it is new; what is given anew replaces what was there.

    Parameters
    ----------
    default_license:
        URI or SPDX id of the rights that its works have where their own metadata says nothing.

    Raises
    ------
    InputError
        If the slug has other characters than small letters, digits and single hyphens, or the licence is unknown.
    """
    if not SLUG.fullmatch(slug):
        raise InputError(
            f"{slug!r} cannot name a collection.",
            hint="Use small letters, digits and single hyphens, such as open-clip-art.",
            code="collection_slug",
        )
    given = {"title": title, "provider": provider, "source_uri": source_uri}
    changes: dict[str, object] = {name: value for name, value in given.items() if value is not None}
    if default_license is not None:
        changes["default_license_id"] = license_named(session, default_license).id
    statement = insert(Collection).values({"slug": slug, "title": slug, **changes})
    statement = (
        statement.on_conflict_do_update(index_elements=[Collection.slug], set_=changes)
        if changes
        else statement.on_conflict_do_nothing(index_elements=[Collection.slug])
    )
    session.execute(statement)
    return find_collection(session, slug)


def find_collection(session: Session, slug: str, access: Access = Access.STAFF) -> Collection:
    """Return a collection.

    Raises
    ------
    NotFoundError
        If there is none of that slug that may be seen, naming those that may.
    """
    seen = select(Collection) if access is Access.STAFF else select(Collection).where(open_to_everybody())
    found = session.scalar(seen.where(Collection.slug == slug))
    if found is None:
        names = seen.with_only_columns(Collection.slug).order_by(Collection.slug).limit(20)
        known = ", ".join(session.scalars(names)) or "none yet"
        raise NotFoundError(
            f"There is no collection {slug!r}.", hint=f"Collections: {known}.", code="unknown_collection"
        )
    return found


def license_named(session: Session, statement: str) -> License:
    """Return a licence by URI, SPDX id or common name.

    Raises
    ------
    InputError
        If it is none that the catalogue knows.
    """
    terms = recognise(statement)
    uri = terms.uri if terms else statement
    found = session.scalar(select(License).where(License.uri == uri))
    if found is None:
        raise InputError(
            f"The license {statement!r} is unknown.",
            hint="Use an SPDX id such as CC-BY-4.0, or the URI of a Creative Commons or RightsStatements.org statement.",
            code="unknown_license",
        )
    return found


def set_visibility(session: Session, slug: str, access: Access) -> None:
    """Say who may see a collection's works, from the end of this transaction on.

    Raises
    ------
    NotFoundError
        If there is no such collection.
    """
    found = find_collection(session, slug)
    before, found.visibility = found.visibility, access.value
    session.add(
        AuditEvent(
            action="collection.visibility",
            subject=f"collection:{slug}",
            detail={"before": before, "after": access.value},
        )
    )


def change_collection(
    session: Session,
    slug: str,
    *,
    title: str | None = None,
    provider: str | None = None,
    visibility: str | None = None,
) -> None:
    """Change what is given of a collection, and note what it was before.

    Raises
    ------
    NotFoundError
        If there is no such collection.
    """
    found = find_collection(session, slug)
    given = {"title": title, "provider": provider}
    changes = {
        name: (getattr(found, name), value)
        for name, value in given.items()
        if value is not None and value != getattr(found, name)
    }
    for name, (_, after) in changes.items():
        setattr(found, name, after)
    if changes:
        session.add(
            AuditEvent(
                action="collection.change",
                subject=f"collection:{slug}",
                detail={
                    "before": {name: before for name, (before, _) in changes.items()},
                    "after": {name: after for name, (_, after) in changes.items()},
                },
            )
        )
    if visibility is not None and visibility != found.visibility:
        set_visibility(session, slug, Access(visibility))
