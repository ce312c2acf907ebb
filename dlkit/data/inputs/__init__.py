"""Readers of what `dlkit predict` is given."""
