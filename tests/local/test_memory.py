"""Server settings that follow from the machine."""

import pytest

from stylesearch.local.memory import MIB, postgres_settings


@pytest.mark.parametrize("cores", [1, 2, 4, 64])
def test_no_more_workers_than_cores_beside_the_process_that_begins(cores):
    settings = postgres_settings(8192 * MIB, cores)
    assert int(settings["max_parallel_workers"]) <= max(1, cores - 1)
    assert int(settings["max_parallel_maintenance_workers"]) < max(cores, 1)


def test_small_and_large_machines_get_what_they_can_bear():
    small, large = postgres_settings(512 * MIB, 1), postgres_settings(256 * 1024 * MIB, 32)
    assert small["shared_buffers"] == "128MB"
    assert large["shared_buffers"] == "8192MB"
    assert large["maintenance_work_mem"] == "4096MB"
