"""The command ``stylesearch``: finds its commands, and turns errors into one line and an exit code."""

from __future__ import annotations

import importlib
import os
import sys
from importlib.metadata import entry_points
from typing import NoReturn

import click

import stylesearch
from stylesearch.errors import StylesearchError

EXIT_ERROR = 1
EXIT_USAGE = 2
EXIT_INTERRUPTED = 130

# Commands of the library: module and one line for the list. A module is imported only when its command is used.
COMMANDS = {
    "calibrate": ("stylesearch.cli.calibrate", "Learn what a score against an artist is worth here."),
    "collections": ("stylesearch.cli.collections", "List collections, and say who may see them."),
    "curate": ("stylesearch.cli.curate", "Make a style-tagged set from captions, without its copies."),
    "db": ("stylesearch.cli.db", "Upgrade, check, back up and restore the catalogue's database."),
    "demo": ("stylesearch.cli.demo", "Take in a collection, search it, report on it and serve it."),
    "doctor": ("stylesearch.cli.doctor", "Look at this installation and say what to do about each problem."),
    "encode": ("stylesearch.cli.encode", "Describe image files and write the descriptors to a file."),
    "encoders": ("stylesearch.cli.encoders", "List encoders, and add CSD checkpoints and open_clip models."),
    "evaluate": ("stylesearch.cli.evaluate", "Measure how well descriptors find style."),
    "explain": ("stylesearch.cli.explain", "Show why two images are near in style, or far."),
    "index": (
        "stylesearch.cli.index",
        "Build the index that makes large galleries quick, and look after it.",
    ),
    "ingest": ("stylesearch.cli.ingest", "Take works in, follow runs, and look at what went wrong."),
    "map": ("stylesearch.cli.map", "Draw the style map of a gallery."),
    "report": ("stylesearch.cli.report", "Report on whose style an image resembles, and under what rights."),
    "search": ("stylesearch.cli.search", "Find works near an image in style."),
    "services": ("stylesearch.cli.services", "Start and stop the local PostgreSQL and Valkey."),
    "shards": ("stylesearch.cli.shards", "Split galleries over several PostgreSQL servers."),
    "settings": ("stylesearch.cli.settings", "List every setting with its value."),
    "study": ("stylesearch.cli.study", "Examine what a generative model makes for artists' names."),
    "tokens": ("stylesearch.cli.tokens", "Make and revoke the tokens with which programs use the API."),
    "train": ("stylesearch.cli.train", "Train a style descriptor on your own tagged pictures."),
    "train-lite": ("stylesearch.cli.train_lite", "Make the weights of the encoder lite anew."),
    "users": ("stylesearch.cli.users", "Add users, and say what they may do."),
}
PLUGGED_IN = {
    "serve": "Serve the portal.",
    "workers": "Run the workers that take collections in.",
}


class Commands(click.Group):
    """The commands of the library and of the packages that plug into it."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        return sorted([*COMMANDS, *PLUGGED_IN])

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        if cmd_name in COMMANDS:
            module = importlib.import_module(COMMANDS[cmd_name][0])
            command = getattr(module, cmd_name.replace("-", "_"))
            assert isinstance(command, click.Command)
            return command
        for point in entry_points(group="stylesearch.commands", name=cmd_name):
            command = point.load()
            assert isinstance(command, click.Command)
            return command
        return None

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        lines = {name: line for name, (_, line) in COMMANDS.items()} | PLUGGED_IN
        with formatter.section("Commands"):
            formatter.write_dl(sorted(lines.items()))


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(stylesearch.__version__, prog_name="stylesearch")
@click.option("--debug", is_flag=True, help="Show the traceback of an error.")
def cli(debug: bool) -> None:
    """Find works of an archive by their style, filtered by artist, rights and date.

    Settings are read from the environment (STYLESEARCH_...) and from a file; see 'stylesearch settings'.
    """


def main(arguments: list[str] | None = None) -> NoReturn:
    """Run a command and exit: 0 when all went well, 1 on an error, 2 on a mistake in the call."""
    arguments = sys.argv[1:] if arguments is None else arguments
    debug = "--debug" in arguments
    try:
        cli.main(arguments, prog_name="stylesearch", standalone_mode=False)
    except StylesearchError as error:
        _fail(str(error), EXIT_ERROR, error, debug=debug)
    except click.UsageError as error:
        command = error.ctx.command_path if error.ctx else "stylesearch"
        _fail(f"{error.format_message()} See '{command} --help'.", EXIT_USAGE, error, debug=debug)
    except click.ClickException as error:
        _fail(error.format_message(), EXIT_ERROR, error, debug=debug)
    except (click.Abort, KeyboardInterrupt):
        click.echo("interrupted", err=True)
        sys.exit(EXIT_INTERRUPTED)
    except BrokenPipeError:  # the reader of our output has gone, as "| head" does
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(EXIT_ERROR)
    except OSError as error:
        what = f"{error.filename}: {error.strerror}" if error.filename else str(error)
        _fail(f"{what}.", EXIT_ERROR, error, debug=debug)
    except Exception as error:  # noqa: BLE001 - the last net: a person gets a line, --debug the rest
        _fail(
            f"Something unexpected happened ({type(error).__name__}: {_first_line(error)}). Run it again with --debug for more.",
            EXIT_ERROR,
            error,
            debug=debug,
        )
    sys.exit(0)


def _fail(message: str, code: int, error: Exception, *, debug: bool) -> NoReturn:
    if debug:
        raise error
    click.echo(f"error: {' '.join(message.split())}", err=True)
    if isinstance(error, StylesearchError) and error.detail:
        click.echo(error.detail, err=True)
    sys.exit(code)


def _first_line(error: Exception) -> str:
    return next(iter(str(error).splitlines()), "")
