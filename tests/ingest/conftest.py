import hashlib
import json
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import text

from stylesearch.catalog.collections import ensure_collection
from stylesearch.catalog.database import Database
from stylesearch.catalog.encoders import EncoderIdentity, register
from stylesearch.catalog.records import ImageFacts, NewWork, WorkRecord, source_digest
from stylesearch.catalog.runs import IngestRun
from stylesearch.catalog.writers import write_works
from stylesearch.encoders.protocol import EncoderSpec
from stylesearch.errors import ImageError
from stylesearch.images.store import ImageStore, open_store
from stylesearch.ingest import ledger, preparing
from stylesearch.ingest.counts import Counts, counts
from stylesearch.ingest.discovery import Discovery
from stylesearch.ingest.driving import drive
from stylesearch.ingest.ledger import Claimed, Prepared
from stylesearch.ingest.pipeline import Pipeline
from stylesearch.ingest.run import Into, discover, open_run
from stylesearch.ingest.sources.protocol import Found, Page
from stylesearch.ingest.sources.registry import build_source
from stylesearch.settings import Settings


def digest(content: str) -> bytes:
    return hashlib.sha256(content.encode()).digest()


def found(
    name: str,
    content: str | None = None,
    *,
    error: str | None = None,
    version: str | None = None,
    unread: bool = False,
    **metadata: object,
) -> Found:
    """A file of a source whose bytes are ``content``, by default its own; ``unread`` if discovery does not know them."""
    return Found(
        name,
        f"file:///{name}",
        None if error or unread else digest(content or name),
        WorkRecord(**metadata),
        version,
        ImageError("It is broken.", code=error) if error else None,
    )


@dataclass
class Books:
    """A ledger with one collection, and what a source and workers do to it, without any picture."""

    database: Database
    run: IngestRun
    encoder: object
    claimed: dict[str, Claimed] = field(default_factory=dict)

    def new_run(self, uri: str = "file:///next") -> "Books":
        with self.database.session() as session:
            run = IngestRun(
                collection_id=self.run.collection_id, encoder_id=self.run.encoder_id, source_uri=uri
            )
            session.add(run)
        return Books(self.database, run, self.encoder)

    def discover(self, *items: Found, complete: bool = True) -> None:
        with self.database.session() as session:
            Discovery(self.run).enter(session, Page(items, None))
            if complete:
                session.get_one(IngestRun, self.run.id).state = "running"

    def claim(
        self, *, stage: ledger.Stage = ledger.FETCH, limit: int = 100, lease: int = 60, attempts: int = 3
    ) -> list[str]:
        with self.database.session() as session:
            items = ledger.claim(
                session, self.run.id, stage, limit=limit, lease_seconds=lease, max_attempts=attempts
            )
        self.claimed |= {item.source_id: item for item in items}
        return [item.source_id for item in items]

    def prepare(self, *names: str) -> set[int]:
        """Hand claimed items over to the second stage."""
        items = [self.claimed[name] for name in names]
        with self.database.session() as session:
            return ledger.hand_over(
                session,
                [
                    Prepared(item.id, item.sha256 or digest(item.source_id), {}, f"key-{item.source_id}", 7)
                    for item in items
                ],
            )

    def defer(self, name: str, seconds: float = 0.0) -> None:
        with self.database.session() as session:
            ledger.defer(session, {self.claimed[name].id: seconds})

    def write(self, *names: str) -> None:
        """Write claimed items as works, and settle them."""
        items = [self.claimed[name] for name in names]
        with self.database.session() as session:
            works = [
                NewWork(
                    item.source_id,
                    source_digest(self._sha256(item.id), item.record),
                    item.record,
                    ImageFacts(self._sha256(item.id), 1, 10, 10, "image/png", "k"),
                    [1.0, 0.0, 0.0],
                    item.version,
                )
                for item in items
            ]
            images = write_works(
                session, collection_id=self.run.collection_id, encoder=self.encoder, works=works
            )
            ledger.settle(
                session,
                ingested={item.id: images[item.source_id] for item in items if item.source_id in images},
                duplicates=[item.id for item in items if item.source_id not in images],
            )

    def fail(self, name: str, code: str = "image_truncated") -> None:
        with self.database.session() as session:
            ledger.settle(
                session,
                ingested={},
                failures={self.claimed[name].id: ImageError("It is cut off.", code=code)},
            )

    def finish(self) -> bool:
        with self.database.session() as session:
            return ledger.finish(session, self.run.id)

    def retry(self) -> int:
        with self.database.session() as session:
            return ledger.retry(session, self.run.id)

    def counts(self) -> Counts:
        with self.database.session() as session:
            return counts(session, self.run.id)

    def execute(self, statement: str, **values: object) -> None:
        with self.database.session() as session:
            session.execute(text(statement), values)

    def rows(self, statement: str, **values: object) -> list[tuple]:
        with self.database.session() as session:
            return [tuple(row) for row in session.execute(text(statement), {"run": self.run.id, **values})]

    def states(self) -> dict[str, str]:
        rows = self.rows(
            "SELECT source_id, coalesce(error_code, state) FROM ingest_item WHERE run_id = :run ORDER BY id"
        )
        return dict(rows)

    def _sha256(self, item_id: int) -> bytes:
        ((value,),) = self.rows("SELECT sha256 FROM ingest_item WHERE id = :id", id=item_id)
        return bytes(value)


