"""How near two things are in style: the score that either would have if one searched with the other."""

from __future__ import annotations

from collections.abc import Iterable

from stylesearch.search.describing import Described
from stylesearch.search.examples import Example
from stylesearch.search.resolving import Resolver
from stylesearch.search.service import StyleSearch
from stylesearch.search.vectors import cosines


def nearness(
    style_search: StyleSearch, one: Example, other: Example, *, at_hand: Iterable[Described] = ()
) -> float:
    """Return the cosine of two examples' descriptors, -1 to 1.

    Parameters
    ----------
    at_hand:
        Files among them that have been described already.

    Raises
    ------
    StylesearchError
        As :meth:`~stylesearch.search.service.StyleSearch.search` does, for examples that cannot be found or described.
    """
    files = list(at_hand)
    with style_search.database.session() as session:
        row = style_search.gallery_encoder(session, files[0].encoder if files else None)
        resolver = Resolver(
            session,
            row,
            style_search.settings,
            encoder=lambda: style_search.encoder,
            store=lambda: style_search.store,
            access=style_search.access,
            at_hand=files,
        )
        first, second = (resolver.resolve([example]).wanted.vectors for example in (one, other))
        return round(float(cosines(first, second)[0, 0]), 9)
