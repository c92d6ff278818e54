"""What templates ask for beside their values: addresses of pages, and names as they stand in a sentence."""

from __future__ import annotations

from collections.abc import Callable

from flask import Flask, url_for

from stylesearch.search.conditions import Keyworded, condition
from stylesearch.search.examples import WorkExample
from stylesearch.search.facets import Choice
from stylesearch.search.filters import Filter, every
from web.filter_panel import option_label
from web.language import language
from web.phrases import sentence
from web.query_string import SearchAddress, written
from web.services import services
from web.told import check_words, credit, rights_label
from web.tray import Shown

QUOTES = {"de": ("„", "“")}


def register(app: Flask) -> None:
    """Let an app's templates ask."""
    app.jinja_env.globals.update(
        artist_page=lambda artist_id: lambda page: url_for("artists.shown", artist_id=artist_id, page=page),
        artists_page=lambda typed: lambda page: url_for("artists.listed", q=typed or None, page=page),
        collection_page=lambda slug: lambda page: url_for("collections.shown", slug=slug, page=page),
        page_url=page_url,
        keyword_url=lambda word: SearchAddress(where=Keyworded(word)).url,
        facet_url=lambda address, name, value: (
            address.filtered(every(address.where, condition(name, value))).url
        ),
        facet_label=facet_label,
        filter_words=filter_words,
        no_address=SearchAddress(),
        quoted=quoted,
        subject_of=subject_of,
        work_example=lambda work_id, against=False: WorkExample(work_id, against=against),
        check_words=check_words,
        credit=credit,
        rights_label=rights_label,
    )


def page_url(address: SearchAddress) -> Callable[[int], str]:
    """Return the function that gives the address of a page of a list."""
    return lambda page: address.at_page(page).url


def facet_label(name: str, choice: Choice) -> str:
    """Return a value of a filter as it is shown."""
    return option_label(name, choice.value, choice.label)


def filter_words(where: Filter) -> str:
    """Return what a filter says."""
    with services().database.session() as session:
        return sentence(session, where)


def quoted(shown: Shown) -> str:
    """Return what an example is called as it stands in a sentence: titles in quotation marks."""
    if not shown.link or shown.picture is None:
        return shown.name
    opening, closing = QUOTES.get(language(), ("“", "”"))
    return f"{opening}{shown.name}{closing}"


def subject_of(address: SearchAddress) -> str:
    """Return the example that results are compared with, as an address carries it; empty where there is none."""
    pictures = [one for one in address.wanted if one.kind in ("file", "work", "image")]
    return written(pictures[0]) if pictures else ""
