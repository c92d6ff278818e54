import subprocess
import sys
import time

from stylesearch.ingest.keeper import STALLED_EXIT, Keeper

LEFT = "SELECT lease_until > now() + interval '400 milliseconds' FROM ingest_item"


def wait_for(condition) -> bool:
    end = time.monotonic() + 20
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.05)
    return False


def test_a_lease_lasts_as_long_as_the_work(books, make_found):
    books.discover(make_found("a"))
    books.claim(lease=1)
    ids = [books.claimed["a"].id]
    keeper = Keeper(books.database, lease_seconds=1, stall_seconds=1000)
    with keeper.holding(ids):
        time.sleep(1.5)
        assert wait_for(lambda: books.rows(LEFT) == [(True,)])
        assert books.claim() == []
    assert wait_for(lambda: books.rows(LEFT) == [(False,)])
    assert wait_for(lambda: books.claim() == ["a"])


def test_who_does_not_move_lets_go(books, make_found):
    books.discover(make_found("a"))
    books.claim(lease=1)
    keeper = Keeper(books.database, lease_seconds=1, stall_seconds=0)
    with keeper.holding([books.claimed["a"].id]):
        assert wait_for(lambda: books.claim() == ["a"])


def test_a_process_that_is_stuck_ends_itself():
    code = (
        "import time\n"
        "from sqlalchemy import make_url\n"
        "from stylesearch.catalog.database import Database\n"
        "from stylesearch.ingest.keeper import Keeper\n"
        "database = Database(make_url('postgresql+psycopg://127.0.0.1:1/none'))\n"
        "with Keeper(database, lease_seconds=1, stall_seconds=0, exits=True).holding([1]):\n"
        "    time.sleep(60)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=False, timeout=60)
    assert done.returncode == STALLED_EXIT
    assert b"nothing has moved" in done.stderr
