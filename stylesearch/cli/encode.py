"""``stylesearch encode``: descriptors of image files, into a file, without any service."""

from __future__ import annotations

import contextlib
import os
from collections import deque
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import BinaryIO

import click
import numpy as np

from stylesearch.cli.progress import Stopwatch, errors, progress_bar
from stylesearch.cli.search import read_image
from stylesearch.encoders.checking import checked
from stylesearch.encoders.decoding import decode_for
from stylesearch.encoders.devices import PRECISIONS
from stylesearch.encoders.preprocessing import POLICIES
from stylesearch.encoders.protocol import Descriptors, Encoder, EncoderSpec, Pixels, PreparingEncoder
from stylesearch.encoders.registry import encode_checked, get_encoder
from stylesearch.errors import InputError, StylesearchError
from stylesearch.files import written_whole
from stylesearch.ingest.sources.folder import SUFFIXES
from stylesearch.settings import Settings, get_settings

MOST_THREADS = 4


@dataclass(frozen=True, slots=True)
class Read:
    """A file, and what the encoder needs of it or why that cannot be had."""

    path: Path
    pixels: Pixels | None = None
    error: StylesearchError | None = None


@click.command()
@click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--encoder", "slug", metavar="SLUG", help="Encoder; default: the setting STYLESEARCH_ENCODER.")
@click.option(
    "--weights", type=click.Path(path_type=Path), metavar="FILE", help="Checkpoint for the encoder."
)
@click.option(
    "--policy",
    type=click.Choice(list(POLICIES)),
    help="How a picture that is not square is taken; default: the encoder's own way.",
)
@click.option("--device", metavar="DEVICE", help="Where to run; default: the setting STYLESEARCH_DEVICE.")
@click.option(
    "--precision",
    type=click.Choice(PRECISIONS),
    help="What to compute in; default: the setting STYLESEARCH_PRECISION.",
)
@click.option(
    "--batch", type=click.IntRange(1, 1024), default=16, show_default=True, help="Pictures at a time."
)
@click.option("--online", is_flag=True, help="Allow the weights of an open_clip tag to be downloaded.")
@click.option(
    "--out", required=True, type=click.Path(path_type=Path), metavar="FILE.npz", help="File to write."
)
def encode(
    paths: tuple[Path, ...],
    slug: str | None,
    weights: Path | None,
    policy: str | None,
    device: str | None,
    precision: str | None,
    batch: int,
    online: bool,
    out: Path,
) -> None:
    """Describe the images PATHS, files or folders, and write their descriptors to a NumPy file.

    Folders are searched with all that is in them, in the order of their paths. Neither database nor services are
    needed.

    The file holds the arrays 'paths' and 'descriptors' (float32, one row of length 1 for each readable image, in the
    order given), and about the encoder 'encoder', 'encoder_digest', 'weights_sha256' and 'preprocessing'.

    What cannot be read is listed on standard error with the reason. The command exits with 0 if at least one image
    could be read, and with 1, writing nothing, if none could.

    \b
    stylesearch encode scans --encoder lite --out scans.npz
    stylesearch encode a.png b.jpg --encoder csd-vit-l-14 --weights csd.pth --out two.npz
    """  # noqa: D301
    settings = get_settings()
    with output_file(out) as file, Stopwatch() as stopwatch:
        encoder = get_encoder(
            slug or settings.encoder,
            device=device or settings.device,
            precision=precision or settings.precision,
            weights=weights,
            policy=policy,
            folder=settings.encoders_folder,
            online=online,
        )
        spec = encoder.spec
        files = find_files(paths)
        kept, rows = _describe_all(encoder, files, batch=batch, settings=settings)
        if not kept:
            raise InputError(
                f"None of the {len(files)} images could be read; {out} was not written.",
                hint="The reasons are listed above.",
                code="no_images",
            )
        _write(file, spec, kept, np.concatenate(rows))
    unread = len(files) - len(kept)
    click.echo(
        f"{out}: {len(kept)} descriptors of {spec.dim} numbers by {spec.slug} (digest {spec.digest[:12]})"
        f" in {stopwatch.seconds:.1f} s" + (f"; {unread} could not be read" if unread else "")
    )


def find_files(paths: Sequence[Path]) -> list[Path]:
    """Return the files that are named, and the images inside the folders that are, in the order given.

    Inside a folder they are sorted by path; hidden ones, links to folders and what is no image by its name are left
    out, as when a folder is taken in. A path that does not exist is returned too, to be listed with its reason.

    Raises
    ------
    InputError
        ``no_images``, if there are none.
    """
    found: list[Path] = []
    for path in paths:
        found += sorted(_images_in(path), key=os.fsencode) if path.is_dir() else [path]
    if not found:
        raise InputError(
            f"There are no images in {', '.join(map(str, paths))}.",
            hint=f"Images are files that end in {', '.join(sorted(SUFFIXES))}.",
            code="no_images",
        )
    return found


