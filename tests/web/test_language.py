"""The pages in another language, in other colours, and with nothing left untranslated."""

import io
import re
from html.parser import HTMLParser
from pathlib import Path
from string import Formatter

import pytest
from babel.messages.extract import extract_from_dir
from babel.messages.mofile import read_mo, write_mo
from babel.messages.pofile import read_po

from web.language import LANGUAGES, TRANSLATIONS

WEB = Path(__file__).parents[2] / "web"
OTHERS = sorted(set(LANGUAGES) - {"en"})
KEYWORDS = {"_": None, "gettext": None, "lazy_gettext": None, "ngettext": (1, 2)}


def catalogue(language: str):
    with (TRANSLATIONS / language / "LC_MESSAGES" / "messages.po").open("rb") as file:
        return read_po(file, locale=language)


def messages() -> list:
    """Return every message of the portal."""
    found = extract_from_dir(
        WEB,
        method_map=[("**.py", "python"), ("templates/**.html", "jinja2")],
        options_map={"templates/**.html": {"trimmed": "true", "silent": "false"}},
        keywords=KEYWORDS,
    )
    return [message for _path, _line, message, _comments, _context in found]


@pytest.mark.parametrize("language", OTHERS)
def test_every_message_is_translated(language):
    known = catalogue(language)
    untranslated = []
    for message in messages():
        ids = message if isinstance(message, tuple) else (message,)
        entry = known.get(ids[0])
        strings = (
            () if entry is None else entry.string if isinstance(entry.string, tuple) else (entry.string,)
        )
        plural = isinstance(message, tuple)
        if not strings or not all(strings) or entry.fuzzy or (plural and len(strings) != known.num_plurals):
            untranslated.append(ids[0])
    assert untranslated == []


@pytest.mark.parametrize("language", OTHERS)
def test_translations_name_what_the_messages_do(language):
    for entry in catalogue(language):
        if entry.id:
            ids = entry.id if isinstance(entry.id, tuple) else (entry.id,)
            strings = entry.string if isinstance(entry.string, tuple) else (entry.string,)
            for string in strings:
                assert names(string) <= names(ids[-1]), ids[0]
                assert names(string) | {"num"} >= names(ids[0]), ids[0]


def names(text: str) -> set[str]:
    braces = {name for _, name, _, _ in Formatter().parse(text) if name and name.isidentifier()}
    return set(re.findall(r"%\((\w+)\)s", text)) | braces


@pytest.mark.parametrize("language", OTHERS)
def test_what_is_compiled_is_what_is_written(language):
    file = io.BytesIO()
    write_mo(file, catalogue(language))
    with (TRANSLATIONS / language / "LC_MESSAGES" / "messages.mo").open("rb") as kept:
        ours = strings(read_mo(kept))
    file.seek(0)
    assert ours == strings(read_mo(file)), "run make messages"


def strings(found) -> dict[str, object]:
    return {str(one.id): one.string for one in found if one.id}


class Texts(HTMLParser):
    """Collects the texts that stand in a template outside of its expressions."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_data(self, data: str) -> None:
        words = re.sub(r"\s+", " ", data).strip()
        if re.search(r"[A-Za-z]{2,}", words):
            self.found.append(words)


NO_WORDS = {
    "stylesearch",
    "style",
    "search",
    "· stylesearch",
    "IIIF",
    "info.json",
    ", × px",
    ", × px,",
    "PDF",
    "JSON",
    "ULAN",
    "Wikidata",
}


@pytest.mark.parametrize("path", sorted((WEB / "templates").rglob("*.html")), ids=lambda path: path.name)
def test_no_template_has_words_outside_of_messages(path):
    source = re.sub(r"{#.*?#}", "", path.read_text("utf-8"), flags=re.DOTALL)
    source = re.sub(r"{% trans\b.*?%}.*?{% endtrans %}", "", source, flags=re.DOTALL)
    source = re.sub(r"{{.*?}}|{%.*?%}", "", source, flags=re.DOTALL)
    texts = Texts()
    texts.feed(re.sub(r"<(code|svg)\b.*?</\1>", "", source, flags=re.DOTALL))
    assert [one for one in texts.found if one not in NO_WORDS] == []


def test_a_browser_is_spoken_to_in_its_language(client, query_url):
    german = client.get(f"{query_url}&q=reuse:open", headers={"Accept-Language": "de-AT,en;q=0.5"})
    assert '<html lang="de" dir="ltr">' in german.text
    assert "Werke offen lizenziert, im Stil nächste zuerst." in german.text
    assert "Accept-Language" in german.vary
    french = client.get("/", headers={"Accept-Language": "fr"})
    assert '<html lang="en" dir="ltr">' in french.text


def test_numbers_are_written_as_in_the_language(client, query_url):
    page = client.get(query_url, headers={"Accept-Language": "de"}).text
    assert re.search(r"Wert </span>−?0,\d{3}</span>", page)


def test_errors_are_told_in_the_language(client):
    page = client.get(f"/search?image={'0' * 64}", headers={"Accept-Language": "de"})
    assert page.status_code == 404
    assert "Das Bild dieser Suche wird nicht mehr behalten." in page.text


def test_a_language_and_colours_are_chosen_and_kept(client):
    answer = client.get("/preferences?language=de&theme=dark&back=/artists%3Fq%3Dx")
    assert (answer.status_code, answer.headers["Location"]) == (302, "/artists?q=x")
    page = client.get("/", headers={"Accept-Language": "en"}).text
    assert '<html lang="de" dir="ltr" data-theme="dark">' in page
    client.get("/preferences?language=xx&theme=pink")
    assert '<html lang="de" dir="ltr" data-theme="dark">' in client.get("/").text


@pytest.mark.parametrize(
    "back", ["//evil.example", "https://evil.example/", "/\\evil.example", "javascript:alert(1)", "/a\nb", ""]
)
def test_preferences_lead_nowhere_else(client, back):
    answer = client.get("/preferences", query_string={"language": "de", "back": back})
    assert answer.headers["Location"] == "/"
