"""How quick is the portal with many visitors at once, beside the same questions in bare SQL? And what if its servers go away?

    python benchmarks/portal.py [--works 100000] [--clients 32] [--seconds 60]

The archive is made up, in a database of its own that goes with the run: artists with 50 works each, with licences, years and
media. The portal runs as it is run: 'stylesearch serve', in a process of its own. Every client asks for the results of one
question after the other: a work as the example, and one of some filters. Then as many connections ask the database the same,
in a statement written by hand, which gives ids and nothing else. Then where the time goes is looked at, with one client. At
last, under the same load, Redis is stopped for a while and PostgreSQL is restarted, and the style map of all works is drawn.

The table and the plot are written to benchmarks/results/portal.
"""

import argparse
import http.client
import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any
from urllib.parse import quote

import numpy as np
import psycopg
from record import RESULTS, plain_figure, table, write
from report_speed import fill
from sqlalchemy import text
from stopwatches import Clocks

from stylesearch.catalog import encoders
from stylesearch.catalog.database import Database, open_database
from stylesearch.local import services
from stylesearch.local.layout import Layout
from stylesearch.search import stylemap
from stylesearch.settings import Settings

NAME = "portal"
WORKS, CLIENTS, SECONDS = 100_000, 32, 60
WORKS_EACH = 50
SHOWN = 24
PROFILED = 60
STOPPED_SECONDS = 10.0
OUTAGE_SECONDS = 45.0
RESULT = re.compile(rb'id="result-\d+"')

# As it is written in an address, and as a condition on work.
FILTERS: dict[str, str] = {
    "": "true",
    "reuse:open": "work.image_license_id IN (SELECT id FROM license WHERE reuse = 'open')",
    "year:1880..1900": "work.years && int8range(1880, 1900, '[]')",
    "medium:ink": "lower(work.medium) = 'ink'",
    "medium:ink OR medium:oil": "lower(work.medium) IN ('ink', 'oil')",
    "reuse:open year:1900..": (
        "work.image_license_id IN (SELECT id FROM license WHERE reuse = 'open') AND work.years && int8range(1900, NULL)"
    ),
    '-artist:"Artist 1"': ("NOT EXISTS (SELECT FROM work_artist WHERE work_id = work.id AND artist_id = 1)"),
}
FURNISH = """
    UPDATE work SET
        medium = (ARRAY['ink', 'oil', 'etching', 'watercolour', 'woodcut', 'gouache', 'chalk', 'photograph'])[1 + id % 8],
        year_from = 1500 + (id * 7919) % 500, year_to = 1500 + (id * 7919) % 500, date_text = 'about then',
        image_license_id = (SELECT id FROM license ORDER BY id OFFSET (work.id % 5) LIMIT 1),
        keywords = ARRAY['made up', 'subject ' || id % 100]
"""
NEAREST = """
    SELECT image.work_id FROM {part} AS mine
    JOIN image ON image.id = mine.image_id JOIN work ON work.id = image.work_id
    WHERE work.withdrawn_at IS NULL AND image.id <> %(work)s AND {condition}
    ORDER BY mine.vector::halfvec({dim}) <=> (SELECT vector FROM {part} WHERE image_id = %(work)s)::halfvec({dim})
    LIMIT {shown}
"""


