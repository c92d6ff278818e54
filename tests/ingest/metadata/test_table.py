from pathlib import Path

import pytest

from stylesearch.catalog.artists import QUALIFIERS
from stylesearch.catalog.records import Credit, WorkRecord
from stylesearch.errors import InputError
from stylesearch.ingest.metadata.table import read_table


@pytest.fixture
def write(tmp_path: Path):
    def write(text: str | bytes) -> Path:
        path = tmp_path / "metadata.csv"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    return write


def test_reads_every_column(write):
    names = (
        "path,title,description,artist,qualifier,date,year_from,year_to,medium,movement,period,object_type,keywords,"
        "source_url,license,image_license,credit_line,Shelf,empty"
    )
    values = (
        'a/b.png,A barn,"Red, in snow.",Ann; Bo ;Ann,After,c. 1890,1888,1892,ink,realism,Meiji,drawing,Barn;snow;;BARN,'
        "https://example.org/1,CC0-1.0,CC-BY-4.0,Gift,7,"
    )
    assert read_table(write(f"{names}\n{values}\n")) == {
        "a/b.png": WorkRecord(
            title="A barn",
            description="Red, in snow.",
            credits=(Credit("Ann", qualifier="after"), Credit("Bo", qualifier="after")),
            date_text="c. 1890",
            year_from=1888,
            year_to=1892,
            medium="ink",
            movement="realism",
            period="Meiji",
            object_type="drawing",
            keywords=("barn", "snow"),
            source_url="https://example.org/1",
            work_rights="CC0-1.0",
            image_rights="CC-BY-4.0",
            credit_line="Gift",
            extra={"shelf": "7"},
        )
    }


@pytest.mark.parametrize("name", ["path", "file", "filename", "image", " PATH "])
def test_the_path_column_has_several_names(write, name):
    assert read_table(write(f"title,{name}\nA,x.png\n")) == {"x.png": WorkRecord(title="A")}


@pytest.mark.parametrize("mark", ["", "\ufeff"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_marks_and_line_ends_of_other_systems(write, mark, end):
    text = f'{mark}path,title{end}x.png,"two{end}lines"{end}y.png,é{end}'
    assert read_table(write(text)) == {"x.png": WorkRecord(title="two lines"), "y.png": WorkRecord(title="é")}


def test_years_come_from_the_date_where_they_have_no_column(write):
    record = read_table(write("path,date,year_to\nx,1880-95,\n"))["x"]
    assert (record.year_from, record.year_to) == (1880, 1895)


@pytest.mark.parametrize("qualifier", QUALIFIERS)
def test_every_qualifier(write, qualifier):
    (credit,) = read_table(write(f"path,artist,qualifier\nx,Ann,{qualifier.title()}\n"))["x"].credits
    assert credit.qualifier == qualifier


def test_short_and_long_lines_and_empty_tables(write):
    assert read_table(write("path,title\nx\ny,Y,more,and more\n")) == {
        "x": WorkRecord(),
        "y": WorkRecord(title="Y"),
    }
    assert read_table(write("path,title\n")) == {}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "no column named path"),
        ("title,artist\nA,B\n", "its columns are: title, artist"),
        ("path,title,title\n", "'title' twice"),
        ("path,title,Title \n", "'title' twice"),
        ("path\nx\ny\nx\n", "Line 4 .*'x' a second time"),
        ("path,title\nx,a\n,b\n", "Line 3 .*no path"),
        ("path,artist,qualifier\nx,Ann,somehow like\n", "Line 2 .*'somehow like'"),
        ("path,year_from\nx,1890\ny,about\n", "Line 3 .*'about' for a year"),
        ("path,year_from\nx,18.5\n", "Line 2"),
        ("path,year_to\nx,99999999999999999999\n", "for a year"),
        (f"path,year_to\nx,{'9' * 5000}\n", "for a year"),
        ("path,year_from,year_to\nx,1900,1800\n", "Line 2 .*before it begins"),
        (b"path,title\nx,\xff\n", "UTF-8"),
        ("path,title\n".encode("utf-16"), "UTF-8"),
        ("path,title\nx," + "a" * 1_100_000, "field larger"),
    ],
)
def test_what_is_wrong_is_told_with_its_line(write, text, said):
    with pytest.raises(InputError, match=said) as caught:
        read_table(write(text))
    assert caught.value.code == "metadata_table"
    assert len(str(caught.value)) < 600


def test_control_characters_go(write):
    assert read_table(write("path,title,shelf\0x\nx,a\0b,7\n"))["x"] == WorkRecord(
        title="a b", extra={"shelf x": "7"}
    )


def test_a_missing_table_is_told(tmp_path):
    for path in (tmp_path / "missing.csv", tmp_path):
        with pytest.raises(InputError) as caught:
            read_table(path)
        assert caught.value.code == "metadata_table"
