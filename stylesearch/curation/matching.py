"""The second stage: which captions name which tags."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np

from stylesearch.curation import banking
from stylesearch.curation.captions import Captions, open_captions
from stylesearch.curation.matcher import FIELD_SIGN, Matcher
from stylesearch.curation.recipe import Recipe, digest
from stylesearch.curation.stage import Run
from stylesearch.errors import InputError

VERSION = 1
STAGE = "matches"

LONGEST_KEPT = 1000
"""In characters, of a caption and of a content, as they are kept and exported."""

_ROW_CAUSES = ("unreadable", "twice", "unnamed", "unscored", "out_of_bounds")
_CAPTION_CAUSES = ("empty", "cut", "marked")


def key(run: Run, before: str) -> str:
    """Return the stage's key: over the captions and how they are read."""
    recipe = run.recipe
    source = open_captions(recipe, run.database)
    bounds = [str(one) for one in recipe.conditions]
    how = [recipe.most, recipe.fewest, recipe.slips]
    return digest(STAGE, VERSION, before, source.digest, recipe.to_json()["source"], bounds, how)


def carry_out(run: Run, key: str) -> dict[str, Any]:
    """Match the captions, part by part, then drop tags with too many captions or too few; return what was counted.

    Raises
    ------
    InputError
        If the captions cannot be read; ``nothing_matched``, if none of them names a tag.
    """
    import pyarrow as pa

    tags, outcomes = banking.tags_of(run)
    source = open_captions(run.recipe, run.database)
    matcher = Matcher(tags, with_slips=run.recipe.slips)
    parts = run.folder.parts(STAGE, digest(key, run.part_rows))
    read = 0
    for number, batch in enumerate(source.batches(run.part_rows)):
        if not parts.has(number):
            parts.write(number, _part(batch, matcher, run.recipe, len(tags)))
        read += len(batch.ids) + batch.unreadable + batch.twice + batch.unnamed
        run.on_progress(read, max(read, source.total or 0), "captions")
    rows: list[Any] = []
    told: list[dict[str, Any]] = []
    for part in parts:
        told.append(_told(part))
        rows.append(part.replace_schema_metadata(None))
    table = pa.concat_tables(rows) if rows else None
    if table is None:
        raise InputError("There are no captions.", hint="Check the source.", code="no_captions")
    counted = np.zeros(len(tags), np.int64)
    np.add.at(counted, table.column("tags").combine_chunks().flatten().to_numpy(zero_copy_only=False), 1)
    became = [_outcome(outcomes[number], int(counted[number]), run.recipe) for number in range(len(tags))]
    kept, lost = _without(table, [one == "used" for one in became])
    by_tag = {name: _summed(told, name) for name in ("denied", "slipped", "capital")}
    run.folder.write_table(STAGE, "tags", _tag_table(counted, became, by_tag))
    run.folder.write_table(STAGE, "", kept)
    rows_read = sum(one["read"] for one in told)
    counts = {
        "captions": rows_read,
        **{name: sum(one[name] for one in told) for name in (*_ROW_CAUSES, *_CAPTION_CAUSES)},
        "with_a_tag": int(table.num_rows),
        "left_by_tags": lost,
        "matched": int(kept.num_rows),
        "without_a_tag": rows_read
        - sum(sum(one[name] for name in _ROW_CAUSES) for one in told)
        - int(table.num_rows),
        "denied": sum(by_tag["denied"].values()),
        "slipped": sum(by_tag["slipped"].values()),
        "tags_used": became.count("used"),
        "tags": dict(sorted(Counter(became).items())),
        "patterns": matcher.patterns,
    }
    if not kept.num_rows:
        raise InputError(
            f"None of {rows_read:,} captions names a tag that is used.",
            hint="Check that --caption names the right columns, and look at 'stylesearch curate tags'.",
            code="nothing_matched",
        )
    run.folder.clear_parts(STAGE)
    return counts


