"""Galleries whose styles are known because they are drawn: each artist a direction, each work near it."""

import numpy as np

from stylesearch.attribution.sure_works import SureWorks, Traits, sure_works


def planted_descriptors(
    artists: int, works: int, *, spread: float = 0.5, dim: int = 24, seed: int = 0
) -> tuple[np.ndarray, list[str]]:
    """Descriptors of artists with a style each; the larger the spread, the less an artist's works are alike."""
    dice = np.random.default_rng(seed)
    styles = dice.normal(size=(artists, dim))
    styles /= np.linalg.norm(styles, axis=1, keepdims=True)
    rows = np.repeat(styles, works, axis=0) + spread * dice.normal(size=(artists * works, dim)) / np.sqrt(dim)
    names = [f"artist {number:03}" for number in range(artists) for _ in range(works)]
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32), names


def planted_gallery(artists: int = 30, works: int = 12, **options) -> SureWorks:
    rows, names = planted_descriptors(artists, works, **options)
    return gallery_of(rows, names)


def gallery_of(rows: np.ndarray, names: list[str], traits: list[Traits] | None = None) -> SureWorks:
    return sure_works(rows, [frozenset([name]) for name in names], np.arange(len(rows)), traits)
