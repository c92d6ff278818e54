"""A run's report: what came of it, as one HTML file that needs nothing else."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape
from sqlalchemy import text
from sqlalchemy.orm import Session

import stylesearch
from stylesearch.ingest.following import Standing, standing

MOST_ERRORS = 200
"""Items that are listed for each code; all of them are in ``stylesearch ingest errors``."""

MOST_ROWS = 20
BUCKETS = 60

_environment = Environment(
    loader=PackageLoader("stylesearch.ingest"),
    autoescape=select_autoescape(default=True),
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


@dataclass(frozen=True, slots=True)
class Quarantined:
    """What went into quarantine for one reason; ``items`` are the first of them, with what was said."""

    code: str
    number: int
    items: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class RunReport:
    """What is told of a run.

    Attributes
    ----------
    encoder:
        Slug and digest.
    licenses, artists:
        Label and number of works, the most first.
    course:
        Items that came to their end in each of some equal parts of the run's time.
    reserved:
        Works whose holders have reserved them against machine learning.
    pairs:
        Near-duplicates among the run's images that nobody has judged.
    """

    standing: Standing
    encoder: tuple[str, str]
    quarantined: tuple[Quarantined, ...]
    licenses: tuple[tuple[str, int], ...]
    artists: tuple[tuple[str, int], ...]
    course: tuple[int, ...]
    reserved: int
    pairs: int
    made_at: datetime

    @property
    def seconds(self) -> float:
        """How long the run took, or has taken so far."""
        end = self.standing.finished_at or self.made_at
        return max(0.0, (end - self.standing.started_at).total_seconds())


def read_report(session: Session, run_id: int) -> RunReport:
    """Return what is to be told of a run."""
    ids = {"run": run_id}

    def rows(statement: str, **more: Any) -> list[tuple[Any, ...]]:
        return [tuple(row) for row in session.execute(text(statement), ids | more)]

    ((slug, digest, now),) = rows(
        "SELECT slug, digest, now() FROM ingest_run JOIN encoder ON encoder.id = encoder_id WHERE ingest_run.id = :run"
    )
    works = "FROM ingest_item item JOIN image ON image.id = image_id JOIN work ON work.id = work_id"
    taken = "WHERE run_id = :run AND item.state IN ('ingested', 'unchanged')"
    counted = rows(
        f"SELECT coalesce(label, 'not stated'), count(*) {works} LEFT JOIN license ON license.id = image_license_id"
        f" {taken} GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT :most",
        most=MOST_ROWS,
    )
    artists = rows(
        f"SELECT artist.name, count(*) {works} JOIN work_artist ON work_artist.work_id = work.id"
        f" JOIN artist ON artist.id = artist_id {taken} GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT :most",
        most=MOST_ROWS,
    )
    ((reserved,),) = rows(f"SELECT count(*) {works} {taken} AND NOT ai_training")
    ((pairs,),) = rows(
        "SELECT count(*) FROM near_duplicate WHERE verdict IS NULL AND (image_a IN (SELECT image_id FROM ingest_item"
        " WHERE run_id = :run AND state = 'ingested') OR image_b IN (SELECT image_id FROM ingest_item"
        " WHERE run_id = :run AND state = 'ingested'))"
    )
    now_standing = standing(session, run_id)
    return RunReport(
        standing=now_standing,
        encoder=(slug, digest),
        quarantined=read_quarantine(session, run_id, now_standing.counts.errors),
        licenses=tuple((label, number) for label, number in counted),
        artists=tuple((name, number) for name, number in artists),
        course=_course(session, run_id),
        reserved=reserved,
        pairs=pairs,
        made_at=now,
    )


def read_quarantine(session: Session, run_id: int, errors: dict[str, int]) -> tuple[Quarantined, ...]:
    """Return what went into quarantine, the most frequent reason first.

    Parameters
    ----------
    errors:
        How many there are, by code.
    """
    found = []
    for code, number in sorted(errors.items(), key=lambda one: (-one[1], one[0])):
        rows = session.execute(
            text(
                "SELECT source_id, error_text FROM ingest_item WHERE run_id = :run AND state = 'quarantined'"
                " AND error_code = :code ORDER BY source_id LIMIT :most"
            ),
            {"run": run_id, "code": code, "most": MOST_ERRORS},
        )
        found.append(Quarantined(code, number, tuple((row.source_id, row.error_text) for row in rows)))
    return tuple(found)


def _course(session: Session, run_id: int) -> tuple[int, ...]:
    rows = session.execute(
        text(
            """
            SELECT width_bucket(
                extract(epoch FROM item.updated_at - run.started_at), 0,
                greatest(1, extract(epoch FROM coalesce(run.finished_at, now()) - run.started_at)), :buckets
            ) AS bucket, count(*)
            FROM ingest_item item JOIN ingest_run run ON run.id = run_id
            WHERE run_id = :run AND item.state IN ('ingested', 'duplicate', 'quarantined')
            GROUP BY 1
            """
        ),
        {"run": run_id, "buckets": BUCKETS},
    )
    course = [0] * BUCKETS
    for bucket, number in rows:
        course[min(max(bucket, 1), BUCKETS) - 1] += number
    return tuple(course)


def render(report: RunReport) -> str:
    """Return a report as a page with its style inside."""
    return _environment.get_template("run.html").render(
        report=report, run=report.standing, counts=report.standing.counts, version=stylesearch.__version__
    )
