"""Reading the fields of a form, each within its bounds."""

from __future__ import annotations

import re

from flask import request

from stylesearch.errors import InputError


def text(name: str, most: int, *, wanted: bool = True, lines: bool = False) -> str:
    """Return a text field, tidied.

    Parameters
    ----------
    most:
        Characters it may have.
    wanted:
        Whether it must not be empty.
    lines:
        Whether it may have several.

    Raises
    ------
    InputError
        ``field``, naming it.
    """
    given = request.form.get(name, "").replace("\0", "").replace("\r\n", "\n")
    found = given.strip() if lines else " ".join(given.split())
    label = name.replace("_", " ")
    if wanted and not found:
        raise InputError(f"The field “{label}” is empty.", hint="Fill it in.", code="field")
    if len(found) > most:
        raise InputError(
            f"The field “{label}” has {len(found):,} characters; {most:,} are the most.",
            hint="Shorten it.",
            code="field",
        )
    return found


def choice(name: str, among: tuple[str, ...] | list[str]) -> str:
    """Return what was chosen.

    Raises
    ------
    InputError
        ``field``, if it is none of those.
    """
    found = request.form.get(name, "")
    if found not in among:
        raise InputError(
            f"Nothing that there is was chosen for “{name.replace('_', ' ')}”.",
            hint=f"Choose one of: {', '.join(among)}.",
            code="field",
        )
    return found


def whole(name: str, least: int, most: int) -> int:
    """Return a whole number.

    Raises
    ------
    InputError
        ``field``, if it is none within the bounds.
    """
    found = request.form.get(name, "").strip()
    if not re.fullmatch(r"[0-9]{1,19}", found) or not least <= int(found) <= most:
        raise InputError(
            f"The field “{name.replace('_', ' ')}” must be a whole number from {least} to {most}.",
            hint="Mend it, and send the form again.",
            code="field",
        )
    return int(found)
