"""Write the pages that the code knows best: ``docs/settings.md``, ``docs/commands.md``, ``docs/api.md``; and measurements into all others.

``python docs/generate.py`` writes them; ``python docs/generate.py --check`` exits with 1 where one is stale.

A page takes a benchmark's table in by two lines, between which the generator writes. Columns may be chosen by their heads::

    <!-- results: crossed_icons; R@1, mAP@10 -->
    <!-- end -->

Then what stands before the table is taken in too, and nothing behind it. Without columns, all that the benchmark wrote in ``benchmarks/results/crossed_icons`` is taken in but for its heading.
"""

from __future__ import annotations

import argparse
import importlib.util
import inspect
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

import annotated_types
import click
from pydantic import SecretStr
from pydantic.fields import FieldInfo

from stylesearch.cli.main import cli
from stylesearch.settings import ENV_PREFIX, Settings

FOLDER = Path(__file__).parent
RESULTS = FOLDER.parent / "benchmarks" / "results"
NOTE = "<!-- Written by docs/generate.py; change the code and run it again. -->\n\n"
ROOT = "stylesearch"

# Defaults that hang on the machine are told in words, so that the page is the same everywhere.
DEFAULTS_IN_WORDS = {
    "home": (
        "`/var/lib/stylesearch` under root; else the user's data folder:"
        " `~/.local/share/stylesearch` on Linux, `~/Library/Application Support/stylesearch` on macOS"
    )
}
MIB = 1024**2

SETTINGS_INTRO = """\
# Settings

Every setting is an environment variable. It can also stand in a TOML file, under its name in small letters and without
the prefix `STYLESEARCH_`:

```toml
encoder = "lite"
web_port = 8081
```

The file is `stylesearch.toml` in the user's configuration folder: `~/.config/stylesearch` on Linux,
`~/Library/Application Support/stylesearch` on macOS. `STYLESEARCH_CONFIG` names another file. The environment wins over
the file. A line that is no setting is refused, and the error names it.

`stylesearch settings` lists the values that hold, and says which file it looks for. Secrets are never shown.

Sizes are in bytes and times in seconds.

"""

COMMANDS_INTRO = """\
# Commands

`-h` or `--help` after any command prints this text in the terminal. A command exits with 0 when all went well, 1 on an
error, 2 on a mistake in the call, and 130 when it was interrupted. An error is one line that begins with `error:`, on
standard error; `--debug` before the command shows the traceback as well.

"""


def settings_page() -> str:
    """Return the page about settings."""
    rows = [
        (
            f"`{ENV_PREFIX}{name.upper()}`",
            DEFAULTS_IN_WORDS.get(name) or _default(name, field),
            _limits(field),
            field.description or "",
        )
        for name, field in Settings.model_fields.items()
    ]
    return NOTE + SETTINGS_INTRO + _table(("Variable", "Default", "Allowed", "Meaning"), rows)


def _default(name: str, field: FieldInfo) -> str:
    value = field.default
    if value is None:
        return "not set"
    if name.endswith("_bytes"):
        return f"`{value}` ({value // MIB} MiB)"
    return f"`{value}`"


def _limits(field: FieldInfo) -> str:
    """Return what values a setting may have, in words."""
    for part in (field.annotation, *get_args(field.annotation)):
        if get_origin(part) is Literal:
            return ", ".join(f"`{one}`" for one in get_args(part))
        if part is SecretStr:
            return "a secret"
    bounds: dict[type, Any] = {type(limit): limit for limit in field.metadata}
    if annotated_types.Gt in bounds:
        return f"above {bounds[annotated_types.Gt].gt}"
    if annotated_types.Ge not in bounds:
        return ""
    lowest = bounds[annotated_types.Ge].ge
    if annotated_types.Le not in bounds:
        return f"{lowest} or more"
    return f"{lowest} to {bounds[annotated_types.Le].le}"


