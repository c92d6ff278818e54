"""What the views work with: made once for an app, shared by its threads."""

from __future__ import annotations

from dataclasses import dataclass

from flask import Flask, current_app, g

from stylesearch.attribution.report import ReportMaker
from stylesearch.catalog.audit import last_changes
from stylesearch.catalog.database import Database, open_database
from stylesearch.images.store import ImageStore, open_store
from stylesearch.images.tiles import TileCache
from stylesearch.ingest.doorbell import Doorbell
from stylesearch.search.service import StyleSearch
from stylesearch.settings import Settings
from web.counting import FacetMemory
from web.examples import Examples
from web.fetching import PictureFetcher
from web.identity import current_access
from web.rates import Rates

EXTENSION = "stylesearch"


@dataclass(frozen=True, slots=True)
class Services:
    """The parts of the library behind the portal."""

    settings: Settings
    database: Database
    store: ImageStore
    everybodys_search: StyleSearch
    examples: Examples
    reports: ReportMaker
    doorbell: Doorbell
    rates: Rates
    fetcher: PictureFetcher
    tiles: TileCache
    facets: FacetMemory

    @property
    def style_search(self) -> StyleSearch:
        """Answers searches on behalf of who asks."""
        return self.everybodys_search.seen_by(current_access())


def attach_services(app: Flask, settings: Settings) -> None:
    """Open the database and the store for an app.

    Raises
    ------
    ServiceError
        If one of them cannot be opened.
    """
    database = open_database(settings)
    store = open_store(settings)
    style_search = StyleSearch(database, settings)
    app.extensions[EXTENSION] = Services(
        settings=settings,
        database=database,
        store=store,
        everybodys_search=style_search,
        examples=Examples(style_search, store),
        reports=ReportMaker(style_search, store),
        doorbell=Doorbell(settings),
        rates=Rates(settings),
        fetcher=PictureFetcher(settings),
        tiles=TileCache(settings.home / "zoom", most_bytes=settings.zoom_cache_bytes),
        facets=FacetMemory(changes=lambda: _last_changes(database)),
    )


def _last_changes(database: Database) -> str:
    """Return what tells whether anything was hidden or shown since; asked once a request."""
    if "last_changes" not in g:
        with database.session() as session:
            g.last_changes = last_changes(session)
    return str(g.last_changes)


def services(app: Flask | None = None) -> Services:
    """Return the services of an app, by default of the one that answers this request."""
    found: Services = (app or current_app).extensions[EXTENSION]
    return found
