"""The Europeana Data Model in RDF/XML: the object, its aggregation, web resources, agents and concepts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from lxml import etree

from stylesearch.ingest.metadata import attribution
from stylesearch.ingest.metadata.described import Described, Picture
from stylesearch.ingest.metadata.mapping import Gathering, best_rights
from stylesearch.ingest.metadata.values import MOST_VALUES, web_address
from stylesearch.ingest.metadata.xml import (
    DC,
    DCTERMS,
    OWL,
    RDF,
    SKOS,
    about,
    one_language,
    preferred,
    resource,
    text_of,
)

EDM = "{http://www.europeana.eu/schemas/edm/}"
ORE = "{http://www.openarchives.org/ore/terms/}"
SVCS = "{http://rdfs.org/sioc/services#}"
DOAP = "{http://usefulinc.com/ns/doap#}"
ROOT = f"{RDF}RDF"

_FIELDS = {
    f"{DC}title": "title",
    f"{DCTERMS}alternative": "title",
    f"{DC}description": "description",
    f"{DCTERMS}created": "date_text",
    f"{DC}date": "date_text",
    f"{DCTERMS}issued": "date_text",
    f"{DCTERMS}medium": "medium",
    f"{DC}format": "medium",
    f"{DC}type": "object_type",
    f"{EDM}hasType": "object_type",
    f"{DC}subject": "keywords",
    f"{DC}rights": "work_rights",
}
_PEOPLE = {f"{DC}creator": "creator", f"{DC}contributor": "contributor"}
_KEPT = {
    f"{DC}identifier": "identifier",
    f"{DC}publisher": "publisher",
    f"{DCTERMS}spatial": "spatial",
    f"{DCTERMS}temporal": "temporal",
    f"{DCTERMS}extent": "extent",
    f"{DCTERMS}provenance": "provenance",
    f"{DC}source": "source",
}


class _Graph:
    """The resources of one record, by their addresses."""

    def __init__(self, root: etree._Element, languages: Sequence[str]) -> None:
        self._languages = languages
        self._root = root
        self._resources: dict[str, etree._Element] = {}
        for element in root.iterchildren():
            if address := about(element):
                self._resources.setdefault(address, element)

    def all(self, name: str) -> list[etree._Element]:
        return list(self._root.iterchildren(name))

    def at(self, address: str | None) -> etree._Element | None:
        return self._resources.get(address or "")

    def label(self, element: etree._Element) -> str | None:
        """Return what an element says: its text, or the label of what it points to or holds."""
        address = resource(element)
        target = self.at(address) if address else next(element.iterchildren(), None)
        if target is None:
            return address or text_of(element)
        return next(iter(self.labels(target, "prefLabel")), None) or _span(target)

    def labels(self, target: etree._Element, name: str) -> list[str]:
        elements = preferred(list(target.iterchildren(f"{SKOS}{name}")), self._languages)
        return list(dict.fromkeys(text for one in elements if (text := text_of(one))))

    def target(self, element: etree._Element) -> etree._Element | None:
        """Return the resource that an element points to or holds."""
        return self.at(resource(element)) if resource(element) else next(element.iterchildren(), None)


def _span(target: etree._Element) -> str | None:
    """Return a time span as text."""
    ends = [text_of(one) for name in ("begin", "end") for one in target.iterchildren(f"{EDM}{name}")]
    return " – ".join(dict.fromkeys(end for end in ends if end)) or None


def read_edm(root: etree._Element, *, languages: Sequence[str] = ("en",)) -> Described:
    """Read a record: an ``rdf:RDF`` with a provided object, also through proxies, and its aggregation.

    Rights in the object are the work's; those of the web resource, or else of the aggregation, are the image's.
    """
    graph = _Graph(root, languages)
    gathering = Gathering()
    described = [*graph.all(f"{EDM}ProvidedCHO"), *_proxies(graph)]
    for name, field in _FIELDS.items():
        elements = [one for part in described for one in part.iterchildren(name)]
        for element in one_language(elements[:MOST_VALUES], languages):
            text = graph.label(element)
            if field != "work_rights" and web_address(text):
                gathering.note("concepts", text)  # of a vocabulary that the record does not bring with it
            else:
                gathering.add(field, text)
    for name, role in _PEOPLE.items():
        for element in [one for part in described for one in part.iterchildren(name)][:MOST_VALUES]:
            _person(graph, gathering, element, role)
    for name, key in _KEPT.items():
        for element in [one for part in described for one in part.iterchildren(name)][:MOST_VALUES]:
            gathering.note(key, graph.label(element))
    aggregations = graph.all(f"{ORE}Aggregation")
    for key in ("dataProvider", "provider"):
        for element in _of(aggregations, f"{EDM}{key}"):
            gathering.note(key, graph.label(element))
    gathering.add(
        "source_url", [resource(one) or text_of(one) for one in _of(aggregations, f"{EDM}isShownAt")]
    )
    pictures = tuple(_pictures(graph, aggregations))
    gathering.add("image_rights", _image_rights(graph, aggregations, pictures))
    return Described(gathering.record(), pictures)


def _proxies(graph: _Graph) -> list[etree._Element]:
    """Return the proxies that describe the object, the provider's before Europeana's own."""

    def is_europeanas(proxy: etree._Element) -> bool:
        return any(text_of(one) == "true" for one in proxy.iterchildren(f"{EDM}europeanaProxy"))

    return sorted(graph.all(f"{ORE}Proxy"), key=is_europeanas)


def _of(parts: Iterable[etree._Element], name: str) -> Iterator[etree._Element]:
    for part in parts:
        yield from part.iterchildren(name)


def _person(graph: _Graph, gathering: Gathering, element: etree._Element, role: str) -> None:
    agent = graph.target(element)
    if agent is None:
        gathering.credit(graph.label(element) if not resource(element) else None, role=role)
        return
    names = graph.labels(agent, "prefLabel")
    others = [*names[1:], *graph.labels(agent, "altLabel")]
    known: dict[str, Any] = {"aliases": tuple(others)}
    links = [
        about(agent),
        resource(element),
        *(resource(one) or text_of(one) for one in agent.iterchildren(f"{OWL}sameAs")),
    ]
    known["ulan_id"] = next(filter(None, map(attribution.ulan_id, links)), None)
    known["wikidata_id"] = next(filter(None, map(attribution.wikidata_id, links)), None)
    gathering.credit(next(iter([*names, *others]), None), role=role, **known)


def _pictures(graph: _Graph, aggregations: Sequence[etree._Element]) -> Iterator[Picture]:
    """Yield the images: what the aggregation is shown by, further views, and where neither is, its preview."""
    addresses: dict[str, None] = {}
    for names in (("isShownBy", "hasView"), ("object",)):
        for name in names:
            for element in _of(aggregations, f"{EDM}{name}"):
                address = web_address(resource(element) or text_of(element))
                if address:
                    addresses[address] = None
        if addresses:
            break
    for address in list(addresses)[:MOST_VALUES]:
        service, profile = _service(graph, graph.at(address))
        yield Picture(address, service, profile)


def _service(graph: _Graph, web_resource: etree._Element | None) -> tuple[str | None, str | None]:
    """Return the IIIF Image API of a web resource, and its profile."""
    for element in web_resource.iterchildren(f"{SVCS}has_service") if web_resource is not None else ():
        service = graph.target(element)
        address = web_address(resource(element) or (about(service) if service is not None else None))
        if address:
            profiles = service.iterchildren(f"{DOAP}implements") if service is not None else iter(())
            return address, next((found for one in profiles if (found := resource(one))), None)
    return None, None


def _image_rights(
    graph: _Graph, aggregations: Sequence[etree._Element], pictures: Sequence[Picture]
) -> str | None:
    resources = [found for picture in pictures[:1] if (found := graph.at(picture.url)) is not None]
    statements = [
        statement
        for parts in (resources, aggregations)
        for name in (f"{EDM}rights", f"{DC}rights")
        for element in _of(parts, name)
        if (statement := resource(element) or text_of(element))
    ]
    return best_rights(statements[:MOST_VALUES])
