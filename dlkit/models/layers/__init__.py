"""dlkit's own layers, one file named after each: functions that put Keras layers and `keras.ops` together."""
