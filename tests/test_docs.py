"""The documentation says what the code does: every name in it is held against the code, and the other way round."""

import importlib.util
import json
import re
import shlex
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from types import ModuleType

import click
import jsonschema
import pytest

import stylesearch
from stylesearch.attribution.composing import NEAREST
from stylesearch.attribution.evidence import NEAR_COPY_BITS, ArtistEvidence
from stylesearch.attribution.keys import Signature, read_public_key
from stylesearch.attribution.report import ReportMaker
from stylesearch.attribution.schema import report_schema
from stylesearch.attribution.verifying import check_file, read_report_file
from stylesearch.catalog.artists import QUALIFIERS
from stylesearch.catalog.rights import REUSE_CLASSES
from stylesearch.cli.main import cli
from stylesearch.encoders import csd
from stylesearch.encoders.checkpoints import file_sha256
from stylesearch.encoders.lite import DIM, WEIGHTS
from stylesearch.encoders.lite_network import statistics_length
from stylesearch.encoders.preprocessing import MOST_TILES, POLICIES
from stylesearch.images.store import open_store
from stylesearch.ingest.metadata.table import PATH_COLUMNS, TEXT_COLUMNS, read_table
from stylesearch.search.conditions import FIELDS
from stylesearch.search.filters import conditions
from stylesearch.search.grammar import FilterSyntaxError, parse, write
from stylesearch.search.query import StyleQuery
from stylesearch.search.service import StyleSearch
from stylesearch.settings import ENV_PREFIX, Settings
from stylesearch.training.data.packages import TEST_PACKAGES, TRAINING_PACKAGES
from stylesearch.training.lite.head import CONTENT_WEIGHT, HIDDEN

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
PAGES = sorted([*ROOT.glob("*.md"), *DOCS.rglob("*.md")])
SOURCES = sorted(
    path for package in ("stylesearch", "workers", "web") for path in (ROOT / package).rglob("*.py")
)
VARIABLES = {f"{ENV_PREFIX}{name.upper()}" for name in Settings.model_fields} | {f"{ENV_PREFIX}CONFIG"}
ENDS_COMMAND = re.compile(r"^(\||\|\||&&|;|&|>|2>|#.*)$")
PLACEHOLDER = re.compile(r"\[?[A-Z][A-Z_/.-]*\]?(\.\.\.)?|…|\.\.\.")


