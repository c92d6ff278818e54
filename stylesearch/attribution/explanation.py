"""Why an encoder finds two pictures near in style, or far: by depth, by region, and in the words people use."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from stylesearch.attribution.comparison import Finding, compare
from stylesearch.attribution.regions import GRID, Regions, describe_occluded, regions_of
from stylesearch.attribution.shapley import coalitions, shapley_values
from stylesearch.attribution.traits import Traits, common_side, measure, trimmed
from stylesearch.encoders.checking import checked
from stylesearch.encoders.protocol import Depth, Descriptors, Encoder, EncoderSpec, ExplainingEncoder, Pixels
from stylesearch.encoders.registry import encode_checked

_DIGITS = 6


@dataclass(frozen=True, slots=True)
class DepthShare:
    """What one depth adds to a score.

    Attributes
    ----------
    depth:
        Which.
    contribution:
        Above zero where the two pictures are out of the ordinary in the same way there, below where in opposite ways.
    """

    depth: Depth
    contribution: float


@dataclass(frozen=True, slots=True)
class Explanation:
    """What a score comes from.

    Attributes
    ----------
    encoder:
        Whose score it is.
    score:
        Cosine of the two descriptors, -1 to 1.
    depths:
        By depth, the one that sees the smallest patches first; empty if the encoder cannot say. With ``ordinary`` they
        add up to the score.
    ordinary:
        The score that is left when every depth says what is ordinary; 0 if the encoder cannot say.
    regions:
        Of the first picture and of the second: what the score loses without each region.
    masked:
        Whether a region was left out of what the encoder had seen; else it was covered before.
    traits:
        Of both, measured at one size and without white margins.
    findings:
        What people would name, differences first.
    """

    encoder: EncoderSpec
    score: float
    depths: tuple[DepthShare, ...]
    ordinary: float
    regions: tuple[Regions, Regions]
    masked: bool
    traits: tuple[Traits, Traits]
    findings: tuple[Finding, ...]

    @property
    def differences(self) -> tuple[Finding, ...]:
        """The findings that tell the two apart."""
        return tuple(one for one in self.findings if not one.alike)

    @property
    def likenesses(self) -> tuple[Finding, ...]:
        """The findings that say what they have in common."""
        return tuple(one for one in self.findings if one.alike)

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return {
            "score": round(self.score, _DIGITS),
            "encoder": {"slug": self.encoder.slug, "digest": self.encoder.digest},
            "depths": [
                {
                    "name": one.depth.name,
                    "reach": round(one.depth.reach, 1),
                    "contribution": round(one.contribution, _DIGITS),
                }
                for one in self.depths
            ],
            "ordinary": round(self.ordinary, _DIGITS) if self.depths else None,
            "regions": {
                "grid": GRID,
                "method": "masked" if self.masked else "occluded",
                "first": self.regions[0].round(_DIGITS).tolist(),
                "second": self.regions[1].round(_DIGITS).tolist(),
            },
            "traits": {"first": asdict(self.traits[0]), "second": asdict(self.traits[1])},
            "findings": [asdict(one) for one in self.findings],
        }


@dataclass(frozen=True, slots=True)
class _Seen:
    """What an encoder says of both pictures: descriptors, those without each region, and by depth if it can say."""

    whole: Descriptors
    without: tuple[Descriptors, Descriptors]
    depths: tuple[DepthShare, ...] = ()
    ordinary: float = 0.0


def explain(encoder: Encoder, first: Pixels, second: Pixels) -> Explanation:
    """Explain what an encoder finds alike in two pictures.

    Regions are left out one at a time. An :class:`~stylesearch.encoders.protocol.ExplainingEncoder` forgets what it saw
    there; for any other the region is covered and the picture described anew, which takes a hundred descriptors.

    Depths come from an encoder that can say what it sees at each. Their contributions are Shapley values of a game in
    which a depth that is absent says what is ordinary. What a coalition of depths is worth is the product of the two
    descriptors that it gives, divided by the lengths of the descriptors that all depths give. The lengths are not those
    of the coalition itself, for two pictures that nearly all is taken from would then count as two whole ones, and the
    cosine jumps about where little is left.

    Parameters
    ----------
    encoder:
        Any.
    first, second:
        ``[height, width, 3]``, as decoded for the encoder.

    Raises
    ------
    StylesearchError
        As the encoder does.
    """
    if isinstance(encoder, ExplainingEncoder):
        seen = _dissected(encoder, first, second)
    else:
        seen = _occluded(encoder, first, second)
    one, other = seen.whole.astype(np.float64)
    score = float(one @ other)
    traits = _traits(first, second)
    return Explanation(
        encoder=encoder.spec,
        score=score,
        depths=seen.depths,
        ordinary=seen.ordinary,
        regions=(
            regions_of(seen.without[0], other=other, score=score),
            regions_of(seen.without[1], other=one, score=score),
        ),
        masked=bool(seen.depths),
        traits=traits,
        findings=compare(*traits),
    )


def _dissected(encoder: ExplainingEncoder, first: Pixels, second: Pixels) -> _Seen:
    members = coalitions(len(encoder.depths))
    opened = encoder.dissect(first), encoder.dissect(second)
    ones, others = (picture.with_depths(members) for picture in opened)
    lengths = np.linalg.norm(ones[-1]), np.linalg.norm(others[-1])
    with np.errstate(invalid="ignore", divide="ignore"):  # the check names what is not finite
        rows = np.stack([ones[-1] / lengths[0], others[-1] / lengths[1]]).astype(np.float32)
        worth = (ones * others).sum(axis=1) / (lengths[0] * lengths[1])
    whole = checked(rows, count=2, dim=encoder.spec.dim)
    without = opened[0].without_regions(GRID), opened[1].without_regions(GRID)
    for descriptors in without:
        checked(descriptors, count=GRID * GRID, dim=encoder.spec.dim)
    shares = zip(encoder.depths, shapley_values(worth).tolist(), strict=True)
    return _Seen(whole, without, tuple(DepthShare(*share) for share in shares), float(worth[0]))


def _occluded(encoder: Encoder, first: Pixels, second: Pixels) -> _Seen:
    # One by one: at full size they may be large, and a descriptor does not depend on its neighbours.
    whole = np.concatenate([encode_checked(encoder, [first]), encode_checked(encoder, [second])])
    return _Seen(whole, (describe_occluded(encoder, first), describe_occluded(encoder, second)))


def _traits(first: Pixels, second: Pixels) -> tuple[Traits, Traits]:
    inner = trimmed(first), trimmed(second)
    side = common_side(*inner)
    return measure(inner[0], side), measure(inner[1], side)
