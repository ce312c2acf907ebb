"""The table `diabetes`, in its units."""

from __future__ import annotations

import functools

from dlkit.eject.readers._sklearn import table

__all__ = ["read"]

read = functools.partial(table, scaled="False")
