"""The guard that untrusted SVG passes before librsvg sees it."""

from __future__ import annotations

import binascii
import re
import zlib
from base64 import b64decode
from dataclasses import dataclass
from urllib.parse import unquote_to_bytes
from xml.parsers import expat

from stylesearch.errors import ImageError
from stylesearch.images import formats

_SVG = "http://www.w3.org/2000/svg"
_XLINK_HREF = "http://www.w3.org/1999/xlink href"
_XINCLUDE = "http://www.w3.org/2001/XInclude"
_LONGEST_NAMESPACE = 256
_DEEPEST_NESTING = 3
# In characters: the time that librsvg takes to lay a text out grows with its square, and is some seconds here.
_LONGEST_TEXT = 20_000

_NAMESPACE_NAME = re.compile(r"https?://[^&<\s]*", re.IGNORECASE)
_URL = re.compile(r"url\(\s*[\"']?\s*([^\"')]*)", re.IGNORECASE)
_IMPORT = re.compile(r"@import\b", re.IGNORECASE)
_NAMESPACE_RULE = re.compile(r"@namespace\b[^;]*;", re.IGNORECASE)
_CSS_ESCAPE = re.compile(r"\\([0-9a-fA-F]{1,6})\s?|\\(.)", re.DOTALL)
_PI_HREF = re.compile(r"""\bhref\s*=\s*(?:"([^"]*)"|'([^']*)')""")


@dataclass(frozen=True, slots=True)
class SafeSvg:
    """An SVG document that nothing has to be fetched for and that declares nothing dangerous.

    Attributes
    ----------
    xml:
        The document, unpacked where it was gzipped.
    rasters:
        The files of the pixel images embedded in it as ``data:`` URIs, in order.
    elements:
        How many elements there are, with those of drawings embedded in it.
    longest:
        Characters of the longest attribute.
    letters:
        Characters of all texts that are drawn.
    """

    xml: bytes
    rasters: tuple[bytes, ...]
    elements: int
    longest: int
    letters: int


def guard_svg(data: bytes, *, max_bytes: int) -> SafeSvg:
    """Check an SVG or gzipped SVG without expanding, fetching or rendering any of it.

    The XML parser used here neither reads external entities nor external DTDs.

    Parameters
    ----------
    data:
        The file.
    max_bytes:
        Largest size, in bytes, that a gzipped document may unpack to.

    Returns
    -------
    SafeSvg
        The document and the pixel images embedded in it.

    Raises
    ------
    ImageError
        ``svg_entities`` for any declared entity but a plain namespace name, ``svg_external`` for anything that would
        be fetched from outside the file, ``svg_unreadable`` for what is not a well-formed SVG document,
        ``image_too_many_bytes`` for a gzipped document that unpacks to more than ``max_bytes``.
    """
    xml = _unpack(data, max_bytes) if formats.is_gzip(data) else data
    guard = _Guard(max_bytes)
    return SafeSvg(xml, tuple(guard.read(xml)), guard.elements, guard.longest, guard.letters)


def _unpack(data: bytes, max_bytes: int) -> bytes:
    unpacker = zlib.decompressobj(wbits=31)
    try:
        xml = unpacker.decompress(data, max_bytes + 1)
    except zlib.error:
        raise _unreadable("its gzip packing is damaged") from None
    if len(xml) > max_bytes:
        raise ImageError(
            f"The gzipped SVG drawing unpacks to more than {max_bytes} bytes.",
            hint="Simplify it, or raise STYLESEARCH_MAX_FILE_BYTES and STYLESEARCH_MAX_PIXELS.",
            code="image_too_many_bytes",
        )
    if not unpacker.eof:
        raise _unreadable("its gzip packing is cut off")
    return xml


def _unreadable(reason: str) -> ImageError:
    return ImageError(
        f"The SVG drawing cannot be read: {reason}.",
        hint="Open it in a drawing program and save it again.",
        code="svg_unreadable",
    )


