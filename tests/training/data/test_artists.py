from pathlib import Path

import pytest

from stylesearch.training.data.artists import FEWEST_MEASURED, Clipart, clipart, of_few_works, of_many_works


def credited(*creators: str, body: str = "") -> str:
    named = "".join(f"<dc:creator><cc:Agent>{name}</cc:Agent></dc:creator>" for name in creators)
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" xmlns:dc="http://purl.org/dc/elements/1.1/" '
        f'xmlns:cc="http://web.resource.org/cc/"><metadata>{named}</metadata>{body}</svg>'
    )


def write(root: Path, name: str, text: str) -> Path:
    path = root / "openclipart-svg/usr/share/openclipart" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def artists_in(root: Path) -> dict[str, str]:
    return {drawing.path.name: drawing.artist for drawing in clipart(root)}


def test_one_creator_is_the_artist(tmp_path):
    write(tmp_path, "a/one.svg", credited("Ada  \n Ink"))
    write(tmp_path, "a/twice.svg", credited("Bo Brush", "Bo Brush"))
    write(tmp_path, "b/several.svg", credited("Ada Ink", "Bo Brush"))
    write(tmp_path, "b/none.svg", credited(body="<path/>"))
    write(tmp_path, "b/empty.svg", credited(" "))
    assert artists_in(tmp_path) == {
        "one.svg": "Ada Ink",
        "twice.svg": "Bo Brush",
        "several.svg": "",
        "none.svg": "",
        "empty.svg": "",
    }


def test_links_copies_and_other_packages_are_left_out(tmp_path):
    first = write(tmp_path, "a.svg", credited("Ada Ink"))
    write(tmp_path, "b.svg", credited("Ada Ink"))
    (first.parent / "c.svg").symlink_to(first)
    (first.parent / "notes.txt").write_text("no drawing")
    other = tmp_path / "other-package/d.svg"
    other.parent.mkdir()
    other.write_text(credited("Bo Brush"))
    assert artists_in(tmp_path) == {"a.svg": "Ada Ink"}
    assert clipart(tmp_path / "nowhere") == []


def test_what_is_no_xml_has_no_artist_and_entities_are_not_followed(tmp_path):
    secret = tmp_path / "secret.txt"
    secret.write_text("a secret")
    entity = f'<!DOCTYPE svg [<!ENTITY told SYSTEM "{secret.as_uri()}">]>' + credited("Eve &told;")
    write(tmp_path, "broken.svg", "<svg")
    write(tmp_path, "entity.svg", entity)
    found = artists_in(tmp_path)
    assert found["broken.svg"] == ""
    assert "a secret" not in found["entity.svg"]


@pytest.mark.parametrize(("count", "stay"), [(FEWEST_MEASURED - 1, True), (FEWEST_MEASURED, False)])
def test_artists_with_many_works_are_left_to_measuring(count, stay):
    names = ("Ada Ink", "ada  ink", "ADA-INK")
    many = [Clipart(Path(f"{number}.svg"), names[number % 3], str(number)) for number in range(count)]
    others = [
        Clipart(Path("x.svg"), "Bo Brush", "x"),
        *(Clipart(Path(f"n{n}.svg"), "", f"n{n}") for n in range(20)),
    ]
    assert of_few_works([*many, *others]) == [*(many if stay else []), *others]


def test_what_is_left_to_measuring_stands_under_the_commonest_name():
    spelt = [*["ada  ink"] * 3, *["Ada Ink"] * 6, *["ADA-INK"] * 2]
    many = [Clipart(Path(f"{number}.svg"), name, str(number)) for number, name in enumerate(spelt)]
    others = [
        Clipart(Path("x.svg"), "Bo Brush", "x"),
        *(Clipart(Path(f"n{n}.svg"), "", f"n{n}") for n in range(20)),
    ]
    measured = of_many_works([*others, *many])
    assert [drawing.path for drawing in measured] == [drawing.path for drawing in many]
    assert {drawing.artist for drawing in measured} == {"Ada Ink"}
    assert of_many_works(many[:9]) == []
