"""A generative model examined: how near what it makes for an artist's name is to that artist's works."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from stylesearch.attribution.gss import style_similarity
from stylesearch.attribution.prototypes import Prototypes, prototypes
from stylesearch.attribution.sure_works import SureWorks
from stylesearch.errors import InputError
from stylesearch.evaluation.labels import Indices, Mask, Relevance
from stylesearch.evaluation.metrics import map_at, recall_at
from stylesearch.evaluation.ranking import rank, unit

K = 10
FEWEST_WORKS = 2
"""Works of an artist that a study needs: one has nothing to be compared with itself."""

SPLITS = 20
"""Times that an artist's works are divided at random into halves, for the ceiling."""

Numbers = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Generated:
    """One generated image.

    Attributes
    ----------
    path:
        Of its file.
    artist:
        Whose name was in the prompt; ``None`` for the baseline.
    prompt, seed:
        As given; empty where they are not known.
    kind:
        Kind of prompt, such as ``simple``, or ``content`` for one that also says what is to be seen.
    """

    path: str
    artist: str | None
    prompt: str = ""
    seed: str = ""
    kind: str = "simple"


@dataclass(frozen=True, slots=True)
class Retrieval:
    """How well the works of the prompted artist are found by what was generated."""

    kind: str
    images: int
    map_at_k: float
    recall_at_k: float


@dataclass(frozen=True, slots=True)
class ArtistStudy:
    """One artist.

    Attributes
    ----------
    images, works:
        Generated for the artist's name; of the artist.
    gss, low, high:
        General style similarity of what was generated to the artist's works, with its interval.
    baseline:
        The same of what was generated without any artist's name; NaN where there is none.
    ceiling:
        GSS of half of the artist's own works to the other half.
    strength:
        Where the GSS lies between baseline and ceiling: 0 is no nearer than without the name, 1 as near as the artist's own
        works. NaN without a baseline, or where the two are no different.
    intra:
        Mean cosine among the artist's own works.
    kinds:
        GSS by kind of prompt.
    retrieval:
        Of all of the artist's images.
    """

    artist: str
    images: int
    works: int
    gss: float
    low: float
    high: float
    baseline: float
    ceiling: float
    strength: float
    intra: float
    kinds: dict[str, float]
    retrieval: Retrieval


@dataclass(frozen=True, slots=True)
class Study:
    """A study.

    Attributes
    ----------
    artists:
        The strongest first.
    heat:
        ``[artists, artists]`` GSS of what was generated for the one of a line to the one of a column, both in the order of
        ``artists``.
    retrieval:
        By kind of prompt, over all artists.
    cosines:
        Of each image with the prototype of its artist; NaN for the baseline. In the order in which they were given.
    baseline_images:
        Images of the baseline.
    unknown:
        Artists who were prompted and have too few works here; their images are left out.
    """

    artists: tuple[ArtistStudy, ...]
    heat: Numbers
    retrieval: tuple[Retrieval, ...]
    cosines: Numbers
    baseline_images: int
    unknown: tuple[str, ...]

    @property
    def nearer(self) -> int | None:
        """How many artists have an interval above their baseline; ``None`` where there is no baseline."""
        if not self.baseline_images:
            return None
        return sum(one.low > one.baseline for one in self.artists)


def typical(works: SureWorks, artist: str, count: int) -> Indices:
    """Return the places of an artist's works that are nearest to the artist's prototype, the nearest first.

    Parameters
    ----------
    count:
        How many at most.
    """
    mine = np.flatnonzero(works.by(works.artists.index(artist)))
    rows = works.rows[mine].astype(np.float64)
    return mine[np.argsort(-(rows @ rows.mean(axis=0)), kind="stable")][:count]


