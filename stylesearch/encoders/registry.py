"""Every encoder by its slug, each built once in a process."""

from __future__ import annotations

import difflib
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from stylesearch.encoders import csd, lite, openclip
from stylesearch.encoders.added import AddedEncoder, find_added, list_added
from stylesearch.encoders.checking import checked
from stylesearch.encoders.checkpoints import WeightsFile
from stylesearch.encoders.protocol import Descriptors, Encoder, Pixels
from stylesearch.encoders.tower import UNKNOWN_LICENSE
from stylesearch.errors import InputError
from stylesearch.settings import Settings

LITE = lite.SLUG


@dataclass(frozen=True, slots=True)
class _Request:
    """What :func:`get_encoder` was asked for: equal requests get one object."""

    slug: str
    device: str
    precision: str
    weights: Path | None
    policy: str | None
    folder: Path | None
    online: bool
    added: AddedEncoder | None


_built: dict[_Request, Encoder] = {}
_lock = threading.Lock()


def available(folder: Path | None = None) -> list[str]:
    """Return the slugs that :func:`get_encoder` knows with nothing but a folder, in alphabetical order.

    Parameters
    ----------
    folder:
        The folder of added encoders.

    Raises
    ------
    ServiceError
        ``encoder_manifest``, if a manifest in it is damaged.
    """
    added = [] if folder is None else [one.slug for one in list_added(folder)]
    return sorted({LITE, *added})


def families() -> list[str]:
    """Return what else can be asked for with weights: the slugs of CSD, and the form of open_clip's."""
    return [*csd.slugs(), f"{openclip.PREFIX}MODEL[/TAG]"]


def get_encoder(
    slug: str,
    *,
    device: str = "auto",
    precision: str = "auto",
    weights: Path | None = None,
    policy: str | None = None,
    folder: Path | None = None,
    online: bool = False,
) -> Encoder:
    """Return the encoder of that name; the same object each time in one process for equal arguments.

    Weights are loaded by the first call of ``encode``, not here.

    Parameters
    ----------
    slug:
        ``lite``; an encoder that was added into ``folder``; ``csd-vit-l-14``, ``csd-vit-b-16``, or either with a size
        behind it; ``openclip:MODEL`` or ``openclip:MODEL/TAG``. An added encoder comes before a family of its name.
    device:
        ``auto``, ``cpu``, ``mps``, ``cuda`` or ``cuda:N``.
    precision:
        ``auto``, ``fp32``, ``bf16`` or ``fp16``; ``lite`` is always in fp32.
    weights:
        A checkpoint, for a family, or another weights file of ``lite`` with its graph beside it; the folder is then not
        looked into.
    policy:
        Whole-image policy (``crop``, ``squash``, ``pad``, ``tile``) instead of the encoder's own.
    folder:
        The folder of added encoders.
    online:
        Whether the weights of an open_clip tag may be downloaded.

    Raises
    ------
    InputError
        ``unknown_encoder``, ``unknown_policy``, or ``weights_missing`` if a family was named and has no weights.
    ServiceError
        ``encoder_manifest``, if the manifest of the added encoder is damaged.
    """
    added = None
    if folder is not None and weights is None and slug != LITE:
        added = find_added(folder, slug)
    request = _Request(
        slug,
        device,
        precision,
        weights.absolute() if weights is not None else None,
        policy,
        folder.absolute() if folder is not None else None,
        online,
        added,
    )
    with _lock:
        if request not in _built:
            _built[request] = _build(request)
        return _built[request]


def configured_encoder(settings: Settings, slug: str | None = None) -> Encoder:
    """Return the encoder that the settings name, or another one in their way. Errors as :func:`get_encoder`."""
    return get_encoder(
        slug or settings.encoder,
        device=settings.device,
        precision=settings.precision,
        folder=settings.encoders_folder,
    )


def _build(request: _Request) -> Encoder:
    added = request.added
    if added is None and request.slug == LITE:
        return lite.LiteEncoder(
            weights=request.weights or lite.WEIGHTS, policy=request.policy, device=request.device
        )
    family = added.family if added else request.slug
    if added is not None and request.folder is not None:
        weights: WeightsFile | None = added.weights_in(request.folder)
    else:
        weights = WeightsFile(request.weights) if request.weights is not None else None
    policy = request.policy or (added.policy if added else None)
    license_ = added.license if added else UNKNOWN_LICENSE
    if family.startswith(openclip.PREFIX):
        return openclip.OpenClipEncoder(
            family,
            weights,
            name=request.slug,
            policy=policy,
            license=license_,
            device=request.device,
            precision=request.precision,
            online=request.online,
        )
    if csd.variant_of(family) is None:
        raise _unknown(request)
    if weights is None:
        raise csd.no_weights(request.slug)
    return csd.CSDEncoder(
        family,
        weights,
        name=request.slug,
        policy=policy,
        license=license_,
        device=request.device,
        precision=request.precision,
    )


def _unknown(request: _Request) -> InputError:
    known = list(dict.fromkeys([*available(request.folder), *families()]))
    near = difflib.get_close_matches(request.slug, known, n=1, cutoff=0.6)
    nearest = f"Did you mean {near[0]}? " if near else ""
    return InputError(
        f"There is no encoder {request.slug!r}.",
        hint=f"{nearest}Known: {', '.join(known)}.",
        code="unknown_encoder",
    )


def encode_checked(encoder: Encoder, images: Sequence[Pixels]) -> Descriptors:
    """Describe a batch with any encoder, and refuse a result that no one should store.

    Returns
    -------
    Descriptors
        ``[len(images), dim]`` float32, finite, unit norm.

    Raises
    ------
    StylesearchError
        ``descriptor_invalid``, if the encoder returned anything else.
    """
    return checked(encoder.encode(images), count=len(images), dim=encoder.spec.dim)
