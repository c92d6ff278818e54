"""A set's data card: where it is from, under what rights, what is in it, what was left out, and what it is not good for."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from stylesearch.curation.funnel import Counts, Removal, funnel
from stylesearch.curation.recipe import Recipe
from stylesearch.errors import InputError

HEADINGS = (
    "What it is",
    "Sources",
    "Rights",
    "Tags",
    "What was left out",
    "Copies",
    "Splits",
    "Files",
    "Known limits",
)
CITATION = (
    "Made after the recipe of LAION-Styles: Somepalli et al., Measuring Style Similarity in Diffusion Models, 2024,"
    " arXiv 2404.01292."
)
UNSTATED = "not stated"
MOST_TAGS = 30


_LIMITS = """\
- A tag says that a caption names it, not that the image is in that style: captions err, quote and compare. Phrases that deny a
  tag are recognised in six languages, and by a short list of words only.
- Spellings of one name are one tag where rules or aliases say so. Others stay apart; those that look alike are listed for
  review.
- Names that are also plain words are left out until somebody keeps them, so artists of such names may be missing.
- An image without a tag is not one without that style. What is missing is unknown, not negative.
- Copies are found by a descriptor with a threshold. Heavily changed ones stay, and pictures made after one template may have
  been taken for copies.
- Captions favour what is famous, and what is written about in the languages of the archive; so do the tags.
- Living artists may be among the tags. A tag is no statement that they agreed to anything, and a likeness found with a
  descriptor trained on this set is no evidence of copying.
