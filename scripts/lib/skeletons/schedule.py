"""What is it called, and which paper is it from?"""

from __future__ import annotations

from typing import Annotated, Any

import keras

from dlkit.recipe.registry import Duration, Range, register


@keras.saving.register_keras_serializable("dlkit")
@register(name="some_name")
class SomeName(keras.optimizers.schedules.LearningRateSchedule):
    """How does the rate change, in one line?

    Args:
        initial_learning_rate: The rate of the first step.
        decay_steps: After how many steps it is zero.
    """

    def __init__(
        self,
        initial_learning_rate: Annotated[float, Range(min=0)],
        decay_steps: Annotated[Duration, Range(min=1)],
    ) -> None:
        super().__init__()
        self.initial_learning_rate = initial_learning_rate
        self.decay_steps = decay_steps

    def __call__(self, step: Any) -> Any:
        share = keras.ops.minimum(keras.ops.cast(step, "float32") / self.decay_steps, 1.0)
        return self.initial_learning_rate * (1.0 - share)

    def get_config(self) -> dict[str, Any]:
        return {"initial_learning_rate": self.initial_learning_rate, "decay_steps": self.decay_steps}
