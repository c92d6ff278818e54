import json
from datetime import date
from decimal import Decimal

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stylesearch.errors import InputError
from stylesearch.ingest.sources import rows
from stylesearch.ingest.sources.rows import open_rows


@pytest.fixture
def write(tmp_path):
    def write(name: str, data: str | bytes):
        path = tmp_path / name
        path.write_bytes(data if isinstance(data, bytes) else data.encode())
        return path

    return write


def read(path, **options) -> list[dict]:
    return [dict(row.values) for row in open_rows(path, **options)]


@pytest.mark.parametrize(
    "text",
    [
        "a,b\n1,2\n",
        "a;b\n1;2\n",
        "a\tb\r\n1\t2\r\n",
        "a|b\n1|2",
        "\ufeffa,b\n1,2\n\n",
        '"a","b"\n"1","2"\n',
        'a;b\n"1";"2"\n',
    ],
)
def test_csv_of_all_dialects(write, text):
    table = open_rows(write("t.csv", text))
    assert (table.columns, table.total) == (("a", "b"), 1)
    assert [(row.number, dict(row.values)) for row in table] == [(2, {"a": "1", "b": "2"})]


def test_the_sign_between_fields_is_that_which_parts_most_alike(write):
    assert read(write("t.csv", "id;text\n1;a, b, c\n2;d, e\n")) == [
        {"id": "1", "text": "a, b, c"},
        {"id": "2", "text": "d, e"},
    ]
    assert read(write("one.csv", "path\na.jpg\n")) == [{"path": "a.jpg"}]
    assert read(write("t.tsv", "a\tb,c\n1\t2\n")) == [{"a": "1", "b,c": "2"}]
    assert read(write("d.csv", "a,b;c\n1,2;3\n"), delimiter=";") == [{"a,b": "1,2", "c": "3"}]


def test_fields_may_hold_lines_and_quotes(write):
    assert read(write("t.csv", 'a,b\n"x\ny","say ""hi"""\n')) == [{"a": "x\ny", "b": 'say "hi"'}]


def test_a_row_with_too_many_fields_is_a_problem_of_its_own(write):
    found = list(open_rows(write("t.csv", "a,b\n1,2,3\n4\n5,6,,\n")))
    assert [(row.number, row.problem is None) for row in found] == [(2, False), (3, True), (4, True)]
    assert dict(found[1].values) == {"a": "4"}


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ("a,b\nx,é\n".encode("latin-1"), "line 2 has the byte 0xe9"),
        ("a,b\n".encode("utf-16"), "UTF-16"),
        ("a,b\nx,y\n".encode("utf-16-le"), "zero byte"),
        (b"PK\x03\x04rest", "spreadsheet"),
        (b"a,b\n1,\xc3", "line 2"),
    ],
)
@pytest.mark.parametrize("name", ["t.csv", "t.jsonl"])
def test_other_encodings_are_told(write, name, data, said):
    with pytest.raises(InputError, match=said) as caught:
        open_rows(write(name, data))
    assert caught.value.code == "table_encoding"


def test_an_encoding_is_checked_across_the_pieces_that_are_read(write, monkeypatch):
    monkeypatch.setattr(rows, "_STEP", 3)
    assert read(write("t.csv", "a,b\né,üö\n")) == [{"a": "é", "b": "üö"}]
    with pytest.raises(InputError, match="line 3 has the byte 0xff"):
        open_rows(write("t.csv", "a,b\né,üö\n".encode() + b"\xff,x\n"))


@pytest.mark.parametrize(
    ("name", "data", "code"),
    [
        ("t.csv", "a,b,a\n1,2,3\n", "table_columns"),
        ("t.csv", "a, a\n1,2\n", "table_columns"),
        ("t.csv", "", "table_columns"),
        ("t.csv", "a,b\n1," + "x" * 1_100_000, "table_unreadable"),
        ("t.jsonl", "", "table_columns"),
        ("t.parquet", b"PAR1 no", "table_unreadable"),
        ("t.parquet", b"", "table_unreadable"),
        ("t.xlsx", b"", "table_format"),
        ("t", b"", "table_format"),
    ],
)
def test_what_is_no_table_is_told(write, name, data, code):
    with pytest.raises(InputError) as caught:
        open_rows(write(name, data))
    assert caught.value.code == code
    assert "\n" not in str(caught.value)


