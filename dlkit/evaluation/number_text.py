"""How measured numbers are told."""

from __future__ import annotations


def number_text(value: float) -> str:
    """Four places, or four digits of what is large or tiny."""
    value += 0.0  # no minus before nothing
    return f"{value:.4f}" if value == 0 or 1e-3 <= abs(value) < 1e4 else f"{value:.4g}"
