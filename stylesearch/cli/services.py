"""``stylesearch services``: the local PostgreSQL and Valkey."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import click

from stylesearch.errors import InputError
from stylesearch.local import services as local
from stylesearch.settings import Settings, get_settings


@click.group()
def services() -> None:
    """Start and stop the local PostgreSQL and Valkey.

    Commands start them when they need them and stop them when they end. 'start' keeps them running in between, which
    saves each command a second.
    """


def _local_settings() -> Settings:
    settings = get_settings()
    if not settings.uses_local_database and not settings.uses_local_broker:
        raise InputError(
            "Both services are given by URL, so there are no local ones.",
            hint="Unset STYLESEARCH_DATABASE_URL and STYLESEARCH_REDIS_URL to use them.",
            code="no_local_services",
        )
    return settings


@services.command()
@click.option(
    "--show-urls", is_flag=True, help="Print the addresses, with their password, as environment variables."
)
def start(show_urls: bool) -> None:
    """Start the services and keep them running until 'stop'."""
    settings = _local_settings()
    endpoints = local.start(settings.home, transport=settings.local_transport)
    if show_urls:
        click.echo(f"STYLESEARCH_DATABASE_URL={endpoints.database_url}")
        click.echo(f"STYLESEARCH_REDIS_URL={endpoints.redis_url}")
    else:
        click.echo(f"running in {settings.home}")


@services.command()
def stop() -> None:
    """Stop the services, whoever uses them."""
    click.echo("stopped" if local.stop(_local_settings().home) else "not running")


@services.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def status(as_json: bool) -> None:
    """Say whether the services run; exit 0 if they do, 1 if not."""
    settings = _local_settings()
    found = local.status(settings.home)
    if as_json:
        click.echo(json.dumps({"running": found.running, "pinned": found.pinned, "home": str(settings.home)}))
    elif found.running:
        since = datetime.fromtimestamp(found.started, UTC).astimezone() if found.started else None
        kept = "until stopped" if found.pinned else "while something uses them"
        click.echo(f"running in {settings.home} since {since:%Y-%m-%d %H:%M:%S}, {kept}")
    else:
        click.echo(f"not running ({settings.home})")
    raise SystemExit(0 if found.running else 1)
