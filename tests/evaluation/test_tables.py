import dataclasses
import io
import json

import numpy as np
import pytest
from rich.console import Console

from stylesearch.evaluation.artists import measure_artists
from stylesearch.evaluation.protocols import crossed, leave_one_out
from stylesearch.evaluation.tables import (
    Evaluation,
    Outcome,
    document,
    figure_text,
    markdown,
    notes,
    rich_tables,
    rows,
)

DESCRIBER = {"slug": "lite", "digest": "ab" * 32, "dim": 8}


def vectors(count=36):
    return np.random.default_rng(0).standard_normal((count, 8))


NAMES = [f"artist | {k % 6}" for k in range(36)]


def evaluation_of(*results, **more):
    outcomes = tuple(
        Outcome({**DESCRIBER, "slug": slug}, result)
        for slug, result in zip(("lite", "pooled"), results, strict=False)
    )
    facts = {
        "protocol": "crossed", "source": "drawn", "images": 36, "unreadable": {}, "seed": 3, "notes": (), "date": "2026-01-02T03:04:05+00:00",
    } | more  # fmt: skip
    return Evaluation(**facts, outcomes=outcomes)


@pytest.fixture(scope="module")
def crossed_result():
    return crossed(vectors(), [f"s{k % 6}" for k in range(36)], [f"c{k // 6}" for k in range(36)])


@pytest.fixture(scope="module")
def artists_result():
    return measure_artists(vectors(), NAMES, ks=(1, 5), resamples=10, splits=2)


def printed(evaluation):
    out = io.StringIO()
    console = Console(file=out, width=120)
    for table in rich_tables(evaluation):
        console.print(table)
    return out.getvalue()


def test_figures_by_their_names(crossed_result):
    ((name, figures),) = rows(evaluation_of(crossed_result))
    assert name == "lite"
    assert list(figures) == [
        "R@1", "R@10", "R@35", "mAP@1", "mAP@10", "mAP@35", "AP@10", "AP@35", "AP", "chance", "lured", "AUC",
    ]  # fmt: skip
    assert figures["AUC"] == crossed_result.pairs.auc
    assert figures["R@35"] == 1.0


def test_a_line_a_fold(artists_result):
    lines = rows(evaluation_of(artists_result))
    assert [name for name, _ in lines] == ["lite", "lite, fold 1", "lite, fold 2"]
    assert lines[0][1]["gaps < 0"] == artists_result.gaps.below_zero
    assert lines[0][1]["pair AUC"] == pytest.approx(np.mean(artists_result.verification.cosine))
    assert lines[1][1]["mAP@5"] == artists_result.folds[0].map_at[5]


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [("R@1", 0.9876, "98.8"), ("AUC", 0.5, "0.500"), ("CSLS pair AUC", 0.98765, "0.988"), ("gaps < 0", 3.0, "3"), ("AP", None, ""), ("AP", float("nan"), "")],
)  # fmt: skip
def test_how_figures_look(name, value, text):
    assert figure_text(name, value) == text


def test_the_terminal_has_every_describer_and_figure(crossed_result, artists_result):
    text = printed(evaluation_of(crossed_result, crossed_result))
    for word in ("lite", "pooled", "mAP@10", "AUC", "6 styles by 6 contents", "36 queries in 36 images"):
        assert word in text
    text = printed(evaluation_of(artists_result))
    assert "the lowest discrimination gaps of 6" in text
    assert "pair verification over 2 splits" in text


def test_the_document_has_all_of_it(crossed_result):
    found = document(evaluation_of(crossed_result, unreadable={"a.png": "broken"}, notes=("mind this",)))
    assert json.loads(json.dumps(found, allow_nan=False)) == found
    assert (found["format"], found["version"], found["protocol"]) == ("stylesearch-evaluation", 1, "crossed")
    assert (found["seed"], found["images"], found["date"]) == (3, 36, "2026-01-02T03:04:05+00:00")
    assert found["unreadable"] == {"a.png": "broken"}
    assert {"stylesearch", "python", "numpy", "torch"} <= set(found["software"])
    (result,) = found["results"]
    assert result["encoder"] == DESCRIBER
    assert result["kind"] == "CrossedResult"
    assert result["retrieval"]["map_at"]["10"] == crossed_result.retrieval.map_at[10]
    assert result["pairs"]["auc"] == crossed_result.pairs.auc
    assert found["notes"] == notes(
        evaluation_of(crossed_result, unreadable={"a.png": "broken"}, notes=("mind this",))
    )


def test_what_is_no_number_is_null_in_the_document(artists_result):
    gap = dataclasses.replace(artists_result.gaps.gaps[0], low=float("nan"), high=float("nan"))
    report = dataclasses.replace(artists_result.gaps, gaps=(gap,))
    found = document(evaluation_of(dataclasses.replace(artists_result, gaps=report)))
    json.dumps(found, allow_nan=False)
    assert found["results"][0]["gaps"]["gaps"][0]["low"] is None


def test_markdown_is_a_table(crossed_result, artists_result):
    text = markdown(evaluation_of(crossed_result, crossed_result))
    table = [line for line in text.splitlines() if line.startswith("|")]
    assert [line.count("|") for line in table] == [14] * 4
    assert table[2].startswith("| lite | ")
    assert f"| {crossed_result.pairs.auc:.3f} |" in table[2]
    assert "k = 100 was lowered to 35" in text
    assert "digest `abab" in text
    text = markdown(evaluation_of(artists_result))
    assert r"| artist \| " in text
    assert "lite, fold 2" in text


def test_notes_say_what_was_left_out_or_lowered():
    result = leave_one_out(vectors(5), ["a", "a", "b", "b", "c"])
    found = notes(evaluation_of(result, unreadable={"x": "y"}, notes=("first",)))
    assert found == [
        "first",
        "k = 10 was lowered to 4: a query is compared with no more images.",
        "k = 100 was lowered to 4: a query is compared with no more images.",
        "1 image could not be read; left out.",
    ]
    assert "1 more queries have no hit there" in printed(evaluation_of(result))
