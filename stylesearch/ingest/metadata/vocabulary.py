"""What archives call the fields of a work, in six languages, so that usual names need no mapping."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

FIELD_NAMES: dict[str, tuple[str, ...]] = {
    "id": (
        "id", "identifier", "source id", "object id", "object number", "accession number", "accession no", "inventory number",
        "inventory no", "inventarnummer", "inv nr", "inv no", "numéro d'inventaire", "numero di inventario", "inventarisnummer",
        "objectnummer", "objektnummer", "número de inventario", "signatur", "shelfmark", "key", "uuid", "record id",
    ),
    "image": (
        "image", "image url", "image uri", "image path", "url", "path", "file", "filename", "file name", "file path",
        "image file", "media", "media url", "bild", "bilddatei", "bild url", "dateiname", "datei", "fichier", "immagine",
        "afbeelding", "bestand", "bestandsnaam", "imagen", "archivo", "primary image", "jpg", "download url", "is shown by",
    ),
    "title": (
        "title", "titel", "titre", "titolo", "título", "titulo", "name of work", "object title", "bezeichnung", "werktitel",
        "label", "main title", "preferred title",
    ),
    "artist": (
        "artist", "artists", "artist name", "creator", "creators", "author", "authors", "maker", "made by", "painter",
        "artist/maker", "artist / maker", "künstler", "künstlerin", "künstler/in", "urheber", "hersteller", "maler", "autor",
        "autorin", "artiste", "auteur", "créateur", "peintre", "artista", "autore", "pittore", "kunstenaar", "vervaardiger",
        "schilder", "maker name", "artiste/auteur", "creador",
    ),
    "contributor": (
        "contributor", "contributors", "beteiligte", "mitwirkende", "contributeur", "contributore", "bijdrager", "colaborador",
    ),
    "artist_ulan": ("ulan", "ulan id", "ulan url", "artist ulan", "artist ulan id", "artist ulan url", "creator ulan"),
    "artist_wikidata": (
        "wikidata", "wikidata id", "wikidata url", "artist wikidata", "artist wikidata id", "artist wikidata url", "creator wikidata",
    ),
    "qualifier": ("qualifier", "attribution qualifier", "artist prefix", "artist role", "zuschreibung"),
    "description": (
        "description", "beschreibung", "descrizione", "beschrijving", "descripción", "descripcion", "caption", "summary", "abstract",
        "résumé", "legende", "bildunterschrift",
    ),
    "date_text": (
        "date", "datum", "data", "datierung", "date created", "created", "creation date", "year", "jahr", "année", "annee", "anno",
        "jaar", "fecha", "año", "date of creation", "date created/published", "display date", "dated", "object date",
        "entstehungszeit", "herstellungsdatum", "datering", "datazione", "date de création", "date text", "period of creation",
    ),
    "year_from": ("year from", "date start", "object begin date", "begin date", "start year", "earliest date", "von", "year begin"),
    "year_to": ("year to", "date end", "object end date", "end date", "end year", "latest date", "bis", "year end"),
    "medium": (
        "medium", "materials", "material", "technique", "materials and techniques", "medium and support", "technik",
        "material und technik", "material/technik", "material / technik", "technique et matériaux", "matériaux et techniques",
        "tecnica", "materiale", "materiaal", "techniek", "técnica", "materiales", "support", "dimensions and medium",
        "physical description", "material und technik",
    ),
    "movement": (
        "movement", "style", "stil", "art movement", "school", "stijl", "stile", "estilo", "mouvement", "style/period",
        "stilrichtung",
    ),
    "period": (
        "period", "art period", "historical period", "epoche", "epoch", "era", "dynasty", "dynastie", "période", "époque", "periodo",
        "epoca", "período", "época", "periode", "tijdperk", "period/dynasty", "culture/period",
    ),
    "object_type": (
        "object type", "type", "genre", "classification", "object name", "work type", "objekttyp", "objektart", "gattung", "sachgruppe",
        "type d'objet", "tipo", "tipologia", "objecttype", "soort", "tipo de objeto", "type of object", "objektbezeichnung", "dénomination",
    ),
    "keywords": (
        "keywords", "keyword", "subject", "subjects", "tags", "tag", "topic", "topics", "schlagwort", "schlagwörter", "schlagworte",
        "thema", "themen", "sujet", "sujets", "mots-clés", "mots clés", "soggetto", "soggetti", "parole chiave", "onderwerp",
        "trefwoorden", "materia", "materias", "palabras clave", "depicts", "dargestellt", "iconography",
    ),
    "source_url": (
        "source url", "link", "page", "object url", "homepage", "permalink", "landing page", "web page", "website", "is shown at",
        "see online", "persistent url", "url of page", "object page",
    ),
    "work_rights": (
        "license", "licence", "rights", "lizenz", "rechte", "licenza", "licentie", "licencia", "work rights", "copyright status",
        "rights statement", "urheberrecht", "diritti", "derechos", "droits", "rechten", "usage terms",
    ),
    "image_rights": (
        "image license", "image licence", "image rights", "media rights", "bildrechte", "reproduction rights", "photo rights",
        "license of image", "lizenz des bildes",
    ),
    "credit_line": (
        "credit line", "creditline", "credit", "attribution", "photo credit", "provenance line", "copyright", "copyright notice",
        "bildnachweis", "crédit", "mention obligatoire", "required statement", "nachweis", "acquisition credit",
    ),
    "version": ("version", "etag", "modified", "last modified", "updated", "updated at", "date modified", "sha256", "checksum"),
}  # fmt: skip
"""Field to its usual names, the likeliest first. ``id``, ``image`` and ``version`` are no fields of a record."""

_PREFIX = re.compile(r"^(?:dc|dcterms|dct|schema|edm|lido|vra|exif|iptc|xmp|wd)[:.]", re.IGNORECASE)
_SIGNS = re.compile(r"[\s_\-]+")


def simple(name: str) -> str:
    """Return a field's name without what differs for no reason: case, a namespace, underscores, colons, ``(s)``.

    ``dc:Title``, ``TITLE`` and ``title:`` are one, and so are ``objectNumber`` and ``object_number``.
    """
    text = unicodedata.normalize("NFC", name[:200]).replace("’", "'").strip()
    text = _PREFIX.sub("", text)
    text = re.sub(r"(?<=[a-zß-ÿ])(?=[A-Z])", " ", text)
    text = re.sub(r"\(s\)|/in\b", "", text).strip(" :.*#")
    return _SIGNS.sub(" ", text).strip().casefold()


_FIELDS: dict[str, str] = {}
for _field, _names in FIELD_NAMES.items():
    for _name in (_field, *_names):
        _FIELDS.setdefault(simple(_name), _field)


def field_named(name: str) -> str | None:
    """Return the field that a name usually stands for; ``None`` if it is none that is known."""
    return _FIELDS.get(simple(name))


def automatic(names: Iterable[str]) -> dict[str, str]:
    """Return which of some names stand for which fields: for each field, the name that is the likeliest."""
    best: dict[str, str] = {}
    for name in names:
        field = field_named(name)
        if field is not None and (field not in best or _rank(field, name) < _rank(field, best[field])):
            best[field] = name
    return {name: field for field, name in best.items()}


def _rank(field: str, name: str) -> int:
    return [simple(one) for one in (field, *FIELD_NAMES[field])].index(simple(name))
