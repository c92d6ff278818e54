"""``stylesearch curate``: from captions to a deduplicated, style-tagged set."""

from __future__ import annotations

import getpass
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import click
from rich.table import Table

from stylesearch.catalog.database import open_database
from stylesearch.cli.ingest_table import column_options
from stylesearch.cli.progress import Bar, console, errors, progress_bar
from stylesearch.curation.folder import STAGES, RunFolder
from stylesearch.curation.recipe import (
    FIRST_WORKS,
    LARGEST_SHARE,
    MOST,
    QUERY_SHARE,
    SHARD_IMAGES,
    SPLITS,
    Condition,
    Recipe,
    Source,
    TagFile,
)
from stylesearch.curation.stage import PART_ROWS, Run
from stylesearch.curation.tags import HOLDING, KINDS
from stylesearch.images.store import open_store
from stylesearch.settings import get_settings

_WORDS = {
    "tags": "Tags",
    "matches": "Matching",
    "images": "Fetching",
    "copies": "Deduplication",
    "splits": "Splits",
    "export": "Export",
}
_file = click.Path(path_type=Path, dir_okay=False)
_folder = click.Path(path_type=Path, file_okay=False)
_options = (
    click.option("--name", required=True, help="Slug that the set is known by; letters, digits, hyphens."),
    click.option("--collection", metavar="SLUG", help="Take the works of a collection."),
    click.option("--table", type=_file, help="Take the rows of a CSV, JSON Lines or Parquet file."),
    click.option("--shards", type=click.Path(path_type=Path), help="Take webdataset shards: a tar file, or a folder."),
    click.option("--into", metavar="SLUG", help="Collection that images of a table or of shards go into."),
    click.option("--license", "default_license", help="Rights of images whose own metadata states none."),
    click.option(
        "--map", "pairs", multiple=True, metavar="FIELD=COLUMN",
        help="Column of a table that holds a field, as for 'ingest table'; also content=COLUMN.",
    ),
    click.option("--images", type=_folder, help="Folder that paths in a table are relative to."),
    click.option("--delimiter", metavar="SIGN", help="Sign between a CSV's fields."),
    click.option(
        "--caption", "captions", multiple=True, metavar="COLUMN",
        help="What tags are looked for in; may be repeated. Of a collection, fields of its works. Default: title,"
        " description and keywords.",
    ),
    click.option(
        "--where", "conditions", multiple=True, metavar="COLUMN>=NUMBER",
        help="Take only what is within this bound, such as aesthetic>=6; may be repeated.",
    ),
    *(
        click.option(f"--{kind}s", f"{kind}_lists", type=_file, multiple=True, help=f"List of {kind}s, one a line.")
        for kind in KINDS
    ),
    click.option(
        "--vocabulary", "vocabularies", multiple=True, metavar="FILE[:KIND]", help="Tags in JSON or SKOS; may be repeated."
    ),
    click.option(
        "--tags-of", "tag_collections", multiple=True, metavar="SLUG",
        help="Take the artists, mediums and movements of a collection for tags.",
    ),
    click.option(
        "--most", type=click.IntRange(1), default=MOST, show_default=True, help="Drop tags with more captions."
    ),
    click.option(
        "--fewest", type=click.IntRange(1), default=1, show_default=True, help="Drop tags with fewer captions."
    ),
    click.option(
        "--slips/--no-slips", default=True, show_default=True, help="Find long tags with a slip of one letter too."
    ),
    click.option("--copy-model", type=_file, help="TorchScript file of a copy descriptor, such as SSCD."),
    click.option(
        "--copy-threshold", type=click.FloatRange(-1, 1),
        help="Score from which on images are copies; default: 0.8 with a model, else learnt from made copies.",
    ),
    click.option(
        "--neighbours", type=click.Choice(["auto", "exact", "index"]), default="auto", show_default=True,
        help="Compare all images, or look up an index of the database; auto by their number.",
    ),
    click.option(
        "--largest-share", type=click.FloatRange(0, 1), default=LARGEST_SHARE, show_default=True,
        help="Stop if one group of copies has a larger share of the images.",
    ),
    click.option(
        "--split", type=click.Choice(SPLITS), default="random", show_default=True,
        help="Take queries by chance, or the first works of each artist.",
    ),
    click.option(
        "--query-share", type=click.FloatRange(0, 1, min_open=True, max_open=True), default=QUERY_SHARE, show_default=True,
        help="Share of queries, and of what is tested with.",
    ),
    click.option("--first-works", type=click.IntRange(1), default=FIRST_WORKS, show_default=True, help="How many are first."),
    click.option("--listed", type=_file, help="List of the artists whose first works are queries; default: all."),
    click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="Of all that is drawn."),
    click.option(
        "--reuse", multiple=True, type=click.Choice(["open", "restricted", "permission"]),
        help="Export only images of this class of reuse; may be repeated.",
    ),
    click.option(
        "--shard-images", type=click.IntRange(1), default=SHARD_IMAGES, show_default=True, help="Images in a shard."
    ),
)  # fmt: skip
_running = (
    click.option(
        "--until", type=click.Choice(STAGES), default=STAGES[-1], show_default=True, help="Last stage to carry out."
    ),
    click.option(
        "--part", "part_rows", type=click.IntRange(1), default=PART_ROWS, show_default=True, metavar="ROWS",
        help="Captions, and images, after which progress is kept.",
    ),
)  # fmt: skip


