import csv
import io
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from stylesearch.errors import ServiceError
from web.api.exports import Table, cell, exported


class Row(BaseModel):
    text: str
    number: int


TABLE = Table("rows", ("text", "number"), lambda row: [row.text, row.number])


@given(st.text() | st.integers() | st.none() | st.lists(st.text(), max_size=3))
def test_no_cell_is_a_formula(value):
    shown = cell(value)
    assert not (isinstance(shown, str) and shown.startswith(("=", "+", "-", "@", "\t", "\r", "\n")))
    if isinstance(value, str):
        assert shown in (value, f"'{value}")


@given(
    st.lists(
        st.builds(
            Row, text=st.text(st.characters(codec="utf-8", exclude_characters="\0")), number=st.integers()
        )
    )
)
def test_every_row_comes_back(rows):
    from flask import Flask

    with Flask(__name__).test_request_context():
        lines = exported(iter(rows), "jsonl", TABLE).get_data(as_text=True)
        table = exported(iter(rows), "csv", TABLE).get_data(as_text=True)
    assert [Row(**json.loads(line)) for line in lines.split("\n")[:-1]] == rows
    if any("\r" in row.text for row in rows):
        return  # a reader of CSV takes it for the end of a line
    read = list(csv.DictReader(io.StringIO(table, newline="")))
    assert [(one["text"], int(one["number"])) for one in read] == [
        (cell(row.text), row.number) for row in rows
    ]


def test_rows_are_read_as_they_are_sent(app):
    taken = []

    def rows():
        for number in range(100_000):
            taken.append(number)
            yield Row(text="x" * 100, number=number)

    with app.test_request_context():
        pieces = exported(rows(), "jsonl", TABLE).iter_encoded()
        first = next(pieces)
        assert 0 < len(taken) < 2000
        assert json.loads(first.split(b"\n")[0]) == {"text": "x" * 100, "number": 0}


def test_an_export_without_rows_still_has_its_head(app):
    with app.test_request_context():
        assert exported(iter([]), "csv", TABLE).get_data(as_text=True) == "text,number\r\n"
        assert exported(iter([]), "jsonl", TABLE).get_data() == b""


def test_an_error_on_the_way_ends_the_answer_without_an_end(app):
    def rows():
        yield Row(text="x", number=1)
        raise ServiceError("The database went away.", code="database_unreachable")

    with app.test_request_context():
        response = exported(rows(), "jsonl", TABLE)
        with pytest.raises(ServiceError):
            response.get_data()

        def broken():
            raise ServiceError("The database went away.", code="database_unreachable")
            yield

        with pytest.raises(ServiceError):
            exported(broken(), "jsonl", TABLE)