def _images_in(folder: Path) -> Iterator[Path]:
    for parent, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".")]
        for name in files:
            path = Path(parent, name)
            if not name.startswith(".") and path.suffix.lower() in SUFFIXES:
                yield path


def _describe_all(
    encoder: Encoder, files: list[Path], *, batch: int, settings: Settings
) -> tuple[list[Path], list[Descriptors]]:
    """Return the files that could be read, and their descriptors in pieces; say what could not be read."""
    kept: list[Path] = []
    rows: list[Descriptors] = []
    read = partial(_read, encoder, isinstance(encoder, PreparingEncoder) and encoder.full_size, settings)
    with (
        progress_bar("Describing", "images") as bar,
        contextlib.closing(_ahead(read, files, batch)) as results,
    ):
        waiting: list[Read] = []
        bar(0, len(files))
        for done, result in enumerate(results, 1):
            if result.pixels is None:
                _say(result)
            else:
                waiting.append(result)
            if waiting and (len(waiting) == batch or done == len(files)):
                for one, vectors in _described(encoder, waiting):
                    kept.append(one.path)
                    rows.append(vectors)
                waiting = []
            bar(done - len(waiting), len(files))
    return kept, rows


def _read(encoder: Encoder, full: bool, settings: Settings, path: Path) -> Read:
    """Read and decode a file, and prepare it where the encoder lets that be done ahead; runs in a thread."""
    try:
        data = read_image(path, max_bytes=settings.max_file_bytes)
        pixels = decode_for(
            encoder,
            data,
            max_bytes=settings.max_file_bytes,
            max_pixels=settings.max_pixels,
            full=full,
        ).pixels
        return Read(path, encoder.prepare(pixels) if isinstance(encoder, PreparingEncoder) else pixels)
    except InputError as error:
        return Read(path, error=error)


def _ahead(read: Callable[[Path], Read], files: Sequence[Path], batch: int) -> Generator[Read, None, None]:
    """Yield what ``read`` returns for each file, in order, while threads work on the next ones.

    A batch and two files a thread are held at most, however many there are.
    """
    threads = min(MOST_THREADS, os.cpu_count() or 1)
    under_way: deque[Future[Read]] = deque()
    with ThreadPoolExecutor(threads, thread_name_prefix="decode") as pool:
        try:
            for path in files:
                under_way.append(pool.submit(read, path))
                if len(under_way) == batch + 2 * threads:
                    yield under_way.popleft().result()
            while under_way:
                yield under_way.popleft().result()
        finally:
            pool.shutdown(cancel_futures=True)


def _described(encoder: Encoder, batch: Sequence[Read]) -> Iterator[tuple[Read, Descriptors]]:
    """Yield each file with its descriptor, ``[1, dim]``; one that has none is said and left out."""
    pixels = [one.pixels for one in batch if one.pixels is not None]
    try:
        if isinstance(encoder, PreparingEncoder):
            vectors = checked(encoder.encode_prepared(pixels), count=len(pixels), dim=encoder.spec.dim)
        else:
            vectors = encode_checked(encoder, pixels)
    except StylesearchError as error:
        if error.code != "descriptor_invalid":
            raise
        if len(batch) == 1:
            _say(Read(batch[0].path, error=error))
            return
        for one in batch:  # one picture spoils the batch: each by itself tells which
            yield from _described(encoder, [one])
        return
    for number, one in enumerate(batch):
        yield one, vectors[number : number + 1]


def _say(result: Read) -> None:
    assert result.error is not None
    name = "".join(
        one if one.isprintable() else one.encode("unicode_escape").decode() for one in str(result.path)
    )
    errors.print(
        f"{name}: {result.error.message}", highlight=False, markup=False, emoji=False, soft_wrap=True
    )


def _write(file: BinaryIO, spec: EncoderSpec, paths: Sequence[Path], descriptors: Descriptors) -> None:
    np.savez(
        file,
        paths=np.array([str(path) for path in paths]),
        descriptors=descriptors,
        encoder=np.array(spec.slug),
        encoder_digest=np.array(spec.digest),
        weights_sha256=np.array(spec.weights_sha256),
        preprocessing=np.array(spec.preprocessing),
    )


@contextlib.contextmanager
def output_file(path: Path) -> Iterator[BinaryIO]:
    """Open a file that appears under its path only if the block ends well.

    Raises
    ------
    InputError
        ``out_unwritable``, at once, if it could not be written in the end.
    """
    path = path.resolve()
    if path.exists() and not path.is_file():
        raise _unwritable(path, "it is no file")
    with contextlib.ExitStack() as stack:
        try:
            file = stack.enter_context(written_whole(path))
        except OSError as error:
            raise _unwritable(path, str(error.strerror)) from None
        yield file


def _unwritable(path: Path, why: str) -> InputError:
    return InputError(
        f"{path} cannot be written: {why}.",
        hint="Name a file in a folder that exists and that you may write to.",
        code="out_unwritable",
    )
