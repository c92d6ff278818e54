"""What the frozen network says of each world's pictures, worked out once and kept."""

from __future__ import annotations

import hashlib
import json
import multiprocessing
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from stylesearch.encoders.devices import usable_processors
from stylesearch.encoders.lite import PREPROCESSING
from stylesearch.encoders.protocol import Pixels
from stylesearch.errors import InputError
from stylesearch.files import written_whole
from stylesearch.training.augment import Augmentation
from stylesearch.training.lite.worlds import World
from stylesearch.training.signals import ignore_interrupts

VIEWS = Augmentation(side=PREPROCESSING.size, smallest=0.4)
"""How the second view of a picture is cut; the first is the whole."""

VERSION = "1"
"""To be raised with any change of what worlds draw or how they are described: what was kept is then worked out anew."""

Progress = Callable[[int, int, str], None]


class Described(NamedTuple):
    """A world's statistics.

    Attributes
    ----------
    statistics:
        ``[n, 2, p]`` float16: of each picture the whole and a cut.
    styles, contents:
        ``[n]`` names; an empty content is none.
    """

    statistics: NDArray[np.float16]
    styles: NDArray[np.str_]
    contents: NDArray[np.str_]


def describe_worlds(
    worlds: Sequence[World], folder: Path, *, processes: int | None = None, progress: Progress | None = None
) -> Iterator[tuple[World, Described]]:
    """Describe worlds, in processes of their own, and yield them in order.

    Each is kept in the folder as soon as it is done; what is there already is only read.

    Parameters
    ----------
    folder:
        Made if it is missing.
    processes:
        As many as there are processors by default.
    progress:
        Called with the worlds done, all there are, and the last one's name.

    Raises
    ------
    InputError
        ``world_empty``, if nothing of a world can be decoded.
    """
    folder.mkdir(parents=True, exist_ok=True)
    jobs = [(world, folder / f"{world.name}-{_digest(world)}.npz") for world in worlds]
    todo = [job for job in jobs if not job[1].exists()]
    done = len(jobs) - len(todo)
    if progress is not None:
        progress(done, len(jobs), "")
    if todo:
        # libvips and torch have threads, which do not survive a fork.
        context = multiprocessing.get_context("spawn")
        with context.Pool(min(len(todo), processes or usable_processors()), _start) as pool:
            for number, name in enumerate(pool.imap_unordered(_describe_and_keep, todo), start=done + 1):
                if progress is not None:
                    progress(number, len(jobs), name)
    for world, path in jobs:
        with np.load(path, allow_pickle=False) as arrays:
            described = Described(arrays["statistics"], arrays["styles"], arrays["contents"])
        if not len(described.styles):
            raise InputError(
                f"Nothing of the world {world.name} can be decoded.",
                hint="Remove the packages' folders and fetch them again.",
                code="world_empty",
            )
        yield world, described


def _digest(world: World) -> str:
    values = json.dumps([VERSION, VIEWS.settings, asdict(world)], default=str)  # type: ignore[call-overload]
    return hashlib.sha256(values.encode()).hexdigest()[:16]


_network: Any = None


def _start() -> None:
    """Prepare a worker process: one thread each, since there are as many processes as processors."""
    import torch

    from stylesearch.encoders.backbone import load_backbone
    from stylesearch.encoders.lite_network import LiteNetwork

    global _network  # noqa: PLW0603 - a worker process has one network
    ignore_interrupts()
    os.environ["VIPS_CONCURRENCY"] = "1"
    torch.set_num_threads(1)
    _network = LiteNetwork(load_backbone(), torch.nn.Identity()).eval()


def _describe_and_keep(job: tuple[World, Path]) -> str:
    world, path = job
    described = _described(world)
    with written_whole(path) as file:
        np.savez(file, **described._asdict())
    return world.name


def _described(world: World) -> Described:
    import torch

    rows, styles, contents = [], [], []
    with torch.inference_mode():
        for number, (pixels, style, content) in enumerate(world.draw()):
            views = torch.from_numpy(np.stack(_views(pixels, np.random.default_rng([0, number]))))
            rows.append(_network.statistics(views).numpy().astype(np.float16))
            styles.append(style)
            contents.append(content or "")
    return Described(
        np.stack(rows) if rows else np.empty((0, 2, 0), np.float16), np.array(styles), np.array(contents)
    )


def _views(pixels: Pixels, generator: np.random.Generator) -> tuple[Pixels, Pixels]:
    """Return the whole picture as the encoder sees it, and a cut of it, turned or mirrored."""
    return PREPROCESSING.squares(pixels)[0], VIEWS.view(pixels, generator).transpose(1, 2, 0)