def _entities(reason: str) -> ImageError:
    return ImageError(
        f"The SVG drawing {reason}.",
        hint="Save it again as plain SVG, without a DTD of its own.",
        code="svg_entities",
    )


def _external(what: str) -> ImageError:
    return ImageError(
        f"The SVG drawing needs something outside the file: {_short(what)}.",
        hint="Embed it in the drawing and save again.",
        code="svg_external",
    )


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= 100 else f"{line[:97]}..."


def _is_inside(target: str) -> bool:
    """Whether a reference stays within the file: nothing, a fragment or a ``data:`` URI."""
    target = target.strip()
    return not target or target.startswith("#") or target[:5].lower() == "data:"


def _check_css(css: str, *, where: str) -> None:
    if "\\" in css:
        css = _CSS_ESCAPE.sub(_unescape_css, css)
    css = _NAMESPACE_RULE.sub("", css)  # names a namespace, fetches nothing
    if _IMPORT.search(css):
        raise _external(f"@import in {where}")
    for match in _URL.finditer(css):
        if not _is_inside(match[1]):
            raise _external(f"{where} names {match[1]}")


def _unescape_css(match: re.Match[str]) -> str:
    code_point = int(match[1], 16) if match[1] else 0
    if match[2]:
        return match[2]
    return chr(code_point) if 0 < code_point <= 0x10FFFF else "\ufffd"


def _read_data_uri(uri: str) -> bytes:
    header, _, body = uri.strip().partition(",")
    payload = unquote_to_bytes(body)
    if not header.lower().replace(" ", "").endswith(";base64"):
        return payload
    try:
        return b64decode(payload.rstrip(b"= \t\r\n") + b"==")
    except binascii.Error:
        raise _unreadable("an image embedded in it is not valid base64") from None


