import json
import logging

import pytest

from stylesearch.logs import JsonFormatter, LineFormatter, logging_about


@pytest.fixture
def record():
    return logging.LogRecord("a.b", logging.WARNING, "f.py", 1, "it is %s", ("so\nand more",), None)


def test_lines_say_what_they_are_about(record):
    with logging_about(run=17), logging_about(item=4):
        line = LineFormatter().format(record)
    assert line.endswith("a.b: it is so\nand more [run=17 item=4]")
    assert LineFormatter().format(record).endswith("and more")


def test_json_is_one_object_a_line(record):
    with logging_about(run=17):
        line = JsonFormatter().format(record)
    assert "\n" not in line
    found = json.loads(line)
    assert (found["level"], found["logger"], found["message"], found["run"]) == (
        "warning", "a.b", "it is so\nand more", 17,
    )  # fmt: skip
    assert "item" not in found
    assert found["time"].endswith("+00:00")


def test_json_holds_the_traceback():
    try:
        raise ValueError("x")
    except ValueError as error:
        info = (ValueError, error, error.__traceback__)
    record = logging.LogRecord("a", logging.ERROR, "f.py", 1, "failed", (), info)
    assert "ValueError: x" in json.loads(JsonFormatter().format(record))["exception"]
