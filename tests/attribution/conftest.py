from pathlib import Path

import pytest
from sqlalchemy import text

from stylesearch.attribution.report import ReportMaker
from stylesearch.images.store import open_store
from stylesearch.search.service import StyleSearch


@pytest.fixture
def maker(archive) -> ReportMaker:
    return ReportMaker(StyleSearch(archive.database, archive.settings), open_store(archive.settings))


@pytest.fixture
def drawing(drawn_folder: Path) -> Path:
    return sorted(drawn_folder.rglob("*.svg"))[7]


@pytest.fixture
def execute(archive):
    """Run a statement in the archive."""

    def execute(statement: str, **values: object) -> None:
        with archive.database.session() as session:
            session.execute(text(statement), values)

    return execute
