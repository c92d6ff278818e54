r"""The objective of Contrastive Style Descriptors (arXiv 2404.01292): L = L_MCL + λ · L_SSL.

With unit descriptors z of a batch, the temperature τ, and P(i) the other pictures that share a tag with picture i,

    L_MCL = mean over i with P(i) not empty of  − 1/|P(i)| · Σ_{p ∈ P(i)} log( exp(z_i·z_p/τ) / Σ_{a ≠ i} exp(z_i·z_a/τ) )

over the pictures' first views, and

    L_SSL = mean over both views v of all pictures of  − log( exp(v·v'/τ) / Σ_{a ≠ v} exp(v·a/τ) )

where v' is the other view of the same picture and a runs over all other views in the batch.

The authors' code differs in three ways. It multiplies the whole by 5τ, which is a matter of the learning rate. A pair
that shares several tags counts there once for each, here once. And a picture with no partner in its batch counts
there as a loss of 0, which makes batches with lonely pictures look better; here it is left out of the mean.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

TEMPERATURE = 0.1
SSL_WEIGHT = 0.2


class Losses(NamedTuple):
    """The objective and its parts, each a scalar.

    Attributes
    ----------
    total:
        ``mcl + weight * ssl``; what is minimised.
    mcl, ssl:
        The multi-label contrastive and the self-supervised part.
    """

    total: Tensor
    mcl: Tensor
    ssl: Tensor


def shared_tags(tags: Tensor) -> Tensor:
    """Return which pictures share a tag, as booleans ``[n, n]``; no picture shares with itself.

    Parameters
    ----------
    tags:
        Booleans ``[n, t]``, one column a tag, or integers ``[n]``, one label a picture, of which those below 0 are none.
    """
    if tags.ndim == 1:
        shared = (tags[:, None] == tags) & (tags >= 0)
    else:
        counts = tags.to(torch.float32)
        shared = counts @ counts.T > 0
    return shared.fill_diagonal_(fill_value=False)


def multi_label_contrastive(descriptors: Tensor, tags: Tensor, *, temperature: float = TEMPERATURE) -> Tensor:
    """Return L_MCL: pictures that share a tag draw together, all others push apart.

    Parameters
    ----------
    descriptors:
        ``[n, dim]`` of unit norm.
    tags:
        As for :func:`shared_tags`.
    temperature:
        τ, above 0.

    Returns
    -------
    Tensor
        A scalar; 0 where no picture has a partner.
    """
    partners = shared_tags(tags)
    counts = partners.sum(dim=1)
    log_shares = _log_shares(descriptors, temperature).masked_fill(~partners, 0.0)
    of_anchors = -log_shares.sum(dim=1) / counts.clamp(min=1)
    return of_anchors.sum() / (counts > 0).sum().clamp(min=1)


def self_supervised(view1: Tensor, view2: Tensor, *, temperature: float = TEMPERATURE) -> Tensor:
    """Return L_SSL (NT-Xent): the two views of a picture draw together, all other views push apart.

    Parameters
    ----------
    view1, view2:
        ``[n, dim]`` of unit norm, row by row of the same pictures.
    temperature:
        τ, above 0.
    """
    count = len(view1)
    log_shares = _log_shares(torch.cat([view1, view2]), temperature)
    others = torch.arange(2 * count, device=view1.device).roll(count)
    return -log_shares.gather(1, others[:, None]).mean()


def csd_loss(
    view1: Tensor,
    view2: Tensor,
    tags: Tensor,
    *,
    weight: float = SSL_WEIGHT,
    temperature: float = TEMPERATURE,
) -> Losses:
    """Return the objective over a batch; computed in float32 whatever the precision around it.

    Parameters
    ----------
    view1, view2:
        ``[n, dim]`` of unit norm, row by row of the same pictures; n of at least 2.
    tags:
        As for :func:`shared_tags`.
    weight:
        λ, the share of the self-supervised part.
    temperature:
        τ, above 0.
    """
    with torch.autocast(view1.device.type, enabled=False):
        view1, view2 = view1.float(), view2.float()
        mcl = multi_label_contrastive(view1, tags, temperature=temperature)
        ssl = self_supervised(view1, view2, temperature=temperature)
        return Losses(mcl + weight * ssl, mcl, ssl)


def _log_shares(descriptors: Tensor, temperature: float) -> Tensor:
    """Return ``log softmax`` of each row's likeness to all others; a row's share of itself is log 0."""
    likeness = descriptors @ descriptors.T / temperature
    itself = torch.eye(len(descriptors), dtype=torch.bool, device=descriptors.device)
    return likeness.masked_fill(itself, -torch.inf).log_softmax(dim=1)
