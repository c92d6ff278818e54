"""Collections, and who may see them."""

from __future__ import annotations

from flask import render_template
from sqlalchemy import func, select
from werkzeug.wrappers import Response as AnyResponse

from stylesearch.catalog.access import Access
from stylesearch.catalog.collections import change_collection, find_collection
from stylesearch.catalog.works import Collection, Work
from stylesearch.search.examples import LARGEST_ID
from web.admin.blueprint import admin, done
from web.forms import choice, text, whole
from web.identity import require
from web.services import services

LONGEST_TITLE = 300
SEEN_BY = {
    Access.EVERYBODY.value: "Everybody",
    Access.VIEWERS.value: "Viewers and the staff, signed in",
    Access.STAFF.value: "The staff: curators and administrators",
}


@admin.get("/collections")
@require("curator")
def collections() -> str:
    """Show collections."""
    here = Work.withdrawn_at.is_(None)
    with services().database.session() as session:
        rows = session.execute(
            select(Collection, func.count(Work.id).filter(here), func.count(Work.id).filter(~here))
            .outerjoin(Work, Work.collection_id == Collection.id)
            .group_by(Collection.id)
            .order_by(Collection.slug)
        ).all()
        return render_template("admin/collections.html", rows=rows, seen_by=SEEN_BY)


@admin.get("/collections/<slug>")
@require("admin")
def collection(slug: str) -> str:
    """Show what can be changed of a collection."""
    with services().database.session() as session:
        found = find_collection(session, slug.replace("\0", ""))
        return render_template("admin/collection.html", collection=found, seen_by=SEEN_BY)


@admin.post("/collections/<slug>")
@require("admin")
def collection_change(slug: str) -> AnyResponse:
    """Change a collection."""
    with services().database.session() as session:
        change_collection(
            session,
            slug.replace("\0", ""),
            title=text("title", LONGEST_TITLE),
            visibility=Access(choice("visibility", list(SEEN_BY))),
            version=whole("version", 1, LARGEST_ID),
        )
    return done("The collection is changed.", "admin.collections")