@dataclass
class Answers:
    """What clients were answered: when each question began and ended, in seconds, and how it ended."""

    began: list[float] = field(default_factory=list)
    ended: list[float] = field(default_factory=list)
    outcome: list[str] = field(default_factory=list)

    def add(self, began: float, outcome: str) -> None:
        self.began.append(began)
        self.ended.append(time.perf_counter())
        self.outcome.append(outcome)

    def figures(self) -> dict[str, Any]:
        took = np.array(self.ended) - np.array(self.began)
        good = np.array([outcome == "200" for outcome in self.outcome])
        span = max(self.ended) - min(self.began)
        low, high = np.percentile(took[good], [50, 95]) if good.any() else (float("nan"), float("nan"))
        return {
            "requests": len(took),
            "errors": int((~good).sum()),
            "outcomes": dict(Counter(self.outcome)),
            "rate": float(good.sum() / span),
            "p50_ms": float(low * 1000),
            "p95_ms": float(high * 1000),
        }


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--works", type=int, default=WORKS)
    parser.add_argument("--clients", type=int, default=CLIENTS)
    parser.add_argument("--seconds", type=float, default=SECONDS)
    parser.add_argument("--out", type=Path, default=RESULTS / NAME)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="stylesearch-portal-") as folder:
        Path(folder).chmod(0o711)
        home = Path(folder) / "servers"
        endpoints = services.ensure(home)
        settings = Settings(
            home=Path(folder) / "home", database_url=endpoints.database_url, redis_url=endpoints.redis_url
        )
        try:
            measure(options, settings, home)
        finally:
            services.stop(home)


def measure(options: argparse.Namespace, settings: Settings, servers: Path) -> None:
    database = open_database(settings)
    works = furnish(database, settings, options.works)
    with serving(settings) as port:
        one = asking(port, works)
        load(one, clients=2, seconds=3)
        portal = load(one, clients=options.clients, seconds=options.seconds)
        bare = load(statement(database, works), clients=options.clients, seconds=options.seconds / 2)
        parts = profile(settings, works)
        outage, marks = outages(asking(port, works), servers, clients=options.clients)
    report(options, portal, bare, parts, outage, marks, drawing(settings))


