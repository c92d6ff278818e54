"""Images that look almost alike: two side by side, for a person to judge; verdicts are kept, and can be taken back."""

from __future__ import annotations

import re
from dataclasses import dataclass

from flask import render_template, request
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response as AnyResponse

from stylesearch.catalog import duplicates as near
from stylesearch.catalog.cards import WorkCard, cards_of_images
from stylesearch.catalog.duplicates import VERDICTS, Pair
from stylesearch.errors import InputError
from stylesearch.search.examples import LARGEST_ID
from web.admin.blueprint import admin, done, page_from
from web.forms import choice, whole
from web.identity import current_access, require
from web.services import services

PAGE_PAIRS, PAGE_VERDICTS = 10, 50
NOTHING = ""


@dataclass(frozen=True, slots=True)
class Beside:
    """A pair with what is shown of either."""

    pair: Pair
    cards: tuple[WorkCard, WorkCard]

    @property
    def same_size(self) -> bool:
        """Whether both have the same width and height."""
        a, b = self.cards
        return (a.width, a.height) == (b.width, b.height)


@admin.get("/duplicates")
@require("curator")
def duplicates() -> str:
    """Show pairs that nobody has judged."""
    after = _pair_named(request.args.get("after", ""))
    with services().database.session() as session:
        pairs = near.unjudged(session, after=after, most=PAGE_PAIRS)
        return render_template(
            "admin/duplicates.html",
            pairs=_beside(session, pairs),
            number=near.count_unjudged(session),
            here=request.args.get("after", ""),
            following=pairs[-1] if len(pairs) == PAGE_PAIRS else None,
        )


@admin.get("/duplicates/judged")
@require("curator")
def duplicates_judged() -> str:
    """Show verdicts, the latest first."""
    skip = page_from("skip") or 0
    with services().database.session() as session:
        pairs = near.judged(session, skip=skip, most=PAGE_VERDICTS)
        return render_template(
            "admin/verdicts.html",
            pairs=_beside(session, pairs),
            skip=skip,
            following=skip + PAGE_VERDICTS if len(pairs) == PAGE_VERDICTS else None,
        )


@admin.post("/duplicates")
@require("curator")
def duplicates_judge() -> AnyResponse:
    """Keep a verdict, or take one back."""
    a, b = whole("image_a", 1, LARGEST_ID), whole("image_b", 1, LARGEST_ID)
    verdict = choice("verdict", [*VERDICTS, NOTHING])
    seen = choice("seen", [*VERDICTS, NOTHING])
    with services().database.session() as session:
        near.judge(session, a, b, verdict or None, seen=seen or None)
    words = {"same": "Kept: the same picture.", "different": "Kept: two pictures."}.get(
        verdict, "Taken back."
    )
    if not verdict:
        return done(words, "admin.duplicates_judged")
    return done(words, "admin.duplicates", after=request.form.get("here", "")[:50] or None)


def _beside(session: Session, pairs: list[Pair]) -> list[Beside]:
    wanted = {image for pair in pairs for image in (pair.image_a, pair.image_b)}
    cards = cards_of_images(session, wanted, current_access())
    return [
        Beside(pair, (cards[pair.image_a], cards[pair.image_b]))
        for pair in pairs
        if pair.image_a in cards and pair.image_b in cards
    ]


def _pair_named(text: str) -> tuple[int, int] | None:
    if not text:
        return None
    found = re.fullmatch(r"([0-9]{1,18})-([0-9]{1,18})", text)
    if found is None:
        raise InputError("The address names no pair.", hint="Begin the list anew.", code="bad_parameter")
    return int(found[1]), int(found[2])
