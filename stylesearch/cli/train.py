"""``stylesearch train``: train a style descriptor."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from stylesearch.cli.progress import errors, progress_bar
from stylesearch.cli.training_data import SOURCES, data_options, joined, open_data
from stylesearch.settings import get_settings

if TYPE_CHECKING:
    from stylesearch.training.config import TrainingConfig
    from stylesearch.training.datasets import TrainingSet
    from stylesearch.training.distributed import Ranks

MODELS = ("csd-vit-l-14", "csd-vit-b-16", "head")
DEFAULT_BATCH, DEFAULT_CONTENTS = 64, 4
WARMUP_SHARE = 20

_folder = click.Path(path_type=Path, file_okay=False)
_file = click.Path(path_type=Path, dir_okay=False)


learning_options = joined(
    click.option(
        "--steps", type=click.IntRange(1), default=10_000, show_default=True, help="Batches to learn from."
    ),
    click.option(
        "--optimizer",
        type=click.Choice(["sgd", "adamw"]),
        default="sgd",
        show_default=True,
        help="SGD has momentum 0.9.",
    ),
    click.option(
        "--head-lr",
        type=click.FloatRange(0),
        default=0.003,
        show_default=True,
        help="Learning rate of the head.",
    ),
    click.option(
        "--backbone-lr",
        type=click.FloatRange(0),
        default=1e-4,
        show_default=True,
        help="Learning rate of the rest; 0 keeps it as it is.",
    ),
    click.option(
        "--weight-decay",
        type=click.FloatRange(0),
        default=1e-4,
        show_default=True,
        help="None on norms and biases.",
    ),
    click.option(
        "--lambda",
        "ssl_weight",
        type=click.FloatRange(0),
        default=0.2,
        show_default=True,
        help="Weight of the self-supervised loss.",
    ),
    click.option(
        "--temperature", type=click.FloatRange(1e-4), default=0.1, show_default=True, help="Of both losses."
    ),
    click.option(
        "--clip",
        type=click.FloatRange(0),
        default=3.0,
        show_default=True,
        help="Largest gradient norm; 0 for any.",
    ),
    click.option(
        "--precision",
        type=click.Choice(["auto", "fp32", "bf16", "fp16"]),
        default="auto",
        show_default=True,
        help="Number format of the network; auto is fp32 but on CUDA.",
    ),
    click.option(
        "--seed",
        type=click.IntRange(0, 2**32 - 1),
        default=0,
        show_default=True,
        help="Of all that is random.",
    ),
)


@click.command()
@click.option("--model", "model_name", type=click.Choice(MODELS), required=True, help="What to train.")
@click.option(
    "--out", type=_folder, required=True, help="Folder for checkpoint, metrics, curves and weights."
)
@click.option(
    "--init", type=_file, help="Weights to start from: a CSD or CLIP checkpoint, or an earlier head."
)
@click.option(
    "--image-size", type=click.IntRange(16), help="Pixels a side that the network takes; default: 224."
)
@click.option(
    "--dim", type=click.IntRange(2), default=256, show_default=True, help="Length of a head's descriptors."
)
@click.option(
    "--hidden",
    type=click.IntRange(0),
    default=512,
    show_default=True,
    help="Width of a head's hidden layer; 0 for none.",
)
@data_options
@click.option("--batch", type=click.IntRange(4), help="Pictures in a batch, over all ranks.  [default: 64]")
@click.option("--styles-per-batch", type=click.IntRange(2), help="Styles in a batch.  [default: 16]")
@click.option("--contents-per-batch", type=click.IntRange(2), help="Pictures of each style.  [default: 4]")
@click.option("--warmup", type=click.IntRange(0), help="Steps of rising rates.  [default: a twentieth]")
@learning_options
@click.option("--device", help="Where to compute: auto, cpu, mps, cuda or cuda:N; default: the setting.")
@click.option("--workers", type=click.IntRange(0), help="Processes that load pictures, a rank.  [default: 2]")
@click.option(
    "--checkpoint-every",
    type=click.IntRange(1),
    default=500,
    show_default=True,
    metavar="STEPS",
    help="How often a checkpoint is written.",
)
@click.option(
    "--resume/--fresh",
    default=True,
    show_default=True,
    help="Go on from the folder's checkpoint if there is one, or begin anew.",
)
@click.pass_context
def train(
    context: click.Context,
    /,
    *,
    model_name: str,
    out: Path,
    init: Path | None,
    image_size: int | None,
    dim: int,
    hidden: int,
    batch: int | None,
    styles_per_batch: int | None,
    contents_per_batch: int | None,
    warmup: int | None,
    device: str | None,
    workers: int | None,
    checkpoint_every: int,
    resume: bool,
    **options: Any,
) -> None:
    """Train a style descriptor with the objective of Contrastive Style Descriptors.

    Pictures that share a tag are drawn together, all others pushed apart. Where the same content occurs in several
    styles, it is put into one batch in several of them, so that the network learns to look past it.

    \b
    stylesearch train --model csd-vit-b-16 --init clip.pt --folder paintings --out run
    stylesearch train --model head --features features.npz --out run --steps 2000

    Given again, the command goes on from the last checkpoint; Ctrl-C stops it after the step it is in. On several
    GPUs, or several processes on one machine, the same command runs under torchrun, with the same result:

    \b
    torchrun --nproc-per-node 2 -m stylesearch train --model csd-vit-l-14 --folder paintings --out run
    """  # noqa: D301
    from stylesearch.training.config import TrainingConfig
    from stylesearch.training.distributed import joined_ranks
    from stylesearch.training.models import build_model, model_named
    from stylesearch.training.plots import draw_curves
    from stylesearch.training.runfolder import RunFolder
    from stylesearch.training.trainable import ModelOptions
    from stylesearch.training.trainer import train as carry_out

    source = {name: options.pop(name) for name in (*SOURCES, "part", "tag_by", "content_by_title")}
    styles, contents = batch_shape(batch, styles_per_batch, contents_per_batch)
    if warmup is None:
        warmup = options["steps"] // WARMUP_SHARE
    config = TrainingConfig(styles=styles, contents=contents, warmup=warmup, **options)
    settings = get_settings()
    model = model_named(model_name)
    views = replace(model.views, side=image_size or model.views.side) if model.views else None
    folder = RunFolder(out)
    with joined_ranks(device or settings.device) as ranks:
        data = open_data(source, settings, views)
        trainable = build_model(
            model, data, ModelOptions(views=views, init=init, dim=dim, hidden=hidden), seed=config.seed
        )
        if ranks.first:
            announce(data, config, ranks, random=init is None and views is not None)
        with progress_bar("Training", "steps") if ranks.first else nullcontext() as bar:
            outcome = carry_out(
                trainable,
                data,
                config,
                folder,
                ranks=ranks,
                fresh=not resume,
                workers=(2 if views else 0) if workers is None else workers,
                checkpoint_every=checkpoint_every,
                metadata={"command": command_line(context)},
                on_step=lambda done, total, loss: bar(done, total, f"loss {loss:.3f}") if bar else None,
                on_unreadable=lambda sample: errors.print(
                    f"left out {sample.name}: {sample.reason}", highlight=False, markup=False, soft_wrap=True
                ),
            )
        if not ranks.first:
            return
    if not outcome.finished:
        click.echo(f"Stopped after step {outcome.step}; the same command goes on from there.", err=True)
        raise click.Abort
    drawn = draw_curves(folder.metrics, out / "curves")
    click.echo(f"weights: {folder.weights}")
    click.echo(f"metrics: {folder.metrics}")
    click.echo(f"curves: {drawn[0]}")


def batch_shape(batch: int | None, styles: int | None, contents: int | None) -> tuple[int, int]:
    """Return how many styles a batch holds and how many pictures of each.

    Raises
    ------
    click.UsageError
        If what was given does not fit together.
    """
    if contents is None:
        contents = batch // styles if batch and styles else DEFAULT_CONTENTS
    if styles is None:
        styles = (batch or DEFAULT_BATCH) // contents
    if batch not in (None, styles * contents) or min(styles, contents) < 2:
        raise click.UsageError(
            f"A batch of {batch or DEFAULT_BATCH} is not made of {styles} styles with {contents} pictures each, "
            "at least 2 of both."
        )
    return styles, contents


def announce(data: TrainingSet, config: TrainingConfig, ranks: Ranks, *, random: bool) -> None:
    """Say on standard error what is about to be trained on what."""
    processes = f" in {ranks.count} processes" if ranks.count > 1 else ""
    errors.print(
        f"{data.source}: {data.labels}; {config.steps} batches of {config.styles} styles with "
        f"{config.contents} pictures each, on {ranks.device}{processes}",
        highlight=False,
        markup=False,
        soft_wrap=True,
    )
    if random:
        errors.print(
            "Without --init the network starts from random weights, which takes very many pictures.",
            highlight=False,
            soft_wrap=True,
        )


def command_line(context: click.Context) -> str:
    """Return the command with the options that were given, as it can be given again."""
    import shlex

    words = ["stylesearch", "train"]
    for option in context.command.params:
        name = option.name or ""
        value = context.params.get(name)
        if context.get_parameter_source(name) is not ParameterSource.COMMANDLINE:
            continue
        if isinstance(value, bool):
            words.append(option.opts[0] if value else (option.secondary_opts or option.opts)[0])
            continue
        for one in value if isinstance(value, tuple) else (value,):
            words += [option.opts[0], str(one)]
    return shlex.join(words)