class _Guard:
    """One pass over one document."""

    def __init__(self, max_bytes: int, nesting: int = 0) -> None:
        self._max_bytes = max_bytes
        self._nesting = nesting
        self.elements = 0
        self.longest = 0
        self.letters = 0
        self._rasters: list[bytes] = []
        self._has_entities = False
        self._seen_root = False
        self._expanded = 0
        self._most_expanded = 0
        self._style: list[str] | None = None
        self._text_begins: int | None = None

    def read(self, xml: bytes) -> list[bytes]:
        """Check the document; return the pixel images embedded in it."""
        self._most_expanded = 2 * len(xml) + 64 * 1024
        parser = expat.ParserCreate(namespace_separator=" ")
        parser.buffer_text = True
        # Otherwise expat says nothing of a parameter entity's use, nor of any declaration after it.
        parser.SetParamEntityParsing(expat.XML_PARAM_ENTITY_PARSING_ALWAYS)
        parser.ExternalEntityRefHandler = self._unread
        parser.StartDoctypeDeclHandler = self._doctype
        parser.EntityDeclHandler = self._entity
        parser.SkippedEntityHandler = self._skipped_entity
        parser.ProcessingInstructionHandler = self._instruction
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._text
        try:
            parser.Parse(xml, True)
        except expat.ExpatError as error:
            problem = expat.errors.messages[error.code]
            raise _unreadable(f"{problem} in line {error.lineno}") from None
        except (
            LookupError,
            ValueError,
        ) as error:  # an encoding Python does not know or that takes several bytes
            raise _unreadable(str(error)) from None
        return self._rasters

    def _doctype(self, _name: str, system_id: str | None, public_id: str | None, _internal: int) -> None:
        """Let the W3C's own DTD pass: no reader fetches it, and a drawing is whole without it."""
        if (public_id or "").startswith("-//W3C//DTD SVG") or system_id is None:
            return
        raise _external(f"the DTD {system_id}")

    def _entity(
        self,
        name: str,
        is_parameter: int,
        value: str | None,
        _base: str | None,
        _system_id: str | None,
        _public_id: str | None,
        _notation: str | None,
    ) -> None:
        if is_parameter:
            raise _entities(f"declares the parameter entity {_short(name)}")
        if value is None:
            raise _entities(f"declares the external entity {_short(name)}")
        if len(value) > _LONGEST_NAMESPACE or not _NAMESPACE_NAME.fullmatch(value):
            raise _entities(f"declares the entity {_short(name)}, which is not a plain namespace name")
        self._has_entities = True

    def _unread(
        self, _context: str, _base: str | None, _system_id: str | None, _public_id: str | None
    ) -> int:
        """Go on without reading what is outside the file."""
        return 1

    def _skipped_entity(self, name: str, _is_parameter: int) -> None:
        raise _entities(f"uses the entity {_short(name)}, which it does not declare")

    def _instruction(self, target: str, body: str) -> None:
        if target != "xml-stylesheet":
            return
        match = _PI_HREF.search(body)
        href = (match[1] or match[2] or "") if match else ""
        if not _is_inside(href):
            raise _external(f"the stylesheet {href}")

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        namespace, _, local = name.rpartition(" ")
        self.elements += 1
        self.longest = max(self.longest, max(map(len, attributes.values()), default=0))
        if not self._seen_root:
            if local != "svg":
                raise _unreadable(f"its root is <{_short(local)}>, not <svg>")
            self._seen_root = True
        if self._has_entities:
            self._count(sum(map(len, attributes.values())))
        if namespace not in {_SVG, _XINCLUDE, ""}:
            return  # metadata: neither drawn nor fetched
        self._begin(local)
        for key, value in attributes.items():
            if key in {"href", _XLINK_HREF}:
                if local != "a":
                    self._reference(local, value)
            elif key == "style" or ("(" in value and " " not in key):
                _check_css(value, where=f"{key} of <{local}>")

    def _begin(self, local: str) -> None:
        """Note where an element begins whose text matters."""
        if local == "style":
            self._style = []
        elif local == "text" and self._text_begins is None:
            self._text_begins = self.letters

    def _end(self, name: str) -> None:
        if self._style is not None and name.rpartition(" ")[2] == "style":
            _check_css("".join(self._style), where="<style>")
            self._style = None
        elif name.rpartition(" ")[2] == "text":
            self._text_begins = None

    def _text(self, text: str) -> None:
        if self._has_entities:
            self._count(len(text))
        if self._style is not None:
            self._style.append(text)
        elif self._text_begins is not None:
            self.letters += len(text)
            if self.letters - self._text_begins > _LONGEST_TEXT:
                raise _unreadable(f"it has a text of more than {_LONGEST_TEXT:,} characters")

    def _count(self, characters: int) -> None:
        """Stop a drawing that names its few short entities so often that it grows manifold."""
        self._expanded += characters
        if self._expanded > self._most_expanded:
            raise _entities("grows manifold when its entities are filled in")

    def _reference(self, element: str, target: str) -> None:
        if not _is_inside(target):
            raise _external(f"<{element}> refers to {target}")
        if target.strip()[:5].lower() == "data:":
            self._embedded(_read_data_uri(target))

    def _embedded(self, payload: bytes) -> None:
        """Note a pixel image; check a nested drawing by the same rules, whatever type it claims to be."""
        found = formats.sniff(payload)
        if found is None:
            return
        if found is not formats.SVG:
            self._rasters.append(payload)
            return
        if self._nesting == _DEEPEST_NESTING:
            raise _unreadable("drawings are nested in it too deeply")
        xml = _unpack(payload, self._max_bytes) if formats.is_gzip(payload) else payload
        inner = _Guard(self._max_bytes, self._nesting + 1)
        self._rasters += inner.read(xml)
        self.elements += inner.elements
        self.longest = max(self.longest, inner.longest)
        self.letters += inner.letters
