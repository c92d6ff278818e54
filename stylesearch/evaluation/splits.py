"""Divides collections into what is searched with and what is searched in, the same way each time."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from stylesearch.errors import InputError
from stylesearch.evaluation.labels import Mask
from stylesearch.evaluation.protocols import DATABASE, QUERY

DATABASE_SHARE = 0.8
"""Share of WikiArt that is searched in; the CSD paper's split has 64,090 of 80,096 images there."""

QUERY_CLASS_SHARE = 0.3
"""Share of DomainNet's classes whose images are searched with."""

MOST_QUERIES = 20_000
"""Queries that the CSD paper uses on DomainNet."""


def random_split(count: int, *, seed: int = 0) -> tuple[str, ...]:
    """Divide images at random, 80 % database and 20 % query: how the CSD paper divides WikiArt.

    The paper's own draw is in a table that goes with its code; where that table is at hand, use its column ``split``.

    Parameters
    ----------
    count:
        Images, at least 2.
    seed:
        The same seed gives the same split.
    """
    order = np.random.default_rng(seed).permutation(count)
    held = min(count - 1, max(1, round(DATABASE_SHARE * count)))
    splits = np.full(count, QUERY, dtype=object)
    splits[order[:held]] = DATABASE
    return tuple(splits.tolist())


def class_split(
    classes: Sequence[str],
    *,
    seed: int = 0,
    query_classes: frozenset[str] | None = None,
    most_queries: int = MOST_QUERIES,
) -> tuple[str | None, ...]:
    """Divide images by what they show, so that no query has its content in the database: the CSD paper on DomainNet.

    There only style can be found, as no content comes on both sides. The paper groups the class names in two by word2vec
    and takes the smaller group for queries; that grouping is not published, so here 30 % of the classes are drawn, or are
    given. Where there are more queries than the paper's 20,000, that many are drawn.

    Parameters
    ----------
    classes:
        What each image shows.
    seed:
        The same seed gives the same split.
    query_classes:
        The classes to search with, instead of drawing them.
    most_queries:
        Queries to keep; the others' split is ``None``.

    Raises
    ------
    InputError
        ``split``, if there are not two classes, or all or none of them would be queries.
    """
    names = sorted(set(classes))
    dice = np.random.default_rng(seed)
    if query_classes is None:
        count = min(len(names) - 1, max(1, round(QUERY_CLASS_SHARE * len(names))))
        query_classes = frozenset(names[place] for place in dice.permutation(len(names))[: max(count, 0)])
    asked = [place for place, name in enumerate(classes) if name in query_classes]
    if not asked or len(asked) == len(classes):
        raise InputError(
            f"Of {len(names)} classes, {len(query_classes & set(names))} would be queries.",
            hint="At least one class is needed for queries and one for the database.",
            code="split",
        )
    splits: list[str | None] = [None if name in query_classes else DATABASE for name in classes]
    for place in dice.permutation(len(asked))[:most_queries]:
        splits[asked[place]] = QUERY
    return tuple(splits)


def disjoint_halves(names: Sequence[str], *, seed: int = 0) -> Mask:
    """Divide images in two so that no artist is in both halves; the halves have as many artists, give or take one.

    Parameters
    ----------
    names:
        Each image's artist.
    seed:
        The same seed gives the same halves, in whatever order the images come.

    Returns
    -------
    ndarray
        ``[n]`` whether an image is in the first half.
    """
    artists = sorted(set(names))
    order = np.random.default_rng(seed).permutation(len(artists))
    first = {artists[place] for place in order[: (len(artists) + 1) // 2]}
    return np.array([name in first for name in names])
