import threading
from concurrent.futures import ThreadPoolExecutor

from stylesearch.ingest.pixel_budget import PixelBudget


def test_never_more_than_the_budget_at_a_time():
    budget = PixelBudget(100)
    guard, now, most = threading.Lock(), [0], [0]

    def decode(pixels: int) -> None:
        with budget.decoding(pixels):
            with guard:
                now[0] += min(pixels, 100)
                most[0] = max(most[0], now[0])
            with guard:
                now[0] -= min(pixels, 100)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(decode, [30, 60, 100, 1000, 1, 99, 50, 50] * 20))
    assert 0 < most[0] <= 100


def test_small_pictures_need_not_wait_for_each_other():
    budget = PixelBudget(100)
    met = threading.Barrier(3, timeout=10)

    def decode(_: int) -> None:
        with budget.decoding(33):
            met.wait()

    with ThreadPoolExecutor(3) as pool:
        list(pool.map(decode, range(3)))
