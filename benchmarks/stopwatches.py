"""Where processor time and memory go: by function inside a process, and by process from outside."""

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import wraps
from types import TracebackType
from typing import Any, Self

import psutil

SAMPLE_SECONDS = 0.5
OTHERS = "others"


class Clocks:
    """Adds up the processor time that functions take, by stage; what one of them calls counts for the inner one only.

    Parameters
    ----------
    clock:
        Returns seconds.

    Attributes
    ----------
    seconds:
        By stage, all threads together; a thread that a function starts is not counted.
    """

    def __init__(self, clock: Callable[[], float] = time.thread_time) -> None:
        self.seconds: Counter[str] = Counter()
        self._clock = clock
        self._lock = threading.Lock()
        self._inside = threading.local()

    def clocked(self, function: Callable[..., Any], stage: str) -> Callable[..., Any]:
        """Return the function with a clock on it."""

        @wraps(function)
        def run(*arguments: Any, **options: Any) -> Any:
            stack: list[float] = self._inside.__dict__.setdefault("stack", [])
            began = self._clock()
            stack.append(0.0)
            try:
                return function(*arguments, **options)
            finally:
                taken = self._clock() - began
                own = taken - stack.pop()
                if stack:
                    stack[-1] += taken
                with self._lock:
                    self.seconds[stage] += own

        return run

    @contextmanager
    def on(self, places: Sequence[tuple[Any, str, str]]) -> Iterator[None]:
        """Put clocks on functions for as long as the block lasts: module or class, name, and stage of each."""
        as_they_were = [(owner, name, getattr(owner, name)) for owner, name, _ in places]
        for owner, name, stage in places:
            setattr(owner, name, self.clocked(getattr(owner, name), stage))
        try:
            yield
        finally:
            for owner, name, function in as_they_were:
                setattr(owner, name, function)


class ThreadWatch:
    """Looks every now and then at the threads of this process, for as long as the block lasts.

    Attributes
    ----------
    seconds:
        Processor time by the thread's number, of threads that are not Python's. One that ended is counted up to when it
        was last seen.
    """

    def __init__(self) -> None:
        self.seconds: dict[int, float] = {}
        self._process = psutil.Process()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._look_on, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self._ended.set()
        self._thread.join()
        self._look()

    def _look_on(self) -> None:
        while not self._ended.wait(SAMPLE_SECONDS):
            self._look()

    def _look(self) -> None:
        threads = self._process.threads()
        python = {one.native_id for one in threading.enumerate()}
        self.seconds |= {one.id: one.user_time + one.system_time for one in threads if one.id not in python}


class Watch:
    """Looks every now and then at all processes that this one has started, for as long as the block lasts.

    Parameters
    ----------
    roles:
        Part of a command line to a name; a process that has none has its parent's.

    Attributes
    ----------
    seconds:
        Processor time by role. A process that ended is counted up to when it was last seen.
    peak_bytes:
        Most memory that all had at a time, and each role; memory that processes share counts for each.
    peak_process_bytes:
        Most memory that one process of a role had.
    """

    def __init__(self, roles: Sequence[tuple[str, str]]) -> None:
        self._roles = roles
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._look_on, daemon=True)
        self._role_of: dict[int, str] = {}
        self._first: dict[int, float] = {}
        self._last: dict[int, float] = {}
        self.peak_bytes: Counter[str] = Counter()
        self.peak_process_bytes: Counter[str] = Counter()
        self.peak_all = 0

    def __enter__(self) -> Self:
        self._look()
        self._first = dict(self._last)  # what runs already is counted from now on
        self._thread.start()
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self._look()
        self._ended.set()
        self._thread.join()

    @property
    def seconds(self) -> dict[str, float]:
        found: Counter[str] = Counter()
        for pid, last in self._last.items():
            found[self._role_of[pid]] += last - self._first.get(pid, 0.0)
        return {role: seconds for role, seconds in found.items() if seconds > 0}

    def _look_on(self) -> None:
        while not self._ended.wait(SAMPLE_SECONDS):
            self._look()

    def _look(self) -> None:
        now: Counter[str] = Counter()
        for process in psutil.Process().children(recursive=True):
            try:
                role = self._role(process)
                times, memory = process.cpu_times(), process.memory_info().rss
            except psutil.Error:  # it has just ended
                continue
            self._last[process.pid] = times.user + times.system
            now[role] += memory
            self.peak_process_bytes[role] = max(self.peak_process_bytes[role], memory)
        for role, memory in now.items():
            self.peak_bytes[role] = max(self.peak_bytes[role], memory)
        self.peak_all = max(self.peak_all, sum(now.values()))

    def _role(self, process: psutil.Process) -> str:
        if process.pid not in self._role_of:
            command = " ".join(process.cmdline())
            named = (role for part, role in self._roles if part in command)
            self._role_of[process.pid] = next(named, self._role_of.get(process.ppid(), OTHERS))
        return self._role_of[process.pid]