def test_a_table_that_is_not_there(tmp_path):
    for path in (tmp_path / "missing.csv", tmp_path):
        with pytest.raises(InputError) as caught:
            open_rows(path)
        assert caught.value.code == "table_missing"


def test_json_lines(write):
    table = open_rows(write("t.jsonl", '{"a": 1, "b": ["x"]}\n\n{"a": null, "c": {"d": 2}}\n'))
    assert (table.columns, table.total) == (("a", "b", "c"), 2)
    assert [(row.number, dict(row.values)) for row in table] == [
        (1, {"a": 1, "b": ["x"]}),
        (3, {"a": None, "c": {"d": 2}}),
    ]


@pytest.mark.parametrize(
    "line",
    [
        "{",
        "[1]",
        "7",
        '{"a": 1, "a": 2}',
        "not json",
        '{"a": ' + "9" * 5000 + "}",
        "[" * 100_000,
        '{"a": "' + "x" * 1_100_000 + '"}',
    ],
    ids=["cut", "list", "number", "twice", "text", "huge number", "deep", "long"],
)
def test_a_bad_line_is_a_problem_of_its_own(write, line):
    found = list(open_rows(write("t.jsonl", f'{{"a": 1}}\n{line}\n{{"a": 2}}\n')))
    assert [(row.number, row.problem is None) for row in found] == [(1, True), (2, False), (3, True)]
    assert "\n" not in found[1].problem


def test_parquet_is_read_by_batches(tmp_path, monkeypatch):
    monkeypatch.setattr(rows, "_BATCH", 3)
    path = tmp_path / "t.parquet"
    values = pa.table(
        {
            "a": list(range(10)),
            "day": [date(1890, 5, 1)] * 10,
            "price": [Decimal("1.50")] * 10,
            "tags": [["x", "y"]] * 10,
            "person": [{"name": "Ann", "raw": b"\x00"}] * 10,
            "raw": [b"\xff"] * 10,
            "score": [float("nan")] * 10,
        }
    )
    pq.write_table(values, path, row_group_size=4)
    table = open_rows(path)
    assert (table.columns, table.total) == (("a", "day", "price", "tags", "person", "raw", "score"), 10)
    found = list(table)
    assert [row.number for row in found] == list(range(1, 11))
    first = dict(found[0].values)
    assert first.pop("score") != first.get("score")
    assert first == {
        "a": 0, "day": "1890-05-01", "price": "1.50", "tags": ["x", "y"], "person": {"name": "Ann", "raw": None}, "raw": None,
    }  # fmt: skip


def test_damaged_parquet_is_told(tmp_path):
    path = tmp_path / "t.parquet"
    pq.write_table(
        pa.table({"a": [f"value {number}" for number in range(5000)]}),
        path,
        row_group_size=1000,
        compression="gzip",
    )
    data = bytearray(path.read_bytes())
    data[2000:4000] = b"\x55" * 2000
    path.write_bytes(data)
    with pytest.raises(InputError) as caught:
        list(open_rows(path))
    assert caught.value.code == "table_unreadable"


@settings(deadline=None, max_examples=50)
@given(
    st.lists(
        st.dictionaries(
            st.sampled_from(["a", "b", "c"]), st.none() | st.integers() | st.text(max_size=5), min_size=1
        ),
        min_size=1,
        max_size=5,
    )
)
def test_json_lines_are_read_as_they_were_written(tmp_path_factory, values):
    path = tmp_path_factory.mktemp("lines") / "t.jsonl"
    path.write_text("".join(json.dumps(one) + "\n" for one in values))
    assert read(path) == values
