"""A warm-up in front of any other schedule."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import keras

from dlkit.recipe.registry import Duration, Range, register

if TYPE_CHECKING:
    from keras.optimizers.schedules import LearningRateSchedule as Schedule


@keras.saving.register_keras_serializable("dlkit")
@register(name="warmup")
class Warmup(keras.optimizers.schedules.LearningRateSchedule):
    """A rate that grows linearly to where another schedule, or a constant rate, begins; that one's steps count from there.

    Goyal et al. (2017), "Accurate, Large Minibatch SGD", arXiv:1706.02677, section 2.2.

    Args:
        learning_rate: The rate, or the schedule, after the warm-up.
        warmup_steps: Length of the warm-up.
        initial_learning_rate: The rate of the first step.
    """

    def __init__(
        self,
        learning_rate: float | Schedule,
        warmup_steps: Annotated[Duration, Range(min=1)],
        initial_learning_rate: Annotated[float, Range(min=0)] = 0.0,
    ) -> None:
        super().__init__()
        self.learning_rate = learning_rate
        self.warmup_steps = warmup_steps
        self.initial_learning_rate = initial_learning_rate

    def __call__(self, step: Any) -> Any:
        step = keras.ops.cast(step, "float32")
        after = keras.ops.maximum(step - self.warmup_steps, 0.0)
        rate = self.learning_rate(after) if callable(self.learning_rate) else self.learning_rate
        rate = keras.ops.cast(rate, "float32")
        share = keras.ops.minimum(step / self.warmup_steps, 1.0)
        return self.initial_learning_rate + (rate - self.initial_learning_rate) * share

    def get_config(self) -> dict[str, Any]:
        return {
            "learning_rate": keras.saving.serialize_keras_object(self.learning_rate),
            "warmup_steps": self.warmup_steps,
            "initial_learning_rate": self.initial_learning_rate,
        }

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Warmup:
        return cls(**{**config, "learning_rate": keras.saving.deserialize_keras_object(config["learning_rate"])})
