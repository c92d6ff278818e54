"""What was planted is found: tags in captions, copies among drawings."""

import importlib
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


@pytest.mark.usefixtures("one_thread")
def test_planted_tags_and_copies_are_found(environment, run_command, tmp_path, monkeypatch, figure):
    monkeypatch.syspath_prepend(BENCHMARKS)
    planted = importlib.import_module("planted_drawings")
    plan = planted.plant(tmp_path / "planted", drawings=260, tags=40, copies=60, seed=5)
    outcome = run_command(
        "curate", "run", tmp_path / "run", *planted.options(plan, into="planted", name="planted")
    )
    assert outcome.code == 0, outcome.err
    found = planted.measure(plan, tmp_path / "run")
    assert found["tags"]["precision"] >= 0.99
    assert found["tags"]["recall"] >= 0.95
    assert found["copies"]["precision"] >= 0.99
    assert found["copies"]["recall"] >= 0.95
    assert found["merged"]["groups"] > 40
    assert found["merged"]["right"] == found["merged"]["groups"]
    assert found["across_splits"] == 0
    copies = found["copies"]
    figure(
        f"curation, planted: tags precision {found['tags']['precision']:.4f}, recall {found['tags']['recall']:.4f};"
        f" copies precision {copies['precision']:.4f}, recall {copies['recall']:.4f} ({copies['by_kind']}), threshold"
        f" {copies['threshold']['value']}"
    )