def _part(batch: Captions, matcher: Matcher, recipe: Recipe, tags: int) -> Any:
    """Return the matched captions of a batch as a table; what was counted goes along in its metadata."""
    import json

    import pyarrow as pa

    unscored, within = _within(batch, recipe)
    chosen = np.flatnonzero(within).tolist()
    found = matcher.find([batch.texts[place] for place in chosen])
    rows = [
        (batch.ids[place], numbers, batch.texts[place], batch.contents[place])
        for place, numbers in zip(chosen, found.tags, strict=True)
        if numbers
    ]
    counts = {
        "read": len(batch.ids) + batch.unreadable + batch.twice + batch.unnamed,
        "unreadable": batch.unreadable,
        "twice": batch.twice,
        "unnamed": batch.unnamed,
        "unscored": unscored,
        "out_of_bounds": len(batch.ids) - unscored - len(chosen),
        "empty": found.empty,
        "cut": found.cut,
        "marked": found.marked,
        "denied": {str(tag): number for tag, number in sorted(found.denied.items())},
        "slipped": {str(tag): number for tag, number in sorted(found.slipped.items())},
        "capital": {str(tag): number for tag, number in sorted(found.capital.items())},
    }
    assert all(0 <= number < tags for _, numbers, _, _ in rows for number in numbers)
    table = pa.table(
        {
            "id": pa.array([row[0] for row in rows], pa.string()),
            "tags": pa.array([row[1] for row in rows], pa.list_(pa.int32())),
            "caption": pa.array([_kept(row[2]) for row in rows], pa.string()),
            "content": pa.array([_kept(row[3]) for row in rows], pa.string()),
        }
    )
    return table.replace_schema_metadata({"counts": json.dumps(counts)})


def _kept(text: str) -> str:
    plain = " ".join(text.replace(FIELD_SIGN, "\n").split(" "))
    return "\n".join(part.strip() for part in plain.split("\n") if part.strip())[:LONGEST_KEPT]


def _within(batch: Captions, recipe: Recipe) -> tuple[int, Any]:
    """Return how many captions have no number to be bounded, and which are within all bounds."""
    within = np.ones(len(batch.ids), np.bool_)
    unscored = np.zeros(len(batch.ids), np.bool_)
    for condition in recipe.conditions:
        values = batch.values.get(condition.column, [None] * len(batch.ids))
        for place, value in enumerate(values):
            if value is None:
                unscored[place] = True
            elif not condition.holds(value):
                within[place] = False
    return int(unscored.sum()), within & ~unscored


def _told(part: Any) -> dict[str, Any]:
    import json

    values: dict[str, Any] = json.loads(part.schema.metadata[b"counts"])
    return values


def _summed(told: list[dict[str, Any]], name: str) -> Counter[int]:
    found: Counter[int] = Counter()
    for one in told:
        for tag, number in one[name].items():
            found[int(tag)] += number
    return found


def _outcome(before: str, captions: int, recipe: Recipe) -> str:
    if before != "used":
        return before
    if captions > recipe.most:
        return "too_many"
    if captions < recipe.fewest:
        return "too_few"
    return "used"


def _without(table: Any, used: list[bool]) -> tuple[Any, int]:
    """Return the captions that are left with a tag when only some are used, and how many are left without."""
    import pyarrow as pa

    lists = [[tag for tag in tags if used[tag]] for tags in table.column("tags").to_pylist()]
    left = pa.array([bool(tags) for tags in lists], pa.bool_())
    column = pa.array([tags for tags in lists if tags], pa.list_(pa.int32()))
    kept = table.filter(left)
    kept = kept.set_column(kept.schema.get_field_index("tags"), "tags", column).combine_chunks()
    return kept, len(lists) - kept.num_rows


def _tag_table(counted: Any, became: list[str], by_tag: dict[str, Counter[int]]) -> Any:
    import pyarrow as pa

    return pa.table(
        {
            "captions": pa.array(counted.tolist(), pa.int64()),
            "outcome": pa.array(became, pa.string()),
            **{
                name: pa.array([found[number] for number in range(len(became))], pa.int64())
                for name, found in by_tag.items()
            },
        }
    )
