import hashlib
from pathlib import Path

import pytest

from stylesearch.errors import InputError
from stylesearch.training.data.disjoint import assert_disjoint, without_copies
from stylesearch.training.data.icons import Icon

SHAPES = {
    "mail": "<rect x='4' y='12' width='40' height='24' fill='#36c'/><path d='M4 12L24 30L44 12' stroke='#fff' stroke-width='3' fill='none'/>",
    "disk": "<circle cx='24' cy='24' r='20' fill='#555'/><circle cx='24' cy='24' r='6' fill='#fff'/>",
}
OTHER = "<path d='M6 40L40 6M6 6h12v20' stroke='#a20' stroke-width='6' fill='none'/>"


def _icon(
    root: Path, style: str, name: str, body: str, *, package: str | None = None, remark: str = ""
) -> Icon:
    path = root / (package or style) / f"{name}.svg"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(
        f'<svg xmlns="http://www.w3.org/2000/svg" width="48" height="48">{body}<!--{remark}--></svg>'
    )
    return Icon(content=name, style=style, path=path, sha256=hashlib.sha256(path.read_bytes()).hexdigest())


def test_equal_files_and_near_copies_of_one_name_are_left_out(tmp_path):
    testing = [_icon(tmp_path, "Tango", name, body) for name, body in SHAPES.items()]
    same = _icon(tmp_path, "thief", "renamed", SHAPES["disk"])
    near = _icon(tmp_path, "forger", "mail", SHAPES["mail"].replace("#36c", "#37c"), remark="retouched")
    own = _icon(tmp_path, "honest", "mail", OTHER)
    elsewhere = _icon(tmp_path, "honest", "letter", SHAPES["mail"], remark="another name, another content")
    kept, dropped = assert_disjoint([same, near, own, elsewhere], testing)
    assert kept == [own, elsewhere]
    assert dropped.same_file == {"thief": 1}
    assert dropped.near_copy == {"forger": 1}
    assert str(dropped) == "left out 1 files and 1 near copies of test pictures (thief 1, forger 1)"


def test_nothing_left_out_says_so(tmp_path):
    kept, dropped = assert_disjoint([_icon(tmp_path, "honest", "mail", OTHER)], [])
    assert len(kept) == 1
    assert str(dropped) == "left out 0 files and 0 near copies of test pictures"


@pytest.mark.parametrize("package", ["tango-icon-theme", "lxde-icon-theme", "moka-icon-theme"])
def test_a_package_that_is_measured_on_is_an_error(tmp_path, package):
    stolen = _icon(tmp_path, "theme", "mail", OTHER, package=package)
    with pytest.raises(InputError, match=package) as refused:
        assert_disjoint([stolen], [])
    assert refused.value.code == "training_on_test"


def test_what_cannot_be_decoded_is_kept(tmp_path):
    broken = _icon(tmp_path, "honest", "mail", "<rect")
    kept, _ = assert_disjoint([broken], [_icon(tmp_path, "Tango", "mail", SHAPES["mail"])])
    assert kept == [broken]


def test_of_copies_within_training_the_first_stays(tmp_path):
    first = _icon(tmp_path, "gnome", "mail", SHAPES["mail"])
    copy = _icon(tmp_path, "mate", "mail", SHAPES["mail"], remark="taken over")
    twin = _icon(tmp_path, "mate", "other", SHAPES["mail"])
    own = _icon(tmp_path, "mate", "disk", SHAPES["disk"])
    again = _icon(tmp_path, "gnome", "mail2", SHAPES["mail"], remark="the same style may repeat itself")
    assert without_copies([first, copy, twin, own, again]) == [first, own, again]