def _with(options: tuple[Callable[..., Any], ...]) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    def add(command: Callable[..., Any]) -> Callable[..., Any]:
        for option in reversed(options):
            command = option(command)
        return command

    return add


@click.group()
def curate() -> None:
    """Make a style-tagged set from captions, as LAION-Styles was made.

    A run keeps everything in a folder of its own: the recipe, and for each stage a Parquet file and what it counted. Given
    again, it goes on where it was interrupted, and does anew only what has changed.
    """


@curate.command(name="run")
@click.argument("folder", type=_folder)
@_with(_options)
@_with(_running)
def run_(folder: Path, until: str, part_rows: int, **options: Any) -> None:
    """Make a set in FOLDER: tags, matches, images, copies, splits, export.

    \b
    stylesearch curate run ink --name ink --collection prints --artists artists.txt
    stylesearch curate run web --name web --table captions.parquet --into web --artists artists.txt --where 'aesthetic>=6'
    """  # noqa: D301
    recipe = recipe_of(options)
    opened = RunFolder(folder)
    opened.keep_recipe(recipe)
    _carry_out(opened, recipe, until, part_rows)


@curate.command()
@click.argument("folder", type=_folder)
@_with(_running)
def resume(folder: Path, until: str, part_rows: int) -> None:
    """Go on with the run in FOLDER, or run it again with what was said of its tags and copies since."""
    opened = _existing(folder)
    _carry_out(opened, opened.recipe(), until, part_rows)


@curate.command()
@click.argument("folder", type=_folder)
def status(folder: Path) -> None:
    """Show what the run in FOLDER has done, and what it counted."""
    opened = _existing(folder)
    opened.recipe()
    for stage in STAGES:
        done = opened.done(stage)
        if done is None:
            click.echo(f"{_WORDS[stage]}: not done")
        else:
            say(stage, done.counts)


@curate.command()
@click.argument("folder", type=_folder)
def check(folder: Path) -> None:
    """Check the export in FOLDER: no leak between splits, counts that add up, files and metadata that agree."""
    from stylesearch.curation.exporting import check_export

    opened = _existing(folder)
    settings = get_settings()
    check_export(
        Run(opened, opened.recipe(), open_database(settings), open_store(settings), settings, lambda *_: None)
    )
    click.echo("no leaks; the card and the metadata hold")


@curate.command()
@click.argument("name")
@click.option("--all", "everything", is_flag=True, help="List all tags, not only those to look at.")
def tags(name: str, everything: bool) -> None:
    """List the tags of the set NAME that somebody should look at."""
    from stylesearch.curation.reviewing import read_tags

    with open_database(get_settings()).session() as session:
        rows = read_tags(session, name, which="all" if everything else "open")
    table = Table("Kind", "Tag", "Captions", "Images", "Outcome", "Why", "Verdict")
    for row in rows:
        why = ", ".join([*row.flags, *(f"like {one}" for one in row.near)])
        verdict = f"{row.verdict or ''}{f' to {row.join_key}' if row.join_key else ''}"
        table.add_row(row.kind, row.name, f"{row.captions:,}", f"{row.images:,}", row.outcome, why, verdict)
    console.print(table if rows else "there is nothing to look at")


@curate.command()
@click.argument("name")
@click.argument("kind", type=click.Choice(KINDS))
@click.argument("tag")
@click.option("--keep", "verdict", flag_value="keep", help="Use it.")
@click.option("--drop", "verdict", flag_value="drop", help="Do not use it.")
@click.option("--same-as", metavar="TAG", help="It is another spelling of this one.")
@click.option("--undecided", "verdict", flag_value="undecided", help="Take back what was said.")
def decide(name: str, kind: str, tag: str, verdict: str | None, same_as: str | None) -> None:
    """Say what is to become of a TAG of the set NAME; 'curate resume' applies it."""
    from stylesearch.curation.folding import fold
    from stylesearch.curation.verdicts import decide_tag

    if (verdict is None) == (same_as is None):
        raise click.UsageError("Say --keep, --drop, --same-as TAG or --undecided.")
    meant = "join" if same_as else None if verdict == "undecided" else verdict
    with open_database(get_settings()).session() as session:
        decide_tag(
            session,
            name,
            kind,
            fold(tag),
            meant,
            by=getpass.getuser(),
            join_key=fold(same_as) if same_as else None,
        )
    click.echo("noted; 'stylesearch curate resume FOLDER' applies it")


