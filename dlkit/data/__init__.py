"""Data: sources, splits, facts and fingerprint, the feed of `fit`, and what `predict` reads."""
