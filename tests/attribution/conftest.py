import importlib.util
import sys
from pathlib import Path

import pytest
from sqlalchemy import text

from stylesearch.attribution.report import ReportMaker
from stylesearch.images.store import open_store
from stylesearch.search.service import StyleSearch

# What several tests of this folder make their galleries and images with; pytest imports each file by itself.
for _name in ("planted", "signed_images"):
    _spec = importlib.util.spec_from_file_location(_name, Path(__file__).with_name(f"{_name}.py"))
    sys.modules[_name] = importlib.util.module_from_spec(_spec)
    _spec.loader.exec_module(sys.modules[_name])


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
