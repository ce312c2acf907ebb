"""Algorithms of a search: each makes an oracle of Keras Tuner's, one file each."""
