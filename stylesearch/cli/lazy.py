"""Groups of commands some of which have modules of their own, imported when they are used."""

from __future__ import annotations

import importlib
from typing import Any, ClassVar

import click

Elsewhere = dict[str, tuple[str, str]]
"""Name of a command to its module and its line in the list."""


class LazyGroup(click.Group):
    """A group with commands of its own and commands elsewhere, in sections of its list."""

    sections: ClassVar[dict[str, Elsewhere]] = {}
    """Title of a section to the commands elsewhere that it lists; those of the group's own are with the last."""

    @property
    def elsewhere(self) -> Elsewhere:
        """All commands that have a module of their own."""
        return {name: where for commands in self.sections.values() for name, where in commands.items()}

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted([*super().list_commands(ctx), *self.elsewhere])

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in self.elsewhere:
            return super().get_command(ctx, cmd_name)
        module: Any = importlib.import_module(self.elsewhere[cmd_name][0])
        command = getattr(module, cmd_name)
        assert isinstance(command, click.Command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        own = {name: command.get_short_help_str(80) for name, command in self.commands.items()}
        last = list(self.sections)[-1]
        for title, commands in self.sections.items():
            lines = {name: line for name, (_, line) in commands.items()} | (own if title == last else {})
            with formatter.section(title):
                formatter.write_dl(sorted(lines.items()))