"""


def data_card(
    recipe: Recipe,
    counts: Counts,
    *,
    rights: Sequence[tuple[str, str, int]],
    tags: Sequence[tuple[str, str, int]],
    plots: Sequence[str],
) -> str:
    """Return the card as Markdown, with what machines read at its head.

    Parameters
    ----------
    rights:
        Rights statement, class of reuse and images of each, the most frequent first.
    tags:
        Kind, name and images of each, the most frequent first.
    plots:
        Paths of the plots, relative to the card.
    """
    left = funnel(counts)
    export = counts["export"]
    kinds = {kind: sum(1 for one, _, _ in tags if one == kind) for kind in ("artist", "medium", "movement")}
    parts = [
        _head(recipe, rights, export["images"]),
        f"# {recipe.name}: images tagged by style\n",
        "## What it is\n",
        (
            f"{export['images']:,} images with {len(tags):,} style tags: {kinds['artist']:,} artists, {kinds['medium']:,} mediums and"
            f" {kinds['movement']:,} movements. An image has {_mean(tags, export['images'])} tags on average. The tags were found in"
            f" captions by whole words; copies were merged. {CITATION}\n"
        ),
        "## Sources\n",
        _sources(recipe),
        "## Rights\n",
        (
            "The rights are those of each image, as its source states them; the set adds none and grants none. Images whose holders"
            " have reserved them against training are left out. Each image's row says how to credit it.\n"
        ),
        _table(
            ("Statement", "Reuse", "Images"), [(name, reuse, f"{number:,}") for name, reuse, number in rights]
        ),
        "## Tags\n",
        _histogram(tags),
        _table(
            ("Kind", "Tag", "Images"),
            [(kind, name, f"{number:,}") for kind, name, number in tags[:MOST_TAGS]],
        ),
        f"The {MOST_TAGS} most frequent; `tags.parquet` has all.\n" if len(tags) > MOST_TAGS else "",
        "## What was left out\n",
        _left_out(left),
        _tag_outcomes(counts),
        "## Copies\n",
        _copies(counts),
        "## Splits\n",
        _splits(counts),
        "## Files\n",
        (
            "- `shards/`: WebDataset shards. Beside each image lies a `.json` with its tags, content, rights and splits. What is"
            " trained on and what is tested with by the artist-disjoint split are in shards of their own.\n"
            "- `images.parquet`: a row for each image.\n- `tags.parquet`: a row for each tag.\n- `croissant.json`: the same for"
            " machines.\n"
        ),
        "".join(f"![{path.rpartition('/')[2].partition('.')[0]}]({path})\n\n" for path in plots),
        "## Known limits\n",
        _LIMITS,
    ]
    return "\n".join(part for part in parts if part)


def _head(recipe: Recipe, rights: Sequence[tuple[str, str, int]], images: int) -> str:
    values = {
        "pretty_name": recipe.name,
        "images": images,
        "rights": [name for name, _, _ in rights],
        "size_categories": [_size(images)],
    }
    lines = "".join(f"{name}: {json.dumps(value, ensure_ascii=False)}\n" for name, value in values.items())
    return f"---\n{lines}---\n"


def _size(images: int) -> str:
    bounds = ((1000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K"), (1_000_000, "100K<n<1M"))
    return next((name for bound, name in bounds if images < bound), "n>1M")


def _mean(tags: Sequence[tuple[str, str, int]], images: int) -> str:
    return f"{sum(number for _, _, number in tags) / max(1, images):.2f}"


def _sources(recipe: Recipe) -> str:
    source = recipe.source
    kind = {"collection": "The collection", "table": "The table", "shards": "WebDataset shards"}[source.kind]
    place = source.place if source.kind == "collection" else source.place.rpartition("/")[2]
    lines = [f"- {kind} `{_plain(place)}`."]
    if source.captions:
        lines.append(f"- Captions: {', '.join(f'`{_plain(one)}`' for one in source.captions)}.")
    lines += [f"- Tags: `{_plain(file.path.rpartition('/')[2])}`." for file in recipe.tag_files]
    lines += [
        f"- Tags: artists, mediums and movements of the collection `{slug}`."
        for slug in recipe.tag_collections
    ]
    lines += [f"- Only captions with {_plain(str(condition))}." for condition in recipe.conditions]
    return "\n".join(lines) + "\n"


def _histogram(tags: Sequence[tuple[str, str, int]]) -> str:
    bounds = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 10_000, 100_000]
    rows = []
    for low, high in zip(bounds, [*bounds[1:], None], strict=True):
        number = sum(1 for _, _, count in tags if count >= low and (high is None or count < high))
        if number:
            rows.append(
                (
                    f"{low:,} or more"
                    if high is None
                    else f"{low:,}"
                    if high == low + 1
                    else f"{low:,} to {high - 1:,}",
                    f"{number:,}",
                )
            )
    return _table(("Images of a tag", "Tags"), rows)


def _left_out(removals: Sequence[Removal]) -> str:
    rows = [("", "captions", "", f"{removals[0].left:,}")]
    rows += [(one.stage, one.cause, f"{one.number:,}", f"{one.left:,}") for one in removals[1:]]
    return _table(("Stage", "Cause", "Left out", "Left"), rows)


def _tag_outcomes(counts: Counts) -> str:
    told = {
        "used": "used", "held": "held back until somebody looks at them", "dropped": "dropped by a person",
        "too_many": "in too many captions", "too_few": "in too few captions",
    }  # fmt: skip
    found: Mapping[str, int] = counts["matches"]["tags"]
    denied = counts["matches"]["denied"]
    rows = [(told[name], f"{number:,}") for name, number in found.items()]
    return (
        _table(("Tags of the bank", "Number"), rows)
        + f"\nTags that a caption denies, as in “not by”: {denied:,}.\n"
    )


def _copies(counts: Counts) -> str:
    copies = counts["copies"]
    threshold = copies["threshold"]
    learnt = ""
    if threshold["learnt"]:
        found = ", ".join(f"{kind} {100 * share:.1f} %" for kind, share in threshold["found"].items())
        learnt = f" The threshold was learnt from copies made of {threshold['sample']:,} images of the set; of these it finds: {found}."
    return (
        f"{copies['exact']:,} rows had the very same file as another. Among the rest, {copies['groups']:,} groups of copies were"
        f" found by `{copies['copier'][:20]}` from a score of {threshold['value']:.3f} on, and {copies['merged']:,} images merged into"
        f" the one of the best resolution, with the tags of all.{learnt} Likeness of style alone merges nothing.\n"
    )


def _splits(counts: Counts) -> str:
    splits = counts["splits"]
    names = {
        "side": "queries and database",
        "by_artist": "no artist in both",
        "by_content": "no content in both",
    }
    rows = [
        (
            name.replace("_", " "),
            meaning,
            ", ".join(f"{part} {number:,}" for part, number in splits[name].items()),
        )
        for name, meaning in names.items()
    ]
    return (
        _table(("Split", "What it is", "Images"), rows)
        + "\nNo group of copies is on both sides of any of them.\n"
    )


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *([_plain(cell) for cell in row] for row in rows)]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def _plain(text: str) -> str:
    """Return a text that means nothing to Markdown: names come from strangers."""
    tidy = " ".join(text.split())
    return (
        re.sub(r"([\\`*_{}\[\]<>|#!])", lambda sign: f"\\{sign[1]}", tidy)
        if re.search(r"[\\`*\[\]<>|#!]", tidy)
        else tidy
    )


def check(text: str, images: int) -> None:
    """Check a card: every section is there, and its numbers are those of the export.

    Raises
    ------
    InputError
        ``data_card``.
    """
    found = re.findall(r"^## (.+)$", text, re.MULTILINE)
    missing = [heading for heading in HEADINGS if heading not in found]
    stated = re.search(r"^images: (\d+)$", text, re.MULTILINE)
    if missing or stated is None or int(stated[1]) != images:
        what = f"has no section {missing[0]!r}" if missing else f"does not speak of {images:,} images"
        raise InputError(f"The data card {what}.", hint="Export again.", code="data_card")


def license_rows(images: Sequence[Mapping[str, Any]]) -> list[tuple[str, str, int]]:
    """Return the rights statements of some images with their class and number, the most frequent first."""
    found: dict[tuple[str, str], int] = {}
    for image in images:
        place = (image["license"] or UNSTATED, image["reuse"] or "unknown")
        found[place] = found.get(place, 0) + 1
    return sorted(((*place, number) for place, number in found.items()), key=lambda row: (-row[2], row[0]))
