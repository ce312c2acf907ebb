"""Models that run free: each takes a model and a split, and tells how far it strays; one file each."""
