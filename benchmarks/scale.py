"""What would five thousand million images take? A plan worked out from what search.py measured on this machine.

    python benchmarks/scale.py [--images 5000000000]

It reads benchmarks/results/search/search.json, and measures nothing itself. The table is written to
benchmarks/results/scale, and taken into docs/scale.md.
"""

import argparse
import json
from math import ceil, log
from pathlib import Path
from typing import Any

from record import RESULTS, table, write

NAME = "scale"
OURS, BINARY = "stylesearch", "stylesearch binary"
NODE_MEMORY, NODE_CORES, CACHED = 512e9, 64, 0.75
"""A server to be had anywhere, in bytes and cores, and how much of its memory may hold indexes."""

CORES_MEASURED = 2


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--images", type=int, default=5_000_000_000)
    parser.add_argument("--search", type=Path, default=RESULTS / "search" / "search.json")
    parser.add_argument("--out", type=Path, default=RESULTS / NAME)
    options = parser.parse_args()
    known = json.loads(options.search.read_text("utf-8"))
    rows = max(map(int, known["sizes"]))
    ours = known["sizes"][str(rows)][OURS]
    found = plan(options.images, rows, ours["built"], _usual(ours))
    lines = [
        (what, f"{one['each']:,.0f}", f"{one['terabytes']:,.1f}", f"{one['nodes']:,}", f"{one['hours']:,.1f}")
        for what, one in found["kept"].items()
    ]
    about = (
        f"{options.images:,} descriptors of 768 numbers in half precision, from what was measured at {rows:,} on"
        f" {CORES_MEASURED} cores. A node has {NODE_MEMORY / 1e9:.0f} GB of memory, of which {CACHED:.0%} may hold an index, and"
        f" {NODE_CORES} cores, which build {NODE_CORES / CORES_MEASURED:.0f} times as fast; nodes build side by side."
    )
    cost = (
        f"A question asks every node; each looks into {found['rows_a_node']:,} descriptors. A walk through an index grows with"
        f" the logarithm of its size: from {found['measured_ms']:.1f} ms to about {found['node_ms']:.1f} ms of one core a node,"
        f" {found['core_seconds']:.2f} core seconds in all, so {found['questions_a_second']:,.0f} questions a second by the whole"
        " if all cores answer. Copying works, rights and artists, 1 to 2 kB each, is not counted."
    )
    write(
        options.out,
        "A plan",
        [about, table(("", "bytes each", "TB", "nodes for memory", "hours to build"), lines), cost],
        found,
        {},
    )


def _usual(ours: dict[str, Any]) -> float:
    return float(ours["filters"]["none"][0]["p50_ms"])


def plan(images: int, rows: int, built: dict[str, Any], p50_ms: float) -> dict[str, Any]:
    """Return what so many images take.

    Parameters
    ----------
    rows:
        At how many descriptors it was measured.
    built:
        Seconds by step and bytes by what they are for.
    p50_ms:
        Of a question without a filter.
    """
    kept = {}
    nodes_of = {}
    for what in ("descriptors", "index", "binary index"):
        each = built["disk_bytes"][what] / rows
        nodes = ceil(images * each / (NODE_MEMORY * CACHED)) if what != "descriptors" else 0
        nodes_of[what] = nodes
        serving = max(nodes, 1)
        seconds = built["seconds"][what] / rows * images / serving / (NODE_CORES / CORES_MEASURED)
        kept[what] = {
            "each": each,
            "terabytes": images * each / 1e12,
            "nodes": nodes,
            "hours": seconds / 3600,
        }
    nodes = nodes_of["index"]
    # Descriptors are written by all nodes together.
    kept["descriptors"]["hours"] /= nodes
    a_node = ceil(images / nodes)
    node_ms = p50_ms * log(a_node) / log(rows)
    return {
        "kept": kept,
        "rows_a_node": a_node,
        "measured_ms": p50_ms,
        "node_ms": node_ms,
        "core_seconds": node_ms * nodes / 1000,
        "questions_a_second": NODE_CORES * 1000 / node_ms,
    }


if __name__ == "__main__":
    main()