@pytest.fixture
def books(database: Database) -> Books:
    with database.session() as session:
        collection = ensure_collection(session, "toys")
        encoder = register(session, EncoderIdentity("toy", "d", 3, "w", "p", "CC0-1.0"))
        run = IngestRun(collection_id=collection.id, encoder_id=encoder.id, source_uri="file:///first")
        session.add(run)
    return Books(database, run, encoder)


@pytest.fixture
def make_found() -> Callable[..., Found]:
    return found


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    folder = tmp_path / "pictures"
    folder.mkdir()
    return folder


Does = Callable[[BaseHTTPRequestHandler], None]


@dataclass
class Site:
    """A server on the loopback address; ``pages`` says what each path does."""

    url: str
    pages: dict[str, Does] = field(default_factory=dict)
    asked: Counter = field(default_factory=Counter)
    headers: list[dict[str, str]] = field(default_factory=list)
    stopping: threading.Event = field(default_factory=threading.Event)

    def serve(self, path: str, body: bytes = b"", *, status: int = 200, **headers: str) -> str:
        """Have a path answer with a body; return its address."""

        def page(handler: BaseHTTPRequestHandler) -> None:
            answer(handler, body, status=status, **headers)

        self.pages[path] = page
        return self.url + path


def answer(handler: BaseHTTPRequestHandler, body: bytes = b"", *, status: int = 200, **headers: str) -> None:
    handler.send_response(status)
    for name, value in {"Content-Length": str(len(body)), **headers}.items():
        handler.send_header(name.replace("_", "-"), value)
    handler.end_headers()
    handler.wfile.write(body)


@pytest.fixture
def site() -> Iterator[Site]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            site.asked[self.path] += 1
            site.headers.append({name.lower(): value for name, value in self.headers.items()})
            page = site.pages.get(self.path.partition("?")[0])
            try:
                if page is None:
                    answer(self, b"nothing here", status=404)
                else:
                    page(self)
            except OSError:  # the client has had enough
                self.close_connection = True

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    site = Site(f"http://127.0.0.1:{server.server_address[1]}")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield site
    site.stopping.set()
    server.shutdown()
    thread.join()
    server.server_close()


class CountingEncoder:
    """Describes a picture by its mean colour, and counts."""

    spec = EncoderSpec("toy", 4, "w", "mean-1", "CC0-1.0")

    def __init__(self, input_size: int = 8) -> None:
        self.input_size = input_size
        self.described = 0

    def encode(self, images):
        self.described += len(images)
        means = np.stack([np.append(image.mean(axis=(0, 1)), 1.0) for image in images])
        return (means / np.linalg.norm(means, axis=1, keepdims=True)).astype(np.float32)


