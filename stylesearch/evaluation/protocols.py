"""Retrieval protocols: descriptors and labels in, a frozen result out.

All of them count as :mod:`stylesearch.evaluation.metrics` says. Two things are common to all:

- A query with no hit in the gallery at all is left out, and their number reported, for no descriptor could find what is
  not there. The CSD paper's code does the same on WikiArt: it drops queries by artists who are not in the database.
- A k above the number of images that a query is compared with is lowered to it, and the result says so.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from stylesearch.errors import InputError
from stylesearch.evaluation import metrics
from stylesearch.evaluation.labels import Indices, Labels, Mask, Relevance, label_count
from stylesearch.evaluation.pairs import PairScores, compare_pairs
from stylesearch.evaluation.ranking import Ranking, candidate_counts, rank, unit

KS = (1, 10, 100)
QUERY, DATABASE = "query", "database"


@dataclass(frozen=True, slots=True)
class RetrievalResult:
    """How well a gallery's nearest images share a query's label.

    Attributes
    ----------
    queries, gallery:
        Images that were searched with, and in. In leave-one-out a query is not among its own results.
    unanswerable:
        Queries left out because the gallery holds no hit for them.
    ks:
        The ks measured.
    clipped:
        Asked-for k to the k it was lowered to.
    recall_at, map_at, average_precision_at:
        By k, 0 to 1: Recall@k and mAP@k as in the CSD paper's code, and average precision cut off at k.
    average_precision:
        Mean average precision over the whole ranking, 0 to 1.
    chance:
        What mAP@k would be on average, at any k, if the gallery were in random order.
    precision_by_rank:
        precision@r for r = 1 … the highest k.
    """

    queries: int
    gallery: int
    unanswerable: int
    ks: tuple[int, ...]
    clipped: dict[int, int]
    recall_at: dict[int, float]
    map_at: dict[int, float]
    average_precision_at: dict[int, float]
    average_precision: float
    chance: float
    precision_by_rank: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class CrossedResult:
    """Whether style outweighs content, where the same contents come in several styles.

    Attributes
    ----------
    retrieval:
        Leave-one-out retrieval of style, the same content in other styles left in as distractors.
    lured:
        Share of queries whose nearest image merely shares the content: another style, the same content.
    pairs:
        Pairs of one style with different contents, wanted, against pairs of one content in different styles, the lures.
        Pairs that share both or neither are not looked at.
    styles, contents:
        How many there are of each.
    """

    retrieval: RetrievalResult
    lured: float
    pairs: PairScores
    styles: int
    contents: int


def retrieval(
    queries: NDArray[np.floating],
    gallery: NDArray[np.floating],
    query_labels: Labels,
    gallery_labels: Labels,
    *,
    ks: Sequence[int] = KS,
    query_groups: Indices | None = None,
    gallery_groups: Indices | None = None,
    chunk: int | None = None,
) -> RetrievalResult:
    """Search a gallery with every query, and count the results that share a label with it.

    Parameters
    ----------
    queries, gallery:
        ``[n, dim]`` and ``[m, dim]`` descriptors.
    query_labels, gallery_labels:
        See :data:`~stylesearch.evaluation.labels.Labels`.
    ks:
        Cut-offs, each at least 1.
    query_groups, gallery_groups:
        Numbers; gallery images of a query's own group are not ranked for it. Give both or neither.
    chunk:
        Queries at a time; the result does not depend on it.

    Raises
    ------
    InputError
        If descriptors and labels do not fit together, are empty or not finite, a k is below 1, or no query can be
        answered.
    """
    result, _ = _retrieve(
        queries, gallery, query_labels, gallery_labels, ks, query_groups, gallery_groups, chunk
    )
    return result


def leave_one_out(
    descriptors: NDArray[np.floating],
    labels: Labels,
    *,
    ks: Sequence[int] = KS,
    groups: Indices | None = None,
    chunk: int | None = None,
) -> RetrievalResult:
    """Search with every image among all the others.

    Parameters
    ----------
    descriptors, labels, ks, chunk:
        As for :func:`retrieval`.
    groups:
        ``[n]`` numbers; images of one group are pictures of one thing, and are no results for each other. By default
        every image is a group of its own.

    Raises
    ------
    InputError
        As :func:`retrieval` does.
    """
    groups = np.arange(len(descriptors)) if groups is None else groups
    result, _ = _retrieve(descriptors, descriptors, labels, labels, ks, groups, groups, chunk)
    return result


def by_split(
    descriptors: NDArray[np.floating],
    labels: Labels,
    splits: Sequence[str],
    *,
    ks: Sequence[int] = KS,
    chunk: int | None = None,
) -> RetrievalResult:
    """Search the database part of a collection with its query part: the protocol of WikiArt and DomainNet.

    Parameters
    ----------
    descriptors, labels, ks, chunk:
        As for :func:`retrieval`; the label is the artist on WikiArt and the domain on DomainNet.
    splits:
        ``query`` or ``database`` for each image; see :mod:`stylesearch.evaluation.splits`.

    Raises
    ------
    InputError
        As :func:`check_split` and :func:`retrieval` do.
    """
    if len(splits) != len(descriptors):
        raise InputError(
            f"There are {len(descriptors)} descriptors and {len(splits)} splits.",
            hint="Each image is a query or in the database.",
            code="split",
        )
    check_split(splits)
    parts = np.asarray(splits)
    asked, held = np.flatnonzero(parts == QUERY), np.flatnonzero(parts == DATABASE)
    return retrieval(
        descriptors[asked],
        descriptors[held],
        _chosen(labels, asked),
        _chosen(labels, held),
        ks=ks,
        chunk=chunk,
    )


def check_split(splits: Sequence[str]) -> None:
    """Check that a split has queries and a database, and nothing else.

    Raises
    ------
    InputError
        ``split``, if not.
    """
    other = sorted(set(splits) - {QUERY, DATABASE})
    if other:
        raise InputError(
            f"The split {other[0]!r} is neither query nor database.",
            hint="Each image is in one of the two.",
            code="split",
        )
    asked = sum(split == QUERY for split in splits)
    if not 0 < asked < len(splits):
        raise InputError(
            f"The split has {asked} queries and {len(splits) - asked} images in the database.",
            hint="Both parts need images.",
            code="split",
        )


def check_crossed(styles: Sequence[str], contents: Sequence[str]) -> None:
    """Check that styles and contents can be told apart on images with these.

    Raises
    ------
    InputError
        ``one_style``, if there are not two styles; ``not_crossed``, if no content comes in two styles or no style has two
        contents.
    """
    if len(set(styles)) < 2:
        raise InputError(
            "All images are of one style, so nothing can be confused with it.",
            hint="Give images of at least two styles.",
            code="one_style",
        )
    pairs = set(zip(styles, contents, strict=True))
    if len({style for style, _ in pairs}) == len(pairs) or len({content for _, content in pairs}) == len(
        pairs
    ):
        raise InputError(
            "Styles and contents are not crossed: no content comes in two styles, or no style has two contents.",
            hint="The same contents are needed in several styles.",
            code="not_crossed",
        )


def crossed(
    descriptors: NDArray[np.floating],
    styles: Sequence[str],
    contents: Sequence[str],
    *,
    ks: Sequence[int] = KS,
    chunk: int | None = None,
) -> CrossedResult:
    """Measure whether style outweighs content, on images with one style and one content each.

    Parameters
    ----------
    descriptors, ks, chunk:
        As for :func:`retrieval`.
    styles, contents:
        ``[n]`` names.

    Raises
    ------
    InputError
        As :func:`check_crossed` and :func:`retrieval` do.
    """
    style_ids, content_ids = _numbered(styles, len(descriptors)), _numbered(contents, len(descriptors))
    check_crossed(styles, contents)

    def kinds(start: int, stop: int) -> tuple[Mask, Mask]:
        same_style = style_ids[start:stop, None] == style_ids
        same_content = content_ids[start:stop, None] == content_ids
        return same_style & ~same_content, ~same_style & same_content

    rows = unit(np.asarray(descriptors))
    pairs = compare_pairs(rows, kinds, chunk=chunk)
    groups = np.arange(len(rows))
    result, ranking = _retrieve(rows, rows, style_ids, style_ids, ks, groups, groups, chunk)
    answerable = np.flatnonzero(ranking.relevant)
    first = ranking.nearest[answerable, 0]
    lured = (style_ids[first] != style_ids[answerable]) & (content_ids[first] == content_ids[answerable])
    return CrossedResult(
        retrieval=result,
        lured=float(lured.mean()),
        pairs=pairs,
        styles=len(np.unique(style_ids)),
        contents=len(np.unique(content_ids)),
    )


def _retrieve(
    queries: NDArray[np.floating],
    gallery: NDArray[np.floating],
    query_labels: Labels,
    gallery_labels: Labels,
    ks: Sequence[int],
    query_groups: Indices | None,
    gallery_groups: Indices | None,
    chunk: int | None,
) -> tuple[RetrievalResult, Ranking]:
    _check_counts(queries, query_labels, query_groups, "queries")
    _check_counts(gallery, gallery_labels, gallery_groups, "gallery images")
    left, right = unit(np.asarray(queries)), unit(np.asarray(gallery))
    if left.shape[1] != right.shape[1]:
        raise InputError(
            f"The queries' descriptors have {left.shape[1]} numbers and the gallery's {right.shape[1]}.",
            hint="Both must come from one encoder.",
            code="descriptors",
        )
    used, clipped = _cut_offs(ks, candidate_counts(query_groups, gallery_groups, len(left), len(right)))
    ranking = rank(
        left,
        right,
        Relevance(query_labels, gallery_labels),
        k=max(used),
        query_groups=query_groups,
        gallery_groups=gallery_groups,
        chunk=chunk,
    )
    answerable = ranking.relevant > 0
    if not answerable.any():
        raise InputError(
            "No query shares its label with any image that it is compared with.",
            hint="Each label needs at least two images, or one in the gallery; check the labels.",
            code="no_relevant",
        )
    hits, relevant = ranking.hits[answerable], ranking.relevant[answerable]
    result = RetrievalResult(
        queries=int(answerable.sum()),
        gallery=len(right),
        unanswerable=int((~answerable).sum()),
        ks=used,
        clipped=clipped,
        recall_at={k: metrics.recall_at(hits, k) for k in used},
        map_at={k: metrics.map_at(hits, k) for k in used},
        average_precision_at={k: metrics.average_precision_at(hits, relevant, k) for k in used},
        average_precision=float(ranking.average_precision[answerable].mean()),
        chance=float((relevant / ranking.candidates[answerable]).mean()),
        precision_by_rank=tuple(metrics.precision_by_rank(hits).tolist()),
    )
    return result, ranking


def _check_counts(
    descriptors: NDArray[np.floating], labels: Labels, groups: Indices | None, what: str
) -> None:
    counts = {len(descriptors), label_count(labels)} | (set() if groups is None else {len(groups)})
    if len(counts) > 1:
        raise InputError(
            f"There are {len(descriptors)} descriptors of {what} and {label_count(labels)} labels for them.",
            hint="Each image needs its label, in the order of the descriptors.",
            code="labels",
        )


def _cut_offs(ks: Sequence[int], candidates: Indices) -> tuple[tuple[int, ...], dict[int, int]]:
    if not ks or min(ks) < 1:
        raise InputError(
            f"k cannot be {min(ks, default=None)}.", hint="Give whole numbers from 1 up.", code="k"
        )
    most = int(candidates.min())
    if most < 1:
        raise InputError(
            "There are too few images: a query has nothing to be compared with.",
            hint="Give more images.",
            code="too_few_images",
        )
    return tuple(sorted({min(k, most) for k in ks})), {k: most for k in sorted(set(ks)) if k > most}


def _chosen(labels: Labels, places: Indices) -> Labels:
    return labels[places] if hasattr(labels, "shape") else [labels[place] for place in places]


def _numbered(names: Sequence[str], count: int) -> Indices:
    if len(names) != count:
        raise InputError(
            f"There are {count} descriptors and {len(names)} labels.",
            hint="Each image needs its style and its content, in the order of the descriptors.",
            code="labels",
        )
    numbers: Indices = np.unique(np.asarray(names), return_inverse=True)[1].astype(np.int64)
    return numbers
