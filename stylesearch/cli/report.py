"""``stylesearch report``: whose style an image resembles, under what rights, and whether a report still holds."""

from __future__ import annotations

import time
from base64 import b64encode
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import click

from stylesearch.attribution.batches import (
    items_of,
    open_batch,
    progress_of,
    read_sources,
    report_for_a_while,
)
from stylesearch.attribution.keys import KeyRing, Signature, public_keys, read_public_key
from stylesearch.attribution.overview import failed, line_of, overview_files
from stylesearch.attribution.pdf import render_pdf
from stylesearch.attribution.render import render_html
from stylesearch.attribution.report import ReportMaker, SavedReport, find_report
from stylesearch.attribution.schema import report_schema
from stylesearch.attribution.verifying import Check, check_file, check_gallery, read_report_file, recompute
from stylesearch.catalog.database import open_database
from stylesearch.cli.progress import Bar, console, progress_bar
from stylesearch.cli.remote import server_option
from stylesearch.cli.report_there import checks_there, report_there
from stylesearch.cli.search import filter_of, read_image, where_option
from stylesearch.errors import InputError, ServiceError
from stylesearch.files import written_whole
from stylesearch.images.store import ImageStore, open_store
from stylesearch.ingest.doorbell import REPORT_TASK, Doorbell
from stylesearch.search.filters import EVERYTHING, Filter
from stylesearch.search.grammar import write
from stylesearch.search.service import StyleSearch
from stylesearch.settings import Settings, get_settings

MOST_BYTES = 64 * 1024**2
"""Bytes that a report's file may have."""

POLL_SECONDS, QUIET_SECONDS = 0.5, 20.0
"""How often a batch that others work on is looked at, and after how long without a move they are called again."""

_MARKS = {"holds": "holds  ", "fails": "FAILS  ", "unknown": "unknown"}


class _MakesByDefault(click.Group):
    """A group whose command ``make`` need not be named: ``report IMAGE`` makes a report."""

    default = "make"

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if args and args[0] not in self.commands and args[0] not in ctx.help_option_names:
            args = [self.default, *args]
        return super().parse_args(ctx, args)


@click.group(cls=_MakesByDefault)
def report() -> None:
    """Report on whose style an image resembles, and under what rights; check a report again.

    \b
    stylesearch report picture.png --out reports
    stylesearch report verify reports/picture.report.json --image picture.png
    """  # noqa: D301


@report.command()
@click.argument("image", type=click.Path(path_type=Path))
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path(),
    help="Folder for the files; default: this one.",
)
@click.option("--pdf/--no-pdf", default=False, show_default=True, help="Also write a PDF.")
@where_option
@server_option
def make(image: Path, out: Path, pdf: bool, where: tuple[str, ...], server: str | None) -> None:
    """Report on IMAGE, and keep the report in the catalogue.

    Writes NAME.report.json, its signature NAME.report.sig, and NAME.report.html. The word make may be left out.
    """
    settings = get_settings()
    if server is not None:
        data = read_image(image, max_bytes=settings.max_file_bytes)
        files = report_there(server, data, image.name, write(filter_of(where)), pdf=pdf)
        with _writing(out):
            paths = _write_files(out, image.stem, files)
    else:
        paths = write_report(settings, image, out, filter_of(where), pdf=pdf)
    for path in paths:
        click.echo(path)


def write_report(
    settings: Settings, image: Path, out: Path, where: Filter = EVERYTHING, *, pdf: bool = False
) -> tuple[Path, ...]:
    """Make a report on an image file; return the paths of its JSON, its HTML, its signature, and its PDF if wanted.

    Raises
    ------
    StylesearchError
        If the image cannot be taken, the gallery is empty, or the files cannot be written.
    """
    data = read_image(image, max_bytes=settings.max_file_bytes)
    store = open_store(settings)
    saved = ReportMaker(StyleSearch(open_database(settings), settings), store).make(
        data, name=image.name, where=where
    )
    with _writing(out):
        return _write_files(out, image.stem, _files(saved, store, pdf=pdf))


def _files(saved: SavedReport, store: ImageStore, *, pdf: bool = False) -> dict[str, bytes]:
    """Return the files of a report by their suffixes."""
    assert saved.signature is not None, "what is made now is signed"
    files = {
        "json": saved.file(),
        "html": render_html(saved.view, store).encode(),
        "sig": saved.signature.to_bytes(),
    }
    return files | ({"pdf": render_pdf(saved.view, store)} if pdf else {})


def _write_files(out: Path, stem: str, files: dict[str, bytes]) -> tuple[Path, ...]:
    paths = tuple(out / f"{stem}.report.{suffix}" for suffix in files)
    for path, content in zip(paths, files.values(), strict=True):
        with written_whole(path) as file:
            file.write(content)
    return paths


@contextmanager
def _writing(out: Path) -> Iterator[None]:
    """Make the folder, and say in one line why it or what goes into it cannot be written."""
    try:
        out.mkdir(parents=True, exist_ok=True)
        yield
    except OSError as error:
        raise ServiceError(
            f"{error.filename or out} cannot be written: {error.strerror}.",
            hint="Name another place with --out.",
            code="not_writable",
        ) from error


