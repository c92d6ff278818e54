"""Writes what is ordinary to the encoder ``lite``: the reference that explanations compare pictures with."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from stylesearch.encoders.lite_dissection import ORDINARY, ordinary_of
from stylesearch.files import written_whole


def write_ordinary(statistics: NDArray[np.float32], weights: Path) -> Path:
    """Write the mean statistics beside a weights file.

    Parameters
    ----------
    statistics:
        ``[n, views, p]`` of the pictures that the head's whitening was fitted on; their mean is what it takes away.
    weights:
        The weights file, there or not.

    Returns
    -------
    Path
        The file written.
    """
    from safetensors.numpy import save

    mean = statistics.mean(axis=(0, 1), dtype=np.float64).astype(np.float32)
    path = ordinary_of(weights)
    with written_whole(path) as file:
        file.write(save({ORDINARY: mean}, {"pictures": str(len(statistics))}))
    return path
