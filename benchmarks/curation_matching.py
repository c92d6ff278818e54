"""How fast are tags found in captions? 5,600 tags in 1,000,000 captions, against a loop of regular expressions in the same run.

    python benchmarks/curation_matching.py

Tags and captions are made by code from a seed: names of two and three words made of syllables, mediums and movements of one to
three, with aliases; captions of 4 to 20 words, a third of them with a tag or two, some accents, markup and denials. Ours is
what `stylesearch curate` runs: reading a Parquet file batch by batch, taking markup out, folding, searching for all spellings
and slips at once, and looking for denials, in one process. Writing what was found is in it; merging the parts is not.

The loop of regular expressions is what a notebook does: for each tag a compiled pattern with word boundaries, without regard
to case, searched for in each caption. It finds no other spellings and no slips, and knows no denials. A million captions would
take it days, so it is given a sample, and the time is scaled up; both rates are of the same machine in the same run. The
paper's own way, one "in" a tag, is measured likewise: it has no word boundaries.

Peak memory is that of the process that matches, as the operating system counts it, with the automaton, a batch and its
results. The table is written to benchmarks/results/curation_matching.
"""

import argparse
import multiprocessing
import random
import re
import resource
import tempfile
import time
from pathlib import Path

from record import RESULTS, table, write

from stylesearch.curation.captions import TableCaptions
from stylesearch.curation.matcher import Matcher
from stylesearch.curation.recipe import Source
from stylesearch.curation.spellings import spellings
from stylesearch.curation.tags import Entry, build_bank

NAME = "curation_matching"
TAGS, CAPTIONS, SAMPLE = 5600, 1_000_000, 300
BATCH = 20_000
SEED = 8
_SYLLABLES = [
    "al",
    "an",
    "ar",
    "bel",
    "ber",
    "bo",
    "bra",
    "ca",
    "cé",
    "chi",
    "da",
    "de",
    "del",
    "di",
    "dor",
    "el",
    "en",
    "er",
    "fa",
    "fe",
    "ga",
    "ger",
    "gi",
    "ha",
    "her",
    "hu",
    "in",
    "ja",
    "jo",
    "ka",
    "kle",
    "la",
    "le",
    "li",
    "lo",
    "lu",
    "ma",
    "man",
    "me",
    "mi",
    "mo",
    "na",
    "ne",
    "ni",
    "no",
    "o",
    "os",
    "pa",
    "pe",
    "pi",
    "po",
    "ra",
    "re",
    "ri",
    "ro",
    "sa",
    "sch",
    "se",
    "si",
    "so",
    "ta",
    "te",
    "ti",
    "to",
    "tur",
    "u",
    "va",
    "ver",
    "vi",
    "vo",
    "wa",
    "we",
    "wi",
    "zo",
]
_PLAIN = [
    "a",
    "the",
    "of",
    "in",
    "on",
    "with",
    "by",
    "at",
    "from",
    "and",
    "view",
    "portrait",
    "landscape",
    "sea",
    "house",
    "tree",
    "man",
    "woman",
    "child",
    "street",
    "bridge",
    "night",
]


def word(dice: random.Random, least: int = 2, most: int = 4) -> str:
    return "".join(dice.choice(_SYLLABLES) for _ in range(dice.randint(least, most)))


def make_tags(dice: random.Random) -> list[Entry]:
    """Return entries whose names differ when they are folded: four fifths of them artists."""
    found: dict[str, Entry] = {}
    while len(found) < TAGS:
        artist = len(found) % 5 != 0
        words = [word(dice) for _ in range(dice.choice((2, 2, 3)) if artist else dice.choice((1, 2, 3)))]
        name = " ".join(words).title() if artist else " ".join(words)
        kind = "artist" if artist else "medium" if len(found) % 2 else "movement"
        aliases = (words[-1].title() + ", " + " ".join(words[:-1]).title(),) if artist else ()
        found.setdefault(spellings(name)[0], Entry(kind, name, aliases))
    return list(found.values())


def make_captions(dice: random.Random, entries: list[Entry], count: int) -> list[str]:
    vocabulary = [*_PLAIN * 20, *(word(dice) for _ in range(20_000))]
    found = []
    for _ in range(count):
        words = [dice.choice(vocabulary) for _ in range(dice.randint(4, 20))]
        for _ in range(dice.choice((0, 0, 0, 0, 1, 2))):
            name = dice.choice(entries).name
            words.insert(dice.randrange(len(words) + 1), f"not by {name}" if dice.random() < 0.03 else name)
        text = " ".join(words)
        found.append(f"<p>{text}</p>" if dice.random() < 0.02 else text)
    return found


