"""A run's folder: its recipe, what each stage has done, and the tables that one stage leaves for the next."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stylesearch.curation.recipe import Recipe
from stylesearch.errors import InputError, NotFoundError
from stylesearch.files import written_whole
from stylesearch.local.locks import FileLock

if TYPE_CHECKING:
    import pyarrow as pa

STAGES = ("tags", "matches", "images", "copies", "splits", "export")
"""In their order; a stage's files begin with its number."""

ROW_GROUP = 100_000
RECIPE = "recipe.json"
LOCK = "lock"
_HALF_WRITTEN = re.compile(r"\..+\.[0-9a-f]{32}")  # see stylesearch.files.written_whole


@dataclass(frozen=True, slots=True)
class Done:
    """A stage that was carried out: what it depended on, and what it counted."""

    key: str
    counts: dict[str, Any]


class RunFolder:
    """The folder of a run. Every file in it appears whole or not at all.

    Parameters
    ----------
    path:
        Made if it is missing.

    Raises
    ------
    InputError
        ``not_writable``, if it cannot be made.
    """

    def __init__(self, path: Path) -> None:
        self.path = path.absolute()
        try:
            self.path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise InputError(
                f"{self.path} cannot be made: {error.strerror}.",
                hint="Name another folder.",
                code="not_writable",
            ) from None

    @contextmanager
    def held(self) -> Iterator[None]:
        """Keep other runs out of the folder for as long as the block lasts, and take away what a killed one left half-written.

        Raises
        ------
        InputError
            ``run_busy``, if another run holds it.
        """
        lock = FileLock(self.path / LOCK)
        try:
            if not lock.try_exclusive():
                raise InputError(
                    f"Another run is at work in {self.path}.", hint="Wait for it, or end it.", code="run_busy"
                )
            for path in self.path.rglob(".*"):
                if _HALF_WRITTEN.fullmatch(path.name):
                    path.unlink(missing_ok=True)
            yield
        finally:
            lock.release()

    def keep_recipe(self, recipe: Recipe) -> None:
        """Keep the recipe of a run; another name than before is refused.

        Raises
        ------
        InputError
            ``other_set``, if the folder is that of another set.
        """
        if (self.path / RECIPE).exists() and (before := self.recipe()).name != recipe.name:
            raise InputError(
                f"{self.path} is the folder of the set {before.name!r}.",
                hint="Name another folder, or the same set.",
                code="other_set",
            )
        self.write_json(RECIPE, recipe.to_json())

    def recipe(self) -> Recipe:
        """Return the recipe that was kept.

        Raises
        ------
        NotFoundError
            ``no_run``, if there is none.
        """
        values = self.read_json(RECIPE)
        if values is None:
            raise NotFoundError(
                f"{self.path} is no folder of a run.",
                hint="Begin one with 'stylesearch curate run'.",
                code="no_run",
            )
        return Recipe.from_json(values)

    def name(self, stage: str, what: str) -> str:
        """Return what a stage's file is called."""
        return f"{STAGES.index(stage) + 1}-{stage}{f'-{what}' if what else ''}"

    def done(self, stage: str) -> Done | None:
        """Return what a stage has done; ``None`` while it has not come to its end."""
        values = self.read_json(f"{self.name(stage, '')}.json")
        return None if values is None else Done(values["key"], values["counts"])

    def finish(self, stage: str, key: str, counts: Mapping[str, Any]) -> None:
        """Note that a stage has come to its end."""
        self.write_json(f"{self.name(stage, '')}.json", {"key": key, "counts": counts})

    def forget(self, stage: str) -> None:
        """Take away that a stage, and those after it, were done; their tables stay until they are written anew."""
        for one in STAGES[STAGES.index(stage) :]:
            (self.path / f"{self.name(one, '')}.json").unlink(missing_ok=True)

    def write_table(self, stage: str, what: str, table: pa.Table) -> Path:
        """Write a table of a stage; the same rows are the same bytes."""
        path = self.path / f"{self.name(stage, what)}.parquet"
        write_parquet(path, table)
        return path

    def table(self, stage: str, what: str = "") -> pa.Table:
        """Return a table that a stage has written.

        Raises
        ------
        NotFoundError
            ``stage_missing``, if it has not, or somebody has taken it away.
        """
        path = self.path / f"{self.name(stage, what)}.parquet"
        return read_parquet(path)

    def parts(self, stage: str, key: str) -> Parts:
        """Return the parts of a stage that is on its way; those that depended on something else go."""
        folder = self.path / f"{self.name(stage, 'parts')}"
        kept = folder / key[:16]
        if folder.is_dir():
            for other in folder.iterdir():
                if other != kept:
                    shutil.rmtree(other, ignore_errors=True)
        kept.mkdir(parents=True, exist_ok=True)
        return Parts(kept)

    def clear_parts(self, stage: str) -> None:
        """Take a stage's parts away."""
        shutil.rmtree(self.path / f"{self.name(stage, 'parts')}", ignore_errors=True)

    def read_json(self, name: str) -> Any:
        """Return what a JSON file holds; ``None`` if there is none.

        Raises
        ------
        InputError
            ``run_folder``, if it is damaged.
        """
        try:
            return json.loads((self.path / name).read_text("utf-8"))
        except FileNotFoundError:
            return None
        except (OSError, ValueError) as error:
            raise InputError(
                f"{self.path / name} cannot be read: {error}.",
                hint="Remove it and run again.",
                code="run_folder",
            ) from None

    def write_json(self, name: str, values: Any) -> None:
        """Write a JSON file."""
        text = json.dumps(values, ensure_ascii=False, indent=1, sort_keys=True, default=str)
        with written_whole(self.path / name) as file:
            file.write(f"{text}\n".encode())


class Parts:
    """The finished parts of a stage, by their numbers."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def has(self, number: int) -> bool:
        """Whether a part is finished."""
        return self._path(number).exists()

    def write(self, number: int, table: pa.Table) -> None:
        """Keep a part."""
        write_parquet(self._path(number), table)

    def __iter__(self) -> Iterator[pa.Table]:
        """Yield the parts in the order of their numbers."""
        for path in sorted(self.folder.glob("*.parquet")):
            yield read_parquet(path)

    def _path(self, number: int) -> Path:
        return self.folder / f"{number:08d}.parquet"


def write_parquet(path: Path, table: pa.Table) -> None:
    """Write a Parquet file whose bytes depend on the rows alone.

    Raises
    ------
    InputError
        ``not_writable``.
    """
    import pyarrow.parquet as pq

    try:
        with written_whole(path) as file:
            pq.write_table(table, file, compression="zstd", row_group_size=ROW_GROUP, store_schema=True)
    except OSError as error:
        raise InputError(
            f"{path} cannot be written: {error.strerror or error}.",
            hint="Make room, then go on.",
            code="not_writable",
        ) from None


def read_parquet(path: Path) -> pa.Table:
    """Return the rows of a Parquet file of a run.

    Raises
    ------
    NotFoundError
        ``stage_missing``, if it is not there.
    InputError
        ``run_folder``, if it is damaged.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    if not path.exists():
        raise NotFoundError(
            f"There is no {path}.", hint="Run the stage before it again.", code="stage_missing"
        )
    try:
        return pq.read_table(path)
    except (pa.ArrowException, OSError) as error:
        raise InputError(
            f"{path} cannot be read: {next(iter(str(error).splitlines()), 'it is damaged')}.",
            hint="Remove it and run again.",
            code="run_folder",
        ) from None