@report.command()
@click.argument("source", type=click.Path(path_type=Path))
@click.option(
    "--out", type=click.Path(path_type=Path, file_okay=False), required=True, help="Folder for the files."
)
@click.option("--workers", is_flag=True, help="Have the running workers make the reports, and only watch.")
@click.option("--pdf/--no-pdf", default=False, show_default=True, help="Also write PDFs.")
@where_option
def batch(source: Path, out: Path, workers: bool, pdf: bool, where: tuple[str, ...]) -> None:
    """Report on every image of SOURCE: a folder, or a CSV file with the column path.

    Writes each report as make does, and overview.html, overview.csv and overview.json: by artist, by licence, and each image
    in a line. The same command goes on where it was stopped; what failed is tried again.
    """
    settings = get_settings()
    database = open_database(settings)
    store = open_store(settings)
    maker = ReportMaker(StyleSearch(database, settings), store)
    batch_id = open_batch(
        maker,
        read_sources(source),
        filter_of(where),
        lambda path: read_image(path, max_bytes=settings.max_file_bytes),
    )
    with progress_bar("reporting", "images") as bar:
        _see_through(maker, batch_id, Doorbell(settings) if workers else None, bar)
    lines = []
    with database.session() as session, _writing(out):
        for item in items_of(session, batch_id):
            if item.public_id is None:
                lines.append(failed(item.name, item.error_text or "It could not be reported on."))
                continue
            stem = f"{item.position + 1:05}"
            saved = find_report(session, item.public_id)
            _write_files(out, stem, _files(saved, store, pdf=pdf))
            lines.append(line_of(item.name, saved.view, f"{stem}.report.html"))
        for name, content in overview_files(lines).items():
            with written_whole(out / name) as file:
                file.write(content)
    click.echo(out / "overview.html")


def _see_through(maker: ReportMaker, batch_id: int, doorbell: Doorbell | None, bar: Bar) -> None:
    """Have all of a batch done, here or by the workers, who are called again while nothing moves."""
    seen, moved = -1, 0.0
    while True:
        with maker.style_search.database.session() as session:
            progress = progress_of(session, batch_id)
        bar(progress.total - progress.open, progress.total)
        if not progress.open:
            return
        if doorbell is None:
            if not report_for_a_while(maker, batch_id):
                time.sleep(POLL_SECONDS)  # what is left is held by somebody
            continue
        now = time.monotonic()
        if progress.open != seen:
            seen, moved = progress.open, now
        if seen == progress.total or now - moved > QUIET_SECONDS:
            doorbell.ring(REPORT_TASK, batch_id, expires=QUIET_SECONDS)
            moved = now
        time.sleep(POLL_SECONDS)


@report.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option(
    "--image",
    type=click.Path(path_type=Path),
    help="The image that the report is on: everything is computed again and compared.",
)
@click.option(
    "--signature",
    type=click.Path(path_type=Path),
    help="The detached signature; default: the .sig beside the file.",
)
@click.option(
    "--key", metavar="BASE64", multiple=True, help="A public key to believe, instead of the archive's own."
)
@click.option("--offline", is_flag=True, help="Check the file alone, without the catalogue; needs --key.")
@server_option
def verify(
    file: Path,
    image: Path | None,
    signature: Path | None,
    key: tuple[str, ...],
    offline: bool,
    server: str | None,
) -> None:
    """Check the report in FILE: its form and signature, the works in it, and whether the gallery is still the same.

    Exits with 1 if anything does not hold, and says what.
    """
    if offline and (image is not None or not key):
        raise click.UsageError("With --offline, give --key, and no --image.")
    if server is not None and (offline or image is not None or key):
        raise click.UsageError("--server goes with neither --offline, --image nor --key.")
    told = read_report_file(_bytes(file))
    beside = signature or file.with_suffix(".sig")
    if server is not None:
        sealed = _bytes(beside) if signature or beside.is_file() else None
        _conclude(checks_there(server, _bytes(file), sealed))
        return
    signed = Signature.from_bytes(_bytes(beside)) if signature or beside.is_file() else None
    believed = dict(read_public_key(one) for one in key)
    if offline:
        checks = check_file(told, signed, believed)
    else:
        settings = get_settings()
        database = open_database(settings)
        data = read_image(image, max_bytes=settings.max_file_bytes) if image else None
        with database.session(snapshot=True) as session:
            checks = check_file(told, signed, believed or public_keys(session))
            checks.append(check_gallery(session, told))
            if data is not None:
                maker = ReportMaker(StyleSearch(database, settings), open_store(settings))
                checks += recompute(session, maker, told, data)
    _conclude(checks)


def _conclude(checks: Sequence[Check]) -> None:
    """Show what came of some checks; an error tells those that fail."""
    _show(checks)
    failed = [check.name for check in checks if check.state == "fails"]
    if failed:
        raise InputError(f"The report does not hold: {', '.join(failed)}.", code="report_does_not_hold")


@report.command()
@click.option("--rotate", is_flag=True, help="Take the key out of use and make another.")
def keys(rotate: bool) -> None:
    """List the public keys that reports are and were signed with, each with its id, in base64."""
    settings = get_settings()
    with open_database(settings).session() as session:
        if rotate:
            KeyRing(settings.home).rotate(session)
        for key_id, public in public_keys(session).items():
            click.echo(f"{key_id}  {b64encode(public).decode()}")


@report.command()
def schema() -> None:
    """Print the JSON Schema of reports."""
    click.echo(report_schema().decode(), nl=False)


def _show(checks: Sequence[Check]) -> None:
    for check in checks:
        console.print(
            f"{_MARKS[check.state]}  {check.name}: {check.text}",
            highlight=False,
            markup=False,
            soft_wrap=True,
        )


def _bytes(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(MOST_BYTES)
    except OSError as error:
        raise InputError(
            f"{path} cannot be read: {error.strerror}.", hint="Check the path.", code="file_unreadable"
        ) from error