def furnish(database: Database, settings: Settings, works: int) -> int:
    """Fill the catalogue; return how many works there are."""
    artists = max(3, works // WORKS_EACH)
    fill(database, settings, artists, WORKS_EACH)
    with database.session() as session:
        session.execute(text(FURNISH))
    with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql("VACUUM FULL ANALYZE work")
    return artists * WORKS_EACH


@contextmanager
def serving(settings: Settings) -> Iterator[int]:
    """Run the portal as it is run; yield its port."""
    assert settings.database_url is not None
    assert settings.redis_url is not None
    given = {
        "STYLESEARCH_HOME": str(settings.home),
        "STYLESEARCH_DATABASE_URL": settings.database_url.get_secret_value(),
        "STYLESEARCH_REDIS_URL": settings.redis_url.get_secret_value(),
        "STYLESEARCH_LOG_LEVEL": "error",
        "STYLESEARCH_RATE_SEARCH": "1000000/minute",  # counted as usual; but all clients are one visitor
    }
    command = [sys.executable, "-m", "stylesearch", "serve", "--port", "0"]
    with subprocess.Popen(command, env={**os.environ, **given}, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        found = (re.search(r"http://[\d.]+:(\d+)", line) for line in server.stdout)
        yield next(int(one[1]) for one in found if one)
        server.terminate()


Ask = Callable[[np.random.Generator], str]


def asking(port: int, works: int) -> Callable[[], Ask]:
    """Return what makes a client of the portal: it asks one question at a time, on one connection."""

    def client() -> Ask:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)

        def ask(dice: np.random.Generator) -> str:
            line = list(FILTERS)[dice.integers(len(FILTERS))]
            address = f"/search?work={dice.integers(1, works + 1)}" + (f"&q={quote(line)}" if line else "")
            try:
                connection.request("GET", address)
                answer = connection.getresponse()
                page = answer.read()
            except (OSError, http.client.HTTPException) as error:
                connection.close()
                return type(error).__name__
            if answer.status == 200 and len(RESULT.findall(page)) != SHOWN:
                return "too few"
            return str(answer.status)

        return ask

    return client


def statement(database: Database, works: int) -> Callable[[], Ask]:
    """Return what makes a client of the database: the same questions, in statements written by hand."""
    with database.session() as session:
        encoder = encoders.active(session, "lite")
    url = database.url.set(drivername="postgresql").render_as_string(hide_password=False)

    def client() -> Ask:
        connection = psycopg.connect(url, autocommit=True)
        connection.execute("SET hnsw.iterative_scan = relaxed_order")
        connection.execute("SET hnsw.ef_search = 200")

        def ask(dice: np.random.Generator) -> str:
            condition = list(FILTERS.values())[dice.integers(len(FILTERS))]
            query = NEAREST.format(part=encoder.partition, dim=encoder.dim, condition=condition, shown=SHOWN)
            rows = connection.execute(query, {"work": int(dice.integers(1, works + 1))}).fetchall()
            return "200" if len(rows) == SHOWN else "too few"

        return ask

    return client


def load(client: Callable[[], Ask], *, clients: int, seconds: float) -> Answers:
    """Have clients ask side by side for a while, each with a dice of its own."""
    answers, guard = Answers(), threading.Lock()
    until = time.perf_counter() + seconds

    def run(number: int) -> None:
        ask, dice = client(), np.random.default_rng(number)
        while time.perf_counter() < until:
            began = time.perf_counter()
            outcome = ask(dice)
            with guard:
                answers.add(began, outcome)
            if outcome not in ("200", "too few"):
                time.sleep(0.2)  # as a person would, who sees an error

    threads = [threading.Thread(target=run, args=(number,)) for number in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return answers


def profile(settings: Settings, works: int) -> dict[str, float]:
    """Return milliseconds a request by what they go to, with one client and nobody else."""
    import stylesearch.search.engine
    import stylesearch.search.service
    import web.portal
    from web.app import create_app

    clocks = Clocks(time.perf_counter)
    places = [
        (web.portal, "_ranked", "ranking"),
        (stylesearch.search.engine, "facets", "counting what filters leave"),
        (stylesearch.search.service, "cards_of_images", "titles, artists and rights"),
        (web.portal, "filter_panel", "the filter panel"),
        (web.portal, "tray", "the examples"),
        (web.portal, "render_template", "writing the page"),
    ]
    client, dice = create_app(settings).test_client(), np.random.default_rng(0)
    questions = [
        {"work": str(dice.integers(1, works + 1)), "q": list(FILTERS)[number % len(FILTERS)]}
        for number in range(PROFILED)
    ]
    for question in questions[:5]:
        client.get("/search", query_string=question)
    with clocks.on(places):
        began = time.perf_counter()
        for question in questions:
            assert client.get("/search", query_string=question).status_code == 200
        whole = time.perf_counter() - began
    parts = {name: seconds * 1000 / PROFILED for name, seconds in clocks.seconds.items()}
    return {**parts, "all else": whole * 1000 / PROFILED - sum(parts.values())}


def outages(client: Callable[[], Ask], servers: Path, *, clients: int) -> tuple[Answers, dict[str, float]]:
    """Stop Redis for a while and then restart PostgreSQL, under load; return what was answered, and when what was done."""
    state = Layout(servers).read_state()
    marks: dict[str, float] = {}
    found: list[Answers] = []
    loading = threading.Thread(
        target=lambda: found.append(load(client, clients=clients, seconds=OUTAGE_SECONDS))
    )
    loading.start()
    time.sleep(5)
    marks["Redis stopped"] = time.perf_counter()
    os.kill(state["valkey_pid"], signal.SIGSTOP)
    time.sleep(STOPPED_SECONDS)
    os.kill(state["valkey_pid"], signal.SIGCONT)
    marks["Redis goes on"] = time.perf_counter()
    time.sleep(5)
    marks["PostgreSQL restarted"] = time.perf_counter()
    os.kill(state["postgres_pid"], signal.SIGINT)  # it ends its connections, and is started again
    loading.join()
    return found[0], marks


def drawing(settings: Settings) -> float:
    """Return how many seconds the style map of all works takes."""
    database = open_database(settings)
    with database.session() as session:
        encoder = encoders.active(session, "lite")
    began = time.perf_counter()
    stylemap.build(database, encoder)
    return time.perf_counter() - began


def recovery(outage: Answers, marks: dict[str, float]) -> dict[str, Any]:
    """Return how many questions were answered how in each part of the outage, and how long there was any error."""
    times = [*marks.items(), ("", float("inf"))]
    parts: dict[str, Any] = {}
    for (name, start), (_, end) in pairwise(times):
        # By when it ended: what waits for an answer when a server goes is its outage's, and not that of the time before.
        inside = [
            (ended, outcome)
            for ended, outcome in zip(outage.ended, outage.outcome, strict=True)
            if start <= ended < end
        ]
        wrong = [ended for ended, outcome in inside if outcome != "200"]
        parts[name] = {
            "requests": len(inside),
            "outcomes": dict(Counter(outcome for _, outcome in inside)),
            "seconds": max(wrong) - start if wrong else 0.0,
        }
    return parts


def report(
    options: argparse.Namespace,
    portal: Answers,
    bare: Answers,
    parts: dict[str, float],
    outage: Answers,
    marks: dict[str, float],
    map_seconds: float,
) -> None:
    ours, theirs, recovered = portal.figures(), bare.figures(), recovery(outage, marks)
    rows = [
        (name, f"{one['requests']:,}", f"{one['errors']:,}", f"{one['rate']:.1f}", f"{one['p50_ms']:.0f}", f"{one['p95_ms']:.0f}")
        for name, one in (("portal, whole page", ours), ("bare SQL, ids only", theirs))
    ]  # fmt: skip
    began = min(outage.began)
    figure, axes = plain_figure(7.0, 3.0)
    edges = np.arange(0, OUTAGE_SECONDS + 2)
    good = [
        end - began for end, outcome in zip(outage.ended, outage.outcome, strict=True) if outcome == "200"
    ]
    wrong = [
        end - began for end, outcome in zip(outage.ended, outage.outcome, strict=True) if outcome != "200"
    ]
    axes.stairs(np.histogram(good, edges)[0], edges, color="#0072B2", label="answered", fill=True, alpha=0.8)
    axes.stairs(np.histogram(wrong, edges)[0], edges, color="#D55E00", label="briefly unavailable", fill=True)
    for name, moment in marks.items():
        axes.axvline(moment - began, color="#555555", linewidth=0.8)
        axes.text(moment - began, axes.get_ylim()[1], f" {name}", fontsize=7, va="top", rotation=90)
    axes.set_xlabel("seconds")
    axes.set_ylabel("requests a second")
    axes.legend(frameon=False)
    write(
        options.out,
        "The portal under load",
        [
            (
                f"{options.works:,} works; {options.clients} clients for {options.seconds:g} s, each asking for one results page"
                " after the other, by example and with filters. Milliseconds. The clients run on the same machine."
            ),
            table(("", "requests", "errors", "a second", "p50", "p95"), rows),
            f"The 95th percentile is {ours['p95_ms'] / ours['p50_ms']:.1f} times the median. Where the time of a page goes, one client:",
            table(("", "ms"), [(name, f"{ms:.1f}") for name, ms in sorted(parts.items(), key=lambda one: -one[1])]),
            "Under the same load, Redis was stopped for a while, and PostgreSQL restarted:",
            table(
                ("", "requests", "not answered", "for seconds"),
                [
                    (name, f"{one['requests']:,}", f"{one['requests'] - one['outcomes'].get('200', 0):,}", f"{one['seconds']:.1f}")
                    for name, one in recovered.items()
                ],
            ),
            f"The style map of all works was drawn in {map_seconds:.0f} seconds.",
        ],
        {"map_seconds": map_seconds, "works": options.works, "clients": options.clients, "portal": ours, "bare": theirs, "parts_ms": parts, "outage": recovered},
        {"outage": figure},
        limit=None if options.works >= WORKS and options.seconds >= SECONDS else options.works,
        limited="works",
    )  # fmt: skip


if __name__ == "__main__":
    main()
