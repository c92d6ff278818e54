from dataclasses import asdict

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select, text, update

from stylesearch.catalog import licenses
from stylesearch.catalog.licenses import BY_URI, LICENSES, recognise
from stylesearch.catalog.rights import REUSE_CLASSES, License

BY_4 = "http://creativecommons.org/licenses/by/4.0/"
ZERO = "http://creativecommons.org/publicdomain/zero/1.0/"
DEDICATION = "http://creativecommons.org/licenses/publicdomain/"
IN_COPYRIGHT = "http://rightsstatements.org/vocab/InC/1.0/"


@pytest.mark.parametrize(
    ("statement", "uri"),
    [
        (BY_4, BY_4),
        ("https://creativecommons.org/licenses/by/4.0", BY_4),
        ("HTTPS://www.creativecommons.org/licenses/BY/4.0/", BY_4),
        ("  https://creativecommons.org/licenses/by/4.0/\n", BY_4),
        ("https://creativecommons.org/licenses/by/4.0/deed", BY_4),
        ("https://creativecommons.org/licenses/by/4.0/deed.de", BY_4),
        ("https://creativecommons.org/licenses/by/4.0/deed.zh-hans", BY_4),
        ("https://creativecommons.org/licenses/by/4.0/legalcode", BY_4),
        ("https://creativecommons.org/licenses/by/4.0/legalcode.fr/", BY_4),
        ("https://creativecommons.org/licenses/by/4.0/?ref=chooser", BY_4),
        ("CC-BY-4.0", BY_4),
        ("cc-by-4.0", BY_4),
        ("CC BY 4.0", BY_4),
        ("CC0-1.0", ZERO),
        ("CC0 1.0", ZERO),
        ("cc0", ZERO),
        ("CC-BY-NC-SA-3.0", "http://creativecommons.org/licenses/by-nc-sa/3.0/"),
        ("http://web.resource.org/cc/PublicDomain", DEDICATION),
        ("http://creativecommons.org/ns#PublicDomain", DEDICATION),
        ("Public Domain", DEDICATION),
        ("http://creativecommons.org/licenses/GPL/2.0/", "https://www.gnu.org/licenses/gpl-2.0"),
        ("https://www.gnu.org/licenses/gpl-3.0.en.html", "https://www.gnu.org/licenses/gpl-3.0"),
        ("http://rightsstatements.org/vocab/InC/1.0/", IN_COPYRIGHT),
        ("https://rightsstatements.org/page/InC/1.0/", IN_COPYRIGHT),
        ("https://rightsstatements.org/page/InC/1.0/?language=en", IN_COPYRIGHT),
    ],
)
def test_recognises_the_ways_a_statement_is_written(statement, uri):
    terms = recognise(statement)
    assert terms is not None
    assert terms.uri == uri


@pytest.mark.parametrize(
    "statement",
    [
        None,
        "",
        "  ",
        "All rights reserved",
        "http://example.org/licenses/by/4.0/",
        "http://creativecommons.org/licenses/by/9.9/",
        "http://creativecommons.org/licenses/",
        "https://creativecommons.org.evil.example/licenses/by/4.0/",
        "by",
    ],
)
def test_does_not_recognise_what_it_does_not_know(statement):
    assert recognise(statement) is None


@given(st.text())
def test_recognise_never_fails(statement):
    recognise(statement)


@pytest.mark.parametrize("terms", LICENSES, ids=lambda terms: terms.uri)
def test_each_statement_is_recognised_by_its_own_names(terms):
    assert recognise(terms.uri) is terms
    assert recognise(terms.uri.replace("http://", "https://")) is terms
    if terms.spdx_id:
        assert recognise(terms.spdx_id) is terms


def test_the_vocabulary_names_nothing_twice():
    assert len(BY_URI) == len(LICENSES)
    named = [terms.spdx_id for terms in LICENSES if terms.spdx_id]
    assert len(set(named)) == len(named)


@pytest.mark.parametrize(
    ("statement", "reuse", "commercial", "derivatives"),
    [
        ("CC0-1.0", "open", True, True),
        ("CC-BY-4.0", "open", True, True),
        ("CC-BY-SA-3.0", "open", True, True),
        ("CC-BY-ND-4.0", "restricted", True, False),
        ("CC-BY-NC-4.0", "restricted", False, True),
        ("CC-BY-NC-SA-2.0", "restricted", False, True),
        ("CC-BY-NC-ND-4.0", "restricted", False, False),
        ("http://rightsstatements.org/vocab/InC/1.0/", "permission", None, None),
        ("http://rightsstatements.org/vocab/InC-NC/1.0/", "restricted", False, None),
        ("http://rightsstatements.org/vocab/NoC-US/1.0/", "restricted", None, None),
        ("http://rightsstatements.org/vocab/CNE/1.0/", "permission", None, None),
        ("GPL-3.0-only", "open", True, True),
    ],
)
def test_reuse_classes(statement, reuse, commercial, derivatives):
    terms = recognise(statement)
    assert terms is not None
    assert (terms.reuse, terms.commercial, terms.derivatives) == (reuse, commercial, derivatives)


def test_what_forbids_commerce_or_changes_is_never_open():
    assert {terms.reuse for terms in LICENSES} == set(REUSE_CLASSES)
    assert all(terms.reuse != "open" for terms in LICENSES if False in (terms.commercial, terms.derivatives))


def test_seeding_twice_leaves_the_same_rows(database):
    with database.session() as session:
        before = session.execute(text("SELECT * FROM license ORDER BY id")).all()
    assert len(before) == len(LICENSES)
    with database.engine.begin() as connection:
        licenses.seed(connection)
        licenses.seed(connection)
    with database.session() as session:
        assert session.execute(text("SELECT * FROM license ORDER BY id")).all() == before


def test_seeding_writes_what_the_vocabulary_says_and_mends_what_differs(database):
    with database.session() as session:
        session.execute(update(License).values(reuse="permission", label="old", spdx_id=None))
        session.execute(text("INSERT INTO license (uri, label, reuse) VALUES ('http://x', 'own', 'open')"))
    with database.engine.begin() as connection:
        licenses.seed(connection)
    with database.session() as session:
        for row in session.scalars(select(License).where(License.uri != "http://x")):
            terms = BY_URI[row.uri]
            assert {name: getattr(row, name) for name in asdict(terms)} == asdict(terms)
        assert session.scalar(select(License.label).where(License.uri == "http://x")) == "own"


def test_national_creative_commons_licences_keep_their_uri_and_terms() -> None:
    found = recognise("https://creativecommons.org/licenses/by-nc/3.0/us/deed.en")
    assert found is not None
    assert found.uri == "http://creativecommons.org/licenses/by-nc/3.0/us/"
    assert (found.reuse, found.commercial) == ("restricted", False)
    assert found.label.endswith("(US)")
    assert recognise("http://creativecommons.org/licenses/by-zz/3.0/us/") is None
