"""Times as people read them."""

from __future__ import annotations


def duration(seconds: float, whole: bool = False) -> str:
    """``0.4 s``, ``12 s``, ``4 min 10 s``, ``1 h 03 min``, ``2 d 4 h``.

    Args:
        seconds: At least 0.
        whole: Without tenths of a second.
    """
    if seconds < 9.95 and not whole:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if not minutes:
        return f"{rest} s"
    hours, minutes = divmod(minutes, 60)
    if not hours:
        return f"{minutes} min {rest:02d} s"
    days, hours = divmod(hours, 24)
    return f"{days} d {hours} h" if days else f"{hours} h {minutes:02d} min"
