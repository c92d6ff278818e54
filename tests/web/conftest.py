"""The portal on the small drawn archive, and what a browser would do with it."""

import io
import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from html import unescape
from pathlib import Path
from types import SimpleNamespace

import pytest
from flask import Flask
from flask.testing import FlaskClient
from PIL import Image
from pydantic import SecretStr
from sqlalchemy import func, select
from werkzeug.test import TestResponse

from stylesearch.accounts import sessions
from stylesearch.accounts.roles import Role
from stylesearch.accounts.users import add_user
from stylesearch.catalog.database import open_database
from stylesearch.catalog.people import User
from stylesearch.catalog.works import Image as ImageRow
from stylesearch.catalog.works import Work
from stylesearch.settings import Settings
from tests.plugins.catalogues import UNLIMITED
from web.app import create_app
from web.services import services


@pytest.fixture(scope="session")
def archive(
    servers, databases_of_run, archive_template: tuple[str, Path], drawn_folder: Path
) -> Iterator[SimpleNamespace]:
    """The small drawn archive, one for all of these tests: they read it, or change it back."""
    template, home = archive_template
    url = servers.url_of(databases_of_run(template))
    settings = Settings(
        home=home, database_url=SecretStr(url), redis_url=SecretStr(servers.redis_url), **UNLIMITED
    )
    database = open_database(settings)
    yield SimpleNamespace(settings=settings, database=database, folder=drawn_folder)
    database.close()


@pytest.fixture
def app(archive) -> Flask:
    return create_app(archive.settings)


@pytest.fixture
def sign_in() -> Callable[[FlaskClient, str], FlaskClient]:
    """Sign a client in as somebody of a role, made where there is none, and return it. ``visitor`` is nobody."""

    def enter(client: FlaskClient, role: str) -> FlaskClient:
        if role == "visitor":
            return client
        database = services(client.application).database
        email = f"{role}@example.org"
        with database.session() as session:
            user = session.scalar(select(User).where(User.email == email))
            if user is None:
                user = add_user(session, email=email, name=role.capitalize(), role=Role(role))
            _, token = sessions.begin(session, user, agent="Test")
        client.set_cookie("stylesearch_login", token)
        return client

    return enter


@pytest.fixture
def as_role(app: Flask, sign_in) -> Callable[[str], FlaskClient]:
    """Make a client of the portal that is signed in as somebody of a role."""
    return lambda role: sign_in(app.test_client(), role)


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
    """Looks into the archive's database, changes it, and changes it back after the test."""

    def __init__(self, archive) -> None:
        self.archive = archive
        self._before: dict[int, dict[str, object]] = {}

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
            work = session.get_one(Work, work_id)
            before = self._before.setdefault(work_id, {})
            for name, value in values.items():
                before.setdefault(name, getattr(work, name))
                setattr(work, name, value)

    def withdraw(self, work_id: int) -> None:
        self.change(work_id, withdrawn_at=datetime.now(UTC))

    def restore(self) -> None:
        for work_id, values in list(self._before.items()):
            self.change(work_id, **values)


@pytest.fixture
def catalogue(archive) -> Iterator[Catalogue]:
    catalogue = Catalogue(archive)
    yield catalogue
    catalogue.restore()
