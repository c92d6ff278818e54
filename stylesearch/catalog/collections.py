"""Making and finding collections."""

from __future__ import annotations

import re

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from stylesearch.catalog import audit, versions
from stylesearch.catalog.access import Access, open_to
from stylesearch.catalog.licenses import recognise
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
    seen = select(Collection).where(open_to(access))
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
    change_collection(session, slug, visibility=access)


def change_collection(
    session: Session,
    slug: str,
    *,
    title: str | None = None,
    visibility: Access | None = None,
    version: int | None = None,
) -> Collection:
    """Change what is given of a collection, from the end of this transaction on.

    Parameters
    ----------
    version:
        The collection's version that the change was made from; ``None`` for whatever there is.

    Raises
    ------
    NotFoundError
        If there is no such collection.
    ChangedMeanwhileError
        If somebody else has changed it meanwhile.
    """
    found = find_collection(session, slug)
    session.refresh(found, with_for_update=True)
    before = {"title": found.title, "visibility": found.visibility}
    wanted = {"title": title, "visibility": visibility.value if visibility is not None else None}
    after = before | {name: value for name, value in wanted.items() if value is not None}
    subject = f"collection:{slug}"
    versions.check(found.version, version, before, after, subject, session)
    for name in ("title", "visibility"):
        if after[name] != before[name]:
            setattr(found, name, after[name])
            detail = {"before": before[name], "after": after[name]}
            audit.record(session, f"collection.{name}", subject, detail)
    if after != before:
        found.version += 1
    return found
