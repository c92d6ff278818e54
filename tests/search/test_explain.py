"""How the database goes through each kind of plan, kept as it is read, so that a lost index scan is seen.

After a change that is meant, delete the file in ``plans`` and run the test twice: it is written anew and then read.
"""

import re
from pathlib import Path

import pytest

from stylesearch.search.readout import Readout

PLANS = Path(__file__).parent / "plans"
KEPT = re.compile(r"->|Index Cond|Order By|^CTE|InitPlan|^[A-Z]\w+ ")

CASES = {
    "exact": {"mode": "exact"},
    "exact-by-artist": {"mode": "exact", "where": 'artist:"Artist A" keyword:rare'},
    "exact-by-words": {"mode": "exact", "where": "text:777"},
    "exact-by-years": {"mode": "exact", "where": "year:1800..1802"},
    "exact-with-facets": {"mode": "exact", "where": "keyword:rare", "facets": True},
    "exact-csls": {"mode": "exact", "where": "keyword:rare", "readout": Readout(measure="csls")},
    "hnsw": {"mode": "hnsw"},
    "hnsw-filtered": {"mode": "hnsw", "where": "-medium:ink"},
    "binary": {"mode": "binary"},
}


def _kept(plan: str) -> str:
    """Leave out what hangs on numbers."""
    plan = re.sub(r"'\[[^]]*\]'", "'[…]'", plan)
    plan = re.sub(r"descriptor_\d+", "descriptor_N", plan)
    plan = re.sub(r"'[01]{50,}'", "'…'", plan)
    return "\n".join(line for line in plan.splitlines() if KEPT.search(line.strip())) + "\n"


@pytest.mark.parametrize("case", CASES)
def test_a_plan_is_the_one_that_is_kept(gallery, explain, case):
    plan = _kept(explain(gallery, **CASES[case]))
    path = PLANS / f"{case}.txt"
    if not path.exists():
        path.parent.mkdir(exist_ok=True)
        path.write_text(plan, encoding="utf-8")
        pytest.fail(f"{path.name} was missing and has been written: read it, and run again")
    assert plan == path.read_text("utf-8")


def test_the_kept_plans_use_the_indexes_they_are_named_for():
    kept = {path.stem: path.read_text("utf-8") for path in PLANS.glob("*.txt")}
    assert set(kept) == set(CASES)
    for name, plan in kept.items():
        assert ("Index Scan using descriptor_N_hnsw" in plan) == name.startswith("hnsw")
        assert ("Index Scan using descriptor_N_binary" in plan) == name.startswith("binary")
    for name in [name for name in CASES if name.startswith("exact-")]:
        assert "Index Scan using descriptor_N_pkey" in kept[name]
        assert "Seq Scan on descriptor_N" not in kept[name]
    assert "ix_work_words" in kept["exact-by-words"]
    assert "ix_work_years" in kept["exact-by-years"]
    assert "ix_work_keywords" in kept["exact-with-facets"]
