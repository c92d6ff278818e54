"""Planted truth for curation: drawings made by code, captions whose tags are known, and copies that are known."""

import json
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
from PIL import Image, ImageDraw

from stylesearch.curation.components import components
from stylesearch.curation.made_copies import COPYINGS, made_copy

SIDE = 256
SYLLABLES = [
    "ba",
    "co",
    "du",
    "fe",
    "gi",
    "ho",
    "ka",
    "le",
    "mi",
    "no",
    "pa",
    "ro",
    "su",
    "te",
    "vi",
    "wa",
    "ze",
    "lor",
    "mon",
    "tan",
    "ver",
    "del",
    "gar",
    "bel",
    "rin",
    "sol",
]
NOISE = [
    "a",
    "picture",
    "of",
    "the",
    "old",
    "house",
    "by",
    "sea",
    "with",
    "two",
    "boats",
    "under",
    "clouds",
    "at",
    "night",
    "near",
    "some",
    "trees",
    "and",
    "hills",
    "in",
    "rain",
    "light",
]
DENIALS = ("not by {}", "unlike {}", "nicht von {}", "rather than by {}", "not in the style of {}")
FRAMES = (
    "{noise} by {tags}",
    "{tags}: {noise}",
    "{noise}, {tags}, {noise}",
    "<b>{noise}</b> {tags}",
    "{noise} ({tags})",
)
DENIED, SLIPPED, UNTAGGED = 0.06, 0.04, 0.05
REPLACED = 0.1
"""Of the slips: letters replaced by others, which nothing but a reader's eye finds."""


@dataclass
class Work:
    """A drawing, or a copy of one."""

    id: str
    path: str
    tags: set[str]
    caption: str = ""
    of: str | None = None
    kind: str | None = None


@dataclass
class Plan:
    """What was planted."""

    folder: Path
    table: Path
    lists: dict[str, Path]
    works: dict[str, Work] = field(default_factory=dict)


def plant(
    folder: Path,
    *,
    drawings: int,
    tags: int,
    copies: int,
    seed: int = 0,
    on_progress: Callable[[int, int], None] | None = None,
) -> Plan:
    """Draw pictures, write captions, make copies, and keep what is true of them.

    Parameters
    ----------
    drawings, copies:
        How many of each.
    tags:
        Three quarters of them artists, the rest mediums and movements.
    """
    dice = random.Random(seed)
    (folder / "pictures").mkdir(parents=True, exist_ok=True)
    named = make_tags(dice, tags)
    plan = Plan(folder, folder / "captions.jsonl", {})
    for kind, names in named.items():
        plan.lists[kind] = folder / f"{kind}s.txt"
        plan.lists[kind].write_text("\n".join(names), "utf-8")
    rows = []
    for number in range(drawings + copies):
        if number < drawings:
            work = Work(f"d{number:06d}", f"pictures/d{number:06d}.jpg", chosen(dice, named))
            artist = next(iter(sorted(one for one in work.tags if one.startswith("artist"))))
            draw(artist, number).save(folder / work.path, quality=90)
        else:
            kind = list(COPYINGS)[number % len(COPYINGS)]
            source = plan.works[f"d{dice.randrange(drawings):06d}"]
            # The copy's caption knows something else of the picture than the original's does.
            own = {f"medium: {dice.choice(named['medium'])}"} if dice.random() < 0.5 else set(source.tags)
            work = Work(f"e{number:06d}", f"pictures/e{number:06d}.jpg", own, of=source.id, kind=kind)
            with Image.open(folder / source.path) as picture:
                pixels = made_copy(
                    np.asarray(picture.convert("RGB")), kind, random.Random(f"{seed}/{number}")
                )
            Image.fromarray(pixels).save(folder / work.path, quality=dice.randint(70, 95))
        work.caption = caption(dice, work, named)
        plan.works[work.id] = work
        rows.append(
            {
                "id": work.id,
                "image": work.path,
                "caption": work.caption,
                "title": f"Subject {number % 97}",
                "image_license": "CC0-1.0",
            }
        )
        if on_progress is not None and number % 500 == 0:
            on_progress(number, drawings + copies)
    plan.table.write_text("\n".join(json.dumps(row, ensure_ascii=False) for row in rows), "utf-8")
    return plan


