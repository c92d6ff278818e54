"""The curves of a training run, drawn from its metrics."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stylesearch.errors import InputError
from stylesearch.training.runfolder import read_metrics

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_SIZE = (9.0, 7.0)
_SMOOTHED = 50
"""Into about this many points a curve is averaged, over the pale line of its single steps."""


def draw_curves(metrics: Path, out: Path) -> tuple[Path, Path]:
    """Draw loss and its parts, learning rates, gradient norm and held-out figures over the steps.

    Parameters
    ----------
    metrics:
        The ``metrics.jsonl`` of a run, finished or not.
    out:
        Where to write, without a suffix.

    Returns
    -------
    tuple
        The PNG and the SVG that were written.

    Raises
    ------
    InputError
        ``no_metrics``, if there is no step in the file.
    """
    import matplotlib as mpl
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    records = read_metrics(metrics)
    steps = [record for record in records if "loss" in record]
    if not steps:
        raise InputError(f"{metrics} holds no steps to draw.", hint="Train first.", code="no_metrics")
    figure = Figure(figsize=_SIZE, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots(2, 2, sharex=True).flatten()
    _curves(axes[0], "Loss", steps, {name: [step[name] for step in steps] for name in ("loss", "mcl", "ssl")})
    parts = sorted({part for step in steps for part in step["rates"]})
    _curves(
        axes[1], "Learning rate", steps, {part: [step["rates"].get(part) for step in steps] for part in parts}
    )
    _curves(axes[2], "Gradient norm", steps, {"norm": [step["gradient_norm"] for step in steps]})
    measured = [record for record in records if "evaluation" in record]
    names = sorted({name for record in measured for name in record["evaluation"]})
    held_out = {name: [record["evaluation"].get(name) for record in measured] for name in names}
    if held_out:
        _curves(axes[3], "Held out", measured, held_out)
    else:
        _curves(axes[3], "Images a second", steps, {"rate": [step["images_per_second"] for step in steps]})
    for axis in axes[2:]:
        axis.set_xlabel("Step")

    paths = out.with_suffix(".png"), out.with_suffix(".svg")
    # Without these the same curves would make another file each time.
    with mpl.rc_context({"svg.hashsalt": "stylesearch"}):
        figure.savefig(paths[0], dpi=120, metadata={"Software": None})
        figure.savefig(paths[1], metadata={"Date": None})
    return paths


def _curves(
    axis: Axes, title: str, records: Sequence[Mapping[str, Any]], curves: Mapping[str, Sequence[float | None]]
) -> None:
    import numpy as np

    at = np.array([record["step"] for record in records], float)
    width = max(1, len(at) // _SMOOTHED)
    whole = len(at) // width * width
    for number, (name, values) in enumerate(curves.items()):
        heights = np.array([np.nan if value is None else value for value in values], float)
        colour = f"C{number}"
        if width > 1:
            axis.plot(at, heights, color=colour, alpha=0.25, linewidth=0.8)
            heights = heights[:whole].reshape(-1, width)
            known = np.isfinite(heights).sum(axis=1)
            heights = np.where(known > 0, np.nansum(heights, axis=1) / np.maximum(known, 1), np.nan)
        middles = at[:whole].reshape(-1, width).mean(axis=1)
        axis.plot(middles, heights, color=colour, label=name, marker="." if len(middles) == 1 else "")
    axis.set_title(title)
    axis.grid(alpha=0.3)
    if len(curves) > 1:
        axis.legend(frameon=False)
