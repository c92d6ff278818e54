"""The portal on the small drawn archive, and what a browser would do with it."""

import io
import re
from collections.abc import Callable
from html import unescape
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from PIL import Image
from sqlalchemy import func, select, update
from werkzeug.test import TestResponse

from stylesearch.catalog.works import Image as ImageRow
from stylesearch.catalog.works import Work
from web.app import create_app


@pytest.fixture
def app(archive) -> Flask:
    return create_app(archive.settings)


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()


def png(colour: tuple[int, int, int] = (200, 60, 30), size: tuple[int, int] = (90, 60)) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", size, colour).save(file, "PNG")
    return file.getvalue()


@pytest.fixture
def picture() -> Callable[..., bytes]:
    """Make a PNG file that is in no archive."""
    return png


@pytest.fixture
def token() -> Callable[[FlaskClient, str], str]:
    """Read the form token from a page, as a browser does."""

    def read(client: FlaskClient, page: str = "/") -> str:
        found = re.search(r'name="csrf_token" value="([^"]+)"', client.get(page).text)
        assert found
        return unescape(found[1])

    return read


@pytest.fixture
def upload(client: FlaskClient, token) -> Callable[..., TestResponse]:
    """Send the upload form."""

    def send(data: bytes, name: str = "picture.png", **headers: str) -> TestResponse:
        form = {"csrf_token": token(client), "image": (io.BytesIO(data), name)}
        return client.post("/search", data=form, headers=headers)

    return send


@pytest.fixture
def query_url(upload, picture) -> str:
    """The address of the results of an uploaded image."""
    return upload(picture()).headers["Location"]


class Catalogue:
    """Looks into the archive's database and changes it."""

    def __init__(self, archive) -> None:
        self.archive = archive

    def first_work(self) -> int:
        with self.archive.database.session() as session:
            found = session.scalar(select(func.min(Work.id)))
        assert found is not None
        return found

    def digest(self, work_id: int) -> str:
        with self.archive.database.session() as session:
            found = session.scalar(select(ImageRow.sha256).where(ImageRow.work_id == work_id))
        assert found is not None
        return found.hex()

    def original(self, work_id: int) -> bytes:
        with self.archive.database.session() as session:
            path = session.scalar(select(Work.source_id).where(Work.id == work_id))
        assert path is not None
        return Path(self.archive.folder, path).read_bytes()

    def change(self, work_id: int, **values: object) -> None:
        with self.archive.database.session() as session:
            session.execute(update(Work).where(Work.id == work_id).values(**values))

    def withdraw(self, work_id: int) -> None:
        self.change(work_id, withdrawn_at=func.now())


@pytest.fixture
def catalogue(archive) -> Catalogue:
    return Catalogue(archive)
