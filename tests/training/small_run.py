"""A small training run as a program: a network of two convolutions on a folder of drawings.

Tests start it to kill it, to run it under torchrun, or to let it run out of space; and import it for its network.
"""

import argparse
import os
import resource
import signal
import sys
import time
from pathlib import Path

import torch
from torch import nn

from stylesearch.errors import StylesearchError
from stylesearch.training.augment import Augmentation
from stylesearch.training.config import TrainingConfig
from stylesearch.training.datasets import Decoding
from stylesearch.training.distributed import joined_ranks
from stylesearch.training.files import picture_folder
from stylesearch.training.runfolder import RunFolder
from stylesearch.training.trainable import Trainable
from stylesearch.training.trainer import train

VIEWS = Augmentation(side=16)
CONFIG = {
    "steps": 16,
    "styles": 4,
    "contents": 3,
    "head_lr": 0.1,
    "backbone_lr": 0.02,
    "warmup": 4,
    "seed": 5,
}


class SmallNet(nn.Module):
    """Channel statistics after a convolution, as the embedded encoder reads them, and a linear head."""

    def __init__(self) -> None:
        super().__init__()
        self.backbone = nn.Sequential(nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), nn.GELU(), nn.Dropout(0.0))
        self.head = nn.Linear(16, 12)

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        maps = self.backbone(pixels.float() / 255 - 0.5).flatten(2)
        described = torch.cat([maps.mean(dim=2), maps.std(dim=2)], dim=1)
        return nn.functional.normalize(self.head(described), dim=1)


def small_net(seed: int = 1, views: Augmentation = VIEWS) -> Trainable:
    torch.manual_seed(seed)
    net = SmallNet()
    return Trainable(name="small", module=net, head=("head",), views=views, weights=net.state_dict)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--hang-after", type=int, help="print the step and wait to be killed")
    parser.add_argument("--stop-rank", type=int, help="this rank is told to stop after step 5")
    parser.add_argument("--largest-file", type=int, help="in bytes, as if the disk were full")
    parser.add_argument("--every", type=int, default=4)
    options = parser.parse_args()
    torch.set_num_threads(1)
    if options.largest_file:
        resource.setrlimit(resource.RLIMIT_FSIZE, (options.largest_file,) * 2)

    def on_step(done: int, total: int, loss: float) -> None:
        if done == options.hang_after:
            print(done, flush=True)
            time.sleep(600)

    data = picture_folder(options.folder, decoding=Decoding(shortest_side=VIEWS.source_side))
    with joined_ranks("cpu") as ranks:
        if options.stop_rank == ranks.rank:
            tell_to_stop_while_loading(data)
        try:
            outcome = train(
                small_net(seed=1 + ranks.rank),  # every rank starts from the weights of the first
                data,
                TrainingConfig(**CONFIG),
                RunFolder(options.out),
                ranks=ranks,
                checkpoint_every=options.every,
                on_step=on_step,
            )
        except StylesearchError as error:
            sys.exit(f"{error.code}: {error}")
        said = f"rank {ranks.rank} step {outcome.step} finished {outcome.finished}\n"
        os.write(sys.stdout.fileno(), said.encode())  # in one piece: the ranks share the pipe


def tell_to_stop_while_loading(data) -> None:
    loaded = 0
    load = data.read

    def read(sample: int) -> bytes:
        nonlocal loaded
        loaded += 1
        if loaded == 5 * CONFIG["styles"] * CONFIG["contents"] // int(os.environ["WORLD_SIZE"]):
            os.kill(os.getpid(), signal.SIGTERM)
        return load(sample)

    object.__setattr__(data, "read", read)


if __name__ == "__main__":
    main()