@pytest.fixture
def one_pixel_encoder() -> CountingEncoder:
    return CountingEncoder(input_size=1)


@dataclass
class Catalogue:
    """Takes sources in as the commands do, but in this process."""

    database: Database
    settings: Settings
    encoder: CountingEncoder = field(default_factory=CountingEncoder)

    def take(self, kind: str, **options: object) -> Counts:
        source = build_source(kind, json.loads(json.dumps(options)), self.settings)
        with self.database.session() as session:
            run, _ = open_run(session, source, Into("archive"), spec=self.encoder.spec)
        discover(self.database, run.id, source, on_progress=lambda done, total: None)
        pipeline = Pipeline(self.database, open_store(self.settings), self.encoder, self.settings)
        try:
            return drive(pipeline, run.id, on_progress=lambda counts: None)
        finally:
            pipeline.close()

    def rows(self, statement: str) -> list[tuple]:
        with self.database.session() as session:
            return [tuple(row) for row in session.execute(text(statement))]

    def states(self) -> dict[str, str]:
        """What became of the newest run's items: a state, or the code of an error."""
        newest = "run_id = (SELECT max(id) FROM ingest_run)"
        return dict(
            self.rows(f"SELECT source_id, coalesce(error_code, state) FROM ingest_item WHERE {newest}")
        )


@pytest.fixture
def catalogue(database: Database, settings: Settings) -> Catalogue:
    quick = {"fetch_private": "127.0.0.1", "fetch_tries": 1, "ingest_batch_size": 4}
    return Catalogue(database, settings.model_copy(update=quick))


WRITTEN = (
    "work",
    "image",
    "descriptor",
    "artist",
    "artist_alias",
    "work_artist",
    "license",
    "near_duplicate",
)


class Spent:
    """What ingestion costs: files decoded, files stored and spooled, and rows written, each counted where it happens."""

    def __init__(self, database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
        self.calls: Counter = Counter()
        self._database = database
        self._guard = threading.Lock()
        for owner, name in (
            (preparing, "decode_for"),
            (preparing, "weigh"),
            (ImageStore, "put_original"),
            (ImageStore, "put_thumbnail"),
            (ImageStore, "put_spooled"),
        ):
            self._count(owner, name, monkeypatch)
        with database.session() as session:
            session.execute(text("CREATE TABLE written (what text)"))
            session.execute(
                text(
                    "CREATE FUNCTION note_written() RETURNS trigger LANGUAGE plpgsql AS"
                    " $$ BEGIN INSERT INTO written VALUES (TG_ARGV[0]); RETURN NULL; END $$"
                )
            )
            for table in WRITTEN:
                session.execute(
                    text(
                        f"CREATE TRIGGER note_written AFTER INSERT OR UPDATE OR DELETE ON {table}"
                        f" FOR EACH ROW EXECUTE FUNCTION note_written('{table}')"
                    )
                )

    def _count(self, owner: object, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
        does = getattr(owner, name)

        def counted(*arguments: object, **more: object) -> object:
            with self._guard:
                self.calls[name] += 1
            return does(*arguments, **more)

        monkeypatch.setattr(owner, name, counted)

    def since(self) -> dict[str, int]:
        """What was spent since it was last asked; what was not is left out."""
        with self._database.session() as session:
            rows = session.execute(
                text(
                    "WITH gone AS (DELETE FROM written RETURNING what) SELECT what, count(*) FROM gone GROUP BY 1"
                )
            )
            spent = {**self.calls, **{row.what: row.count for row in rows}}
        self.calls.clear()
        return spent


@pytest.fixture
def spent(database: Database, monkeypatch: pytest.MonkeyPatch) -> Spent:
    """Counts what ingestion costs from here on."""
    return Spent(database, monkeypatch)
