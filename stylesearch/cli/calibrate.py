"""``stylesearch calibrate``: what scores against the gallery's artists are worth."""

from __future__ import annotations

import json
from pathlib import Path

import click
from rich.table import Table

from stylesearch.attribution.calibrating import calibrate_gallery, told
from stylesearch.attribution.null_plot import PRINTED
from stylesearch.attribution.reliability_plot import reliability_plot
from stylesearch.catalog import upgrades
from stylesearch.catalog.calibrations import CalibrationRow
from stylesearch.catalog.database import open_database
from stylesearch.catalog.encoders import active
from stylesearch.cli.progress import console, progress_bar
from stylesearch.errors import ServiceError
from stylesearch.files import written_whole
from stylesearch.settings import get_settings


@click.command()
@click.option("--encoder", "slug", metavar="SLUG", help="Encoder; default: the one that serves.")
@click.option(
    "--check/--no-check",
    default=True,
    show_default=True,
    help="Hold works and artists out, and count what came of them; takes five times as long.",
)
@click.option("--seed", type=int, default=0, show_default=True, help="Of the samples that are drawn.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.option(
    "--plot",
    type=click.Path(path_type=Path, dir_okay=False),
    help="SVG file for a picture of what likelihood ratios said against what was seen.",
)
def calibrate(slug: str | None, check: bool, seed: int, as_json: bool, plot: Path | None) -> None:
    """Learn from the gallery's own works what a score against an artist is worth.

    Reports need it for p-values, likelihood ratios and names. It is of the gallery as it is now: whatever is taken in,
    credited anew or withdrawn later makes it stale, and reports then say so.
    """
    if plot is not None and not check:
        raise click.UsageError("--plot needs what is held out; leave --no-check out.")
    settings = get_settings()
    database = open_database(settings)
    with database.session() as session:
        chosen = slug or upgrades.serving_slug(session) or settings.encoder
    with progress_bar("calibrating", "folds") as bar:
        found = calibrate_gallery(
            database,
            lambda session: active(session, chosen),
            check=check,
            seed=seed,
            on_progress=bar,
        )
    if as_json:
        click.echo(json.dumps(told(found), ensure_ascii=False, indent=2))
    else:
        show(found)
    bins = (found.figures or {}).get("reliability")
    if plot is not None and bins:
        _draw(plot, bins)


def _draw(path: Path, bins: list[dict[str, float]]) -> None:
    try:
        with written_whole(path) as file:
            file.write(reliability_plot(bins, colours=PRINTED).encode())
    except OSError as error:
        raise ServiceError(
            f"{error.filename or path} cannot be written: {error.strerror}.",
            hint="Name another file with --plot.",
            code="not_writable",
        ) from error


def show(found: CalibrationRow) -> None:
    """Print a calibration in words."""
    summary = found.summary
    low, high = summary["likelihood_bounds"]
    lines = [
        f"calibration {found.digest[:16]} of gallery {found.gallery_root[:16]}",
        f"{summary['artists']} artists with {summary['fewest_works']} works or more; {summary['works']} works in all",
        f"{summary['readable']} of these artists can be told apart from their rivals",
        f"the null: {summary['pairs']} pairs of artists; no p-value is below {summary['floor']:.2g}",
        f"likelihood ratios from {low:.2g} to {high:.3g}",
    ]
    for line in lines:
        console.print(line, highlight=False)
    if found.figures is None:
        return
    if "problem" in found.figures:
        console.print(f"Nothing could be held out: {found.figures['problem']}", highlight=False)
        return
    table = Table("Held out", "", title="What came of works and artists held out", title_justify="left")
    for name, text in _ROWS:
        value = found.figures[name]
        table.add_row(
            text, "—" if value is None else f"{value:.3f}" if name == "cllr" else f"{100 * value:.1f} %"
        )
    console.print(table)


_ROWS = (
    ("wrong_below_5", "p ≤ 0.05 against wrong artists"),
    ("wrong_below_1", "p ≤ 0.01 against wrong artists"),
    ("outside_below_5", "p ≤ 0.05 where the maker is not here"),
    ("discovery_rate", "false discoveries at q = 0.1, over all works"),
    ("outside_discovery_rate", "the same where the maker is not here"),
    ("recall", "makers found"),
    ("top1", "makers who score highest"),
    ("named", "works for which an artist or a group is named"),
    ("answer_right", "names that are right"),
    ("abstention", "nothing said"),
    ("cllr", "cost of likelihood ratios (1 says nothing)"),
)
