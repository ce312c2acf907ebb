"""dlkit's own layers, one file named after each: functions that put Keras layers and `keras.ops` together.

A class stands where these do not suffice; a run with one in its model keeps `custom_layers.py` (see `dlkit.models.custom_layers`).
"""
