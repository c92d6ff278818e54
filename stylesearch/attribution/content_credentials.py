"""Content credentials: the C2PA manifest inside an image file, checked by the C2PA library."""

from __future__ import annotations

import io
import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from stylesearch.catalog.records import tidy

State = Literal["absent", "trusted", "valid", "invalid", "unreadable", "unsupported"]

LONGEST, MOST = 300, 50
"""Characters of a text that are kept, and entries of a list: a manifest may hold anything."""

TRAINING_MINING = ("cawg.training-mining", "c2pa.training-mining")
# The signer stands on no list that this archive was given. It says nothing against the file.
_UNTRUSTED = "signingCredential.untrusted"
_MARK = b"jumb"


@dataclass(frozen=True, slots=True)
class Action:
    """Something that was done to the image, as its manifest says."""

    action: str
    when: str | None
    software: str | None
    digital_source_type: str | None


@dataclass(frozen=True, slots=True)
class Ingredient:
    """Something that the image was made from, as its manifest says."""

    title: str | None
    format: str | None
    relationship: str | None


@dataclass(frozen=True, slots=True)
class ContentCredentials:
    """What a manifest says, and whether it may be believed.

    Attributes
    ----------
    state:
        ``trusted``: whole and unchanged, by a signer on the archive's list. ``valid``: whole and unchanged, by a signer who
        is on no such list. ``invalid``: the file or the manifest was changed after signing, or the signature is bad.
        ``unreadable``: there is one that cannot be read. ``absent``: there is none. ``unsupported``: not looked for in this
        format.
    problems:
        Code and explanation of each failure.
    signer, issuer, algorithm, signed_at:
        From the signature; ``signed_at`` only where a time stamp says it.
    generator:
        Software that made the claim.
    title, actions, ingredients:
        From the manifest that counts, the last.
    training_mining:
        Use by what it is for: ``allowed``, ``notAllowed`` or ``constrained``.
    manifests:
        How many there are, those of ingredients counted.
    """

    state: State
    problems: tuple[tuple[str, str], ...] = ()
    signer: str | None = None
    issuer: str | None = None
    algorithm: str | None = None
    signed_at: str | None = None
    generator: str | None = None
    title: str | None = None
    actions: tuple[Action, ...] = ()
    ingredients: tuple[Ingredient, ...] = ()
    training_mining: Mapping[str, str] = field(default_factory=dict)
    manifests: int = 0

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON values."""
        values = asdict(self)
        values["problems"] = [{"code": code, "text": text} for code, text in self.problems]
        for name in ("actions", "ingredients"):
            values[name] = list(values[name])
        return values


def read_content_credentials(
    data: bytes, media_type: str, *, anchors: str | None = None
) -> ContentCredentials:
    """Read and check a file's manifest. Nothing is fetched, whatever the manifest names.

    Parameters
    ----------
    data:
        The file.
    media_type:
        Its type, told from the content.
    anchors:
        Certificates, in PEM, of those whose signers are trusted; without them, no signer is.
    """
    import c2pa

    settings: dict[str, Any] = {"verify": {"remote_manifest_fetch": False, "ocsp_fetch": False}}
    if anchors:
        settings["trust"] = {"trust_anchors": anchors}
    # The C2PA library distinguishes errors by classes that stand on the base class.
    kinds: Any = c2pa.C2paError
    try:
        with (
            c2pa.Context.from_dict(settings) as context,
            c2pa.Reader(media_type, io.BytesIO(data), context=context) as reader,
        ):
            document = json.loads(reader.json())
    except kinds.ManifestNotFound:
        return ContentCredentials("absent")
    except kinds.NotSupported:
        return ContentCredentials("unsupported")
    except (c2pa.C2paError, ValueError) as error:
        if _MARK not in data:
            return ContentCredentials("absent")
        return ContentCredentials("unreadable", (("unreadable", _text(str(error)) or ""),))
    return _credentials(document)


def _credentials(document: dict[str, Any]) -> ContentCredentials:
    manifests = document.get("manifests") or {}
    manifest = manifests.get(document.get("active_manifest")) or {}
    results = _mapping(_mapping(document.get("validation_results")).get("activeManifest"))
    failures = _entries(results.get("failure")) or _entries(document.get("validation_status"))
    problems = [
        (_text(one.get("code")) or "unknown", _text(one.get("explanation")) or "") for one in failures
    ]
    state: State = "invalid"
    match document.get("validation_state"):
        case "Trusted":
            state = "trusted"
        case "Valid":
            state = "valid"
    signature = _mapping(manifest.get("signature_info"))
    assertions = _entries(manifest.get("assertions"))
    generators = _entries(manifest.get("claim_generator_info"))
    named = [f"{one.get('name') or ''} {one.get('version') or ''}" for one in generators]
    return ContentCredentials(
        state=state,
        problems=tuple(problem for problem in problems if state != "valid" or problem[0] != _UNTRUSTED),
        signer=_text(signature.get("common_name")),
        issuer=_text(signature.get("issuer")),
        algorithm=_text(signature.get("alg")),
        signed_at=_text(signature.get("time")),
        generator=_text(", ".join(named)) or _text(manifest.get("claim_generator")),
        title=_text(manifest.get("title")),
        actions=tuple(_actions(assertions)),
        ingredients=tuple(
            Ingredient(_text(one.get("title")), _text(one.get("format")), _text(one.get("relationship")))
            for one in _entries(manifest.get("ingredients"))
        ),
        training_mining=_training_mining(assertions),
        manifests=len(manifests),
    )


def _actions(assertions: Iterable[Mapping[str, Any]]) -> list[Action]:
    found = []
    for assertion in assertions:
        if str(assertion.get("label")).startswith("c2pa.actions"):
            for one in _entries(_mapping(assertion.get("data")).get("actions")):
                agent = one.get("softwareAgent")
                found.append(
                    Action(
                        _text(one.get("action")) or "unknown",
                        _text(one.get("when")),
                        _text(agent.get("name") if isinstance(agent, dict) else agent),
                        _text(one.get("digitalSourceType")),
                    )
                )
    return found[:MOST]


def _training_mining(assertions: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    found: dict[str, str] = {}
    for assertion in assertions:
        if str(assertion.get("label")).startswith(TRAINING_MINING):
            entries = _mapping(_mapping(assertion.get("data")).get("entries"))
            for name, entry in list(entries.items())[:MOST]:
                use = _text(_mapping(entry).get("use"))
                if use is not None:
                    found[_text(name) or "unknown"] = use
    return found


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _entries(value: Any) -> list[Mapping[str, Any]]:
    return [one for one in value[:MOST] if isinstance(one, dict)] if isinstance(value, list) else []


def _text(value: Any) -> str | None:
    text = tidy(value[: 2 * LONGEST]) if isinstance(value, str) else None
    return text and text[:LONGEST]