@curate.command()
@click.argument("name")
def copies(name: str) -> None:
    """List the groups of copies of the set NAME that nobody has judged."""
    from stylesearch.curation.reviewing import read_groups

    with open_database(get_settings()).session() as session:
        groups, _ = read_groups(session, name, which="open", limit=1000)
    table = Table("Group", "Image", "Work", "Score")
    for group in groups:
        low_and_high = sorted({min(group.scores), max(group.scores)}) if group.scores else []
        scores = " to ".join(f"{score:.3f}" for score in low_and_high)
        for member in group.members:
            table.add_row(str(group.number), member.sha256[:12], member.title or member.source_id, scores)
        table.add_section()
    console.print(table if groups else "there is nothing to judge")


@curate.command()
@click.argument("name")
@click.argument("group", type=click.IntRange(0))
@click.option("--same", "verdict", flag_value="same", help="They show the same picture.")
@click.option("--different", "verdict", flag_value="different", help="They only look alike.")
@click.option("--undecided", "verdict", flag_value="undecided", help="Take back what was said.")
def mark(name: str, group: int, verdict: str | None) -> None:
    """Say of a GROUP of copies of the set NAME whether they are the same; 'curate resume' applies it."""
    from stylesearch.curation.verdicts import decide_copies

    if verdict is None:
        raise click.UsageError("Say --same, --different or --undecided.")
    with open_database(get_settings()).session() as session:
        number = decide_copies(
            session, name, group, None if verdict == "undecided" else verdict, by=getpass.getuser()
        )
    click.echo(f"{number} pairs noted; 'stylesearch curate resume FOLDER' applies it")


def recipe_of(options: Mapping[str, Any]) -> Recipe:
    """Return the recipe that a call's options describe.

    Raises
    ------
    click.UsageError
        If they do not fit together.
    InputError
        If a value cannot be used.
    """
    named = [kind for kind in ("collection", "table", "shards") if options[kind]]
    if len(named) != 1:
        raise click.UsageError("Give one of --collection, --table and --shards.")
    kind = named[0]
    if (kind == "collection") == bool(options["into"]):
        raise click.UsageError("--into SLUG goes with --table and --shards, and with them only.")
    if options["delimiter"] is not None and len(options["delimiter"]) != 1:
        raise click.UsageError("--delimiter takes a single sign.")
    files = [
        TagFile(str(path.absolute()), "list", one) for one in KINDS for path in options[f"{one}_lists"]
    ] + [_vocabulary(given) for given in options["vocabularies"]]
    if not files and not options["tag_collections"]:
        raise click.UsageError("Give tags: --artists, --mediums, --movements, --vocabulary or --tags-of.")
    place = options[kind]
    source = Source(
        kind,
        place if kind == "collection" else str(place.absolute()),
        columns=column_options(options["pairs"]),
        captions=tuple(options["captions"]),
        images=str(options["images"].absolute()) if options["images"] else None,
        delimiter=options["delimiter"],
    )
    same = (
        "name", "into", "default_license", "tag_collections", "most", "fewest", "slips", "copy_threshold", "neighbours",
        "largest_share", "split", "query_share", "first_works", "seed", "reuse", "shard_images",
    )  # fmt: skip
    return Recipe(
        source=source,
        tag_files=tuple(files),
        conditions=tuple(map(Condition.parse, options["conditions"])),
        copy_model=_absolute(options["copy_model"]),
        listed=_absolute(options["listed"]),
        **{name: options[name] for name in same},
    )


def _absolute(path: Path | None) -> str | None:
    return str(path.absolute()) if path else None


def _vocabulary(given: str) -> TagFile:
    path, sign, kind = given.rpartition(":")
    if sign and kind in KINDS:
        return TagFile(str(Path(path).absolute()), "vocabulary", kind)
    return TagFile(str(Path(given).absolute()), "vocabulary")


def _existing(folder: Path) -> RunFolder:
    if not folder.is_dir():
        raise click.UsageError(f"There is no folder {folder}.")
    return RunFolder(folder)


def _carry_out(folder: RunFolder, recipe: Recipe, until: str, part_rows: int) -> None:
    from stylesearch.curation.pipeline import carry_out

    settings = get_settings()
    with folder.held(), ExitStack() as stack:
        shown = _Shown(stack)
        run = Run(folder, recipe, open_database(settings), open_store(settings), settings, shown, part_rows)
        for result in carry_out(run, until=until):
            stack.close()
            say(result.stage, result.counts, note="" if result.fresh else " (as before)")
    if until == STAGES[-1]:
        click.echo(f"exported to {folder.path / 'export'}")
        done = folder.done("tags")
        waiting = done.counts["outcomes"].get("held", 0) if done is not None else 0
        if waiting:
            errors.print(
                f"{waiting} tags are held back; 'stylesearch curate tags {recipe.name}' lists them.",
                highlight=False,
            )


