"""LIDO, the XML format of museums: objects, the events they were made in, rights and resources."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from lxml import etree

from stylesearch.ingest.metadata import attribution, dates
from stylesearch.ingest.metadata.described import Described, Picture
from stylesearch.ingest.metadata.mapping import Gathering
from stylesearch.ingest.metadata.values import MOST_VALUES, web_address
from stylesearch.ingest.metadata.xml import (
    RDF,
    SKOS,
    language_of,
    one_language,
    preferred,
    text_of,
)

NAMESPACE = "http://www.lido-schema.org"
LIDO = f"{{{NAMESPACE}}}"
ROOTS = (f"{LIDO}lido", f"{LIDO}lidoWrap")

# Words and numbers of LIDO's terminology for the event in which a work came to be, the likeliest first.
_MAKING = (
    "lido00007", "lido00012", "lido00006", "production", "creation", "making", "designing", "herstellung", "produktion",
    "entstehung", "production event", "création", "fabrication", "produzione", "vervaardiging", "producción", "entwurf",
)  # fmt: skip
_STYLES = ("style", "stil", "movement", "school", "stijl", "stile")
_PERIODS = ("period", "epoche", "époque", "periode", "periodo", "tijdperk")
# Kinds of resource representations, the best for us first: large enough, and not the master of a gigabyte.
_SIZES = ("provided_image", "image_overview", "image_medium", "image_large", "image_master", "image_thumb")


def read_lido(root: etree._Element, *, languages: Sequence[str] = ("en",)) -> Described:
    """Read the first object of a LIDO document.

    Who made it and when is taken from the event of its production, or else from whichever event names somebody.
    ``rightsWorkSet`` is about the work, ``rightsResource`` about its image.
    """
    lido = root if root.tag == ROOTS[0] else next(root.iterchildren(ROOTS[0]), root)
    reader = _Reader(languages)
    for metadata in preferred(list(lido.iterchildren(f"{LIDO}descriptiveMetadata")), languages)[:1]:
        reader.describe(metadata)
    pictures: tuple[Picture, ...] = ()
    for metadata in preferred(list(lido.iterchildren(f"{LIDO}administrativeMetadata")), languages)[:1]:
        reader.rights(metadata, "rightsWorkSet", "work_rights")
        reader.records(metadata)
        pictures = tuple(reader.pictures(metadata))
    for element in lido.iterchildren(f"{LIDO}lidoRecID"):
        reader.gathering.note("identifier", text_of(element))
    return Described(reader.gathering.record(), pictures)


class _Reader:
    """Gathers the parts of one object."""

    def __init__(self, languages: Sequence[str]) -> None:
        self._languages = languages
        self.gathering = Gathering()

    def describe(self, metadata: etree._Element) -> None:
        """Gather what the work is, and who made it when."""
        for title in _all(metadata, "titleWrap", "titleSet"):
            self.gathering.add("title", self._appellations(title))
        for concept in _all(metadata, "objectWorkType"):
            self.gathering.add("object_type", self._terms(concept))
        self._subjects(metadata)
        for note in _all(metadata, "objectDescriptionSet"):
            self.gathering.add("description", self._texts(_all(note, "descriptiveNoteValue")))
        for name in ("displayObjectMeasurements", "displayState", "workID"):
            for element in _all(metadata, name):
                self.gathering.note(name, text_of(element))
        self._materials(_all(metadata, "objectMaterialsTechWrap"))
        self._events(_all(metadata, "eventSet"))

    def _subjects(self, metadata: etree._Element) -> None:
        for concept in _all(metadata, "subjectConcept"):
            self.gathering.add("keywords", self._terms(concept))
        for concept in _all(metadata, "classificationWrap", "classification"):
            kind = (concept.get(f"{LIDO}type") or "").lower()
            field = (
                "movement" if kind.endswith(_STYLES) else "period" if kind.endswith(_PERIODS) else "keywords"
            )
            self.gathering.add(field, self._terms(concept))
        for subject in _all(metadata, "subjectSet"):
            if next(subject.iter(f"{LIDO}term"), None) is None:
                self.gathering.add("keywords", self._texts(_all(subject, "displaySubject")))

    def _materials(self, parents: Sequence[etree._Element]) -> None:
        if self.gathering.values.get("medium"):
            return
        for parent in parents:
            shown = self._texts(_all(parent, "displayMaterialsTech"))
            terms = [term for one in _all(parent, "termMaterialsTech") for term in self._terms(one)]
            self.gathering.add("medium", shown or terms)

    def _events(self, sets: Sequence[etree._Element]) -> None:
        events = [event for one in sets for event in one.iterchildren(f"{LIDO}event")]
        ranked = sorted(events, key=self._is_other)
        making = [event for event in ranked if not self._is_other(event)]
        for event in making or [event for event in ranked if _all(event, "actorInRole")][:1]:
            for actor in _all(event, "actorInRole"):
                self._actor(actor)
            for element in _all(event, "eventActor") if not self.gathering.credits else ():
                self.gathering.add("artist", self._texts(_all(element, "displayActorInRole")))
            for element in event.iterchildren(f"{LIDO}eventDate"):
                self._date(element)
            for element in event.iterchildren(f"{LIDO}periodName"):
                self.gathering.add("period", self._terms(element))
            for element in _all(event, "displayPlace"):
                self.gathering.note("place", text_of(element))
            self._materials(list(event.iterchildren(f"{LIDO}eventMaterialsTech")))

    def _is_other(self, event: etree._Element) -> bool:
        """Whether an event is another than the work's making."""
        for kind in event.iterchildren(f"{LIDO}eventType"):
            words = [
                text_of(one) or "" for one in kind.iter(f"{LIDO}term", f"{LIDO}conceptID", f"{SKOS}prefLabel")
            ]
            words += [one.get(f"{RDF}about") or "" for one in kind.iter(f"{SKOS}Concept")]
            if any(word.lower().rstrip("/").rsplit("/", 1)[-1] in _MAKING for word in words):
                return False
        return True

    def _actor(self, in_role: etree._Element) -> None:
        for actor in _all(in_role, "actor")[:1]:
            names = [name for one in _all(actor, "nameActorSet") for name in self._appellations(one)]
            known: dict[str, Any] = {"aliases": tuple(dict.fromkeys(names[1:]))}
            for element in actor.iterchildren(f"{LIDO}actorID"):
                text = text_of(element)
                source = " ".join(filter(None, (element.get(f"{LIDO}source"), element.get(f"{LIDO}type"))))
                known["ulan_id"] = known.get("ulan_id") or attribution.ulan_id(text, source=source)
                known["wikidata_id"] = known.get("wikidata_id") or attribution.wikidata_id(
                    text, source=source
                )
            for element in _all(in_role, "attributionQualifierActor")[:1]:
                given = next(iter(self._terms(element)), None) or text_of(element)
                known["qualifier"] = attribution.read_qualifier(given)
                if known["qualifier"] is None:
                    self.gathering.note("qualifier", given)
            self.gathering.credit(next(iter(names), None), **known)

    def _date(self, element: etree._Element) -> None:
        shown = self._texts(list(element.iterchildren(f"{LIDO}displayDate")))
        ends: dict[str, str] = {}
        for field, name in (("year_from", "earliestDate"), ("year_to", "latestDate")):
            for one in _all(element, "date", name)[:1]:
                ends[field] = text_of(one) or ""
        # Of several dated events, the first counts: a range over all of them would say nothing.
        if not self.gathering.values.get("date_text"):
            self.gathering.add("date_text", shown or list(dict.fromkeys(filter(None, ends.values()))))
            for field, end in ends.items():
                if dates.read_year(end) is not None:
                    self.gathering.add(field, end)

    def rights(self, parent: etree._Element, name: str, field: str) -> None:
        """Gather rights statements and credit lines."""
        for rights in _all(parent, name):
            for kind in rights.iterchildren(f"{LIDO}rightsType"):
                self.gathering.add(field, [*_concept_addresses(kind), *self._terms(kind)])
            for holder in _all(rights, "rightsHolder"):
                names = [one for names in _all(holder, "legalBodyName") for one in self._appellations(names)]
                self.gathering.note("rights_holder", next(iter(names), None))
            self.gathering.add("credit_line", self._texts(list(rights.iterchildren(f"{LIDO}creditLine"))))

    def records(self, metadata: etree._Element) -> None:
        """Gather what is said of the record itself: where it is shown, and whose it is."""
        for link in _all(metadata, "recordInfoLink"):
            self.gathering.add("source_url", text_of(link))
        for source in _all(metadata, "recordSource"):
            names = [one for names in _all(source, "legalBodyName") for one in self._appellations(names)]
            self.gathering.note("provider", next(iter(names), None))

    def pictures(self, metadata: etree._Element) -> Iterator[Picture]:
        """Yield an image for each resource, in the size that suits best, and gather their rights."""
        sets = _all(metadata, "resourceWrap", "resourceSet")
        # The resource that is marked as preferred comes first.
        for resource in sorted(sets, key=lambda one: one.get(f"{LIDO}sortorder") != "1")[:MOST_VALUES]:
            self.rights(resource, "rightsResource", "image_rights")
            links = [
                (_place(representation), address)
                for representation in resource.iterchildren(f"{LIDO}resourceRepresentation")
                for link in representation.iterchildren(f"{LIDO}linkResource")
                if (address := web_address(text_of(link)))
                and (link.get(f"{LIDO}formatResource") or "image")
                .lower()
                .startswith(("image", "jp", "png", "tif"))
            ]
            if links:
                yield Picture(min(links, key=lambda pair: pair[0])[1])

    def _appellations(self, parent: etree._Element) -> list[str]:
        """Return names, the preferred ones first, in the wanted language."""
        elements = list(parent.iterchildren(f"{LIDO}appellationValue"))
        ordered = preferred(elements, self._languages)
        ordered.sort(key=lambda element: (element.get(f"{LIDO}pref") or "").lower().startswith("alt"))
        return list(dict.fromkeys(text for element in ordered if (text := text_of(element))))

    def _terms(self, concept: etree._Element) -> list[str]:
        """Return a concept's preferred terms, in one language."""
        elements = list(concept.iter(f"{LIDO}term", f"{SKOS}prefLabel"))
        wanted = [
            one
            for one in elements
            if (one.get(f"{LIDO}pref") or "").lower() not in ("alternate", "alternative")
        ]
        return self._texts(wanted or elements)

    def _texts(self, elements: Sequence[etree._Element]) -> list[str]:
        chosen = one_language(elements, self._languages)
        if any(language_of(one) is not None for one in elements):
            chosen = preferred(chosen, self._languages)
        return list(dict.fromkeys(text for one in chosen[:MOST_VALUES] if (text := text_of(one))))


def _all(parent: etree._Element, *names: str) -> list[etree._Element]:
    """Return the elements somewhere below a parent that have the first name, then below these the next."""
    parents = [parent]
    for name in names:
        parents = [element for one in parents for element in one.iter(f"{LIDO}{name}") if element is not one]
    return parents[:MOST_VALUES]


def _concept_addresses(kind: etree._Element) -> list[str]:
    elements = [text_of(one) for one in kind.iter(f"{LIDO}conceptID")]
    elements += [one.get(f"{RDF}about") for one in kind.iter(f"{SKOS}Concept")]
    return [address for one in elements if (address := web_address(one))]


def _place(representation: etree._Element) -> int:
    kind = (representation.get(f"{LIDO}type") or "").lower().rsplit("/", 1)[-1]
    return next((number for number, name in enumerate(_SIZES) if name in kind), 2)