def page_id(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def load_generator() -> ModuleType:
    spec = importlib.util.spec_from_file_location("docs_generate", DOCS / "generate.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


generator = load_generator()
COMMANDS = dict(generator.every_command())


# Generated pages


def test_generated_pages_are_fresh():
    assert [path.name for path in generator.stale(DOCS)] == [], "run 'python docs/generate.py'"


def test_a_stale_page_is_found_and_mended(tmp_path, capsys):
    assert generator.main(["--folder", str(tmp_path)]) == 0
    assert generator.main(["--folder", str(tmp_path), "--check"]) == 0
    page = tmp_path / "settings.md"
    page.write_text(page.read_text("utf-8").replace("STYLESEARCH_HOME", "STYLESEARCH_HOUSE"), "utf-8")
    assert generator.main(["--folder", str(tmp_path), "--check"]) == 1
    assert "settings.md is stale" in capsys.readouterr().err
    assert generator.main(["--folder", str(tmp_path)]) == 0
    assert "STYLESEARCH_HOUSE" not in page.read_text("utf-8")


@pytest.mark.parametrize("name", sorted(Settings.model_fields))
def test_every_setting_is_documented(name):
    assert Settings.model_fields[name].description
    assert f"| `{ENV_PREFIX}{name.upper()}` |" in (DOCS / "settings.md").read_text("utf-8")


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_every_command_and_option_is_documented(name):
    page = (DOCS / "commands.md").read_text("utf-8")
    heading = re.search(rf"^#+ `{name}`$(.*?)(?=^#+ `|\Z)", page, re.MULTILINE | re.DOTALL)
    assert heading is not None
    assert COMMANDS[name].help
    for option in COMMANDS[name].params:
        if isinstance(option, click.Option):
            assert option.help, option.name
            assert all(f"`{flag}`" in heading[1] for flag in (*option.opts, *option.secondary_opts))


def test_every_command_that_is_listed_can_be_loaded():
    context = click.Context(cli)
    assert all(cli.get_command(context, name) for name in cli.list_commands(context))


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_help_texts_show_no_markup(name):
    # A raw docstring has the two characters where click wants one.
    assert "\\b" not in (COMMANDS[name].help or "")


# Results of benchmarks


@pytest.fixture
def results(tmp_path: Path) -> Path:
    folder = tmp_path / "results" / "speed"
    folder.mkdir(parents=True)
    table = "| | one | two \\| half |\n|---|---:|---:|\n| ours | 1 | 2 |\n| theirs | 3 | 4 |"
    (folder / "speed.md").write_text(f"# Speed\n\nIn seconds.\n\n{table}\n\n- A note.\n", "utf-8")
    return folder.parent


def test_results_are_taken_in_between_their_marks(results):
    page = "Before.\n\n<!-- results: speed -->\nold\n<!-- end -->\n\nAfter.\n"
    done = generator.filled(page, results)
    assert done.startswith("Before.\n\n<!-- results: speed -->\n\nIn seconds.\n\n| | one |")
    assert done.endswith("| theirs | 3 | 4 |\n\n- A note.\n\n<!-- end -->\n\nAfter.\n")
    assert generator.filled(done, results) == done


def test_columns_are_chosen_by_their_heads(results):
    done = generator.filled("<!-- results: speed; two \\| half -->\n<!-- end -->\n", results)
    told = ["In seconds.", "", "|  | two \\| half |", "| --- | ---: |", "| ours | 2 |", "| theirs | 4 |"]
    assert done.splitlines()[2:8] == told
    assert "note" not in done


@pytest.mark.parametrize("asked", ["speed; three", "weight"])
def test_results_that_are_not_there_are_named(results, asked):
    with pytest.raises(LookupError, match=r"three|weight"):
        generator.filled(f"<!-- results: {asked} -->\n<!-- end -->\n", results)


def test_a_page_with_old_results_is_stale(tmp_path, results):
    page = tmp_path / "page.md"
    page.write_text("<!-- results: speed -->\n| ours | 7 |\n<!-- end -->\n", "utf-8")
    assert page in generator.stale(tmp_path, results)
    page.write_text(generator.stale(tmp_path, results)[page], "utf-8")
    assert page not in generator.stale(tmp_path, results)
    assert "| ours | 1 | 2 |" in page.read_text("utf-8")


@pytest.mark.parametrize("folder", sorted(ROOT.glob("benchmarks/results/*/")), ids=page_id)
def test_results_are_of_a_benchmark_and_shown_somewhere(folder):
    assert (ROOT / "benchmarks" / f"{folder.name}.py").is_file()
    assert len(list(folder.glob("*.md"))) == 1
    shown = re.compile(rf"<!-- results: {folder.name}\b")
    assert any(shown.search(path.read_text("utf-8")) for path in PAGES)


@pytest.mark.parametrize(
    "path",
    sorted(ROOT.glob("benchmarks/results/**/*.md")) + sorted(ROOT.glob("benchmarks/results/**/*.json")),
)
def test_results_name_no_place_on_the_machine_they_were_made_on(path):
    assert re.findall(r"(?<![\w.:/*-])/\w+/\w+", path.read_text("utf-8")) == []


def weights_in(value: object) -> set[str]:
    """Return the digests of the weights of lite that a document of results names."""
    if isinstance(value, list):
        return set().union(*map(weights_in, value))
    if not isinstance(value, dict):
        return set()
    of_lite = value.get("slug", "lite") == "lite" and "weights_sha256" in value
    own = {str(value["weights_sha256"])} if of_lite else set()
    return own.union(*map(weights_in, value.values()))


@pytest.mark.parametrize("path", sorted(ROOT.glob("benchmarks/results/**/*.json")), ids=page_id)
def test_results_are_of_the_weights_that_are_shipped(path):
    without = {  # of these, lite measures nothing
        "curation_matching", "curation_planted", "hnsw_settings", "lite_data", "portal", "scale", "search", "search_shards",
    }  # fmt: skip
    expected = set() if path.stem in without else {file_sha256(WEIGHTS)}
    assert weights_in(json.loads(path.read_text("utf-8"))) == expected, "run 'make figures'"


@pytest.mark.parametrize("path", sorted(ROOT.glob("benchmarks/results/**/*.md")), ids=page_id)
def test_results_are_of_no_trial(path):
    assert "A trial, not the measurement" not in path.read_text("utf-8"), "run 'make figures'"


@pytest.mark.parametrize("path", sorted(ROOT.glob("benchmarks/results/lite_speed/*.json")), ids=page_id)
def test_the_contenders_for_speed_computed_the_same(path):
    results = json.loads(path.read_text("utf-8"))
    assert min(results["least_cosine"].values()) >= 0.999


def test_numbers_in_the_page_on_descriptors_are_those_of_the_code():
    page = (DOCS / "descriptors.md").read_text("utf-8")
    assert f"| `lite` | {DIM} |" in page
    assert f"{statistics_length():,} numbers" in page
    assert CONTENT_WEIGHT == 10
    assert "ten times more" in page
    assert f"{HIDDEN:,} hidden units" in page
    assert all(f"- `{policy}`: " in page for policy in POLICIES)
    assert MOST_TILES == 12
    assert "at\n  most twelve" in page
    assert all(f"| `{slug}` |" in page for slug in csd.slugs())


def test_every_package_is_named_in_the_model_card():
    card = (DOCS / "lite-model-card.md").read_text("utf-8")
    assert [name for name in (*TRAINING_PACKAGES, *TEST_PACKAGES) if f"`{name}`" not in card] == []


# Links


def slug(heading: str) -> str:
    """Return the anchor of a heading, as code hosts make it."""
    text = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading)
    return re.sub(r"[^\w\- ]", "", text.lower().strip()).replace(" ", "-")


def without_code(text: str) -> str:
    return re.sub(r"^( *)```.*?^\1```", "", text, flags=re.MULTILINE | re.DOTALL)


def links(path: Path) -> Iterator[str]:
    text = re.sub(r"`[^`\n]*`", "", without_code(path.read_text("utf-8")))
    yield from re.findall(r"\]\(\s*<?([^)\s>]+)", text)
    yield from re.findall(r'(?:src|href)="([^"]+)"', text)


@pytest.mark.parametrize("path", PAGES, ids=page_id)
def test_every_link_leads_somewhere(path):
    for link in links(path):
        if re.match(r"[a-z]+:", link):
            continue
        name, _, anchor = link.partition("#")
        target = (path.parent / name).resolve() if name else path
        assert target.exists(), link
        assert target.is_relative_to(ROOT), link
        if anchor and target.suffix == ".md":
            headings = re.findall(r"^#+ +(.*)$", without_code(target.read_text("utf-8")), re.MULTILINE)
            assert anchor in map(slug, headings), link


def test_every_page_is_reached_from_the_index():
    linked = {(DOCS / link.partition("#")[0]).resolve() for link in links(DOCS / "index.md")}
    missing = (
        {page_id(path) for path in DOCS.rglob("*.md")}
        - {page_id(path) for path in linked}
        - {"docs/index.md"}
    )
    assert missing == set()


# Commands and settings that are named


def resolve(words: list[str]) -> tuple[str, click.Command, list[str]]:
    """Return the command that some words name, and what is left of them."""
    name, rest = "stylesearch", words[1:]
    while rest and rest[0] in ("--debug", "-h", "--help", "--version"):
        rest = rest[1:]
    while rest and isinstance(COMMANDS[name], click.Group) and not rest[0].startswith("-"):
        if PLACEHOLDER.fullmatch(rest[0]):
            break
        default = getattr(COMMANDS[name], "default", None)
        if default is not None and f"{name} {rest[0]}" not in COMMANDS:
            return f"{name} {default}", COMMANDS[f"{name} {default}"], rest
        name = f"{name} {rest[0]}"
        assert name in COMMANDS, f"there is no command '{name}'"
        rest = rest[1:]
    return name, COMMANDS[name], rest


def check_command(words: list[str], *, whole: bool) -> None:
    """Fail where some words are no command with its options; a whole one must also be complete and well-formed."""
    name, command, rest = resolve(words)
    known = {flag for option in command.params for flag in (*option.opts, *option.secondary_opts)}
    for word in rest:
        if word.startswith("-") and word != "-":
            assert word.split("=")[0] in known | {"-h", "--help"}, f"'{name}' has no option {word}"
    if whole and not isinstance(command, click.Group) and not {"-h", "--help"} & set(rest):
        command.make_context(name, ["1" if PLACEHOLDER.fullmatch(word) else word for word in rest])


def commands_in_line(line: str) -> Iterator[list[str]]:
    """Yield the stylesearch calls of a shell line, also behind other programs."""
    try:
        words = shlex.split(line, comments=True)
    except ValueError:  # a quote that spans lines
        return
    for start, word in enumerate(words):
        if word == "stylesearch" or word.endswith("/stylesearch"):
            before = words[start - 1] if start else ""
            if before in ("cd", "useradd", "install", "clone") or before.startswith("-"):
                continue
            end = next((at for at in range(start, len(words)) if ENDS_COMMAND.match(words[at])), len(words))
            yield ["stylesearch", *words[start + 1 : end]]


def shell_lines(text: str) -> Iterator[str]:
    for kind, block in re.findall(r"^ *```(\w*)\n(.*?)^ *```", text, re.MULTILINE | re.DOTALL):
        if kind in ("sh", "bash", "shell", "console", ""):
            for line in block.replace("\\\n", " ").splitlines():
                yield line.strip().removeprefix("$ ")


@pytest.mark.parametrize("path", [path for path in PAGES if path.name != "commands.md"], ids=page_id)
def test_commands_in_blocks_can_be_run(path):
    for line in shell_lines(path.read_text("utf-8")):
        for words in commands_in_line(line):
            check_command(words, whole=True)


@pytest.mark.parametrize("path", PAGES, ids=page_id)
def test_commands_in_sentences_exist(path):
    for code in re.findall(r"`(stylesearch [a-z][^`\n]*)`", without_code(path.read_text("utf-8"))):
        check_command(shlex.split(code), whole=False)


@pytest.mark.parametrize("path", SOURCES, ids=page_id)
def test_commands_in_messages_exist(path):
    for code in re.findall(r"'(stylesearch [a-z][^'\n]*)'", path.read_text("utf-8")):
        check_command(code.split(), whole=False)


@pytest.mark.parametrize(
    "words", ["stylesearch serach", "stylesearch search a.png --artits X", "stylesearch ingest foldre x"]
)
def test_the_check_of_commands_can_fail(words):
    with pytest.raises(AssertionError):
        check_command(words.split(), whole=False)


def test_the_check_of_whole_commands_can_fail():
    with pytest.raises(click.MissingParameter):
        check_command(["stylesearch", "ingest", "folder", "scans"], whole=True)


@pytest.mark.parametrize("path", [*PAGES, *SOURCES], ids=page_id)
def test_named_settings_exist(path):
    for name in re.findall(rf"{ENV_PREFIX}[A-Z_]*[A-Z]", path.read_text("utf-8")):
        assert name in VARIABLES, name


# Codes


CODE = re.compile(r"""\b(?:code|error_code|denied)(?:: str)? ?= ?"([a-z_]+)\"""")


def codes_of(*packages: str) -> set[str]:
    found = {
        code
        for package in packages
        for path in (ROOT / package).rglob("*.py")
        for code in CODE.findall(path.read_text("utf-8"))
    }
    return found | ({"withdrawn"} if "stylesearch/ingest" in packages else set())


def documented_codes() -> list[str]:
    page = (DOCS / "ingest.md").read_text("utf-8")
    tables = page[page.index("## Quarantine") :]
    return re.findall(r"^\| `([a-z_]+)` \|", tables, re.MULTILINE)


def test_every_code_of_images_and_ingest_is_documented():
    codes = codes_of("stylesearch/images", "stylesearch/ingest", "stylesearch/encoders")
    assert {"image_truncated", "worker_lost", "store_not_readable"} <= codes
    assert codes - set(documented_codes()) == set()


def test_every_documented_code_exists():
    sources = "\n".join(path.read_text("utf-8") for path in SOURCES)
    assert [code for code in documented_codes() if f'"{code}"' not in sources] == []


def test_codes_are_documented_once_and_in_order():
    page = (DOCS / "ingest.md").read_text("utf-8")
    quarantine, stops = page[page.index("## Quarantine") :].split("## What stops a run")
    for part in (quarantine, stops):
        found = re.findall(r"^\| `([a-z_]+)` \|", part, re.MULTILINE)
        assert found == sorted(found)
    assert len(documented_codes()) == len(set(documented_codes()))


# Filters and queries


SEARCH_PAGE = (DOCS / "search.md").read_text("utf-8")
FILTER_LINES = [
    line
    for block in re.findall(r"^```filter\n(.*?)^```", SEARCH_PAGE, re.MULTILINE | re.DOTALL)
    for line in block.splitlines()
]


@pytest.mark.parametrize("line", FILTER_LINES)
def test_filters_in_the_page_on_searching_can_be_read(line):
    assert parse(write(parse(line))) == parse(line)


def test_the_page_on_searching_has_filters_of_every_field():
    table = SEARCH_PAGE[SEARCH_PAGE.index("| Written |") : SEARCH_PAGE.index("- What stands side by side")]
    assert set(re.findall(r"`([a-z-]+):`", table)) == set(FIELDS)
    used = {condition.field for line in FILTER_LINES for condition in conditions(parse(line))}
    assert {
        "artist",
        "reuse",
        "year",
        "medium",
        "text",
        "text-fr",
        "has",
        "ingested",
        "qualifier",
        "license",
    } <= used
    assert len(FILTER_LINES) >= 8


def test_the_error_in_the_page_on_searching_is_the_one_that_is_told():
    told, line, caret = re.search(r"^```\nerror: (.*)\n(.*)\n(.*)\n```", SEARCH_PAGE, re.MULTILINE).groups()
    with pytest.raises(FilterSyntaxError) as caught:
        parse(line)
    assert str(caught.value) == told
    assert caught.value.detail == f"{line}\n{caret}"


def test_the_query_in_the_page_on_searching_is_one():
    values = json.loads(re.search(r"^```json\n(.*?)^```", SEARCH_PAGE, re.MULTILINE | re.DOTALL)[1])
    query = StyleQuery.from_json(values)
    assert StyleQuery.from_json(query.to_json()) == query
    assert set(query.to_json()) == set(values) == {one.name for one in fields(StyleQuery)} - {"after"}


# Tables of columns and fields


def test_every_column_of_the_metadata_table_is_documented(tmp_path):
    page = (DOCS / "ingest.md").read_text("utf-8")
    table = page[page.index("### The CSV table") : page.index("### Rights")]
    first_cells = "".join(re.findall(r"^\|([^|]*)\|", table, re.MULTILINE))
    documented = re.findall(r"`([a-z_]+)`", first_cells)
    assert {*PATH_COLUMNS, *TEXT_COLUMNS} <= set(documented)
    # Whatever the reader does not know as a column of its own, it keeps as an extra one.
    columns = [name for name in documented if name not in PATH_COLUMNS]
    values = [
        {"year_from": "1880", "year_to": "1890", "qualifier": "after"}.get(name, "words") for name in columns
    ]
    path = tmp_path / "metadata.csv"
    path.write_text(f"path,{','.join(columns)}\na.png,{','.join(values)}\n")
    assert read_table(path)["a.png"].extra == {}


def test_every_qualifier_and_reuse_class_is_documented():
    page = (DOCS / "ingest.md").read_text("utf-8")
    assert ", ".join(QUALIFIERS) in page
    assert all(f"**{name}**" in page for name in REUSE_CLASSES)


def test_every_field_of_a_report_is_documented(archive):
    image = min(archive.folder.rglob("*.svg"))
    style_search = StyleSearch(archive.database, archive.settings)
    maker = ReportMaker(style_search, open_store(archive.settings))
    document = maker.make(image.read_bytes(), name=image.name).document
    page = (DOCS / "reports.md").read_text("utf-8")
    page = page[page.index("## The JSON fields") :]
    named = set(re.findall(r"`([a-z_0-9]+)`", page))
    fields = set(_properties(json.loads(report_schema()))) | {*ArtistEvidence.__slots__}
    # What a C2PA manifest says of one action, ingredient or problem has the names that C2PA gives it.
    fields -= {
        "action",
        "when",
        "software",
        "digital_source_type",
        "relationship",
        "code",
        "text",
        "document",
        "works",
    }
    assert fields - named == set()
    rows = re.findall(r"^\| (`[^|]*`) \|", page, re.MULTILINE)
    assert {name for row in rows for name in re.findall(r"`(\w+)`", row)} == set(document)


def _properties(schema: object) -> Iterator[str]:
    """Yield the name of every property that a JSON Schema speaks of."""
    if isinstance(schema, dict):
        for name, value in schema.items():
            if name == "properties":
                yield from value
            yield from _properties(value)
    elif isinstance(schema, list):
        for value in schema:
            yield from _properties(value)


def test_the_sample_report_holds():
    folder = DOCS / "samples"
    told = read_report_file((folder / "sample.report.json").read_bytes())
    signature = Signature.from_bytes((folder / "sample.report.sig").read_bytes())
    checks = check_file(told, signature, dict([read_public_key((folder / "key.txt").read_text("ascii"))]))
    assert {check.state for check in checks} == {"holds"}
    jsonschema.validate(json.loads(told.data), json.loads(report_schema()))
    assert told.document["answer"] in (folder / "sample.report.html").read_text("utf-8")


def test_numbers_in_the_page_on_reports_are_those_of_the_code():
    page = (DOCS / "reports.md").read_text("utf-8")
    assert f"at most {NEAR_COPY_BITS} of 64 bits" in page
    assert NEAREST == 20
    assert "up to twenty" in page


# Other


def test_the_changes_name_this_version():
    assert stylesearch.__version__ in (ROOT / "CHANGELOG.md").read_text("utf-8")


@pytest.mark.parametrize("path", PAGES, ids=page_id)
def test_tables_have_the_same_number_of_cells_in_each_line(path):
    for table in re.findall(r"(?:^\|.*\|$\n?)+", without_code(path.read_text("utf-8")), re.MULTILINE):
        widths = {len(re.findall(r"(?<!\\)\|", re.sub(r"`[^`]*`", "", line))) for line in table.splitlines()}
        assert len(widths) == 1, table
