"""Who holds the rights in a package's file, and under which licence, by its machine-readable ``debian/copyright``."""

from __future__ import annotations

import fnmatch
import re
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

UNKNOWN = "see debian/copyright"
"""What is said of a file whose package has no machine-readable statement of it."""

_FORMAT = re.compile(r"\AFormat(?:-Specification)?:\s*\S*(?:copyright-format|dep5|dep/5)", re.IGNORECASE)
_NAMED = re.compile(r"[\w.-]{4}")
_FIELD = re.compile(r"^([A-Za-z][\w-]*):[ \t]*(.*)$")


@dataclass(frozen=True, slots=True)
class Statement:
    """One paragraph on files.

    Attributes
    ----------
    patterns:
        Shell patterns of the files it is about, as they lay in the source.
    licence:
        The short name of their licence.
    holders:
        Who holds the copyright, one a line.
    """

    patterns: tuple[str, ...]
    licence: str
    holders: str


@dataclass(frozen=True, slots=True)
class Copyright:
    """What a package says of its files' rights.

    Attributes
    ----------
    statements:
        In the package's order, the last that fits a file counting; empty where it says nothing a machine can read.
    """

    statements: tuple[Statement, ...] = ()

    def statement(self, path: str) -> Statement | None:
        """Return what is said of a file; ``None`` for nothing.

        Parameters
        ----------
        path:
            Where the file was installed. Packages name files by their place in the source, which often ends alike;
            the statement that shares the longest end counts, and the one on all files where none does.
        """
        parts = path.strip("/").split("/")
        tails = ["/".join(parts[start:]) for start in range(len(parts))]
        found, longest = None, -1
        for statement in self.statements:
            for pattern in statement.patterns:
                length = 0 if pattern in ("*", "./*") else _shared(pattern, tails)
                if length >= max(longest, 0):
                    found, longest = statement, length
        return found

    def licence(self, path: str) -> str:
        """Return the short name of a file's licence; see :meth:`statement`."""
        statement = self.statement(path)
        return UNKNOWN if statement is None else statement.licence


def _shared(pattern: str, tails: list[str]) -> int:
    """Return the length of the longest end of a pattern that fits an end of a path; -1 for none."""
    parts = pattern.removeprefix("./").strip("/").split("/")
    best = -1
    for start in range(len(parts)):
        if start and not any(_NAMED.match(part) for part in parts[start:]):
            continue  # cut down to "*.png", it would fit anything
        end = "/".join(parts[start:])
        shape = _compiled(end)
        if any(shape.fullmatch(tail) for tail in tails):
            best = max(best, len(end))
    return best


@lru_cache(maxsize=8192)
def _compiled(pattern: str) -> re.Pattern[str]:
    """Return a shell pattern as an expression: ``*`` and ``?`` match anything, slashes too; brackets are plain."""
    return re.compile(fnmatch.translate(pattern.replace("[", "[[]")))


def read_copyright(text: str) -> Copyright:
    """Read a ``debian/copyright``; empty where it is in free prose.

    Parameters
    ----------
    text:
        The file.
    """
    if not _FORMAT.match(text.lstrip()):
        return Copyright()
    statements = []
    for paragraph in re.split(r"\n[ \t]*\n", text):
        fields = _fields(paragraph)
        if "files" in fields and fields.get("license"):
            statements.append(
                Statement(
                    patterns=tuple(fields["files"].replace(",", " ").split()),
                    licence=fields["license"].splitlines()[0].strip(),
                    holders=fields.get("copyright", ""),
                )
            )
    return Copyright(tuple(statements))


def _fields(paragraph: str) -> dict[str, str]:
    fields: dict[str, str] = {}
    name = ""
    for line in paragraph.splitlines():
        match = _FIELD.match(line)
        if match:
            name = match[1].lower()
            fields[name] = match[2].strip()
        elif name and line[:1] in (" ", "\t"):
            fields[name] = f"{fields[name]}\n{line.strip()}".strip()
    return fields


def package_copyright(package: Path) -> Copyright:
    """Read the statement of an unpacked package; empty where it has none.

    Parameters
    ----------
    package:
        The folder it was unpacked into; its name is the package's.
    """
    try:
        return read_copyright(
            (package / "usr/share/doc" / package.name / "copyright").read_text("utf-8", errors="replace")
        )
    except OSError:
        return Copyright()
