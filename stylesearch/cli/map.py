"""``stylesearch map``: the style map of a gallery."""

from __future__ import annotations

import click

from stylesearch.cli.index import encoder_option, opened
from stylesearch.cli.progress import Stopwatch, errors
from stylesearch.search import stylemap


@click.group()
def map() -> None:  # noqa: A001 - the command's name
    """Draw the style map of a gallery, and say how it stands."""


@map.command()
@encoder_option
@click.option("--seed", type=int, default=0, show_default=True, help="The same seed draws the same map.")
def build(slug: str | None, seed: int) -> None:
    """Draw the map anew, in the place of the one before.

    Workers do the same in the background, once there are works, and when the gallery has grown by a quarter. Links to a
    part of the map before lead to the new map.
    """
    _, database, row = opened(slug)
    with Stopwatch() as watch, errors.status("Drawing the map"):
        made = stylemap.build(database, row, seed=seed)
    click.echo(f"drew {made.works:,} of {made.gallery:,} works in {watch.seconds:.1f} s")


@map.command()
@encoder_option
def status(slug: str | None) -> None:
    """Say whether there is a map, of how many works, and from when."""
    _, database, row = opened(slug)
    with database.session() as session:
        made, due = stylemap.newest(session, row), stylemap.is_due(session, row)
    if made is None:
        click.echo(f"{row.slug}: no map: 'stylesearch map build' draws one")
        return
    click.echo(
        f"{row.slug}: map {made.id} of {made.works:,} works, drawn {made.created_at:%Y-%m-%d %H:%M}"
        + (", to be drawn anew" if due else "")
    )
