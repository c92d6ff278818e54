from stylesearch.ingest.batching import FIRST, LONGEST_SECONDS, BatchSize


def sizes(rate, batches: int = 12, most: int = 128) -> list[int]:
    """The sizes that are used on a device that does ``rate(size)`` pictures a second."""
    size, used = BatchSize(most), []
    for _ in range(batches):
        used.append(size.size)
        size.record(size.size, size.size / rate(size.size))
    return used


def test_grows_while_the_device_gets_quicker():
    assert sizes(lambda size: 100 * size)[-1] == 128
    assert max(sizes(lambda size: 100 * size, most=50)) == 50


def test_stays_where_more_are_no_quicker():
    used = sizes(lambda size: 1000.0)
    assert used[-1] <= 2 * FIRST
    assert len(set(used[-5:])) == 1


def test_goes_back_where_the_device_gets_slower():
    used = sizes(lambda size: 100 * size if size <= 32 else 500)
    assert 64 in used
    assert used[-5:] == [32] * 5


def test_slow_devices_keep_small_batches():
    used = sizes(lambda size: size / LONGEST_SECONDS)
    assert max(used) <= FIRST


def test_the_first_batch_and_those_not_full_tell_nothing():
    size = BatchSize(128)
    size.record(size.size, 1000.0)
    size.record(3, 0.001)
    size.record(size.size, 0.0)
    assert size.size == FIRST
    assert BatchSize(2).size == 2
