"""Prototypes: the mean descriptor of each artist's works, and how it would be without some of them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from stylesearch.attribution.sure_works import SureWorks
from stylesearch.encoders.protocol import Descriptors
from stylesearch.evaluation.labels import Indices

Means = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Prototypes:
    """The prototypes of some artists.

    Attributes
    ----------
    artists:
        Names, in alphabetical order.
    means:
        ``[artists, dim]`` mean of each one's descriptors. It is shorter than 1 by how much the works differ; so its inner
        product with a descriptor is the mean cosine of that with the artist's works.
    works:
        ``[artists]`` how many works each is the mean of.
    """

    artists: tuple[str, ...]
    means: Means
    works: Indices

    def __len__(self) -> int:
        return len(self.artists)

    def without(self, artist: int, rows: Descriptors) -> Means | None:
        """Return ``[dim]``: an artist's mean without some of the works, or ``None`` if none would be left.

        Parameters
        ----------
        artist:
            Place of the artist.
        rows:
            ``[n, dim]`` descriptors of those works.
        """
        left = int(self.works[artist]) - len(rows)
        if left < 1:
            return None
        mean: Means = (self.means[artist] * self.works[artist] - rows.astype(np.float64).sum(axis=0)) / left
        return mean


def prototypes(works: SureWorks, *, fewest: int = 1) -> Prototypes:
    """Return the prototypes of the artists with so many works or more.

    Parameters
    ----------
    works:
        What the artists are known by. A work by several counts for each of them.
    fewest:
        Fewest works of an artist.
    """
    names, means, sizes = [], [], []
    for artist, name in enumerate(works.artists):
        mine = works.rows[works.by(artist)]
        if len(mine) >= fewest:
            names.append(name)
            means.append(mine.astype(np.float64).mean(axis=0))
            sizes.append(len(mine))
    dim = works.rows.shape[1]
    return Prototypes(tuple(names), np.array(means).reshape(len(names), dim), np.array(sizes, dtype=np.int64))
