"""The works that artists are known by: credited without doubt, each picture counted once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from stylesearch.encoders.protocol import Descriptors
from stylesearch.errors import InputError
from stylesearch.evaluation.labels import Indices, Mask
from stylesearch.evaluation.ranking import unit

NOBODY = -1
"""Fills up the table of makers' artists."""


@dataclass(frozen=True, slots=True)
class Traits:
    """What is known of a work besides its artist, by which works are matched; ``None`` where nothing is.

    Attributes
    ----------
    years:
        First and last year in which it may have been made.
    """

    movement: str | None = None
    medium: str | None = None
    years: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True)
class SureWorks:
    """Works whose artist is sure, one picture of each thing, in an order of their own.

    Attributes
    ----------
    rows:
        ``[n, dim]`` descriptors of unit norm.
    places:
        ``[n]`` which of the images given each one is, in rising order.
    artists:
        Names, in alphabetical order.
    makers:
        ``[n]`` who made each work: a number for one artist, and for each company of artists.
    maker_artists:
        ``[makers, widest company]`` the artists of each, filled up with :data:`NOBODY`.
    traits:
        Of each work.
    repeated, contested:
        Images left out: further pictures of something that is here, and pictures that are credited to different artists,
        who cannot all have made them.
    """

    rows: Descriptors
    places: Indices
    artists: tuple[str, ...]
    makers: Indices
    maker_artists: Indices
    traits: tuple[Traits, ...]
    repeated: int
    contested: int

    def __len__(self) -> int:
        return len(self.rows)

    def by(self, artist: int) -> Mask:
        """Return ``[n]``: whether an artist made each work, alone or with others."""
        makers: Mask = np.any(np.isin(self.maker_artists, artist), axis=1)
        mine: Mask = makers[self.makers]
        return mine

    def sharing(self, maker: int) -> Mask:
        """Return ``[n]``: whether each work has an artist in common with a maker."""
        company = self.maker_artists[maker]
        shared: Mask = np.any(np.isin(self.maker_artists, company[company != NOBODY]), axis=1)
        found: Mask = shared[self.makers]
        return found

    def numbers_of(self, names: Sequence[str]) -> Indices:
        """Return ``[names]`` numbers of artists who are all here."""
        number = {name: place for place, name in enumerate(self.artists)}
        return np.array([number[name] for name in names], dtype=np.int64)

    def counts(self) -> Indices:
        """Return ``[artists]``: how many works each has."""
        return np.array([int(self.by(artist).sum()) for artist in range(len(self.artists))], dtype=np.int64)

    def only(self, chosen: Mask) -> SureWorks:
        """Return some of the works, with the artists who then have any."""
        names = [
            frozenset(self.artists[artist] for artist in self.maker_artists[maker] if artist != NOBODY)
            for maker in self.makers[chosen]
        ]
        kept = np.flatnonzero(chosen)
        return _numbered(
            self.rows[kept],
            self.places[kept],
            names,
            tuple(self.traits[place] for place in kept),
            self.repeated,
            self.contested,
        )


def sure_works(
    descriptors: NDArray[np.floating],
    artists: Sequence[frozenset[str]],
    groups: Indices,
    traits: Sequence[Traits] | None = None,
) -> SureWorks:
    """Choose the works that artists are known by.

    Of each thing, which may be there as several pictures or copies, one picture counts: the first. What is credited to
    different artists as different works, though it looks the same, is left out: nobody can say whose it is.

    Parameters
    ----------
    descriptors:
        ``[n, dim]``.
    artists:
        Who made each image's work; empty where that is not sure, and then the image is left out.
    groups:
        ``[n]`` numbers; images of one thing have one number.
    traits:
        Of each image's work; nothing is known by default.

    Raises
    ------
    InputError
        ``no_sure_works``, if nobody made any of them for sure; ``labels``, if there are not as many of each.
    """
    count = len(descriptors)
    known = list(traits) if traits is not None else [Traits()] * count
    if not count == len(artists) == len(groups) == len(known):
        raise InputError(
            f"There are {count} descriptors, and artists of {len(artists)}.",
            hint="Each image needs its artists and its group.",
            code="labels",
        )
    sure = [place for place in range(count) if artists[place]]
    things: dict[int, list[int]] = {}
    for place in sure:
        things.setdefault(int(groups[place]), []).append(place)
    kept, contested = [], 0
    for images in things.values():
        if len({artists[place] for place in images}) == 1:
            kept.append(images[0])
        else:
            contested += len(images)
    if not kept:
        raise InputError(
            "None of these images is of a work whose artist is sure.",
            hint="Take in works that are credited to an artist without a qualifier.",
            code="no_sure_works",
        )
    kept.sort()
    places = np.array(kept, dtype=np.int64)
    return _numbered(
        unit(np.asarray(descriptors)[places]),
        places,
        [artists[place] for place in kept],
        tuple(known[place] for place in kept),
        len(sure) - len(kept) - contested,
        contested,
    )


def _numbered(
    rows: Descriptors,
    places: Indices,
    artists: Sequence[frozenset[str]],
    traits: tuple[Traits, ...],
    repeated: int,
    contested: int,
) -> SureWorks:
    names = tuple(sorted(set().union(*artists)))
    number = {name: place for place, name in enumerate(names)}
    companies = sorted({tuple(sorted(number[name] for name in company)) for company in artists})
    table = np.full((len(companies), max(map(len, companies), default=1)), NOBODY, dtype=np.int64)
    for row, company in enumerate(companies):
        table[row, : len(company)] = company
    places_of = {company: row for row, company in enumerate(companies)}
    makers = np.array(
        [places_of[tuple(sorted(number[name] for name in company))] for company in artists], dtype=np.int64
    )
    return SureWorks(rows, places, names, makers, table, traits, repeated, contested)
