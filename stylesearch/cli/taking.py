"""What the commands that take a source in have in common."""

from __future__ import annotations

import functools
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from contextlib import ExitStack, closing, suppress
from dataclasses import dataclass
from typing import Any

import click

from stylesearch.catalog.database import Database, open_database
from stylesearch.cli.progress import Stopwatch, progress_bar
from stylesearch.errors import ServiceError
from stylesearch.ingest.counts import Counts, counts
from stylesearch.ingest.doorbell import FETCH_TASK, Doorbell
from stylesearch.ingest.driving import drive
from stylesearch.ingest.run import Into, discover, make_pipeline, open_run, serving_encoder, watch
from stylesearch.ingest.sources.protocol import Source
from stylesearch.ingest.sources.registry import Options, build_source
from stylesearch.local.processes import die_with_parent
from stylesearch.settings import Settings

STOP_SECONDS = 110
Command = Callable[..., Any]


@dataclass(frozen=True, slots=True)
class Hands:
    """Who does the work.

    Attributes
    ----------
    inline:
        This process, without Redis and workers.
    workers:
        Processes to start if no worker is running.
    detach:
        Whether to leave the run to workers that run by themselves.
    """

    inline: bool = False
    workers: int | None = None
    detach: bool = False


@dataclass(frozen=True, slots=True)
class Taking:
    """Where a source goes, and who does the work."""

    into: Into
    hands: Hands = Hands()


def collection_options(command: Command) -> Command:
    """Add the options that say where a source goes and who does the work; the command is given a ``taking``."""

    @functools.wraps(command)
    def taking(
        *arguments: Any,
        collection: str,
        title: str | None,
        provider: str | None,
        default_license: str | None,
        hands: Hands,
        **more: Any,
    ) -> Any:
        into = Into(collection, title, provider, default_license)
        return command(*arguments, taking=Taking(into, hands), **more)

    options = (
        click.option("--collection", "-c", required=True, help="Slug of the collection, made if it is new."),
        click.option("--title", help="Title of the collection."),
        click.option("--provider", help="Who holds the collection."),
        click.option(
            "--license",
            "default_license",
            help="Rights of works whose own metadata states none: an SPDX id or a URI.",
        ),
    )
    return _with(options, hands_options(taking))


def hands_options(command: Command) -> Command:
    """Add the options that say who does the work; the command is given ``hands``."""

    @functools.wraps(command)
    def handed(*arguments: Any, inline: bool, workers: int | None, detach: bool, **more: Any) -> Any:
        if inline and (detach or workers):
            raise click.UsageError(
                "--inline does the work here; it goes with neither --workers nor --detach."
            )
        return command(*arguments, hands=Hands(inline, workers, detach), **more)

    options = (
        click.option(
            "--inline", is_flag=True, help="Do the work in this process, without Redis and workers."
        ),
        click.option(
            "--workers", type=click.IntRange(1, 256), help="Processes to start if no worker is running."
        ),
        click.option(
            "--detach",
            is_flag=True,
            help="End when all is found, and leave the rest to workers that run by themselves.",
        ),
    )
    return _with(options, handed)


def _with(options: tuple[Command, ...], command: Command) -> Command:
    for option in reversed(options):
        command = option(command)
    return command


def run_source(settings: Settings, kind: str, options: Options, taking: Taking) -> Counts:
    """Take a source in, showing progress, and say what came of it.

    Parameters
    ----------
    kind, options:
        Which source, as kept with the run.
    """
    source = build_source(kind, options, settings)
    database = open_database(settings)
    spec = serving_encoder(database, settings).spec
    with database.session() as session:
        run, resumed = open_run(session, source, taking.into, spec=spec, options=options)
    if resumed:
        click.echo(f"going on with run {run.id}")
    return carry_out(settings, database, run.id, source, taking.hands)


def carry_out(
    settings: Settings, database: Database, run_id: int, source: Source | None, hands: Hands
) -> Counts:
    """Discover what is still to be discovered of a run, have all of it dealt with, and say what came of it.

    Parameters
    ----------
    source:
        ``None`` where all is discovered.
    """
    with Stopwatch() as stopwatch, ExitStack() as stack:
        crew = stack.enter_context(Crew(settings, database, run_id, hands))
        if source is not None:
            with progress_bar("Looking") as looked:

                def on_progress(found: int, total: int) -> None:
                    looked(found, total)
                    crew.more(found)

                discover(database, run_id, source, on_progress=on_progress)
        result = crew.finish()
    say(result, stopwatch.seconds)
    if hands.detach:
        click.echo(f"run {run_id} is left to the workers; 'stylesearch ingest status {run_id}' follows it")
    elif result.errors:
        click.echo("'stylesearch ingest errors' lists what went into quarantine.")
    return result


