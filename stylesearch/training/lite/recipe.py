"""From nothing to the weights of the encoder ``lite``."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from stylesearch.encoders.backbone import WEIGHTS_SHA256, load_backbone
from stylesearch.encoders.lite import DIM
from stylesearch.encoders.lite_network import LiteHead, LiteNetwork
from stylesearch.local.apt import fetch
from stylesearch.training.config import TrainingConfig
from stylesearch.training.data.packages import TEST_PACKAGES, TRAINING_PACKAGES
from stylesearch.training.datasets import FeatureSet
from stylesearch.training.distributed import joined_ranks
from stylesearch.training.labels import Labels
from stylesearch.training.lite.export import export
from stylesearch.training.lite.head import trainable_head
from stylesearch.training.lite.ordinary import write_ordinary
from stylesearch.training.lite.plan import plan, shares
from stylesearch.training.lite.statistics import describe_worlds
from stylesearch.training.runfolder import RunFolder
from stylesearch.training.trainer import train

CONFIG = TrainingConfig(
    steps=1600,
    worlds=4,
    styles=16,
    contents=4,
    optimizer="adamw",
    head_lr=1e-3,
    weight_decay=0.1,
    warmup=30,
    precision="fp32",
)

FITTED_ON = frozenset(("icons", "buttons", "art", "artists", "drawn, colours kept", "drawn, colours free"))
"""Kinds of worlds that the whitening is fitted on: those in which colours tell little of the style."""

Progress = Callable[[str, str, int, int, str], None]


def make_lite(
    packages: Path, work: Path, out: Path, *, fresh: bool = False, progress: Progress
) -> dict[str, Any]:
    """Fetch, describe, train and write; what is done already is not done again.

    Parameters
    ----------
    packages:
        Folder for unpacked Debian packages; missing ones are fetched into it.
    work:
        Folder for statistics and the training run.
    out:
        The weights file to write; the graph is written beside it.
    fresh:
        Whether to train anew, though a run was begun in the folder; statistics that are there are used all the same.
    progress:
        Called with what is being done, the unit, the number done, all there are, and a note.

    Returns
    -------
    dict
        What the weights file says of itself.

    Raises
    ------
    StylesearchError
        As the steps do.
    """
    wanted = sorted({*TRAINING_PACKAGES, *TEST_PACKAGES})
    fetch(wanted, packages, progress=lambda *state: progress("Fetching", "packages", *state))
    worlds, dropped = plan(packages)
    rows, styles, contents, names, fitted = [], [], [], [], []
    for world, described in describe_worlds(
        worlds, work / "statistics", progress=lambda *state: progress("Describing", "worlds", *state)
    ):
        rows.append(described.statistics.astype(np.float32))
        styles += described.styles.tolist()
        contents += described.contents.tolist()
        names += [world.name] * len(described.styles)
        fitted += [world.kind in FITTED_ON] * len(described.styles)
    labels = Labels.of([[style] for style in styles], [content or None for content in contents])
    data = FeatureSet(np.concatenate(rows), labels.in_worlds(names, shares(worlds)), "the worlds of lite")
    del rows
    fitted_on = np.array(fitted)
    trainable = trainable_head(data, fitted_on=fitted_on, dim=DIM)
    with joined_ranks("cpu") as ranks:
        outcome = train(
            trainable,
            data,
            CONFIG,
            RunFolder(work / "run"),
            ranks=ranks,
            fresh=fresh,
            on_step=lambda done, total, loss: progress("Training", "steps", done, total, f"loss {loss:.3f}"),
        )
    if not outcome.finished:
        raise KeyboardInterrupt
    assert isinstance(trainable.module, LiteHead)
    network = LiteNetwork(load_backbone(), trainable.module).eval()
    facts = {
        "encoder": "lite",
        "backbone_sha256": WEIGHTS_SHA256,
        "pictures": len(styles),
        "styles": len(set(styles)),
        "worlds": len(worlds),
        "left_out": str(dropped),
        "data_sha256": data.digest,
    }
    export(network, out, facts)
    write_ordinary(data.features[fitted_on], out)
    return facts
