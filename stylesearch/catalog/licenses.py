"""The vocabulary of rights: Creative Commons, public-domain marks, RightsStatements.org, and common free licences."""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass, replace

from sqlalchemy import Connection
from sqlalchemy.dialects.postgresql import insert

from stylesearch.catalog.rights import License


@dataclass(frozen=True, slots=True)
class LicenseTerms:
    """One rights statement and what it settles; see :class:`stylesearch.catalog.rights.License`."""

    uri: str
    label: str
    reuse: str
    spdx_id: str | None = None
    commercial: bool | None = None
    derivatives: bool | None = None
    attribution: bool | None = None
    ai_training: bool | None = None


def _creative_commons() -> list[LicenseTerms]:
    kinds = {
        "by": ("Attribution", "open", True, True),
        "by-sa": ("Attribution-ShareAlike", "open", True, True),
        "by-nd": ("Attribution-NoDerivatives", "restricted", True, False),
        "by-nc": ("Attribution-NonCommercial", "restricted", False, True),
        "by-nc-sa": ("Attribution-NonCommercial-ShareAlike", "restricted", False, True),
        "by-nc-nd": ("Attribution-NonCommercial-NoDerivatives", "restricted", False, False),
    }
    return [
        LicenseTerms(
            uri=f"http://creativecommons.org/licenses/{kind}/{version}/",
            label=f"Creative Commons {name} {version}",
            reuse=reuse,
            spdx_id=f"CC-{kind.upper()}-{version}",
            commercial=commercial,
            derivatives=derivatives,
            attribution=True,
        )
        for kind, (name, reuse, commercial, derivatives) in kinds.items()
        for version in ("1.0", "2.0", "2.5", "3.0", "4.0")
    ]


def _rights_statements() -> list[LicenseTerms]:
    statements = {
        "InC": ("In Copyright", "permission"),
        "InC-OW-EU": ("In Copyright - EU Orphan Work", "permission"),
        "InC-EDU": ("In Copyright - Educational Use Permitted", "restricted"),
        "InC-NC": ("In Copyright - Non-Commercial Use Permitted", "restricted"),
        "InC-RUU": ("In Copyright - Rights-holder(s) Unlocatable or Unidentifiable", "permission"),
        "NoC-CR": ("No Copyright - Contractual Restrictions", "restricted"),
        "NoC-NC": ("No Copyright - Non-Commercial Use Only", "restricted"),
        "NoC-OKLR": ("No Copyright - Other Known Legal Restrictions", "restricted"),
        "NoC-US": ("No Copyright - United States", "restricted"),
        "CNE": ("Copyright Not Evaluated", "permission"),
        "UND": ("Copyright Undetermined", "permission"),
        "NKC": ("No Known Copyright", "permission"),
    }
    return [
        LicenseTerms(
            uri=f"http://rightsstatements.org/vocab/{code}/1.0/",
            label=label,
            reuse=reuse,
            commercial=False if code in ("InC-NC", "NoC-NC", "InC-EDU") else None,
        )
        for code, (label, reuse) in statements.items()
    ]


def _free(uri: str, label: str, spdx_id: str | None, *, attribution: bool) -> LicenseTerms:
    return LicenseTerms(
        uri, label, "open", spdx_id, commercial=True, derivatives=True, attribution=attribution
    )  # fmt: skip


