"""``stylesearch doctor``: what is found here, and what to do about each problem."""

from __future__ import annotations

import json
import os
import platform
import shutil
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import click
from rich.table import Table
from sqlalchemy import text

import stylesearch
from stylesearch.catalog import schema
from stylesearch.catalog.database import MINIMUM_PGVECTOR, check_server, open_database, version_text
from stylesearch.catalog.shard_connections import targets, unreachable
from stylesearch.catalog.shard_errors import ShardDownError
from stylesearch.cli.progress import console
from stylesearch.encoders import registry
from stylesearch.encoders.lite import LiteEncoder
from stylesearch.errors import StylesearchError
from stylesearch.images.store import open_store
from stylesearch.ingest.doorbell import Doorbell
from stylesearch.local.binaries import find_binaries
from stylesearch.local.layout import MINIMUM_FREE_BYTES, prepare_home
from stylesearch.local.memory import available_memory
from stylesearch.settings import Settings, config_file, get_settings

GIB = 1024**3


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at."""

    subject: str
    ok: bool
    found: str
    advice: str = ""


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def doctor(as_json: bool) -> None:
    """Look at this installation; exit 0 if all is well, 1 if there is a problem."""
    settings = get_settings()
    findings = [_examine(subject, check, settings) for subject, check in CHECKS.items()]
    if as_json:
        click.echo(json.dumps([asdict(finding) for finding in findings], indent=2))
    else:
        table = Table("", "What", "Found", "What to do")
        for finding in findings:
            table.add_row(
                "[green]ok[/]" if finding.ok else "[red]problem[/]",
                finding.subject,
                finding.found,
                finding.advice,
            )
        console.print(table)
    raise SystemExit(0 if all(finding.ok for finding in findings) else 1)


def _examine(subject: str, check: Callable[[Settings], str], settings: Settings) -> Finding:
    try:
        return Finding(subject, True, check(settings))
    except StylesearchError as error:
        return Finding(subject, False, error.message, error.hint)


def _software(settings: Settings) -> str:  # noqa: ARG001
    return f"stylesearch {stylesearch.__version__}, Python {platform.python_version()}, {platform.platform(terse=True)}"


def _settings_file(settings: Settings) -> str:  # noqa: ARG001
    path = config_file()
    return f"{path} ({'read' if path.exists() else 'none; the environment and defaults hold'})"


def _machine(settings: Settings) -> str:  # noqa: ARG001
    return f"{os.cpu_count()} cores, {available_memory() / GIB:.1f} GiB of memory"


def _home(settings: Settings) -> str:
    if settings.uses_local_database or settings.uses_local_broker:
        prepare_home(settings.home)
    folder = next(path for path in (settings.home, *settings.home.absolute().parents) if path.exists())
    free = shutil.disk_usage(folder).free
    if free < MINIMUM_FREE_BYTES:
        raise StylesearchError(f"{settings.home}: only {free // 1024**2} MB free", hint="Free some space.")
    return f"{settings.home}, {free / GIB:.1f} GiB free"


def _services(settings: Settings) -> str:
    if not settings.uses_local_database and not settings.uses_local_broker:
        return "not used: both servers are given by URL"
    binaries = find_binaries()
    return f"PostgreSQL in {binaries.postgres_root}, Valkey in {Path(binaries.valkey_server).parent}"


def _database(settings: Settings) -> str:
    versions = check_server(open_database(settings, check=False))
    where = "local" if settings.uses_local_database else "by URL"
    return (
        f"PostgreSQL {versions['postgres']} ({where}), pgvector {versions['pgvector']}"
        f" (at least {version_text(MINIMUM_PGVECTOR)} is needed)"
    )


def _schema(settings: Settings) -> str:
    database = open_database(settings)
    with database.session() as session:
        works = session.scalar(text("SELECT count(*) FROM work"))
    return f"revision {schema.head()}, {works:,} works"


def _shards(settings: Settings) -> str:
    database = open_database(settings)
    with database.session() as session:
        known = len(targets(session))
    down = unreachable(database)
    if down:
        raise ShardDownError(*down)
    return f"{known}, all of which answer" if known else "none: no gallery is split"


def _broker(settings: Settings) -> str:
    workers = Doorbell(settings).answering()
    where = "local" if settings.uses_local_broker else "by URL"
    return f"answers ({where}), {workers} workers" + (
        "" if workers else "; 'ingest' starts one when it needs it"
    )


def _device(settings: Settings) -> str:
    import torch

    accelerators = [torch.cuda.get_device_name(number) for number in range(torch.cuda.device_count())]
    if torch.backends.mps.is_available():
        accelerators.append("Apple GPU (mps)")
    return f"torch {torch.__version__}, device {settings.device}; accelerators: {', '.join(accelerators) or 'none'}"


def _encoders(settings: Settings) -> str:
    try:
        encoder = registry.configured_encoder(settings)
        chosen = encoder.spec
        if isinstance(encoder, LiteEncoder):
            encoder.load()  # it takes an instant; large checkpoints are left to 'encoders show'
    except StylesearchError as error:
        raise StylesearchError(
            f"The setting STYLESEARCH_ENCODER names {settings.encoder!r}, which cannot be used: {error.message}",
            hint=error.hint,
        ) from error
    folder = settings.encoders_folder
    others = [slug for slug in registry.available(folder) if slug != chosen.slug]
    found = [chosen, *(registry.get_encoder(slug, folder=folder).spec for slug in others)]
    return "; ".join(f"{spec.slug} ({spec.dim} numbers, digest {spec.digest[:12]})" for spec in found)


def _store(settings: Settings) -> str:
    store = open_store(settings)
    store.put_query(b"written by 'stylesearch doctor'")
    return settings.store_url or str(settings.home / "store")


CHECKS: dict[str, Callable[[Settings], str]] = {
    "Software": _software,
    "Settings": _settings_file,
    "Machine": _machine,
    "Data folder": _home,
    "Local programs": _services,
    "Database": _database,
    "Catalogue": _schema,
    "Shards": _shards,
    "Broker": _broker,
    "Device": _device,
    "Encoders": _encoders,
    "Image store": _store,
}