def ours(path: Path, entries: list[Entry], answer) -> None:
    """Match all captions in a process of its own, so that its memory is that of nothing else."""
    began = time.perf_counter()
    matcher = Matcher(build_bank(entries).tags)
    built = time.perf_counter() - began
    source = TableCaptions(Source("table", str(path), captions=("caption",)), ())
    began = time.perf_counter()
    found = captions = 0
    for batch in source.batches(BATCH):
        found += sum(map(len, matcher.find(batch.texts).tags))
        captions += len(batch.texts)
    seconds = time.perf_counter() - began
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    answer.put((built, seconds, captions, found, matcher.patterns, peak))


def by_expressions(captions: list[str], entries: list[Entry]) -> tuple[float, int]:
    patterns = [re.compile(rf"\b{re.escape(entry.name)}\b", re.IGNORECASE) for entry in entries]
    began = time.perf_counter()
    found = sum(pattern.search(caption) is not None for caption in captions for pattern in patterns)
    return time.perf_counter() - began, found


def by_substrings(captions: list[str], entries: list[Entry]) -> tuple[float, int]:
    names = [entry.name.lower() for entry in entries]
    began = time.perf_counter()
    found = 0
    for caption in captions:
        low = caption.lower()
        found += sum(name in low for name in names)
    return time.perf_counter() - began, found


def main() -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=Path, default=RESULTS / NAME)
    parser.add_argument("--limit", type=int, help="captions to match, to try it out")
    options = parser.parse_args()
    count = options.limit or CAPTIONS
    dice = random.Random(SEED)
    entries = make_tags(dice)
    captions = make_captions(dice, entries, count)
    sample = captions[:SAMPLE]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "captions.parquet")
        ids = [f"{number}" for number in range(count)]
        pq.write_table(
            pa.table({"id": ids, "image": [f"{one}.jpg" for one in ids], "caption": captions}), path
        )
        context = multiprocessing.get_context("spawn")
        answer = context.Queue()
        process = context.Process(target=ours, args=(path, entries, answer))
        process.start()
        built, seconds, matched, found, patterns, peak = answer.get()
        process.join()
    expressions, expressions_found = by_expressions(sample, entries)
    substrings, substrings_found = by_substrings(sample, entries)
    report(
        options.out,
        {
            "tags": len(entries),
            "patterns": patterns,
            "captions": matched,
            "found": found,
            "build_seconds": built,
            "seconds": seconds,
            "rate": matched / seconds,
            "peak_bytes": peak,
            "expressions": {"captions": len(sample), "seconds": expressions, "rate": len(sample) / expressions, "found": expressions_found},
            "substrings": {"captions": len(sample), "seconds": substrings, "rate": len(sample) / substrings, "found": substrings_found},
        },
        options.limit,
    )  # fmt: skip


def report(out: Path, values: dict, limit: int | None) -> None:
    slow, plain = values["expressions"]["rate"], values["substrings"]["rate"]

    def line(name: str, captions: int, rate: float) -> tuple[str, ...]:
        return (name, f"{captions:,}", f"{rate:,.0f}", f"{60 * rate / 1e6:,.3f}", f"{rate / slow:,.1f}")

    rows = [
        line("stylesearch curate", values["captions"], values["rate"]),
        line("loop of regular expressions", values["expressions"]["captions"], slow),
        line("loop of substrings, as in the paper", values["substrings"]["captions"], plain),
    ]
    about = (
        f"{values['tags']:,} tags, {values['patterns']:,} spellings and slips, {values['captions']:,} captions, in one process;"
        f" {values['found']:,} tags found in {values['seconds']:.1f} s. Bank and automaton are built in"
        f" {values['build_seconds']:.1f} s. Peak memory of the process: {values['peak_bytes'] / 2**20:,.0f} MiB."
    )
    head = (
        "",
        "captions",
        "captions a second",
        "millions a minute",
        "times as fast as the regular expressions",
    )
    write(out, "Matching tags", [about, table(head, rows)], values, {}, limit=limit, limited="captions")


if __name__ == "__main__":
    main()
