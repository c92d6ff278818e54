"""How the images of a set are parted: queries from a database, and what is trained on from what is tested with."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Hashable, Sequence

from stylesearch.curation.components import components

QUERY, DATABASE = "query", "database"
TRAIN, TEST = "train", "test"


def draw(name: str, *, seed: int) -> float:
    """Return a number from 0 to 1 that hangs on a name and the seed alone, so that an image stays where it is when others come."""
    value = hashlib.sha256(f"{seed}/{name}".encode()).digest()
    return int.from_bytes(value[:8]) / 2**64


def random_sides(groups: Sequence[str], *, share: float, seed: int) -> list[str]:
    """Return for each image whether it is a query: a share of the groups by chance, at least one and not all.

    Parameters
    ----------
    groups:
        Each image's group; a group is on one side.
    share:
        Of queries, 0 to 1.
    """
    ordered = sorted(set(groups), key=lambda group: draw(group, seed=seed))
    count = min(len(ordered) - 1, max(1, round(share * len(ordered)))) if len(ordered) > 1 else 0
    queries = set(ordered[:count])
    return [QUERY if group in queries else DATABASE for group in groups]


def first_sides(
    tags: Sequence[Sequence[Hashable]], groups: Sequence[str], listed: set[Hashable], *, works: int
) -> list[str]:
    """Return for each image whether it is a query: among the first works of a listed artist; the rest is the database.

    An artist all of whose works would be queries keeps the last one in the database, so that there is something to find.

    Parameters
    ----------
    tags:
        Each image's artists, the images in the order of the captions.
    groups:
        Each image's group; a group is on one side.
    listed:
        The artists.
    works:
        How many are taken of each.
    """
    of: dict[Hashable, list[str]] = defaultdict(list)
    for artists, group in zip(tags, groups, strict=True):
        for artist in artists:
            if artist in listed and group not in of[artist]:
                of[artist].append(group)
    queries = {group for own in of.values() for group in own[: min(works, len(own) - 1)]}
    return [QUERY if group in queries else DATABASE for group in groups]


def disjoint_parts(
    labels: Sequence[Sequence[Hashable]], groups: Sequence[str], *, share: float, seed: int
) -> list[str]:
    """Return for each image whether it is trained on or tested with, so that no label and no group is in both.

    Images that share a label, or a label with one that shares another, stay together; images without a label go by their
    group. Where all hang together, all are trained on.

    Parameters
    ----------
    share:
        Of what is tested with, 0 to 1, as near as whole clusters allow.
    """
    first: dict[Hashable, int] = {}
    pairs = [
        (first.setdefault(("label", label), place), place)
        for place, own in enumerate(labels)
        for label in own
    ]
    pairs += [(first.setdefault(("group", group), place), place) for place, group in enumerate(groups)]
    clusters = components(len(groups), pairs).tolist()
    sizes: dict[int, int] = defaultdict(int)
    names: dict[int, str] = {}
    for place, cluster in enumerate(clusters):
        sizes[cluster] += 1
        names[cluster] = min(names.get(cluster, groups[place]), groups[place])
    wanted = share * len(groups)
    tested: set[int] = set()
    count = 0
    for cluster in sorted(sizes, key=lambda one: draw(names[one], seed=seed)):
        if count + sizes[cluster] <= wanted + 0.5 * min(sizes[cluster], wanted):
            tested.add(cluster)
            count += sizes[cluster]
    if len(tested) == len(sizes):
        tested.clear()
    return [TEST if cluster in tested else TRAIN for cluster in clusters]
