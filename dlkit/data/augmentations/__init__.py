"""Random changes of training examples that Keras has no layer for, one file each.

An augmentation is a function of a batch and a stateless seed: the same seed gives the same batch, in every process.

    @register(kind="augmentation", on={"image": ["uint8", "float32"]})
    def mirrored(x: tf.Tensor, seed: tf.Tensor, /, *, rate: float = 0.5) -> tf.Tensor: ...

`on` tells the kinds of features that it changes, and their types. `x` is (batch, ...), `seed` an integer tensor of shape
[2] for `tf.random.stateless_*`; two draws need two seeds (`tf.random.split`). What comes back has the shape of `x`.
"""
