"""Artists as records name them: a name with a qualifier, in six languages, before or behind it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from stylesearch.catalog.artists import QUALIFIERS
from stylesearch.catalog.records import Credit, tidy

LONGEST = 2000
"""In characters: what is longer is no name, and only its beginning is looked at."""

# Each phrase is a pattern that fits the whole of a qualifier. Some need a name behind them, some may stand alone
# in brackets behind a name ("Rembrandt (Werkstatt)"), and LIDO gives them in a field of their own.
_PHRASES: dict[str, tuple[str, ...]] = {
    "copy after": (
        r"(?:an? )?cop(?:y|ies) (?:after|of|from)", r"copyist of", r"after copyist of",
        r"copie (?:ancienne )?(?:d'après|de|d'|du|van|naar)", r"copiste de",
        r"kopien? (?:nach|von)", r"kopist(?:en)? (?:von|nach|des|der)",
        r"copia (?:da|di|del(?:la)?|de|según|dopo)", r"kopie (?:naar|van)",
    ),
    "attributed to": (
        r"attributed to", r"attr(?:ib)?\.? to", r"attr(?:ib)?\.", r"ascribed to", r"attributed",
        r"(?:possibly|probably|perhaps)(?: by)?",
        r"attribuée?s? (?:à|au|aux)", r"attribuée?",
        r"(?:wird )?zugeschrieben(?: an)?", r"zuschreibung(?: an)?", r"zugeschr\.", r"wohl(?: von)?", r"vermutlich(?: von)?",
        r"attribuit[oa] a(?:l|lla|d)?", r"attribuit[oa]", r"attribuzione(?: a)?",
        r"toegeschreven(?: aan)?", r"toegeschr\.(?: aan)?",
        r"atribuid[oa](?: al?)?", r"atribuíd[oa](?: ao?)?", r"atribución(?: a)?",
    ),
    "workshop of": (
        r"(?:work)?shop of", r"workshop", r"studio of", r"atelier of", r"assistant(?:s)? of",
        r"atelier(?: (?:de|du|des|d'|von|van|des))?",
        r"werkstatt(?: (?:von|des|der))?",
        r"bottega(?: (?:di|del|della|dello|dei))?", r"officina di",
        r"werkplaats(?: van)?", r"taller(?: (?:de|del))?",
    ),
    "circle of": (
        r"circle of", r"entourage (?:de|du|des|d')", r"entourage", r"cercle (?:de|du|d')",
        r"(?:um)?kreis(?: (?:von|des|der|um))?", r"umkreis",
        r"cerchia(?: (?:di|del|della|dello))?", r"ambito (?:di|del|della)",
        r"(?:kring|omgeving)(?: (?:van|rond))?", r"(?:círculo|circulo|entorno)(?: (?:de|del))?",
    ),
    "school of": (
        r"school of", r"pupils? of", r"students? of", r"école (?:de|du|d')", r"élève (?:de|du|d')",
        r"schule(?: (?:von|des|der))?", r"schüler(?:in)?(?: (?:von|des|der))?",
        r"scuola (?:di|del|della)", r"alliev[oa] (?:di|del)", r"school van", r"leerling(?: van)?",
        r"escuela (?:de|del)", r"discípul[oa] (?:de|del)",
    ),
    "follower of": (
        r"followers? of", r"suiveurs? (?:de|du|d')", r"nachfolger?(?: (?:von|des|der))?", r"nachfolger?in(?: von)?",
        r"seguac[ei] (?:di|del)", r"(?:na|op)?volger(?: van)?", r"volgeling(?: van)?", r"navolging(?: van)?",
        r"seguidor(?:es)? (?:de|del)",
    ),
    "manner of": (
        r"(?:in )?(?:the )?manner of", r"(?:in )?(?:the )?style of",
        r"(?:à la )?manière (?:de|du|d')", r"dans le (?:goût|style) (?:de|du|d')", r"genre (?:de|de)", r"style de",
        r"(?:in der )?(?:art|manier)(?: (?:von|des|der))", r"(?:im )?stil(?: (?:von|des|der))",
        r"(?:alla )?maniera (?:di|del)", r"stile di", r"nello stile di",
        r"(?:in de )?(?:manier|trant|stijl) van", r"(?:a la )?manera (?:de|del)", r"(?:al )?estilo de",
    ),
    "after": (
        r"after", r"d'après", r"nach", r"derivato da", r"dopo", r"naar", r"según", r"a partir de",
    ),
}  # fmt: skip
# What stands only behind a name or in a field of its own: before a name it may be a part of it ("da Vinci").
_BEHIND_ONLY = {"da": "after", "?": "attributed to"}
_APOSTROPHES = str.maketrans({"’": "'", "‘": "'", "`": "'"})

_WHOLE = [
    (qualifier, re.compile("|".join(phrases), re.IGNORECASE)) for qualifier, phrases in _PHRASES.items()
]
# A phrase that ends in an elided article goes on without a space: "atelier d'Ingres".
_BEFORE = [
    (qualifier, re.compile(rf"({'|'.join(phrases)})(?:\s*:\s*|(?<=')|\s+)(?=\S)", re.IGNORECASE))
    for qualifier, phrases in _PHRASES.items()
]
_BRACKETED = re.compile(r"\s*[(\[]([^()\[\]]{1,200})[)\]]\s*$")
_COMMA = re.compile(r"\s*,\s*([^,]{1,60})$")
_YEARS = re.compile(r"(?<!\d)\d{3,4}(?!\d)|\b\d{1,2}(?:st|nd|rd|th)\b", re.IGNORECASE)
_LIFE = re.compile(
    r"\s*,\s*(?:(?:born|b\.|né|née|geb\.|nato|geboren|active|fl\.)\s*)?(?:c(?:a|irca)?\.?\s*)?"
    r"\d{3,4}\??(?:\s*(?:-|–|—|/|to)\s*(?:c(?:a|irca)?\.?\s*)?(?:\d{2,4}\??)?)?\.?\s*$",
    re.IGNORECASE,
)
_ULAN = re.compile(
    r"(?:vocab\.getty\.edu/(?:page/)?ulan/|getty\.edu/vow/ULANFullDisplay\S*subjectid=)(\d{9})\b",
    re.IGNORECASE,
)
_BARE_ULAN = re.compile(r"(?:ulan[:/ ]?)?(500\d{6})", re.IGNORECASE)
_WIKIDATA = re.compile(r"wikidata\.org/(?:wiki|entity)/(Q[1-9]\d{0,11})(?!\d)", re.IGNORECASE)
_BARE_WIKIDATA = re.compile(r"(?:wd:|wikidata[:/ ]?)?(Q[1-9]\d{0,11})", re.IGNORECASE)
_OCCUPATION = re.compile(
    r"(?:the )?(?:artist|painter|draughtsman|engraver|etcher|printmaker|illustrator|photographer|sculptor|maker|designer|"
    r"künstler(?:in)?|maler(?:in)?|zeichner(?:in)?|stecher(?:in)?|fotograf(?:in)?|artiste|peintre|graveur|dessinateur|"
    r"photographe|pittore|pittrice|incisore|fotografo|kunstenaar|schilder|tekenaar|prentmaker|pintora?|grabador)",
    re.IGNORECASE,
)
UNKNOWN = re.compile(
    r"(?:unknown|anonymous|anon\.?|unidentified|inconnue?|anonyme|unbekannt(?:e[rs]?)?|anonym|ignoto|anonimo|sconosciuto|"
    r"onbekend|anoniem|desconocido|anónimo|n/?a|none)(?: (?:artist|maker|author|auteur|artiste|künstler(?:in)?|autor|autore))?",
    re.IGNORECASE,
)
"""What names nobody."""


def read_qualifier(text: str | None) -> str | None:
    """Return the catalogue's word for an attribution qualifier that stands alone, such as ``Werkstatt``.

    ``None`` for one that is not known.
    """
    plain = _plain(text)
    if plain in QUALIFIERS:
        return plain
    if plain in _BEHIND_ONLY:
        return _BEHIND_ONLY[plain]
    return next((qualifier for qualifier, pattern in _WHOLE if pattern.fullmatch(plain)), None)


def read_credit(text: str | None, *, role: str = "creator") -> Credit | None:
    """Return who is meant by a text such as ``Rembrandt van Rijn (1606-1669), circle of``.

    Years of life and occupations are left out. ``None`` for an empty text, and for one that names nobody (``unknown``).
    """
    rest, qualifier = tidy((text or "")[:LONGEST]) or "", None
    for _ in range(4):  # years, a nationality and a qualifier may all follow a name
        rest, found = _without_end(rest)
        qualifier = qualifier or found
        if found is None:
            before = _without_beginning(rest) if qualifier is None else None
            if before is None:
                break
            rest, qualifier = before
    name = rest.strip(" ,;:")
    if not name or UNKNOWN.fullmatch(name):
        return None
    return Credit(name, role, qualifier)


def read_credits(texts: Iterable[str | None], *, role: str = "creator") -> tuple[Credit, ...]:
    """Return who is meant by some texts, each once."""
    found = (read_credit(text, role=role) for text in texts)
    return tuple(dict.fromkeys(credit for credit in found if credit is not None))


def ulan_id(text: str | None, *, source: str | None = None) -> str | None:
    """Return the ULAN id in an address, or a bare one where its source says that it is of ULAN."""
    return _identifier(text, _ULAN, _BARE_ULAN if _names(source, "ulan") else None)


def wikidata_id(text: str | None, *, source: str | None = None) -> str | None:
    """Return the Wikidata id in an address, or a bare one where its source says that it is of Wikidata."""
    found = _identifier(text, _WIKIDATA, _BARE_WIKIDATA if _names(source, "wikidata") else None)
    return found.upper() if found else None


def _identifier(text: str | None, address: re.Pattern[str], bare: re.Pattern[str] | None) -> str | None:
    plain = tidy((text or "")[:LONGEST]) or ""
    match = address.search(plain) or (bare.fullmatch(plain) if bare else None)
    return match[1] if match else None


def _names(source: str | None, authority: str) -> bool:
    return source is not None and authority in source.lower()


def _plain(text: str | None) -> str:
    return (tidy((text or "")[:LONGEST]) or "").translate(_APOSTROPHES).strip(" :;,.()[]").lower()


def _without_end(text: str) -> tuple[str, str | None]:
    """Take a qualifier, or years of life, off the end of a text."""
    for pattern in (_BRACKETED, _COMMA):
        match = pattern.search(text)
        if match and match.start() > 0:
            qualifier = read_qualifier(match[1])
            if qualifier is not None:
                return text[: match.start()], qualifier
            if _OCCUPATION.fullmatch(match[1].strip()):
                return _without_end(text[: match.start()])
    life = _BRACKETED.search(text)
    if life and life.start() > 0 and _YEARS.search(life[1]):
        return _without_end(text[: life.start()])
    life = _LIFE.search(text)
    if life and life.start() > 0:
        return _without_end(text[: life.start()])
    return text, None


def _without_beginning(text: str) -> tuple[str, str] | None:
    plain = text.translate(_APOSTROPHES)
    matches: Iterator[tuple[str, re.Match[str]]] = (
        (qualifier, match) for qualifier, pattern in _BEFORE if (match := pattern.match(plain))
    )
    # The longest counts: "copy after" is not "copy".
    best = max(matches, key=lambda pair: pair[1].end(), default=None)
    return (text[best[1].end() :], best[0]) if best else None
