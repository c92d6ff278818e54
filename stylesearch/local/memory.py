"""PostgreSQL settings that follow from the memory and cores this machine lets us use."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import psutil

MIB = 1024**2


def available_memory() -> int:
    """Return the memory in bytes that we may use: the machine's, or the control group's limit if that is lower."""
    total = int(psutil.virtual_memory().total)
    for name in ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"):
        try:
            total = min(total, int(Path(name).read_text().strip()))
        except (OSError, ValueError):  # no control group, or "max"
            continue
    return total


def postgres_settings(memory: int, cores: int | None = None) -> dict[str, str]:
    """Return server settings for a machine that is shared with workers and a portal.

    A quarter of the memory is PostgreSQL's cache; an index build may take an eighth.
    """
    cores = cores or os.cpu_count() or 1
    settings = {
        "shared_buffers": f"{min(max(memory // 4, 32 * MIB), 8192 * MIB) // MIB}MB",
        "effective_cache_size": f"{max(memory // 2, 64 * MIB) // MIB}MB",
        "maintenance_work_mem": f"{min(max(memory // 8, 64 * MIB), 4096 * MIB) // MIB}MB",
        "work_mem": f"{min(max(memory // 256, 4 * MIB), 64 * MIB) // MIB}MB",
        "max_wal_size": f"{min(max(memory // 8, 256 * MIB), 4096 * MIB) // MIB}MB",
        # Workers besides the process that begins: more of them than there are cores only wait for each other.
        "max_parallel_workers": str(max(1, min(cores - 1, 8))),
        "max_parallel_maintenance_workers": str(max(0, min(cores - 1, 8))),
        "random_page_cost": "1.1",
        "jit": "off",
        "max_connections": "100",
    }
    if not _shared_memory_is_roomy(memory // 8):
        # A container's /dev/shm is often 64 MB: a parallel index build would end in "No space left on device".
        settings["dynamic_shared_memory_type"] = "mmap"
    return settings


def _shared_memory_is_roomy(needed: int) -> bool:
    try:
        return shutil.disk_usage("/dev/shm").free >= needed  # noqa: S108 - looked at, not written to
    except OSError:
        return True
