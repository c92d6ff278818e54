import io
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import pytest
from PIL import Image

from stylesearch.ingest.fetching.policy import WebPolicy
from stylesearch.ingest.fetching.web import WebClient
from stylesearch.ingest.sources.protocol import Found, Page


@pytest.fixture
def connect() -> Callable[..., WebClient]:
    """Makes clients that may ask 127.0.0.1; impatient."""

    def connect(tries: int = 2) -> WebClient:
        policy = WebPolicy(private=("127.0.0.1/32",), tries=tries, read_seconds=5.0, deadline_seconds=20.0)
        return WebClient(policy)

    return connect


@pytest.fixture
def web_client(connect) -> Iterator[WebClient]:
    client = connect()
    yield client
    client.close()


def picture(colour: object = "red", size: tuple[int, int] = (40, 30), kind: str = "JPEG") -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", size, colour).save(buffer, kind)
    return buffer.getvalue()


@pytest.fixture
def make_picture() -> Callable[..., bytes]:
    return picture


class Harvest:
    """What a source gave: its pages, and what was found on them."""

    def __init__(self, pages: list[Page]) -> None:
        self.pages = pages
        self.found: list[Found] = [one for page in pages for one in page.found]

    @property
    def ids(self) -> list[str]:
        return [one.source_id for one in self.found]

    @property
    def codes(self) -> dict[str, str]:
        """The errors, by what they are about."""
        return {one.source_id: one.error.code for one in self.found if one.error is not None}

    @property
    def titles(self) -> list[str]:
        return [one.record.title for one in self.found]


@pytest.fixture
def harvest() -> Callable[..., Harvest]:
    """A function that goes through a source, from a cursor on."""

    def harvest(source: object, cursor: str | None = None) -> Harvest:
        pages = list(source.pages(cursor))
        assert [page.cursor is None for page in pages[:-1]] == [False] * (len(pages) - 1)
        return Harvest(pages)

    return harvest


SIZE = re.compile(r"^(full|max|!?(\d*),(\d*))$")


@dataclass
class ImageServer:
    """A IIIF Image API, of one version and level, over pictures of one size."""

    site: object
    version: int = 3
    level: int = 2
    size: tuple[int, int] = (400, 300)
    sizes: tuple[tuple[int, int], ...] = ()
    asked: list[str] = field(default_factory=list)

    def add(self, name: str, colour: object = "red") -> dict:
        """Serve a picture; return the service's description as a manifest holds it."""
        base = f"/iiif/{name}"
        self.site.pages[f"{base}/info.json"] = lambda handler: send(
            handler, json.dumps(self.info(name)).encode()
        )
        for size in (*self._possible(), "full", "max"):
            path = f"{base}/full/{size}/0/{'native' if self.version == 1 else 'default'}.jpg"
            self.site.pages[path] = lambda handler, size=size: self._send(handler, name, size, colour)
        return self.service(name)

    def _possible(self) -> Iterator[str]:
        for side in (100, 128, 200, 1024):
            yield from (f"!{side},{side}", f"{side},", f",{side}")
        for width, height in self.sizes:
            yield from (f"{width},{height}", f"{width},")

    def service(self, name: str) -> dict:
        url = f"{self.site.url}/iiif/{name}"
        if self.version == 3:
            return {"id": url, "type": "ImageService3", "profile": f"level{self.level}"}
        if self.version == 2:
            context = "http://iiif.io/api/image/2/context.json"
            return {
                "@context": context,
                "@id": url,
                "profile": f"http://iiif.io/api/image/2/level{self.level}.json",
            }
        profile = f"http://library.stanford.edu/iiif/image-api/1.1/compliance.html#level{self.level}"
        return {"@id": url, "profile": profile}

    def info(self, name: str) -> dict:
        width, height = self.size
        sizes = [{"width": one, "height": other} for one, other in self.sizes]
        return {**self.service(name), "width": width, "height": height, **({"sizes": sizes} if sizes else {})}

    def _send(self, handler: object, name: str, size: str, colour: object) -> None:
        self.asked.append(size)
        scaled = self._scaled(size)
        if scaled is None:
            send(handler, b"this size is not to be had", status=400, kind="text/plain")
        else:
            send(handler, picture(colour, scaled), kind="image/jpeg")

    def _scaled(self, size: str) -> tuple[int, int] | None:
        """Return the size of the picture that a request means; ``None`` if this level does not give it."""
        width, height = self.size
        if size in ("full", "max"):
            return self.size if (size == "max") == (self.version == 3) or self.version == 2 else None
        confined, text = size.startswith("!"), size.removeprefix("!")
        wanted = [int(part) if part else None for part in text.split(",")]
        if self.level == 0:
            fits = [one for one in self.sizes if wanted == [one[0], one[1] if self.version == 3 else None]]
            return fits[0] if fits else None
        if confined and self.level < 2:
            return None
        scale = min(part / side for part, side in zip(wanted, self.size, strict=True) if part)
        if scale > 1 and not confined and self.version == 3:
            return None
        scale = min(scale, 1)
        return max(1, round(width * scale)), max(1, round(height * scale))