class Crew:
    """Whoever works on a run: this process, workers that are there, or workers that are started for it."""

    def __init__(self, settings: Settings, database: Database, run_id: int, hands: Hands) -> None:
        self._settings = settings
        self._database = database
        self._run_id = run_id
        self._hands = hands
        self._doorbell = Doorbell(settings)
        self._stack = ExitStack()
        self._nobody = not hands.inline and not self._doorbell.answering()
        self._theirs = not hands.inline and not self._nobody
        self._rung = False
        self._own: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Crew:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def more(self, found: int) -> None:
        """Have work begun while there is still more to be found, if it is enough to be worth it."""
        if self._hands.inline or self._rung or found <= self._settings.ingest_batch_size:
            return
        self._rung = True
        self._start_workers()
        with suppress(ServiceError):  # a broker that is away now is rung at later
            self._doorbell.ring(FETCH_TASK, self._run_id, times=self._hands.workers or os.cpu_count() or 1)

    def finish(self) -> Counts:
        """Have the rest done; return what came of it."""
        with self._database.session() as session:
            now = counts(session, self._run_id)
        if self._hands.detach:
            self._doorbell.ring_for(self._run_id, pending=now.pending, prepared=now.prepared)
            return now
        with progress_bar("Taking in") as bar:

            def show(found: Counts) -> None:
                bar(
                    found.done,
                    found.discovered,
                    note=f"{found.quarantined} in quarantine" if found.quarantined else "",
                )

            # For a few, starting a worker would take longer than the work.
            few = self._nobody and not self._rung and now.open <= self._settings.ingest_batch_size
            if self._hands.inline or few:
                with closing(make_pipeline(self._database, self._settings)) as pipeline:
                    return drive(pipeline, self._run_id, on_progress=show)
            self._start_workers()
            return watch(
                self._database,
                self._run_id,
                self._doorbell,
                settings=self._settings,
                on_progress=show,
                on_quiet=self._replace_the_lost,
            )

    def _replace_the_lost(self) -> None:
        """Start workers if ours have ended, or if those that answered at first have gone, as a killed command's do."""
        if self._own is not None and self._own.poll() is not None:
            self._nobody = True
            self._start_workers()
        elif self._theirs:
            with suppress(ServiceError):
                self._nobody = not self._doorbell.answering()
            self._start_workers()

    def _start_workers(self) -> None:
        """Start workers for as long as the crew is there, if nobody else works and the run is not to be left alone."""
        if self._nobody and not self._hands.detach:
            self._nobody = self._theirs = False
            self._own = _start(self._hands.workers)
            self._stack.callback(_stop, self._own)


def _start(processes: int | None) -> subprocess.Popen[bytes]:
    options = ["--concurrency", str(processes)] if processes else []
    return subprocess.Popen(
        [sys.executable, "-m", "stylesearch", "workers", "start", *options],
        env={**os.environ, "STYLESEARCH_LOG_LEVEL": "warning"},
        stdout=subprocess.DEVNULL,
        start_new_session=True,  # Ctrl-C comes to us, and we ask it to finish
        preexec_fn=die_with_parent(signal.SIGTERM),  # noqa: PLW1509 - no other thread holds a lock the child needs
    )


def _stop(workers: subprocess.Popen[bytes]) -> None:
    workers.terminate()
    try:
        workers.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        workers.terminate()  # the second time it waits for nothing
        workers.wait()


def say(found: Counts, seconds: float | None = None) -> None:
    """Print a run's numbers, and how long it took where that is known."""
    line = (
        f"discovered {found.discovered} = ingested {found.ingested} + duplicates {found.duplicate}"
        f" + unchanged {found.unchanged} + quarantined {found.quarantined}"
    )
    if found.open:
        line += f" + open {found.open}"
    if seconds:
        rate = f", {found.ingested / seconds:.1f} images/s" if found.ingested else ""
        line += f" ({seconds:.1f} s{rate})"
    click.echo(line)
    for code, number in found.errors.items():
        click.echo(f"  {code}: {number}")
