"""The table `breast_cancer`."""

from __future__ import annotations

from dlkit.eject.readers._sklearn import table as read

__all__ = ["read"]
