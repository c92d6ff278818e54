"""Tags from files: lists of text, JSON, and SKOS as RDF/XML or JSON-LD."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from lxml import etree

from stylesearch.curation.tags import KINDS, Entry, Kind
from stylesearch.errors import InputError

LARGEST_FILE = 256 * 1024**2
ALIAS_SIGN = "|"
_SKOS = "http://www.w3.org/2004/02/skos/core#"
_RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
_PREFERRED = ("prefLabel", "skos:prefLabel", f"{_SKOS}prefLabel")
_OTHERS = tuple(
    form for name in ("altLabel", "hiddenLabel") for form in (name, f"skos:{name}", f"{_SKOS}{name}")
)
_TYPES = ("@type", "type", "rdf:type")
_WORDS: dict[str, Kind] = {
    "artist": "artist", "person": "artist", "agent": "artist", "creator": "artist", "maker": "artist",
    "medium": "medium", "material": "medium", "materials": "medium", "technique": "medium", "process": "medium",
    "movement": "movement", "style": "movement", "period": "movement", "school": "movement",
}  # fmt: skip
_TURTLE = (".ttl", ".n3", ".nt", ".trig")


def read_list(path: Path, kind: Kind) -> list[Entry]:
    """Read a list of tags: one a line, other names behind ``|``; lines that begin with ``#`` are remarks.

    An empty line is an entry without a name, so that it is counted.

    Raises
    ------
    InputError
        ``tags_file``, if it cannot be read or holds no tag.
    """
    lines = _text(path).splitlines()
    while lines and not lines[-1].strip():
        lines.pop()
    entries = []
    for number, line in enumerate(lines, start=1):
        if not line.lstrip().startswith("#"):
            name, *aliases = (part.strip() for part in line.split(ALIAS_SIGN))
            entries.append(Entry(kind, name, tuple(filter(None, aliases)), f"{path.name}, line {number}"))
    return _filled(path, entries)


def read_vocabulary(path: Path, kind: Kind | None = None) -> list[Entry]:
    """Read a vocabulary.

    - JSON: a list of ``{"name": …, "kind": …, "aliases": […]}``, or an object with such lists under ``artist``,
      ``medium`` and ``movement``, in which a name may stand by itself.
    - SKOS, as JSON-LD or as RDF/XML: the preferred label of each concept in every language, with alternative and hidden
      ones.

    Parameters
    ----------
    kind:
        What all of them are, where the file does not say. In SKOS it is told from a concept's type, or from the name of
        the scheme or collection it is in.

    Raises
    ------
    InputError
        ``tags_file``, if it cannot be read, is in another format, holds no tag, or does not say of what kind they are.
    """
    if path.suffix.lower() in _TURTLE:
        raise _bad(path, "is Turtle", "Save it as RDF/XML or JSON-LD.")
    if path.suffix.lower() in (".rdf", ".xml", ".owl", ".skos"):
        return _filled(path, list(_from_rdf(path, kind)))
    try:
        values = json.loads(_text(path))
    except (ValueError, RecursionError) as error:
        raise _bad(path, f"is no JSON: {next(iter(str(error).splitlines()), 'it cannot be read')}") from None
    graph = values.get("@graph") if isinstance(values, Mapping) else None
    if graph is None and isinstance(values, Mapping) and any(name in values for name in _PREFERRED):
        graph = [values]
    if graph is None and isinstance(values, list) and any(_is_concept(one) for one in values):
        graph = values
    if graph is not None:
        return _filled(path, list(_from_graph(path, graph, kind)))
    return _filled(path, list(_from_json(path, values, kind)))


def _from_json(path: Path, values: Any, kind: Kind | None) -> Iterator[Entry]:
    if isinstance(values, Mapping):
        rows: Iterable[tuple[Any, Any]] = (
            (group, one) for group, ones in values.items() if isinstance(ones, list) for one in ones
        )
    elif isinstance(values, list):
        rows = ((None, one) for one in values)
    else:
        raise _bad(path, "holds neither a list nor an object")
    for number, (group, one) in enumerate(rows, start=1):
        where = f"{path.name}, entry {number}"
        stated: Any = group
        name: Any = one
        aliases: Any = []
        if isinstance(one, Mapping):
            name, aliases, stated = one.get("name"), one.get("aliases") or [], one.get("kind") or group
        if not isinstance(name, str) or not isinstance(aliases, list):
            raise _bad(path, f"has at entry {number} no name, or aliases that are no list")
        found = _kind_named(stated) or kind
        if found is None:
            raise _unsaid(path, where)
        yield Entry(found, name, tuple(str(alias) for alias in aliases), where)


def _is_concept(one: Any) -> bool:
    return isinstance(one, Mapping) and any(name in one for name in _PREFERRED)


def _from_graph(path: Path, graph: Any, kind: Kind | None) -> Iterator[Entry]:
    if not isinstance(graph, list):
        raise _bad(path, "has a graph that is no list")
    for number, one in enumerate(graph, start=1):
        if not _is_concept(one) or _says(one, "ConceptScheme") or _says(one, "Collection"):
            continue
        preferred = [label for name in _PREFERRED for label in _labels(one.get(name))]
        others = [label for name in _OTHERS for label in _labels(one.get(name))]
        where = f"{path.name}, concept {number}"
        said = [one.get(name) for name in (*_TYPES, "kind", "inScheme", "skos:inScheme", f"{_SKOS}inScheme")]
        found = _first_kind(said) or kind
        if found is None:
            raise _unsaid(path, where)
        yield Entry(found, preferred[0] if preferred else "", (*preferred[1:], *others), where)


def _says(one: Mapping[str, Any], word: str) -> bool:
    return any(word in json.dumps(one.get(name)) for name in _TYPES)


def _labels(value: Any) -> list[str]:
    """Return the texts of JSON-LD's labels: text, an object with a language, languages to texts, or lists of these."""
    if isinstance(value, str):
        return [value]
    if isinstance(value, list):
        return [label for one in value for label in _labels(one)]
    if isinstance(value, Mapping):
        return _labels(value["@value"]) if "@value" in value else _labels(list(value.values()))
    return []


