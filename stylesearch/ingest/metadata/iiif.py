"""IIIF Presentation manifests of the versions 2 and 3, read alike: the work, its canvases, their images."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from stylesearch.catalog.records import WorkRecord
from stylesearch.ingest.metadata.mapping import Gathering
from stylesearch.ingest.metadata.values import listed, pick_language, plain, texts, web_address
from stylesearch.ingest.metadata.vocabulary import FIELD_NAMES, field_named

MOST_CANVASES = 20_000
"""Of one manifest; what comes after is left out."""
_DEEPEST_CHOICE = 5
_NOT_OF_THE_WORK = ("id", "image", "version", "artist_ulan", "artist_wikidata", "qualifier", "image_rights")
_PAINTING = re.compile(r"(?:^|[:/#])painting$", re.IGNORECASE)
_IMAGE_FILE = re.compile(r"\.(?:jpe?g|png|tiff?|webp|gif|avif|jp2)(?:$|[?#])", re.IGNORECASE)

Object = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class CanvasImage:
    """The image that is painted on a canvas.

    Attributes
    ----------
    url:
        Of the image as the manifest gives it; ``None`` where it only names a service.
    service:
        The Image API's description in the manifest, if there is one.
    width, height:
        As the manifest says, in pixels; ``None`` where it does not.
    """

    url: str | None
    service: Object | None = None
    width: int | None = None
    height: int | None = None

    @property
    def digest(self) -> str:
        """What tells whether the manifest still says the same of it."""
        said = [self.url, self.service, self.width, self.height]
        return hashlib.sha256(json.dumps(said, sort_keys=True, default=str).encode()).hexdigest()[:32]


@dataclass(frozen=True, slots=True)
class Canvas:
    """A view of the work."""

    id: str | None
    label: str | None
    image: CanvasImage


@dataclass(frozen=True, slots=True)
class Manifest:
    """A work, and its views that have an image, in their order."""

    record: WorkRecord
    canvases: tuple[Canvas, ...]


def identifier(value: object) -> str | None:
    """Return what identifies a resource; one may be named by its id alone."""
    if isinstance(value, str):
        return value.strip() or None
    if isinstance(value, Mapping):
        found = value.get("id") or value.get("@id")
        return found.strip() or None if isinstance(found, str) else None
    return None


def type_of(value: object) -> str:
    """Return a resource's type in small letters and without its namespace: ``manifest``, ``canvas``."""
    found = value.get("type") or value.get("@type") if isinstance(value, Mapping) else None
    found = next(iter(found), None) if isinstance(found, list) else found
    return found.rpartition(":")[2].lower() if isinstance(found, str) else ""


def objects(value: object) -> Iterator[Object]:
    """Yield the objects in a value that is one of them, or a list."""
    for one in value if isinstance(value, list) else [value]:
        if isinstance(one, Mapping):
            yield one


def language_values(value: object, languages: Sequence[str]) -> list[Any]:
    """Return the values of a text in one language, however it is written: plain, tagged, or a map of languages."""
    if isinstance(value, Mapping) and "@value" not in value:
        return pick_language(value, languages)
    by_language: dict[str, list[Any]] = {}
    for one in listed(value):
        if isinstance(one, Mapping) and "@value" not in one:
            by_language.setdefault("none", []).extend(pick_language(one, languages))
        elif isinstance(one, Mapping):
            by_language.setdefault(str(one.get("@language") or "none"), []).append(one["@value"])
        else:
            by_language.setdefault("none", []).append(one)
    return pick_language(by_language, languages)


def label_of(value: object, languages: Sequence[str]) -> str | None:
    """Return a label as plain text."""
    return " ".join(texts(language_values(value, languages))) or None


def read_manifest(manifest: Object, *, languages: Sequence[str] = ("en",)) -> Manifest:
    """Read a manifest of either version, as far as it can be understood."""
    gathering = Gathering()
    gathering.add("title", label_of(manifest.get("label"), languages))
    for pair in _pairs(manifest.get("metadata")):
        _metadata(gathering, pair, languages)
    for name in ("summary", "description"):
        gathering.add("description", language_values(manifest.get(name), languages))
    gathering.add("image_rights", [manifest.get("rights"), *listed(manifest.get("license"))])
    for statement in objects(manifest.get("requiredStatement")):
        gathering.add("credit_line", language_values(statement.get("value"), languages))
    gathering.add("credit_line", language_values(manifest.get("attribution"), languages))
    for provider in objects(manifest.get("provider")):
        gathering.note("provider", label_of(provider.get("label"), languages))
    for name in ("homepage", "related"):
        gathering.add("source_url", [identifier(one) for one in listed(manifest.get(name))])
    gathering.add("source_url", identifier(manifest))
    gathering.note("see_also", [web_address(identifier(one)) for one in listed(manifest.get("seeAlso"))])
    _navigation_date(gathering, manifest.get("navDate"))
    return Manifest(gathering.record(), tuple(_canvases(manifest, languages)))


