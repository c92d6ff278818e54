from concurrent.futures import ThreadPoolExecutor

from web.recent import Recent


def test_what_was_used_last_is_kept():
    recent: Recent[str, int] = Recent(2)
    recent.put("a", 1)
    recent.put("b", 2)
    assert recent.get("a") == 1
    recent.put("c", 3)
    assert (recent.get("a"), recent.get("b"), recent.get("c")) == (1, None, 3)


def test_threads_may_share_it():
    recent: Recent[int, int] = Recent(8)

    def use(number: int) -> bool:
        recent.put(number % 20, number % 20)
        return recent.get(number % 20) in (None, number % 20)

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(use, range(5000)))
