"""Functions that scripts hold as they stand here: plain Keras, NumPy and TensorFlow, nothing of dlkit's."""