class _Shown:
    """Progress of one piece of work after the other, each with a bar of its own."""

    def __init__(self, stack: ExitStack) -> None:
        self._stack = stack
        self._what = ""
        self._bar: Bar | None = None

    def __call__(self, done: int, total: int, what: str) -> None:
        """Show that ``done`` of ``total`` are done."""
        if what != self._what or self._bar is None:
            self._stack.close()
            self._what, self._bar = what, self._stack.enter_context(progress_bar(what.capitalize(), ""))
        self._bar(done, total)


def say(stage: str, counts: Mapping[str, Any], *, note: str = "") -> None:
    """Print what a stage counted, in a line, and causes below it."""
    lines = _LINES[stage](counts)
    click.echo(f"{_WORDS[stage]}: {lines[0]}{note}")
    for line in lines[1:]:
        click.echo(f"  {line}")


def _of_tags(counts: Mapping[str, Any]) -> list[str]:
    kinds = ", ".join(f"{number:,} {kind}s" for kind, number in counts["by_kind"].items())
    held = counts["outcomes"].get("held", 0)
    lines = [f"{counts['given']:,} given, {counts['tags']:,} tags: {kinds}"]
    left = {
        "empty": counts["empty"],
        "too long": counts["too_long"],
        "other spellings folded": counts["folded"],
    }
    lines += [f"{name}: {number:,}" for name, number in left.items() if number]
    flags = ", ".join(f"{name} {counts['flags'][name]:,}" for name in HOLDING if counts["flags"][name])
    if held:
        lines.append(f"held back: {held:,} ({flags})")
    if counts["near"]:
        lines.append(f"spelt like another: {counts['near']:,}")
    return lines


def _of_matches(counts: Mapping[str, Any]) -> list[str]:
    lines = [
        f"{counts['captions']:,} captions, {counts['matched']:,} with a tag that is used; {counts['tags_used']:,} tags"
    ]
    words = {
        "unreadable": "rows that cannot be read", "twice": "ids that came before", "unnamed": "rows without an id or an image",
        "unscored": "no number to be bounded", "out_of_bounds": "out of bounds", "empty": "empty captions", "cut": "captions cut",
        "marked": "captions with markup", "denied": "tags denied", "slipped": "tags found by a slip",
    }  # fmt: skip
    lines += [f"{word}: {counts[name]:,}" for name, word in words.items() if counts[name]]
    lines += [
        f"tags {name.replace('_', ' ')}: {number:,}"
        for name, number in counts["tags"].items()
        if name != "used"
    ]
    return lines


def _of_images(counts: Mapping[str, Any]) -> list[str]:
    lines = [
        f"{counts['found']:,} of {counts['wanted']:,} captions have an image, {counts['images']:,} files"
    ]
    return lines + [f"{cause}: {number:,}" for cause, number in counts["missing"].items()]


def _of_copies(counts: Mapping[str, Any]) -> list[str]:
    threshold = counts["threshold"]
    lines = [f"{counts['images']:,} files, {counts['merged']:,} merged, {counts['kept']:,} kept"]
    lines.append(
        f"threshold {threshold['value']:.3f}{' (learnt)' if threshold['learnt'] else ''}, {counts['groups']:,} groups,"
        f" the largest of {counts['largest_group']:,}"
    )
    words = {"exact": "the very same file", "blank": "nothing to be seen", "unreadable": "cannot be decoded"}
    return lines + [f"{word}: {counts[name]:,}" for name, word in words.items() if counts[name]]


def _of_splits(counts: Mapping[str, Any]) -> list[str]:
    return [
        "; ".join(
            f"{name} {', '.join(f'{part} {number:,}' for part, number in counts[name].items())}"
            for name in ("side", "by_artist", "by_content")
        )
    ]


def _of_export(counts: Mapping[str, Any]) -> list[str]:
    lines = [f"{counts['images']:,} images, {counts['tags']:,} tags, {counts['shards']:,} shards"]
    words = {"reserved": "reserved against training", "other_rights": "rights of another class"}
    return lines + [f"{word}: {counts[name]:,}" for name, word in words.items() if counts[name]]


_LINES: dict[str, Callable[[Mapping[str, Any]], list[str]]] = {
    "tags": _of_tags,
    "matches": _of_matches,
    "images": _of_images,
    "copies": _of_copies,
    "splits": _of_splits,
    "export": _of_export,
}
