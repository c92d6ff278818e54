"""How descriptors become a score: the measure, and what is made of several examples."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, Literal, get_args

from stylesearch.errors import InputError
from stylesearch.search.examples import is_number

Measure = Literal["cosine", "csls", "whitened"]
Fusion = Literal["mean", "rank"]
Against = Literal["subtract", "margin"]


@dataclass(frozen=True, slots=True)
class Readout:
    """How works are scored.

    Attributes
    ----------
    measure:
        ``cosine``; or ``csls``, twice the cosine less how crowded it is around either descriptor, which holds back works
        that are near to everything; or ``whitened``, the cosine in a space in which the gallery spreads alike in all
        directions.
    fusion:
        Of several examples: ``mean`` searches with their weighted mean; ``rank`` searches with each, and adds up
        reciprocals of the ranks.
    against:
        Of examples to be unlike: ``margin`` takes off ``force`` times what is missing until a work is nearer by ``margin``
        to the examples than to those; ``subtract`` takes ``force`` of them off, from the mean or from the sum of ranks.
    force:
        From 0 to 10.
    margin:
        From 0 to 2.
    """

    measure: Measure = "cosine"
    fusion: Fusion = "mean"
    against: Against = "margin"
    force: float = 0.5
    margin: float = 0.1

    def __post_init__(self) -> None:
        for name, kind in (("measure", Measure), ("fusion", Fusion), ("against", Against)):
            known = get_args(kind)
            if getattr(self, name) not in known:
                raise InputError(
                    f"{str(getattr(self, name))[:30]!r} is no {name} of a readout.",
                    hint=f"Use one of: {', '.join(known)}.",
                    code="bad_readout",
                )
        for name, most in (("force", 10), ("margin", 2)):
            value = getattr(self, name)
            if not is_number(value) or not 0 <= value <= most:
                raise InputError(
                    f"{str(value)[:30]} is no {name} of a readout.",
                    hint=f"Give a number from 0 to {most}.",
                    code="bad_readout",
                )
            object.__setattr__(self, name, float(value))

    def to_json(self) -> dict[str, Any]:
        """Return what differs from the usual, as JSON values."""
        return {name: value for name, value in asdict(self).items() if value != getattr(USUAL, name)}

    @classmethod
    def from_json(cls, values: object) -> Readout:
        """Return the readout of :meth:`to_json`.

        Raises
        ------
        InputError
            ``bad_readout``.
        """
        known = [one.name for one in fields(cls)]
        if not isinstance(values, Mapping) or set(values) - set(known):
            raise InputError(
                "A readout has something that it cannot have.",
                hint=f"It has: {', '.join(known)}.",
                code="bad_readout",
            )
        return cls(**values)


USUAL = Readout()