def make_tags(dice: random.Random, count: int) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {"artist": [], "medium": [], "movement": []}
    taken: set[str] = set()
    while sum(map(len, found.values())) < count:
        number = sum(map(len, found.values()))
        kind = "artist" if number % 4 else ("medium", "movement")[number // 4 % 2]
        words = ["".join(dice.choice(SYLLABLES) for _ in range(dice.randint(2, 3))) for _ in range(2)]
        if kind == "movement":
            words = [f"{words[0]}ism"]
        if taken.isdisjoint(words):
            taken |= set(words)
            found[kind].append(" ".join(words).title() if kind == "artist" else " ".join(words))
    return found


def chosen(dice: random.Random, named: dict[str, list[str]]) -> set[str]:
    tags = {f"artist: {dice.choice(named['artist'])}"}
    if dice.random() < 0.6:
        tags.add(f"medium: {dice.choice(named['medium'])}")
    if dice.random() < 0.4:
        tags.add(f"movement: {dice.choice(named['movement'])}")
    return tags


def caption(dice: random.Random, work: Work, named: dict[str, list[str]]) -> str:
    """Return a caption that names the tags of a work; where it names none, the work has none."""
    if work.of is None and dice.random() < UNTAGGED:
        work.tags = set()
    names = [
        slipped(dice, one.partition(": ")[2])
        if dice.random() < SLIPPED
        else cased(dice, one.partition(": ")[2])
        for one in sorted(work.tags)
    ]

    def noise() -> str:
        return " ".join(dice.choice(NOISE) for _ in range(dice.randint(3, 9)))

    text = dice.choice(FRAMES).format(noise=noise(), tags=", ".join(names))
    if dice.random() < DENIED:
        others = [name for name in named["artist"] if f"artist: {name}" not in work.tags]
        text += ". " + noise() + ", " + dice.choice(DENIALS).format(dice.choice(others))
    if dice.random() < 0.05:  # a word that holds a tag is not that tag
        text += " pre" + dice.choice(named["movement"]) + "ically"
    return text


def cased(dice: random.Random, name: str) -> str:
    return dice.choice((str, str, str.upper, str.lower, str.title))(name)


def slipped(dice: random.Random, name: str) -> str:
    places = [
        place
        for place in range(1, len(name) - 1)
        if name[place].isalpha() and name[place - 1].isalpha() and name[place + 1].isalpha()
    ]
    place = dice.choice(places)
    if dice.random() < REPLACED:
        return name[:place] + "q" + name[place + 1 :]
    return dice.choice(
        (
            name[:place] + name[place + 1 :],
            name[:place] + name[place] + name[place:],
            name[:place] + name[place + 1] + name[place] + name[place + 2 :],
        )
    )


def draw(artist: str, number: int) -> Image.Image:
    """Draw a picture in an artist's colours and shapes, of a composition of its own."""
    hand, dice = random.Random(artist), random.Random(f"{artist} {number}")
    palette = [tuple(hand.randrange(256) for _ in range(3)) for _ in range(5)]
    shapes = hand.sample(("ellipse", "box", "triangle", "line", "ring"), 3)
    picture = Image.new("RGB", (SIDE, dice.choice((SIDE, SIDE * 3 // 4))), palette[dice.randrange(2)])
    pen = ImageDraw.Draw(picture)
    width, height = picture.size
    for _ in range(dice.randint(7, 14)):
        x, y = dice.uniform(-0.1, 0.9) * width, dice.uniform(-0.1, 0.9) * height
        box = [x, y, x + dice.uniform(0.08, 0.5) * width, y + dice.uniform(0.08, 0.5) * height]
        colour = tuple(min(255, max(0, part + dice.randint(-25, 25))) for part in dice.choice(palette))
        shape = dice.choice(shapes)
        if shape == "ellipse":
            pen.ellipse(box, fill=colour)
        elif shape == "box":
            pen.rectangle(box, fill=colour)
        elif shape == "ring":
            pen.ellipse(box, outline=colour, width=dice.randint(3, 9))
        else:
            points = [
                (dice.uniform(0, width), dice.uniform(0, height))
                for _ in range(3 if shape == "triangle" else 2)
            ]
            if shape == "triangle":
                pen.polygon(points, fill=colour)
            else:
                pen.line(points, fill=colour, width=dice.randint(2, 8))
    return picture


def options(plan: Plan, *, into: str, name: str) -> list[str]:
    """Return how ``curate run`` is called on what was planted."""
    lists = [part for kind, path in plan.lists.items() for part in (f"--{kind}s", str(path))]
    return ["--name", name, "--table", str(plan.table), "--caption", "caption", "--into", into, *lists]


def measure(plan: Plan, run: Path) -> dict:
    """Return how what was found in a run compares with what was planted."""
    bank = pq.read_table(run / "1-tags.parquet").to_pylist()
    labels = [f"{row['kind']}: {row['name']}" for row in bank]
    found = {
        row["id"]: {labels[tag] for tag in row["tags"]}
        for row in pq.read_table(run / "2-matches.parquet").to_pylist()
    }
    right = sum(len(found.get(one.id, set()) & one.tags) for one in plan.works.values())
    given = sum(map(len, found.values()))
    wanted = sum(len(one.tags) for one in plan.works.values())
    return {
        "tags": {"precision": right / given, "recall": right / wanted, "found": given, "planted": wanted},
        **measure_copies(plan, run, found),
    }


def measure_copies(plan: Plan, run: Path, found: dict[str, set[str]]) -> dict:
    images = pq.read_table(run / "3-images.parquet").to_pylist()
    digest = {row["id"]: row["sha256"] for row in images}
    ids = list(digest)
    place = {one: number for number, one in enumerate(ids)}
    # Copies of one drawing are copies of each other.
    truth = components(
        len(ids),
        [
            (place[one.id], place[one.of])
            for one in plan.works.values()
            if one.of in place and one.id in place
        ],
    )
    group_of = {digest[one]: int(truth[place[one]]) for one in ids}
    pairs = pq.read_table(run / "4-copies-pairs.parquet").to_pylist()
    true = sum(group_of[pair["a"]] == group_of[pair["b"]] for pair in pairs)
    members = {
        row["sha256"]: row["component"] for row in pq.read_table(run / "4-copies-members.parquet").to_pylist()
    }
    by_kind: dict[str, list[bool]] = {}
    for one in plan.works.values():
        if one.of in digest and one.id in digest:
            by_kind.setdefault(str(one.kind), []).append(members[digest[one.id]] == members[digest[one.of]])
    together = [one for of_kind in by_kind.values() for one in of_kind]
    kept = pq.read_table(run / "4-copies.parquet").to_pylist()
    bank = [f"{row['kind']}: {row['name']}" for row in pq.read_table(run / "1-tags.parquet").to_pylist()]
    several = [row for row in kept if row["copies"]]
    merged = sum(
        {bank[tag] for tag in row["tags"]} == set().union(*(found[one] for one in row["ids"]))
        for row in several
    )
    sides = {row["sha256"]: row for row in pq.read_table(run / "5-splits.parquet").to_pylist()}
    across = 0
    for name in ("side", "by_artist", "by_content"):
        parts: dict[int, set[str]] = {}
        for sha256, row in sides.items():
            parts.setdefault(members[sha256], set()).add(row[name])
        across += sum(len(one) > 1 for one in parts.values())
    counts = json.loads((run / "4-copies.json").read_text())["counts"]
    return {
        "copies": {
            "recall": float(np.mean(together)) if together else 1.0,
            "precision": true / len(pairs) if pairs else 1.0,
            "by_kind": {kind: float(np.mean(one)) for kind, one in sorted(by_kind.items())},
            "planted": len(together),
            "pairs": len(pairs),
            "threshold": counts["threshold"],
        },
        "merged": {"groups": len(several), "right": merged},
        "across_splits": across,
    }
