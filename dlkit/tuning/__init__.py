"""Searches over values of a recipe: the space, the algorithms, and the search that asks them and remembers.

space          what may be tried, and what a trial's values make of a recipe
algorithms/    one file each: Keras Tuner's oracles
journal        what happened, in order, so that a search that was killed goes on
search         gives out trials, takes results back
median_rule    which trials are not worth their time
importance     how much each value matters
scale          where a value stands between the ends of its dimension
service        the same over Keras Tuner's gRPC service, for workers in other processes and on other machines
"""