def _from_rdf(path: Path, kind: Kind | None) -> Iterator[Entry]:
    data = _bytes(path)
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)
    try:
        root = etree.fromstring(data, parser)
    except etree.XMLSyntaxError as error:
        raise _bad(path, f"is no XML: {error.msg}") from None
    for number, concept in enumerate(_concepts(root), start=1):
        preferred = _texts(concept, "prefLabel")
        others = _texts(concept, "altLabel") + _texts(concept, "hiddenLabel")
        where = f"{path.name}, concept {number}"
        links = [
            str(one.get(f"{{{_RDF}}}resource") or "")
            for one in concept
            if etree.QName(one).localname in ("type", "inScheme", "topConceptOf")
        ]
        found = _first_kind([etree.QName(concept).localname, *links]) or kind
        if found is None:
            raise _unsaid(path, where)
        yield Entry(found, preferred[0] if preferred else "", (*preferred[1:], *others), where)


def _concepts(root: etree._Element) -> Iterator[etree._Element]:
    for one in root.iter(etree.Element):
        if one.find(f"{{{_SKOS}}}prefLabel") is not None and "Scheme" not in etree.QName(one).localname:
            yield one


def _texts(concept: etree._Element, name: str) -> list[str]:
    found = (
        " ".join("".join(map(str, one.itertext())).split()) for one in concept.iter(f"{{{_SKOS}}}{name}")
    )
    return [text for text in found if text]


def _first_kind(said: Iterable[Any]) -> Kind | None:
    return next((kind for one in said if (kind := _kind_in(one)) is not None), None)


def _kind_in(said: Any) -> Kind | None:
    """Return the kind that a type or a scheme names, the last word of its address counting."""
    for one in said if isinstance(said, list) else [said]:
        value = one.get("@id") if isinstance(one, Mapping) else one
        if isinstance(value, str):
            last = value.rstrip("/#").rpartition("/")[2].rpartition("#")[2].rpartition(":")[2]
            found = _kind_named(last)
            if found is not None:
                return found
    return None


def _kind_named(said: Any) -> Kind | None:
    word = str(said).strip().lower() if said else ""
    return _WORDS.get(word) or _WORDS.get(word.removesuffix("s"))


def _filled(path: Path, entries: list[Entry]) -> list[Entry]:
    if not any(entry.name for entry in entries):
        raise _bad(path, "holds no tag")
    return entries


def _text(path: Path) -> str:
    try:
        return _bytes(path).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise _bad(path, f"is not in UTF-8: byte {error.start}") from None


def _bytes(path: Path) -> bytes:
    try:
        size = path.stat().st_size
        if size > LARGEST_FILE:
            raise _bad(path, f"has {size:,} bytes; the limit is {LARGEST_FILE:,}")
        return path.read_bytes()
    except OSError as error:
        raise _bad(path, f"cannot be read: {error.strerror or error}") from None


def _unsaid(path: Path, where: str) -> InputError:
    return _bad(
        path,
        f"does not say of what kind {where.partition(', ')[2]} is",
        f"Give it as FILE:KIND, with one of {', '.join(KINDS)}.",
    )


def _bad(path: Path, what: str, hint: str = "Mend it or give another.") -> InputError:
    return InputError(f"The tags in {path} cannot be used: it {what}.", hint=hint, code="tags_file")
