"""Which of a source's works are meant, where that is not all of them: a file with their ids, one a line."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from stylesearch.errors import InputError
from stylesearch.files import written_whole


def write_ids(path: Path, ids: Iterable[str]) -> None:
    """Write the file. Ids are tidy, so none has a line break in it."""
    with written_whole(path) as file:
        file.write("".join(f"{one}\n" for one in sorted(ids)).encode())


def chosen_ids(options: Mapping[str, Any]) -> frozenset[str] | None:
    """Return the ids in the file that a run's options name as ``only_file``; ``None`` for all.

    Raises
    ------
    InputError
        ``ids_missing``, if it is not there any more.
    """
    named = options.get("only_file")
    if named is None:
        return None
    try:
        return frozenset(filter(None, Path(named).read_text("utf-8").split("\n")))
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(
            f"The list of works in {named} cannot be read: {error}.",
            hint="Run the command anew that wrote it.",
            code="ids_missing",
        ) from None
