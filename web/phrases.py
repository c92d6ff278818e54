"""A filter in words, in the visitor's language."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from sqlalchemy.orm import Session

from stylesearch.catalog.collections import find_collection, license_named
from stylesearch.errors import StylesearchError
from stylesearch.search.conditions import (
    LANGUAGES,
    OWN,
    ByArtist,
    Condition,
    FromCollection,
    HasImage,
    Ingested,
    Keyworded,
    Licensed,
    Made,
    Named,
    OnMap,
    Qualified,
    Reusable,
    Says,
)
from stylesearch.search.filters import (
    EVERYTHING,
    NOTHING,
    All,
    Either,
    Filter,
    Not,
    alternatives,
    parts_of,
)
from stylesearch.search.grammar import write
from web.identity import current_access
from web.messages import gettext as _
from web.messages import lazy_gettext

REUSE = {
    "open": lazy_gettext("openly licensed"),
    "restricted": lazy_gettext("with restricted reuse"),
    "permission": lazy_gettext("by permission only"),
    "unknown": lazy_gettext("with rights that are not stated"),
}
_LANGUAGES = {
    "en": lazy_gettext("English"),
    "de": lazy_gettext("German"),
    "fr": lazy_gettext("French"),
    "it": lazy_gettext("Italian"),
    "es": lazy_gettext("Spanish"),
    "nl": lazy_gettext("Dutch"),
}
QUALIFIERS = {
    "attributed to": lazy_gettext("attributed to %(name)s"),
    "workshop of": lazy_gettext("workshop of %(name)s"),
    "circle of": lazy_gettext("circle of %(name)s"),
    "school of": lazy_gettext("school of %(name)s"),
    "follower of": lazy_gettext("follower of %(name)s"),
    "manner of": lazy_gettext("manner of %(name)s"),
    "after": lazy_gettext("after %(name)s"),
    "copy after": lazy_gettext("copy after %(name)s"),
}


def sentence(session: Session, where: Filter) -> str:
    """Return what a filter says of works: "Works by X, openly licensed"."""
    if where == EVERYTHING:
        return _("All works")
    if where == NOTHING:
        return _("No works")
    return _("Works %(phrase)s", phrase=", ".join(phrase(session, one) for one in parts_of(where)))


def phrase(session: Session, part: Filter) -> str:
    """Return what a part of a filter says, without a beginning; what names something unknown is given as it is written."""
    if isinstance(part, Not):
        inner = phrase(session, part.part)
        whole = isinstance(part.part, All) or len(_kinds(part.part)) > 1
        return _("not %(phrase)s", phrase=f"({inner})" if whole else inner)
    if isinstance(part, All):
        return ", ".join(phrase(session, one) for one in part.parts) or _("of any kind")
    return _alternatives(session, alternatives(part)) or _("of no kind")


def _alternatives(session: Session, offered: Sequence[Filter]) -> str:
    conditions = [one for one in offered if isinstance(one, Condition)]
    if conditions and len(_kinds(Either(tuple(offered)))) == 1:
        return _condition(session, conditions)
    return _or(
        [f"({phrase(session, one)})" if isinstance(one, All) else phrase(session, one) for one in offered]
    )


def _kinds(part: Filter) -> set[tuple[str, str]]:
    """Return what kinds of things the alternatives of a part are about; those of one kind are told together."""
    return {
        (type(one).__name__, one.field) if isinstance(one, Condition) else ("", write(one))
        for one in alternatives(part)
    }


def _or(words: Sequence[str]) -> str:
    words = list(dict.fromkeys(words))
    if len(words) < 2:
        return "".join(words)
    return _("%(several)s or %(last)s", several=", ".join(words[:-1]), last=words[-1])


def _condition(session: Session, found: Sequence[Condition]) -> str:
    """Return what conditions of one kind say, any of which may hold."""
    try:
        return str(_OF[type(found[0])](session, found))
    except StylesearchError:  # it names something unknown, and can be taken back all the same
        return _or([write(one) for one in found])


def _by_artist(_session: Session, found: Sequence[ByArtist]) -> str:
    qualifier = found[0].qualifier
    name = _or([one.name for one in found])
    if qualifier is None:
        return _("by %(name)s", name=name)
    if qualifier == OWN:
        return _("outright by %(name)s", name=name)
    return _(
        "credited as “%(credit)s”",
        credit=_or([str(QUALIFIERS[qualifier]) % {"name": one.name} for one in found]),
    )


def _qualified(_session: Session, found: Sequence[Qualified]) -> str:
    told = [str(QUALIFIERS[one.qualifier]) % {"name": _("somebody")} for one in found]
    return _("credited as “%(credit)s”", credit=_or(told))


def _licensed(session: Session, found: Sequence[Licensed]) -> str:
    return _("under %(name)s", name=_or([license_named(session, one.statement).label for one in found]))


def _reusable(_session: Session, found: Sequence[Reusable]) -> str:
    return _or([str(REUSE[one.kind]) for one in found])


def _from_collection(session: Session, found: Sequence[FromCollection]) -> str:
    return _(
        "from %(name)s",
        name=_or([find_collection(session, one.slug, current_access()).title for one in found]),
    )


def _made(_session: Session, found: Sequence[Made]) -> str:
    return _or([_years(one) for one in found])


def _years(one: Made) -> str:
    if one.start is None:
        return _("made in %(year)s or earlier", year=one.end)
    if one.end is None:
        return _("made in %(year)s or later", year=one.start)
    if one.start == one.end:
        return _("made in %(year)s", year=one.start)
    return _("made from %(start)s to %(end)s", start=one.start, end=one.end)


def _named(_session: Session, found: Sequence[Named]) -> str:
    name = _or([one.name for one in found])
    return {
        "period": _("of the period %(name)s", name=name),
        "medium": _("in %(name)s", name=name),
        "movement": _("of the movement %(name)s", name=name),
        "type": _("of the type %(name)s", name=name),
    }[found[0].kind]


def _keyworded(_session: Session, found: Sequence[Keyworded]) -> str:
    return _("about %(name)s", name=_or([one.word for one in found]))


def _says(_session: Session, found: Sequence[Says]) -> str:
    words = _or([f"“{one.words.strip(chr(34))}”" for one in found])
    code = found[0].language
    if code is None:
        return _("that say %(words)s", words=words)
    assert code in LANGUAGES
    return _("that say %(words)s in %(language)s", words=words, language=_LANGUAGES[code])


def _has_image(_session: Session, _found: Sequence[HasImage]) -> str:
    return _("with an image")


def _ingested(_session: Session, found: Sequence[Ingested]) -> str:
    return _or([_days(one) for one in found])


def _days(one: Ingested) -> str:
    if one.start is None:
        return _("taken in on %(day)s or earlier", day=one.end)
    if one.end is None:
        return _("taken in on %(day)s or later", day=one.start)
    if one.start == one.end:
        return _("taken in on %(day)s", day=one.start)
    return _("taken in from %(start)s to %(end)s", start=one.start, end=one.end)


def _on_map(_session: Session, _found: Sequence[OnMap]) -> str:
    return _("in a part of the style map")


_OF: dict[type[Condition], Callable[[Session, Any], str]] = {
    ByArtist: _by_artist,
    Qualified: _qualified,
    Licensed: _licensed,
    Reusable: _reusable,
    FromCollection: _from_collection,
    Made: _made,
    Named: _named,
    Keyworded: _keyworded,
    Says: _says,
    HasImage: _has_image,
    Ingested: _ingested,
    OnMap: _on_map,
}
