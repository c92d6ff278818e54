"""Tags and copies of style-tagged sets, to be reviewed by curators."""

from __future__ import annotations

import re
from http import HTTPStatus

from flask import redirect, render_template, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from stylesearch.catalog.curations import COPY_VERDICTS, TAG_KINDS, TAG_VERDICTS, find_curation
from stylesearch.curation.folding import fold
from stylesearch.curation.reviewing import WHICH, count_tags, read_groups, read_tags, summaries
from stylesearch.curation.verdicts import decide_copies, decide_tag
from stylesearch.errors import InputError
from web.admin.blueprint import admin
from web.identity import current, require
from web.services import services

TAGS_A_PAGE = 50
GROUPS_A_PAGE = 20
LAST_PAGE = 100_000
UNDECIDED = "undecided"
_DIGEST = re.compile(r"[0-9a-f]{64}")


@admin.get("/curations")
@require("curator")
def curations() -> str:
    """Show all sets, and how much of each waits for a look."""
    with services().database.session() as session:
        return render_template("admin/curations.html", rows=summaries(session))


@admin.get("/curations/<slug>/tags")
@require("curator")
def curation_tags(slug: str) -> str:
    """Show a set's tags, those to look at first."""
    which, page = _which(), _page()
    with services().database.session() as session:
        name = find_curation(session, slug).slug
        total = count_tags(session, slug, which=which)
        rows = read_tags(session, slug, which=which, limit=TAGS_A_PAGE, offset=TAGS_A_PAGE * (page - 1))
        return render_template(
            "admin/curation_tags.html",
            slug=name,
            rows=rows,
            which=which,
            page=page,
            total=total,
            more=TAGS_A_PAGE * page < total,
        )


@admin.post("/curations/<slug>/tags")
@require("curator")
def curation_judge_tag(slug: str) -> AnyResponse:
    """Note what was made of a tag, and lead back to where it was."""
    kind, key = request.form.get("kind", ""), request.form.get("key", "")
    verdict = _verdict(TAG_VERDICTS)
    if kind not in TAG_KINDS:
        raise InputError("There is no such kind of tag.", hint="Go back and try again.", code="tag_kind")
    other = fold(request.form.get("join", "")[:1000]) if verdict == "join" else None
    with services().database.session() as session:
        decide_tag(session, slug, kind, key, verdict, by=current().name, join_key=other)
    return redirect(_back("admin.curation_tags", slug), HTTPStatus.SEE_OTHER)


@admin.get("/curations/<slug>/copies")
@require("curator")
def curation_copies(slug: str) -> str:
    """Show a set's groups of copies, those with the lowest scores first."""
    which, page = _which(), _page()
    with services().database.session() as session:
        name = find_curation(session, slug).slug
        groups, total = read_groups(
            session, slug, which=which, limit=GROUPS_A_PAGE, offset=GROUPS_A_PAGE * (page - 1)
        )
    return render_template(
        "admin/curation_copies.html",
        slug=name,
        groups=groups,
        which=which,
        page=page,
        total=total,
        more=GROUPS_A_PAGE * page < total,
    )


@admin.post("/curations/<slug>/copies")
@require("curator")
def curation_judge_copies(slug: str) -> AnyResponse:
    """Note what was made of a group of copies, or of some of its images, and lead back to where it was."""
    group = request.form.get("group", "")
    of = request.form.getlist("image")
    if not (group.isascii() and group.isdigit() and len(group) < 16 and all(map(_DIGEST.fullmatch, of))):
        raise InputError("There is no such group.", hint="Go back and try again.", code="copy_group")
    verdict = _verdict((*COPY_VERDICTS, "apart"))
    if verdict == "apart" and not of:
        raise InputError(
            "No image is ticked.", hint="Go back, and tick those that are no copies.", code="no_image_ticked"
        )
    with services().database.session() as session:
        decide_copies(
            session,
            slug,
            int(group),
            "different" if verdict == "apart" else verdict,
            by=current().name,
            of=of if verdict == "apart" else (),
        )
    return redirect(_back("admin.curation_copies", slug), HTTPStatus.SEE_OTHER)


def _which() -> str:
    which = request.args.get("which", WHICH[0])
    return which if which in WHICH else WHICH[0]


def _page() -> int:
    return max(1, min(request.args.get("page", 1, type=int), LAST_PAGE))


def _verdict(known: tuple[str, ...]) -> str | None:
    """Return what was said; ``None`` to take it back."""
    verdict = request.form.get("verdict", "")
    if verdict == UNDECIDED:
        return None
    if verdict not in known:
        raise InputError("There is no such verdict.", hint="Go back and try again.", code="verdict")
    return verdict


def _back(endpoint: str, slug: str) -> str:
    return url_for(endpoint, slug=slug, which=_which(), page=_page())