def commands_page() -> str:
    """Return the page about commands."""
    sections = [_command_section(name, command) for name, command in every_command()]
    return NOTE + COMMANDS_INTRO + "\n".join(sections)


def every_command(name: str = ROOT, command: click.Command = cli) -> Iterator[tuple[str, click.Command]]:
    """Yield each command below one, itself first, with its full name."""
    yield name, command
    if isinstance(command, click.Group):
        context = click.Context(command, info_name=name)
        for inner in command.list_commands(context):
            found = command.get_command(context, inner)
            if found is None:
                raise LookupError(f"{name} {inner} is not installed")
            yield from every_command(f"{name} {inner}", found)


def _command_section(name: str, command: click.Command) -> str:
    level = 2 + name.count(" ")
    parts = [f"{'#' * level} `{name}`\n", f"```\n{_usage(name, command)}\n```\n", *_paragraphs(command)]
    if isinstance(command, click.Group):
        context = click.Context(command, info_name=name)
        inner = [f"[`{name} {one}`](#{_anchor(f'{name} {one}')})" for one in command.list_commands(context)]
        parts.append("\n".join(f"- {link}" for link in inner) + "\n")
    options = [parameter for parameter in command.params if isinstance(parameter, click.Option)]
    if options:
        rows = [(_flags(option), _option_default(option), option.help or "") for option in options]
        parts.append(_table(("Option", "Default", "Meaning"), rows))
    return "\n".join(parts)


def _anchor(heading: str) -> str:
    return heading.replace(" ", "-")


def _usage(name: str, command: click.Command) -> str:
    words = [name]
    if any(isinstance(parameter, click.Option) for parameter in command.params):
        words.append("[OPTIONS]")
    for parameter in command.params:
        if isinstance(parameter, click.Argument):
            shown = (parameter.name or "").upper()
            words.append(shown if parameter.required else f"[{shown}]")
    if isinstance(command, click.Group):
        words.append("COMMAND")
    return " ".join(words)


def _paragraphs(command: click.Command) -> Iterator[str]:
    """Yield a help text's paragraphs; one after a backspace, as click marks it, keeps its lines."""
    for paragraph in inspect.cleandoc(command.help or "").split("\n\n"):
        if paragraph.startswith("\b\n"):
            yield f"```sh\n{paragraph.removeprefix(chr(8)).strip()}\n```\n"
        else:
            yield paragraph + "\n"


def _flags(option: click.Option) -> str:
    flags = ", ".join(f"`{flag}`" for flag in (*option.opts, *option.secondary_opts))
    if option.is_flag:
        return flags
    kind = option.type
    if option.metavar:
        value = option.metavar
    elif isinstance(kind, click.Choice):
        value = " or ".join(map(str, kind.choices))
    elif isinstance(kind, click.IntRange):
        value = f"NUMBER from {kind.min}" + (f" to {kind.max}" if kind.max is not None else "")
    else:
        value = {"integer": "NUMBER"}.get(kind.name, kind.name.upper())
    suffix = " (repeatable)" if option.multiple else ""
    return f"{flags} {value}{suffix}"


def _option_default(option: click.Option) -> str:
    if option.required:
        return "required"
    if not option.show_default:
        return ""
    if option.is_flag and option.secondary_opts:
        return f"`{(option.opts if option.default else option.secondary_opts)[0]}`"
    return f"`{option.default}`"


def _table(head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    lines = [head, tuple("---" for _ in head), *rows]
    return "".join(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in line)} |\n" for line in lines)


def api_page() -> str:
    """Return the page about the API."""
    spec = importlib.util.spec_from_file_location("docs_api_page", FOLDER / "api_page.py")
    if spec is None or spec.loader is None:
        raise LookupError("docs/api_page.py is missing")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    page: str = module.api_page(NOTE, _table)
    return page


PAGES: dict[str, Callable[[], str]] = {
    "settings.md": settings_page,
    "commands.md": commands_page,
    "api.md": api_page,
}


