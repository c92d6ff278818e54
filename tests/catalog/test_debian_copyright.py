import pytest

from stylesearch.catalog.debian_copyright import UNKNOWN, package_copyright, read_copyright

SAMPLE = """\
Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/
Upstream-Name: some-game
Source: https://example.org/

Files: *
Copyright: 2001, 2004 The first author
           2009 The second author
License: GPL-2+

Files: data/art/* data/more/*.png
Copyright: 2010 A painter
License: CC-BY-SA-4.0
 A long text,
 .
 of several parts.

Files: data/art/borrowed/sword.png
Copyright: none
License: public-domain
 Given away.

Files:
 doc/*
 debian/*
Copyright: 2011 A packager
License: GPL-3+ or GFDL-1.3

License: GPL-2+
 The text of it.
"""


@pytest.mark.parametrize(
    ("path", "licence"),
    [
        ("usr/share/games/some-game/code.py", "GPL-2+"),
        ("usr/share/games/some-game/art/tree.png", "GPL-2+"),
        ("usr/share/games/some-game/data/art/tree.png", "CC-BY-SA-4.0"),
        ("usr/share/games/some-game/data/art/deep/tree.png", "CC-BY-SA-4.0"),
        ("usr/share/games/some-game/data/more/tree.png", "CC-BY-SA-4.0"),
        ("usr/share/games/some-game/data/more/tree.svg", "GPL-2+"),
        ("usr/share/games/some-game/data/art/borrowed/sword.png", "public-domain"),
        ("usr/share/games/some-game/borrowed/sword.png", "public-domain"),
        ("debian/rules", "GPL-3+ or GFDL-1.3"),
    ],
)
def test_the_statement_that_fits_the_longest_end_counts(path, licence):
    assert read_copyright(SAMPLE).licence(path) == licence


def test_holders_and_patterns_are_read_over_several_lines():
    statements = read_copyright(SAMPLE).statements
    assert len(statements) == 4
    assert statements[0].holders.splitlines() == ["2001, 2004 The first author", "2009 The second author"]
    assert statements[3].patterns == ("doc/*", "debian/*")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "This package was debianized by somebody.\n\nLicense:\n\n  You may copy it.\n\nFiles: *\nLicense: GPL\n",
        "Files: *\nLicense: MIT\n",
    ],
)
def test_prose_says_nothing_a_machine_can_read(text):
    assert read_copyright(text).statements == ()
    assert read_copyright(text).licence("usr/share/x.png") == UNKNOWN


@pytest.mark.parametrize(
    "first",
    [
        "Format: http://www.debian.org/doc/packaging-manuals/copyright-format/1.0/",
        "Format-Specification: http://svn.debian.org/wsvn/dep/web/deps/dep5.mdwn?op=file&rev=59",
        "\nFormat: http://dep.debian.net/deps/dep5",
    ],
)
def test_older_headers_are_known(first):
    text = f"{first}\nSource: x\n\nFiles: *\nCopyright: 2000 Somebody\nLicense: MIT\n"
    assert read_copyright(text).licence("a/b.svg") == "MIT"


def test_a_pattern_of_an_ending_alone_is_not_stretched():
    text = "Format: https://www.debian.org/copyright-format/1.0/\n\nFiles: *\nLicense: A\n\nFiles: some/place/*.png\nLicense: B\n"
    assert read_copyright(text).licence("usr/share/x/y.png") == "A"
    assert read_copyright(text).licence("usr/share/place/y.png") == "B"


def test_a_package_is_read_where_debian_puts_the_file(tmp_path):
    package = tmp_path / "some-game"
    assert package_copyright(package).licence("x.png") == UNKNOWN
    (package / "usr/share/doc/some-game").mkdir(parents=True)
    (package / "usr/share/doc/some-game/copyright").write_text(SAMPLE)
    assert package_copyright(package).licence("usr/x.png") == "GPL-2+"
