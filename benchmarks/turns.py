"""The contenders of the benchmark of ingestion, and what was measured of each in each of its turns."""

import statistics
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

DECODING, FIRST, DESCRIBING = "decode alone", "first stage alone", "describe alone"
WORKERS, INLINE, PLAIN = "ingest", "ingest --inline", "plain loop"
CONTENDERS = (DECODING, FIRST, DESCRIBING, WORKERS, INLINE, PLAIN)
OURS = (WORKERS, INLINE)
WHOLE = (WORKERS, INLINE, PLAIN)
"""Those that do all of the work."""

DATABASE, BROKER = "PostgreSQL", "Valkey"
FETCHING, EMBEDDING, COMMAND = "workers that decode", "worker that describes", "command"
INDEX = "index"


@dataclass
class Turn:
    """What was measured of a contender in one round.

    Attributes
    ----------
    seconds:
        By the clock on the wall.
    stages, roles:
        Processor seconds by stage, and by process.
    peak_bytes:
        Most memory of all its processes at a time, the services' too; what they share counts for each.
    peak_process_bytes:
        Most memory of one process, by role.
    ledger_seconds:
        From the run's opening to its end, as the ledger has it, so without starting and stopping.
    """

    seconds: float
    stages: dict[str, float]
    roles: dict[str, float]
    peak_bytes: int
    peak_process_bytes: dict[str, int]
    ledger_seconds: float | None = None

    @property
    def processor_seconds(self) -> float:
        """Processor time of all processes; where stages were clocked, without what starting them took."""
        if not self.stages:
            return sum(self.roles.values())
        return sum(clocked(self.stages).values()) + self.roles.get(DATABASE, 0.0)


@dataclass
class Turns:
    """All rounds of a contender, and the descriptors that it left by the pictures' names."""

    number: int
    turns: list[Turn] = field(default_factory=list)
    vectors: dict[str, np.ndarray] = field(default_factory=dict)

    @property
    def rates(self) -> list[float]:
        """Pictures a second in each round."""
        return [self.number / turn.seconds for turn in self.turns]

    @property
    def rate(self) -> float:
        """The median."""
        return statistics.median(self.rates)

    @property
    def ledger_rate(self) -> float:
        """Pictures a second between the run's opening and its end; the median."""
        return statistics.median(self.number / (turn.ledger_seconds or turn.seconds) for turn in self.turns)

    def milliseconds(self, of: str) -> dict[str, float]:
        """Return processor time a picture, the median over rounds: by ``stages`` or by ``roles``."""
        parts = [getattr(turn, of) for turn in self.turns]
        names = dict.fromkeys(name for part in parts for name in part)
        return {
            name: 1000 * statistics.median(part.get(name, 0.0) for part in parts) / self.number
            for name in names
        }

    @property
    def processor_milliseconds(self) -> float:
        """Processor time a picture, of all processes; the median."""
        return 1000 * statistics.median(turn.processor_seconds for turn in self.turns) / self.number

    @property
    def peak_process_megabytes(self) -> dict[str, float]:
        """Most memory of one process of each role, in any round."""
        roles = dict.fromkeys(role for turn in self.turns for role in turn.peak_process_bytes)
        return {
            role: max(turn.peak_process_bytes.get(role, 0) for turn in self.turns) / 1e6 for role in roles
        }

    @property
    def peak_megabytes(self) -> float:
        """Most memory of all processes at a time, in any round."""
        return max(turn.peak_bytes for turn in self.turns) / 1e6


def clocked(stages: Mapping[str, float]) -> dict[str, float]:
    """Return the stages that a clock in the process itself was on; the index is built by the database's."""
    return {name: seconds for name, seconds in stages.items() if name != INDEX}
