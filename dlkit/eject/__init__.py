"""From a recipe that has met its data to one Python script of plain Keras.

Nothing of Keras is imported here: a script is made of the recipe's graph, of the source text of dlkit's own components
(`copied`), and of the functions in `pieces`, which stand in the scripts as they stand there.
"""