_REGION = re.compile(r"(<!-- results: ([\w-]+)(?:; ([^>\n]+))? -->\n).*?(<!-- end -->)", re.DOTALL)
_TABLE_LINE = re.compile(r"^\|.*\|$", re.MULTILINE)
_CELL_END = re.compile(r"(?<!\\)\|")


def filled(page: str, results: Path = RESULTS) -> str:
    """Return a page with what benchmarks wrote in the places that ask for it.

    Raises
    ------
    LookupError
        If it asks for results, or for a column of them, that are not there.
    """

    def region(match: re.Match[str]) -> str:
        begin, name, columns, end = match.groups()
        text = _results(results / name)
        if columns:
            text = _chosen_columns(text, [column.strip() for column in columns.split(",")], name)
        return f"{begin}\n{text.strip()}\n\n{end}"

    return _REGION.sub(region, page)


def _results(folder: Path) -> str:
    """Return the one Markdown file of a benchmark, without its heading."""
    written = sorted(folder.glob("*.md"))
    if len(written) != 1:
        raise LookupError(
            f"{folder} does not hold the results of a benchmark; run benchmarks/{folder.name}.py"
        )
    heading, _, text = written[0].read_text("utf-8").partition("\n")
    return text if heading.startswith("# ") else f"{heading}\n{text}"


def _chosen_columns(text: str, columns: Sequence[str], name: str) -> str:
    """Return a text up to the end of its first table, of that its first column and those of the given heads."""
    before, table = _first_table(text)
    lines = [_cells(line) for line in table]
    if not lines or not set(columns) <= set(lines[0]):
        missing = [column for column in columns if not lines or column not in lines[0]]
        raise LookupError(f"the results of {name} have no column {missing[0]}")
    places = [0, *(lines[0].index(column) for column in columns)]
    return before + "\n".join(f"| {' | '.join(line[place] for place in places)} |" for line in lines)


def _first_table(text: str) -> tuple[str, list[str]]:
    """Return what stands before a text's first table, and the table's lines."""
    lines = text.splitlines()
    start = next((at for at, line in enumerate(lines) if _TABLE_LINE.match(line)), len(lines))
    end = next((at for at in range(start, len(lines)) if not _TABLE_LINE.match(lines[at])), len(lines))
    return "\n".join([*lines[:start], ""]), lines[start:end]


def _cells(line: str) -> list[str]:
    return [cell.strip() for cell in _CELL_END.split(line)[1:-1]]


def _pages(folder: Path, results: Path) -> Iterator[tuple[Path, Callable[[], str]]]:
    """Yield every page that is written, whole or in part, and what makes its text."""
    for name, page in PAGES.items():
        yield folder / name, page
    for path in (*sorted(folder.rglob("*.md")), folder.parent / "README.md"):
        if path.is_file() and _REGION.search(text := path.read_text("utf-8")):
            yield path, partial(filled, text, results)


def stale(folder: Path, results: Path = RESULTS) -> dict[Path, str]:
    """Return the pages that are not there, or not as they would be written, with the text that they should have."""
    texts = {path: text() for path, text in _pages(folder, results)}
    return {
        path: text for path, text in texts.items() if not path.is_file() or path.read_text("utf-8") != text
    }


def main(arguments: list[str] | None = None) -> int:
    """Write the pages, or check them; return the exit code."""
    parser = argparse.ArgumentParser(description=inspect.cleandoc(__doc__ or ""))
    parser.add_argument("--check", action="store_true", help="Write nothing; exit with 1 if a page is stale.")
    parser.add_argument("--folder", type=Path, default=FOLDER, help="Where the pages are.")
    options: Any = parser.parse_args(arguments)
    pages = stale(options.folder)
    for path, text in pages.items():
        if options.check:
            click.echo(f"{path} is stale; run 'python docs/generate.py'.", err=True)
        else:
            path.write_text(text, "utf-8")
            click.echo(f"wrote {path}")
    return 1 if options.check and pages else 0


if __name__ == "__main__":
    sys.exit(main())
