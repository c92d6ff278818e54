"""How numbers and times of a report are written for people."""

from __future__ import annotations

from datetime import UTC, datetime

NOTHING = "—"
_RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
_MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
    "December",
)  # fmt: skip


def fixed(value: float | None, digits: int) -> str:
    """Return a number with so many digits behind the point; a dash for none."""
    return NOTHING if value is None else f"{value:.{digits}f}".replace("-", "−")


def small(share: float | None) -> str:
    """Return a share, 0 to 1, in so many digits that a small one still tells something; a dash for none."""
    if share is None:
        return NOTHING
    return f"{share:.3f}" if share >= 0.001 else significant(share)


def significant(value: float) -> str:
    """Return a positive number in two or three significant digits: 54.3, 1,230, 0.00032, 3.2 × 10⁻⁵."""
    if 100 <= value < 1e6:
        return f"{float(f'{value:.3g}'):,.0f}"
    if 0.001 <= value < 100:
        return f"{value:.3g}"
    if 0.0001 <= value < 0.001:
        return f"{value:.5f}"
    mantissa, _, exponent = f"{value:.1e}".partition("e")
    return f"{mantissa} × 10{str(int(exponent)).translate(_RAISED)}"


def in_date(moment: str) -> str:
    """Return a time in ISO 8601 as people write it, in UTC."""
    when = datetime.fromisoformat(moment).astimezone(UTC)
    return f"{when.day} {_MONTHS[when.month - 1]} {when.year}, {when:%H:%M:%S} UTC"
