import pytest

from stylesearch.catalog.licenses import recognise
from stylesearch.catalog.records import Credit, WorkRecord
from stylesearch.ingest.metadata.debian_copyright import package_metadata

COPYRIGHT = """\
Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/

Files: *
Copyright: 2001-2004, 2009 Ann Lee <ann@example.org>
           © 2010 Bo Ek (bo@example.org)
License: GPL-2+

Files: data/art/*
Copyright: (C) 2012 Cy Dee
License: CC-BY-SA-4.0

Files: data/free/*
Copyright: none
License: CC0

Files: data/code/*.svg
Copyright: Copyright 1999 by The Painters
License: Expat

License: CC0
 Text of it.
"""


@pytest.fixture
def package(tmp_path):
    path = tmp_path / "debian" / "copyright"
    path.parent.mkdir()
    path.write_text(COPYRIGHT)
    return tmp_path


def test_makers_and_licences_by_file(package):
    metadata = package_metadata(package)
    assert metadata.record("src/a.png") == WorkRecord(
        credits=(Credit("Ann Lee"), Credit("Bo Ek")),
        work_rights="GPL-2+",
        image_rights="GPL-2+",
        credit_line="2001-2004, 2009 Ann Lee; © 2010 Bo Ek",
    )
    assert metadata.record("data/art/a.png").credits == (Credit("Cy Dee"),)
    assert metadata.record("data/free/a.png").credits == ()
    assert metadata.record("data/code/a.svg").credits == (Credit("The Painters"),)


@pytest.mark.parametrize(
    ("path", "spdx_id"),
    [("data/art/a.png", "CC-BY-SA-4.0"), ("data/free/a.png", "CC0-1.0"), ("data/code/a.svg", "MIT")],
)
def test_licences_are_those_of_the_catalogue(package, path, spdx_id):
    assert recognise(package_metadata(package).record(path).image_rights).spdx_id == spdx_id


def test_an_unpacked_package_has_it_elsewhere(package):
    installed = package / "usr/share/doc/some-game/copyright"
    installed.parent.mkdir(parents=True)
    (package / "debian/copyright").rename(installed)
    assert package_metadata(package).record("usr/share/games/data/art/a.png").credits == (Credit("Cy Dee"),)


@pytest.mark.parametrize(
    "text", [None, "", "This is prose.", "Format: https://example.org/other\n\nFiles: *\n"]
)
def test_without_one_that_a_machine_can_read(tmp_path, text):
    if text is not None:
        (tmp_path / "debian").mkdir()
        (tmp_path / "debian/copyright").write_text(text)
    assert package_metadata(tmp_path) is None


def test_patterns_that_would_take_for_ever_do_not(package):
    path = package / "debian/copyright"
    path.write_text(COPYRIGHT + f"\nFiles: {'*a' * 40}b\nCopyright: x\nLicense: MIT\n")
    assert package_metadata(package).record("a" * 200).work_rights == "GPL-2+"
