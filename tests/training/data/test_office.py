import zipfile
from pathlib import Path

from stylesearch.training.data.archived import read_bytes
from stylesearch.training.data.office import office_icons

STYLES = ("libreoffice-style-one", "libreoffice-style-two", "libreoffice-style-absent")


def pack(root: Path, style: str, files: dict[str, bytes]) -> None:
    folder = root / f"libreoffice-style-{style}/usr/lib/libreoffice/share/config"
    folder.mkdir(parents=True)
    with zipfile.ZipFile(folder / f"images_{style}_svg.zip", "w") as writer:
        for name, data in files.items():
            writer.writestr(name, data)


def test_buttons_are_listed_once_each_and_can_be_read(tmp_path):
    drawn = {f"cmd/32/{name}.svg": f"<svg>one {name}</svg>".encode() for name in ("bold", "cut", "paste")}
    others = {
        "cmd/sc_bold.svg": b"small",
        "cmd/32/bold.png": b"pixels",
        "res/32/logo.svg": b"no command",
        "cmd/32/copy.svg": drawn["cmd/32/cut.svg"],
    }
    pack(tmp_path, "one", drawn | others)
    pack(tmp_path, "two", {"cmd/32/bold.svg": b"<svg>two</svg>"})
    found = office_icons(tmp_path, STYLES, one_in=1)
    assert [(icon.style, icon.content) for icon in found] == [
        ("one", "button bold"),
        ("one", "button copy"),
        ("one", "button paste"),
        ("two", "button bold"),
    ]
    assert len({icon.sha256 for icon in found}) == 4
    assert read_bytes(found[0].path) == drawn["cmd/32/bold.svg"]
    assert read_bytes(found[3].path) == b"<svg>two</svg>"


def test_the_same_commands_are_taken_of_each_style(tmp_path):
    names = [f"cmd/32/c{number}.svg" for number in range(300)]
    for style in ("one", "two"):
        pack(tmp_path, style, {name: f"<svg>{style} {name}</svg>".encode() for name in names})
    found = office_icons(tmp_path, STYLES)
    contents = {style: {icon.content for icon in found if icon.style == style} for style in ("one", "two")}
    assert contents["one"] == contents["two"]
    assert 60 < len(contents["one"]) < 140
    assert found == office_icons(tmp_path, reversed(STYLES))