def send(handler, body: bytes, *, status: int = 200, kind: str = "application/json") -> None:
    handler.send_response(status)
    handler.send_header("Content-Type", kind)
    handler.send_header("Content-Length", str(len(body)))
    handler.end_headers()
    handler.wfile.write(body)


@pytest.fixture
def send_body() -> Callable[..., None]:
    return send


@pytest.fixture
def make_image_server(site) -> Callable[..., ImageServer]:
    return lambda **options: ImageServer(site, **options)


def manifest_3(url: str, *images: dict, **more: object) -> dict:
    """A manifest of version 3 with a canvas for each image's description."""
    canvases = [
        {
            "id": f"{url.rpartition('/')[0]}/canvas/{number}",
            "type": "Canvas",
            "label": {"none": [f"leaf {number}"]},
            "items": [
                {
                    "type": "AnnotationPage",
                    "items": [{"type": "Annotation", "motivation": "painting", "body": image}],
                }
            ],
        }
        for number, image in enumerate(images, 1)
    ]
    title = {"label": {"en": [f"Title of {url.rpartition('/')[0].rpartition('/')[2]}"]}}
    return {"id": url, "type": "Manifest", **title, "items": canvases, **more}


def manifest_2(url: str, *images: dict, **more: object) -> dict:
    """A manifest of version 2 with a canvas for each image's description."""
    canvases = [
        {
            "@id": f"{url.rpartition('/')[0]}/canvas/{number}",
            "label": f"leaf {number}",
            "images": [{"resource": image}],
        }
        for number, image in enumerate(images, 1)
    ]
    title = f"Title of {url.rpartition('/')[0].rpartition('/')[2]}"
    return {"@id": url, "@type": "sc:Manifest", "label": title, "sequences": [{"canvases": canvases}], **more}


@dataclass
class Library:
    """A IIIF server of one version: manifests, collections, pictures."""

    site: object
    version: int
    images: ImageServer

    def url(self, path: str) -> str:
        return self.site.url + path

    def serve(self, path: str, document: dict) -> str:
        return self.site.serve(path, json.dumps(document).encode(), Content_Type="application/ld+json")

    def image(self, name: str, colour: object = "red", **more: object) -> dict:
        service = self.images.add(name, colour)
        if self.version == 3:
            url = f"{self.site.url}/iiif/{name}/full/max/0/default.jpg"
            return {"id": url, "type": "Image", "service": [service], **more}
        url = f"{self.site.url}/iiif/{name}/full/full/0/default.jpg"
        return {"@id": url, "@type": "dctypes:Image", "service": service, **more}

    def manifest(self, name: str, *images: dict, **more: object) -> str:
        url = self.url(f"/{name}/manifest")
        make = manifest_3 if self.version == 3 else manifest_2
        return self.serve(f"/{name}/manifest", make(url, *(images or (self.image(name),)), **more))

    def work(self, name: str, colour: object) -> str:
        """Serve a manifest with one picture of a colour."""
        return self.manifest(name, self.image(name, colour))

    def collection(self, name: str, *members: str, collections: tuple[str, ...] = (), **more: object) -> str:
        """Serve a collection of manifests, then of collections."""
        url = self.url(f"/{name}")
        if self.version == 3:
            items = [{"id": one, "type": "Manifest"} for one in members]
            items += [{"id": one, "type": "Collection"} for one in collections]
            return self.serve(f"/{name}", {"id": url, "type": "Collection", "items": items, **more})
        listed = {
            "manifests": [{"@id": one, "@type": "sc:Manifest"} for one in members],
            "collections": [{"@id": one, "@type": "sc:Collection"} for one in collections],
        }
        return self.serve(f"/{name}", {"@id": url, "@type": "sc:Collection", **listed, **more})


@pytest.fixture(params=[2, 3])
def library(site, request) -> Library:
    """A IIIF server of either version."""
    return Library(site, request.param, ImageServer(site, version=request.param))