def _pairs(value: object) -> Iterator[Object]:
    for number, pair in enumerate(objects(value)):
        if number >= 300:
            return
        yield pair


def _metadata(gathering: Gathering, pair: Object, languages: Sequence[str]) -> None:
    """Gather one pair of a label and its value; whatever language the label is in may tell the field."""
    label = label_of(pair.get("label"), languages)
    values = language_values(pair.get("value"), languages)
    target = next(filter(None, (field_named(one) for one in _every_text(pair.get("label")))), None)
    if target is None or target in _NOT_OF_THE_WORK or target not in FIELD_NAMES:
        gathering.note(label or "metadata", texts(values))
    else:
        gathering.add(target, values)


def _every_text(value: object) -> Iterator[str]:
    for one in value.values() if isinstance(value, Mapping) else listed(value):
        if isinstance(one, Mapping | list):
            yield from _every_text(one)
        elif text := plain(one):
            yield text


def _navigation_date(gathering: Gathering, value: object) -> None:
    text = plain(value)
    if text:
        gathering.note("nav_date", text)
        if not gathering.values.get("date_text"):
            gathering.add("date_text", text[:4])


def _canvases(manifest: Object, languages: Sequence[str]) -> Iterator[Canvas]:
    """Yield the canvases that have an image: of version 3, or of version 2 in the first sequence."""
    canvases = [one for one in objects(manifest.get("items")) if type_of(one) in ("canvas", "")]
    for sequence in objects(manifest.get("sequences")):
        canvases += objects(sequence.get("canvases"))
        break
    for canvas in canvases[:MOST_CANVASES]:
        image = next(_images(canvas), None)
        if image is not None:
            yield Canvas(identifier(canvas), label_of(canvas.get("label"), languages), image)


def _images(canvas: Object) -> Iterator[CanvasImage]:
    """Yield the images painted on a canvas: of a choice, the first, which is the one to show."""
    for annotation in objects(canvas.get("images")):
        yield from _resources(annotation.get("resource"))
    for page in objects(canvas.get("items")):
        for annotation in objects(page.get("items")):
            motivations = texts(annotation.get("motivation")) or ["painting"]
            if any(_PAINTING.search(one) for one in motivations):
                yield from _resources(annotation.get("body"))


def _resources(value: object, depth: int = 0) -> Iterator[CanvasImage]:
    if depth > _DEEPEST_CHOICE:
        return
    for one in value if isinstance(value, list) else [value]:
        if isinstance(one, str) and _IMAGE_FILE.search(one) and web_address(one):
            yield CanvasImage(one)
        elif isinstance(one, Mapping):
            kind = type_of(one)
            inner = {"choice": ("default", "item", "items"), "specificresource": ("full", "source")}.get(
                kind, ()
            )
            for name in inner:
                yield from _resources(one.get(name), depth + 1)
            if not inner and (image := _image(one, kind)) is not None:
                yield image


def _image(resource: Object, kind: str) -> CanvasImage | None:
    media_type = resource.get("format")
    service = next(filter(_is_image_service, objects(resource.get("service"))), None)
    url = web_address(identifier(resource))
    is_image = kind == "image" or (isinstance(media_type, str) and media_type.startswith("image/"))
    if kind not in ("image", "") or not (is_image or service or (url and _IMAGE_FILE.search(url))):
        return None
    if url is None and service is None:
        return None
    return CanvasImage(url, service, pixels(resource.get("width")), pixels(resource.get("height")))


def _is_image_service(service: Object) -> bool:
    """Whether a service is the Image API: some call themselves so, of others only the profile or context tells."""
    said = json.dumps(
        [service.get(name) for name in ("type", "@type", "profile", "@context")], default=str
    ).lower()
    named = "imageservice" in said or re.search(r"image-api|api/image|level[012]", said)
    return bool(named) and web_address(identifier(service)) is not None


def pixels(value: object) -> int | None:
    """Return a number of pixels; ``None`` for what is none, or none in earnest."""
    number = value if isinstance(value, int) and not isinstance(value, bool) else None
    return number if number is not None and 0 < number < 10_000_000 else None
