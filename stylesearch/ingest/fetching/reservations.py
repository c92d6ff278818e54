"""What rights holders reserve against machines: in headers, in ``tdmrep.json``, in a picture's own metadata."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any
from urllib.parse import unquote

AGENT = "stylesearch"
OPT_OUTS = ("noai", "noimageai")
LONGEST_DETAIL = 500
MOST_RULES = 1000
# Directives of X-Robots-Tag that have a value of their own; any other word before a colon names a robot.
_WITH_VALUE = frozenset(
    ["unavailable_after", "max-snippet", "max-image-preview", "max-video-preview", "indexifembedded"]
)


@dataclass(frozen=True, slots=True)
class Reservation:
    """One statement that machines are not to use a work, or not for everything.

    Attributes
    ----------
    kind:
        ``noai`` or ``noimageai`` (do not take it), ``tdm`` (text and data mining is reserved) or ``plus`` (the data
        mining property of PLUS and IPTC).
    found_in:
        ``header``, ``tdmrep``, ``metadata`` or ``source``.
    detail:
        The policy's address, or the property's value.
    """

    kind: str
    found_in: str
    detail: str | None = None

    @property
    def opts_out(self) -> bool:
        """Whether it asks that the work be left out, rather than not be trained on."""
        return self.kind in OPT_OUTS

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON values, without what is empty."""
        return {name: value for name, value in asdict(self).items() if value is not None}


def read_headers(headers: Sequence[tuple[str, str]]) -> tuple[Reservation, ...]:
    """Return what an answer's headers reserve.

    Parameters
    ----------
    headers:
        Names in lower case, and values; a name may come several times.
    """
    found: list[Reservation] = []
    for name, value in headers:
        if name == "x-robots-tag":
            found += [Reservation(word, "header") for word in _robots(value) if word in OPT_OUTS]
    values = dict(headers)
    if values.get("tdm-reservation", "").strip() == "1":
        found.append(Reservation("tdm", "header", _detail(values.get("tdm-policy"))))
    return tuple(dict.fromkeys(found))


def _robots(value: str) -> Iterable[str]:
    """Yield the directives of one header that are for everybody or for us."""
    agent = ""
    for part in value.lower().split(","):
        before, colon, after = part.partition(":")
        word = before.strip()
        if colon and word not in _WITH_VALUE:
            agent, word = word, after.strip()
        if agent in ("", "*", AGENT):
            yield word


def read_tdmrep(rules: Any, path: str) -> tuple[Reservation, ...]:
    """Return what a site's ``/.well-known/tdmrep.json`` reserves for a path; the first rule that fits it counts.

    Parameters
    ----------
    rules:
        The parsed file; what is not as it should be is passed over.
    path:
        Path and query of the address.
    """
    for rule in rules[:MOST_RULES] if isinstance(rules, list) else ():
        if not isinstance(rule, dict) or not isinstance(location := rule.get("location"), str):
            continue
        if _fits(location, path):
            if str(rule.get("tdm-reservation")) != "1":
                return ()
            policy = rule.get("tdm-policy")
            return (Reservation("tdm", "tdmrep", _detail(policy if isinstance(policy, str) else None)),)
    return ()


def _fits(location: str, path: str) -> bool:
    """Whether a path begins as a location says: ``*`` stands for anything, a last ``$`` for the end."""
    anchored = location.endswith("$")
    parts = unquote(location.removesuffix("$")).split("*")
    if len(parts) > 20:  # nobody writes this many in earnest, and each makes matching slower
        return False
    pattern = ".*".join(re.escape(part) for part in parts)
    return re.match(pattern + ("$" if anchored else ""), unquote(path), re.DOTALL) is not None


def _detail(text: str | None) -> str | None:
    return text.strip()[:LONGEST_DETAIL] or None if text else None


def opted_out(reservations: Iterable[Reservation]) -> Reservation | None:
    """Return the first reservation that asks to leave the work out."""
    return next((one for one in reservations if one.opts_out), None)
