"""A likelihood ratio in words."""

from __future__ import annotations

SCALE_SOURCE = "ENFSI guideline for evaluative reporting in forensic science, version 3.0 (2015): its example of a verbal scale."

SCALE = (
    (1e6, "extremely strong support"),
    (1e4, "very strong support"),
    (1e3, "strong support"),
    (1e2, "moderately strong support"),
    (1e1, "moderate support"),
    (2.0, "weak support"),
)
"""Lowest ratio of each term, the highest first."""

NEITHER = "no support for one over the other"


def in_words(log10: float) -> str:
    """Return what a likelihood ratio is called; one below 1 supports the other proposition by its inverse.

    Parameters
    ----------
    log10:
        The decimal logarithm of the ratio.
    """
    ratio = 10 ** abs(log10)
    # A bound of the scale is the same bound after a logarithm and back.
    term = next((words for least, words in SCALE if ratio >= least * (1 - 1e-9)), None)
    if term is None:
        return NEITHER
    return f"{term} for {'the same artist' if log10 > 0 else 'another artist'}"
