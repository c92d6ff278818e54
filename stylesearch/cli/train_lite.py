"""``stylesearch train-lite``: make the weights of the encoder ``lite``, from the pictures to the file."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import click

from stylesearch.cli.progress import Bar, progress_bar
from stylesearch.errors import InputError

_folder = click.Path(path_type=Path, file_okay=False)


@click.command("train-lite")
@click.option(
    "--packages",
    type=_folder,
    required=True,
    help="Folder for the unpacked Debian packages; missing ones are fetched.",
)
@click.option(
    "--work",
    type=_folder,
    required=True,
    help="Folder for what is worked out once, and for the training run.",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    required=True,
    metavar="FILE.safetensors",
    help="Weights file to write; its graph is written beside it.",
)
@click.option(
    "--resume/--fresh",
    default=True,
    show_default=True,
    help="Go on from the work folder's checkpoint if there is one, or train anew.",
)
def train_lite(packages: Path, work: Path, out: Path, *, resume: bool) -> None:
    """Make the weights of the encoder lite: fetch pictures, describe them, train, and write the files.

    The pictures are icons, drawings, games' art and letters of about a hundred Debian packages, as they are and drawn
    over in hundreds of manners. Packages that encoders are measured on are fetched too, to leave out copies of what is
    in them. It takes a Debian or Ubuntu machine, the extra stylesearch[train], some gigabytes and about an hour on two cores.

    Ctrl-C stops it; given again, the command goes on where it was.

    \b
    stylesearch train-lite --packages packages --work work --out lite.safetensors
    stylesearch encode scans --encoder lite --weights lite.safetensors --out scans.npz
    """  # noqa: D301
    from stylesearch.encoders.backbone import weights_path
    from stylesearch.training.lite.export import require_exporter
    from stylesearch.training.lite.recipe import make_lite

    _check_out(out)
    require_exporter()
    weights_path()
    with _bars() as bars:
        facts = make_lite(packages, work, out, fresh=not resume, progress=bars)
    click.echo(
        f"{out}: learnt from {facts['pictures']:,} pictures in {facts['styles']:,} styles and {facts['worlds']} worlds"
    )
    click.echo(str(facts["left_out"]))


def _check_out(out: Path) -> None:
    """Say before the work that the result could not be kept.

    Raises
    ------
    InputError
        ``out_unwritable``.
    """
    if out.suffix == ".onnx":
        raise InputError(
            f"{out} is where the graph would go.", hint="Name a .safetensors file.", code="out_unwritable"
        )
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        probe = out.with_name(f".{out.name}.probe")
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise InputError(
            f"{out} cannot be written: {error.strerror}.",
            hint="Name a file in a folder that you may write to.",
            code="out_unwritable",
        ) from None


class _Bars:
    """A bar for each piece of the work, one after the other."""

    def __init__(self, stack: ExitStack) -> None:
        self._stack = stack
        self._what = ""
        self._bar: Bar | None = None

    def __call__(self, what: str, unit: str, done: int, total: int, note: str) -> None:
        """Show that ``done`` of ``total`` units of a piece are done."""
        if self._bar is None or what != self._what:
            self._stack.close()
            self._bar, self._what = self._stack.enter_context(progress_bar(what, unit)), what
        self._bar(done, total, note)


@contextmanager
def _bars() -> Iterator[_Bars]:
    with ExitStack() as stack:
        yield _Bars(stack)