LICENSES: tuple[LicenseTerms, ...] = (
    _free(
        "http://creativecommons.org/publicdomain/zero/1.0/",
        "Creative Commons Zero 1.0 (public domain dedication)",
        "CC0-1.0",
        attribution=False,
    ),
    _free(
        "http://creativecommons.org/publicdomain/mark/1.0/", "Public Domain Mark 1.0", None, attribution=False
    ),
    _free(
        "http://creativecommons.org/licenses/publicdomain/",
        "Creative Commons public domain certification",
        "CC-PDDC",
        attribution=False,
    ),
    *_creative_commons(),
    *_rights_statements(),
    _free(
        "https://www.gnu.org/licenses/gpl-2.0",
        "GNU General Public License 2.0",
        "GPL-2.0-only",
        attribution=True,
    ),
    _free(
        "https://www.gnu.org/licenses/gpl-3.0",
        "GNU General Public License 3.0",
        "GPL-3.0-only",
        attribution=True,
    ),
    _free(
        "https://www.gnu.org/licenses/lgpl-3.0",
        "GNU Lesser General Public License 3.0",
        "LGPL-3.0-only",
        attribution=True,
    ),
    _free("http://artlibre.org/licence/lal/en/", "Free Art License 1.3", "LAL-1.3", attribution=True),
    _free("https://opensource.org/license/mit", "MIT License", "MIT", attribution=True),
)

BY_URI = {terms.uri: terms for terms in LICENSES}
_BY_SPDX = {terms.spdx_id.lower(): terms for terms in LICENSES if terms.spdx_id}

# Names that older files use for the same statement.
_ALIASES = {
    "web.resource.org/cc/publicdomain": "http://creativecommons.org/licenses/publicdomain/",
    "creativecommons.org/ns#publicdomain": "http://creativecommons.org/licenses/publicdomain/",
    "creativecommons.org/licenses/gpl/2.0": "https://www.gnu.org/licenses/gpl-2.0",
    "public domain": "http://creativecommons.org/licenses/publicdomain/",
    "publicdomain": "http://creativecommons.org/licenses/publicdomain/",
    "cc0": "http://creativecommons.org/publicdomain/zero/1.0/",
    "pdm": "http://creativecommons.org/publicdomain/mark/1.0/",
}


def _key(statement: str) -> str:
    bare = re.sub(r"^https?://(www\.)?", "", statement.strip().lower())
    bare = re.sub(r"\?.*$", "", bare)
    bare = re.sub(r"(/(deed|legalcode)(\.[a-z_-]+)?|(\.[a-z]{2})?\.html)?/*$", "", bare)
    # RightsStatements.org names a statement (vocab) and the page about it (page) apart.
    return bare.replace("rightsstatements.org/page/", "rightsstatements.org/vocab/")


_BY_KEY = {_key(terms.uri): terms for terms in LICENSES} | {
    alias: BY_URI[uri] for alias, uri in _ALIASES.items()
}  # fmt: skip


_NATIONAL = re.compile(r"^(creativecommons\.org/licenses/[a-z-]+/\d\.\d)/([a-z]{2,8})$")


def recognise(statement: str | None) -> LicenseTerms | None:
    """Return the known rights statement that a URI, an SPDX id or a common name stands for.

    Accepts http and https, a trailing slash or none, ``deed`` and ``legalcode`` pages, spaces for hyphens
    (``CC BY-SA 4.0``), and old names of Creative Commons statements. Returns ``None`` for an empty or unknown one.
    """
    if not statement or not statement.strip():
        return None
    known = _BY_KEY.get(_key(statement)) or _BY_SPDX.get("-".join(statement.lower().split()))
    return known or _national(_key(statement))


def _national(key: str) -> LicenseTerms | None:
    """Return a Creative Commons licence as adapted to one country's law (``by/3.0/us``): its own URI, the same terms."""
    found = _NATIONAL.match(key)
    general = _BY_KEY.get(found[1]) if found else None
    if found is None or general is None:
        return None
    return replace(
        general, uri=f"{general.uri}{found[2]}/", label=f"{general.label} ({found[2].upper()})", spdx_id=None
    )


def seed(connection: Connection) -> None:
    """Write the vocabulary into its table; what is there already is brought up to date."""
    statement = insert(License).values([asdict(terms) for terms in LICENSES])
    updates = {name: statement.excluded[name] for name in asdict(LICENSES[0]) if name != "uri"}
    connection.execute(statement.on_conflict_do_update(index_elements=[License.uri], set_=updates))
