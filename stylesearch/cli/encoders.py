"""``stylesearch encoders``: the encoders of this installation, and adding others."""

from __future__ import annotations

import json
import re
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, ClassVar

import click
from rich.table import Table

from stylesearch.cli.lazy import Elsewhere, LazyGroup
from stylesearch.cli.progress import console, errors, progress_bar
from stylesearch.demo.drawings import draw_collection
from stylesearch.encoders import added as added_encoders
from stylesearch.encoders import hub, registry
from stylesearch.encoders.added import AddedEncoder
from stylesearch.encoders.checkpoints import WeightsFile
from stylesearch.encoders.decoding import decode_for
from stylesearch.encoders.examining import Examined, examine
from stylesearch.encoders.preprocessing import POLICIES
from stylesearch.encoders.protocol import Encoder, Pixels
from stylesearch.encoders.tower import UNKNOWN_LICENSE
from stylesearch.errors import InputError
from stylesearch.settings import Settings, get_settings

BENCHMARK_BATCHES = (1, 4, 8)
BENCHMARK_SECONDS = 2.0
"""How long each batch size is measured for, at least."""

DRAWN_STYLES, DRAWN_SUBJECTS = 4, 2
_LICENSE = re.compile(r"[A-Za-z0-9][A-Za-z0-9.+-]*")


class EncodersGroup(LazyGroup):
    """The commands of this module, and those that upgrade a catalogue from one encoder to the next."""

    sections: ClassVar[dict[str, Elsewhere]] = {
        "Commands": {
            "backfill": ("stylesearch.cli.encoders_upgrade", "Describe the catalogue with another encoder."),
            "activate": ("stylesearch.cli.encoders_upgrade", "Answer searches with another encoder."),
            "retire": ("stylesearch.cli.encoders_upgrade", "Let go of an encoder's descriptors."),
        }
    }


@click.group(cls=EncodersGroup)
def encoders() -> None:
    """List encoders, add your own, and upgrade a catalogue from one to the next."""


@encoders.command(name="list")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def list_encoders(as_json: bool) -> None:
    """List the encoders that can be used by their slug."""
    settings = get_settings()
    rows = [_row(slug, settings) for slug in registry.available(settings.encoders_folder)]
    if as_json:
        click.echo(json.dumps(rows, indent=2))
        return
    table = Table("Slug", "Numbers", "Preprocessing", "License", "Digest", "Source")
    for row in rows:
        shown = (
            row["slug"],
            str(row["dim"]),
            row["preprocessing"],
            row["license"],
            row["digest"][:12],
            row["source"],
        )
        table.add_row(*shown)
    console.print(table)
    console.print(
        f"With weights of your own also: {', '.join(registry.families())}", highlight=False, markup=False
    )


def _row(slug: str, settings: Settings) -> dict[str, Any]:
    """Return what is known of an encoder without its weights being loaded."""
    added = added_encoders.find_added(settings.encoders_folder, slug)
    spec = added.spec if added else registry.get_encoder(slug, device=settings.device).spec
    more = (
        {"family": added.family, "policy": added.policy, "source": added.source}
        if added
        else {"source": "built in"}
    )
    return {**asdict(spec), "digest": spec.digest, **more}


@encoders.command()
@click.argument("slug")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def show(slug: str, as_json: bool) -> None:
    """Show what is known of the encoder SLUG; its weights are checked again, not loaded."""
    settings = get_settings()
    folder = settings.encoders_folder
    if slug not in registry.available(folder):
        registry.get_encoder(slug, device=settings.device, folder=folder)  # says what is missing
    row = _row(slug, settings)
    added = added_encoders.find_added(folder, slug)
    if added is not None:
        weights = added.weights_in(folder)
        weights.verify()
        row |= {"weights": str(weights.path), "weights_bytes": weights.path.stat().st_size}
    if as_json:
        click.echo(json.dumps(row, indent=2))
        return
    _print_values(row)


def _print_values(values: dict[str, Any]) -> None:
    width = max(map(len, values))
    for name, value in values.items():
        shown = f"{value:,}" if isinstance(value, int) else value
        click.echo(f"{name.replace('_', ' '):<{width}}  {shown}")


