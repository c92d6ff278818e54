"""The JSON Schema that reports keep to."""

from __future__ import annotations

from importlib.resources import files


def report_schema() -> bytes:
    """Return the JSON Schema (2020-12) of a report's file."""
    return (files("stylesearch.attribution") / "report.schema.json").read_bytes()
