"""Training: everything that stands around `keras.Model.fit`. Importing most of it imports TensorFlow."""
