"""HNSW indexes on tables of descriptors: how they are defined, and what building one may take."""

from __future__ import annotations

from typing import Literal, get_args

Kind = Literal["hnsw", "binary"]
KINDS: tuple[Kind, ...] = get_args(Kind)

HNSW_M = 16
HNSW_EF_CONSTRUCTION = 128


def hnsw_definition(name: str, table: str, dim: int, kind: Kind = "hnsw", how: str = "") -> str:
    """Return the statement that makes an index of a name on a table of descriptors."""
    width = int(dim)
    on = (
        f"(vector::halfvec({width})) halfvec_cosine_ops"
        if kind == "hnsw"
        else f"(binary_quantize(vector::halfvec({width}))::bit({width})) bit_hamming_ops"
    )
    return (
        f"CREATE INDEX {how}{name} ON {table} USING hnsw ({on})"
        f" WITH (m = {HNSW_M}, ef_construction = {HNSW_EF_CONSTRUCTION})"
    )


def room(dim: int, rows: int, *, local: bool = False) -> str:
    """Return the statement that lets a build have the memory that the graph needs, and all workers that the server has for such things.

    A graph that does not fit is built on disk, many times slower. It may take half of what the server expects to find in
    memory, and as much as its own settings say anyway.

    Parameters
    ----------
    rows:
        How many descriptors there are.
    local:
        Whether that ends with the transaction, and not with the connection.
    """
    needed, end = int(rows) * _bytes_each(int(dim)), "true" if local else "false"
    return (
        "SELECT set_config('maintenance_work_mem', greatest("
        "  pg_size_bytes(current_setting('maintenance_work_mem')),"
        f"  least({needed}, pg_size_bytes(current_setting('effective_cache_size')) / 2)"
        f" ) / 1024 || 'kB', {end}),"
        " set_config('max_parallel_maintenance_workers', greatest("
        "  current_setting('max_parallel_maintenance_workers')::int,"
        f"  current_setting('max_parallel_workers')::int)::text, {end})"
    )


def _bytes_each(dim: int) -> int:
    """Return about how many bytes of memory a descriptor takes while its graph is built."""
    return 2 * dim + 2 * HNSW_M * 16 + 256
