"""``stylesearch settings``: every setting with its value."""

from __future__ import annotations

import click
from pydantic import SecretStr
from rich.table import Table

from stylesearch.cli.progress import console
from stylesearch.settings import ENV_PREFIX, Settings, config_file, get_settings


@click.command()
def settings() -> None:
    """List every setting with its value and what it means."""
    values = get_settings()
    table = Table("Variable", "Value", "Meaning", title=f"File: {config_file()}", title_justify="left")
    for name, field in Settings.model_fields.items():
        value = getattr(values, name)
        shown = "(set)" if isinstance(value, SecretStr) else "" if value is None else str(value)
        table.add_row(f"{ENV_PREFIX}{name.upper()}", shown, field.description or "")
    console.print(table)
