import shutil
from collections import Counter, defaultdict

import pytest

from stylesearch.errors import InputError
from stylesearch.training.data.icons import crossed_icons
from stylesearch.training.data.packages import EXCLUDED_PACKAGES, TEST_PACKAGES
from stylesearch.training.lite.plan import RESTYLED, SHARES, WRITTEN, plan, shares
from stylesearch.training.lite.worlds import ListedWorld, RestyledWorld, WrittenWorld


@pytest.fixture(scope="module")
def planned(packages):
    return plan(packages)


def files_of(world) -> list:
    match world:
        case ListedWorld():
            return [listed.path for listed in world.pictures]
        case RestyledWorld():
            return list(world.files)
        case WrittenWorld():
            return [font.path for font in world.fonts]


def test_all_kinds_are_there_each_under_a_name_of_its_own(planned):
    worlds, _ = planned
    kinds = Counter(world.kind for world in worlds)
    restyled = {
        f"{medium}, colours {colours}": count
        for medium, counts in RESTYLED.items()
        for colours, count in counts.items()
    }
    assert kinds == {"icons": 1, "buttons": 1, "art": 1, "artists": 1, "written": WRITTEN, **restyled}
    assert set(kinds) == set(SHARES)
    assert len({world.name for world in worlds}) == len(worlds)
    assert all(files_of(world) for world in worlds)


def test_the_worlds_of_a_kind_share_what_it_is_shown(planned):
    worlds, _ = planned
    found = shares(worlds)
    assert found.keys() == {world.name for world in worlds}
    summed: dict[str, float] = defaultdict(float)
    for world in worlds:
        summed[world.kind] += found[world.name]
    assert summed == pytest.approx(SHARES)


def test_nothing_that_is_measured_on_is_in_any_world(planned, packages):
    worlds, dropped = planned
    measured = {icon.sha256 for icon in crossed_icons(packages, TEST_PACKAGES)}
    assert len(measured) == 8
    for world in worlds:
        for path in files_of(world):
            assert not EXCLUDED_PACKAGES.intersection(path.parts), path
    copies = packages / "faba-icon-theme/usr/share/icons/faba/48x48/apps"
    assert all(copies / "disk.svg" not in files_of(world) for world in worlds)
    assert dropped.near_copy == {"faba": 1}
    assert str(dropped) == "left out 0 files and 1 near copies of test pictures (faba 1)"


def test_a_picture_that_two_themes_share_is_in_one(planned):
    worlds, _ = planned
    (icons,) = (world for world in worlds if world.name == "icons")
    styles = defaultdict(set)
    for listed in icons.pictures:
        styles[listed.content].add(listed.style)
    assert styles == {
        "mail": {"Adwaita", "breeze", "faba"},
        "flag": {"Adwaita", "breeze", "faba"},
        "disk": {"Adwaita", "breeze"},
        "home": {"Adwaita", "breeze"},
    }


def test_artists_who_are_measured_on_are_in_no_world(planned):
    worlds, _ = planned
    (artists,) = (world for world in worlds if world.name == "artists")
    assert Counter(listed.style for listed in artists.pictures) == {"artist Ada Ink": 4, "artist Bo Brush": 3}
    assert not [path for world in worlds for path in files_of(world) if path.name.startswith("many")]


def test_restyled_worlds_take_icons_drawings_and_photographs_in_turn(planned):
    worlds, _ = planned
    taken = {
        world.name: {part for path in world.files for part in path.parts if part in SOURCES}
        for world in worlds
        if isinstance(world, RestyledWorld)
    }
    icons = {"adwaita-icon-theme", "breeze-icon-theme", "faba-icon-theme"}
    assert taken["drawn-own-0"] <= icons
    assert taken["drawn-own-1"] & icons
    assert "openclipart-svg" in taken["drawn-own-1"]
    assert taken["drawn-own-2"] == {"openclipart-svg"}
    assert taken["painted-kept-1"] == {"openclipart-svg"}
    assert taken["painted-kept-2"] == {"tuxpaint-data"}
    assert len(taken["painted-free-3"] - icons) > 1
    assert all(
        path.suffix == ".svg" for world in worlds if world.name.startswith("drawn") for path in world.files
    )


SOURCES = (
    "adwaita-icon-theme",
    "breeze-icon-theme",
    "faba-icon-theme",
    "openclipart-svg",
    "tuxpaint-data",
    "brainparty-data",
    "tuxmath-data",
)


def test_the_plan_is_the_same_each_time(planned, packages):
    assert plan(packages)[0] == planned[0]


def test_without_the_measured_packages_there_is_no_plan(packages, tmp_path):
    shutil.copytree(packages / "adwaita-icon-theme", tmp_path / "adwaita-icon-theme")
    with pytest.raises(InputError, match="no two icon themes") as caught:
        plan(tmp_path)
    assert caught.value.code == "themes_missing"
