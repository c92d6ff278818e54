from pathlib import Path

import pytest

from stylesearch.errors import InputError
from stylesearch.training.data.icons import crossed_icons, theme_icons, themes
from stylesearch.training.data.packages import ICON_THEMES, TEST_PACKAGES

ALL = ("a", "one", "two", "three")


def _draw(root: Path, package: str, theme: str, name: str, *, folder="48x48/apps", colour="red") -> Path:
    path = root / package / "usr/share/icons" / theme / folder / f"{name}.svg"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(
        f'<svg xmlns="http://www.w3.org/2000/svg" width="48" height="48"><title>{theme} {name}</title>'
        f'<circle cx="24" cy="24" r="20" fill="{colour}"/></svg>'
    )
    return path


def test_testing_themes_and_recolourings_are_kept_apart(tmp_path):
    for package, theme in (
        ("breeze-icon-theme", "breeze"),
        ("breeze-icon-theme", "breeze-dark"),
        ("oxygen-icon-theme", "oxygen"),
        ("ukui-themes", "ukui"),
        ("ukui-themes", "ukui-blue"),
        ("ukui-themes", "ukui-classical"),
        ("ukui-themes", "dark-sense"),
    ):
        _draw(tmp_path, package, theme, "mail")
    found = [theme.name for theme in themes(tmp_path, ICON_THEMES)]
    assert found == ["breeze", "ukui", "ukui-classical"]
    assert [theme.name for theme in themes(tmp_path, TEST_PACKAGES)] == ["oxygen"]


def test_only_full_colour_drawings_count_and_each_once(tmp_path):
    mail = _draw(tmp_path, "a", "one", "mail", folder="scalable/apps")
    _draw(tmp_path, "a", "one", "mail", folder="64x64/apps", colour="blue")
    _draw(tmp_path, "a", "one", "small", folder="22x22/apps")
    _draw(tmp_path, "a", "one", "go-symbolic", folder="scalable/actions")
    _draw(tmp_path, "a", "one", "go", folder="symbolic/actions")
    _draw(tmp_path, "a", "one", "double", folder="32x32@2x/apps")
    (mail.parent / "alias.svg").symlink_to("mail.svg")
    (mail.parent / "copy.svg").write_bytes(mail.read_bytes())
    drawings = theme_icons(mail.parents[2])
    assert [drawing.path.parent.parent.name for drawing in drawings] == ["scalable", "32x32@2x"]


def test_only_shared_contents_are_taken(tmp_path):
    for theme in ("one", "two"):
        for name in ("mail", "web", f"only-{theme}"):
            _draw(tmp_path, theme, theme, name)
    _draw(tmp_path, "three", "three", "mail")
    drawn = [(icon.style, icon.content) for icon in crossed_icons(tmp_path, ALL)]
    assert sorted(drawn) == [
        ("one", "mail"),
        ("one", "web"),
        ("three", "mail"),
        ("two", "mail"),
        ("two", "web"),
    ]
    fewer = [(icon.style, icon.content) for icon in crossed_icons(tmp_path, ALL, most=1)]
    assert fewer == [("one", "mail"), ("three", "mail"), ("two", "mail")]


def test_nothing_in_common_is_said(tmp_path):
    _draw(tmp_path, "a", "one", "mail")
    with pytest.raises(InputError) as caught:
        crossed_icons(tmp_path, ALL)
    assert caught.value.code == "themes_missing"


def test_contents_may_have_to_be_shared_by_more(tmp_path):
    for theme in ("one", "two", "three"):
        _draw(tmp_path, theme, theme, "mail")
    _draw(tmp_path, "one", "one", "web")
    _draw(tmp_path, "two", "two", "web")
    drawn = [(icon.style, icon.content) for icon in crossed_icons(tmp_path, ALL, shared_by=3)]
    assert drawn == [("one", "mail"), ("three", "mail"), ("two", "mail")]