def study(
    generated: Sequence[Generated],
    descriptors: NDArray[np.floating],
    works: SureWorks,
    *,
    resamples: int = 1000,
    seed: int = 0,
) -> Study:
    """Examine what a model generated.

    Parameters
    ----------
    generated:
        Images.
    descriptors:
        ``[images, dim]``.
    works:
        What the artists are known by.
    resamples, seed:
        Of the intervals.

    Raises
    ------
    InputError
        ``no_artist_known``, if none of the prompted artists has works here; else as
        :func:`~stylesearch.attribution.gss.style_similarity` does.
    """
    rows = unit(np.asarray(descriptors))
    known = prototypes(works, fewest=FEWEST_WORKS)
    prompted = sorted({one.artist for one in generated if one.artist is not None})
    here = [name for name in prompted if name in known.artists]
    if not here:
        raise InputError(
            f"None of the {len(prompted)} prompted artists has {FEWEST_WORKS} works here.",
            hint="Names must be as they are credited.",
            code="no_artist_known",
        )
    of_artist = {name: np.array([one.artist == name for one in generated]) for name in here}
    nobody = np.array([one.artist is None for one in generated])
    kinds = np.array([one.kind for one in generated])
    baseline = _gss(rows[nobody], known, resamples, seed) if nobody.any() else None
    artists, heat = [], {}
    for name in here:
        mine = of_artist[name]
        scores = style_similarity(rows[mine], known, resamples=resamples, seed=seed)
        place = known.artists.index(name)
        heat[name] = scores.scores
        theirs = works.rows[works.by(works.artists.index(name))]
        ceiling = _ceiling(theirs, (seed, place))
        base = float(baseline[place]) if baseline is not None else float("nan")
        gss = float(scores.scores[place])
        artists.append(
            ArtistStudy(
                artist=name,
                images=int(mine.sum()),
                works=len(theirs),
                gss=gss,
                low=float(scores.low[place]),
                high=float(scores.high[place]),
                baseline=base,
                ceiling=ceiling,
                strength=(gss - base) / (ceiling - base) if ceiling > base else float("nan"),
                intra=_intra(theirs),
                kinds={
                    str(kind): float(_gss(rows[mine & (kinds == kind)], known, 1, seed)[place])
                    for kind in np.unique(kinds[mine])
                },
                retrieval=_retrieval("all", rows[mine], [name] * int(mine.sum()), works),
            )
        )
    artists.sort(key=lambda one: (-_or_lowest(one.strength), -one.gss, one.artist))
    columns = [known.artists.index(one.artist) for one in artists]
    asked = np.any(list(of_artist.values()), axis=0)
    return Study(
        tuple(artists),
        np.array([heat[one.artist][columns] for one in artists]),
        tuple(
            _retrieval(
                str(kind),
                rows[asked & (kinds == kind)],
                [generated[place].artist or "" for place in np.flatnonzero(asked & (kinds == kind)).tolist()],
                works,
            )
            for kind in np.unique(kinds[asked])
        ),
        _cosines(generated, rows, known),
        int(nobody.sum()),
        tuple(sorted(set(prompted) - set(here))),
    )


def _gss(rows: NDArray[np.float32], known: Prototypes, resamples: int, seed: int) -> Numbers:
    return style_similarity(rows, known, resamples=resamples, seed=seed).scores


def _ceiling(rows: NDArray[np.float32], seed: tuple[int, int]) -> float:
    """Return the mean GSS of one half of some works to the other."""
    dice = np.random.default_rng(seed)
    found = []
    for _ in range(SPLITS):
        order = dice.permutation(len(rows))
        one, other = (
            rows[half].astype(np.float64).mean(axis=0)
            for half in (order[: len(rows) // 2], order[len(rows) // 2 :])
        )
        found.append(float(one @ other / (np.linalg.norm(one) * np.linalg.norm(other))))
    return float(np.mean(found))


def _intra(rows: NDArray[np.float32]) -> float:
    scores = rows.astype(np.float64) @ rows.T.astype(np.float64)
    return float(scores[np.triu_indices(len(rows), 1)].mean())


def _retrieval(kind: str, rows: NDArray[np.float32], artists: list[str], works: SureWorks) -> Retrieval:
    k = min(K, len(works))
    makers = [
        frozenset(works.artists[artist] for artist in works.maker_artists[maker] if artist >= 0)
        for maker in works.makers
    ]
    hits: Mask = rank(rows, works.rows, Relevance([frozenset([name]) for name in artists], makers), k=k).hits
    return Retrieval(kind, len(rows), map_at(hits, k), recall_at(hits, k))


def _cosines(generated: Sequence[Generated], rows: NDArray[np.float32], known: Prototypes) -> Numbers:
    directions = known.means / np.linalg.norm(known.means, axis=1, keepdims=True)
    return np.array(
        [
            float(row @ directions[known.artists.index(one.artist)])
            if one.artist in known.artists
            else float("nan")
            for one, row in zip(generated, rows, strict=True)
        ]
    )


def _or_lowest(value: float) -> float:
    return float("-inf") if math.isnan(value) else value