@encoders.command()
@click.argument("path_or_hub_id")
@click.option(
    "--as",
    "family",
    metavar="FAMILY",
    help="What the weights are for, where it cannot be told: openclip:MODEL, csd-vit-l-14-336 …",
)
@click.option("--slug", help="What the encoder is to be called; default: by its family.")
@click.option(
    "--license",
    "license_",
    metavar="SPDX",
    help="Licence of the weights; default: the hub's word, or unknown.",
)
@click.option(
    "--policy",
    type=click.Choice(list(POLICIES)),
    help="How a picture that is not square is taken; default: as the original does, which is crop for CSD.",
)
@click.option("--online", is_flag=True, help="Allow a download from the Hugging Face hub.")
@click.option("--file", "file", metavar="NAME", help="Which file of the hub's repository.")
@click.option(
    "--benchmark/--no-benchmark", default=True, show_default=True, help="Measure how quick it is here."
)
def add(
    path_or_hub_id: str,
    family: str | None,
    slug: str | None,
    license_: str | None,
    policy: str | None,
    online: bool,
    file: str | None,
    benchmark: bool,
) -> None:
    """Add the encoder whose weights are in a file, or in a repository of the Hugging Face hub.

    The file is one that torch.save or safetensors wrote. A CSD checkpoint is recognised by its keys, in the published
    layout, with or without what training scripts wrap it in; for open_clip say which model with --as. Every tensor must
    fit; one that is missing, left over or of another shape is named. Nothing in the file is executed. The file is
    copied into the data folder under its SHA-256, which is checked whenever it is loaded.

    Afterwards STYLESEARCH_ENCODER may name the slug.

    \b
    stylesearch encoders add checkpoint.pth --license CC-BY-4.0
    stylesearch encoders add tomg-group-umd/CSD-ViT-L --online
    stylesearch encoders add clip.pt --as openclip:ViT-B-32 --slug clip-b-32
    """  # noqa: D301
    settings = get_settings()
    if slug is not None:
        _check_slug(slug)
    path, source, stated = _locate(path_or_hub_id, online=online, file=file)
    license_ = _license(license_ or stated or UNKNOWN_LICENSE)
    errors.print(f"reading {path}", highlight=False, markup=False, soft_wrap=True)
    weights = WeightsFile(path)
    sha256 = weights.sha256
    found = examine(weights, family=family, policy=policy)
    added = AddedEncoder(
        slug=slug or default_slug(found.family),
        family=found.family,
        dim=found.dim,
        policy=found.preprocessing.policy,
        preprocessing=found.preprocessing.name,
        weights_sha256=sha256,
        license=license_,
        source=source,
    )
    added_encoders.add(settings.encoders_folder, added, path)
    _print_values(_report(added, found))
    if benchmark:
        encoder = registry.get_encoder(
            added.slug, device=settings.device, precision=settings.precision, folder=settings.encoders_folder
        )
        measure(encoder)
    click.echo(
        f"Use it with --encoder {added.slug}, or for a catalogue with STYLESEARCH_ENCODER={added.slug}."
    )


def _check_slug(slug: str) -> None:
    added_encoders.check_slug(slug)
    if slug in registry.available():
        raise InputError(
            f"The encoder {slug} is built in.", hint="Choose another slug.", code="encoder_exists"
        )


def _report(added: AddedEncoder, found: Examined) -> dict[str, Any]:
    return {
        "slug": added.slug,
        "layout": added.family,
        "tensors": f"{found.tensors} ({found.parameters:,} numbers, {', '.join(found.kinds)}), all fit",
        "descriptor": f"{added.dim} numbers",
        "preprocessing": added.preprocessing,
        "license": added.license,
        "weights_sha256": added.weights_sha256,
        "digest": added.spec.digest,
    }


def _locate(name: str, *, online: bool, file: str | None) -> tuple[Path, str, str | None]:
    """Return the weights file that is meant, what it is called, and the licence its source states."""
    path = Path(name)
    if path.exists():
        if file is not None:
            raise click.UsageError("--file names a file of a hub's repository; a PATH needs none.")
        return path, path.name, None
    if not hub.REPOSITORY.fullmatch(name):
        raise InputError(f"There is no file {name}.", hint="Check the path.", code="weights_missing")
    if not online:
        raise InputError(
            f"There is no file {name}.",
            hint="Check the path; if it names a repository of the Hugging Face hub, add --online.",
            code="weights_missing",
        )
    fetched = hub.fetch(name, file)
    return fetched.path, fetched.source, fetched.license


def _license(name: str) -> str:
    if not _LICENSE.fullmatch(name):
        raise InputError(
            f"{name!r} is no SPDX id.",
            hint="Write one such as CC-BY-4.0, or LicenseRef- and a name of your own.",
            code="license",
        )
    return name


def default_slug(family: str) -> str:
    """Return what an encoder of a family is called if nobody says: ``openclip:ViT-B-32`` gives ``openclip-vit-b-32``."""
    slug = re.sub(r"[^a-z0-9.]+", "-", family.lower()).strip("-.")
    return slug[:64].rstrip("-.")


def measure(encoder: Encoder) -> None:
    """Measure how many drawn pictures an encoder describes in a second, and print it."""
    pictures = _drawn(encoder)
    rates: dict[int, float] = {}
    with progress_bar("Measuring", "batch sizes") as bar:
        encoder.encode(pictures[:1])  # loads the weights, and warms caches
        for number, size in enumerate(BENCHMARK_BATCHES):
            bar(number, len(BENCHMARK_BATCHES), note=f"{size} at a time")
            rates[size] = _rate(encoder, pictures[:size])
        bar(len(BENCHMARK_BATCHES), len(BENCHMARK_BATCHES))
    shown = ", ".join(f"{rate:.2f} with {size}" for size, rate in rates.items())
    click.echo(f"images a second, by how many are described together: {shown}")


def _rate(encoder: Encoder, pictures: Sequence[Pixels]) -> float:
    began, described = time.monotonic(), 0
    while (seconds := time.monotonic() - began) < BENCHMARK_SECONDS or not described:
        encoder.encode(pictures)
        described += len(pictures)
    return described / seconds


def _drawn(encoder: Encoder) -> list[Pixels]:
    with tempfile.TemporaryDirectory() as folder:
        draw_collection(Path(folder), styles=DRAWN_STYLES, subjects=DRAWN_SUBJECTS)
        files = sorted(Path(folder).rglob("*.svg"))
        drawings = [file.read_bytes() for file in files]
    return [decode_for(encoder, data, max_bytes=2**24, max_pixels=2**24).pixels for data in drawings]


@encoders.command()
@click.argument("slug")
def remove(slug: str) -> None:
    """Remove the added encoder SLUG, and its weights unless another uses them.

    Descriptors that a catalogue has of it stay there, and cannot be searched any more until it is added again; this
    command does not look for them.
    """
    removed = added_encoders.remove(get_settings().encoders_folder, slug)
    click.echo(f"removed {removed.slug} ({removed.family}, weights {removed.weights_sha256[:12]})")
