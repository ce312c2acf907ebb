"""What a discriminator that does not tell real from generated examples costs."""

from __future__ import annotations

from typing import Annotated, Any

import keras

from dlkit.recipe.registry import Range, register


@keras.saving.register_keras_serializable("dlkit")
@register
class AdversarialLoss(keras.losses.Loss):
    """The loss of a discriminator, of the scores that it gives a real and a generated example.

    Scores are logits of being real, and the loss is the sum of both crossentropies (Goodfellow et al., 2014,
    arXiv:1406.2661). For a critic it is by how much the generated example scores higher (Gulrajani et al., 2017,
    arXiv:1704.00028, equation 3); the penalty of its gradients is added in training only.

    Args:
        gradient_penalty: Weight of the penalty; above 0, the scores are those of a critic.
        label_smoothing: What a real example is held against is 1 less this; one-sided, as Salimans et al., 2016,
            arXiv:1606.03498, section 3.4.
    """

    def __init__(
        self,
        gradient_penalty: Annotated[float, Range(min=0)] = 0.0,
        label_smoothing: Annotated[float, Range(min=0, below=0.5)] = 0.0,
        name: str = "adversarial_loss",
        **kwargs: Any,
    ) -> None:
        super().__init__(name=name, **kwargs)
        self.gradient_penalty = gradient_penalty
        self.label_smoothing = label_smoothing

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """The loss of each example.

        Args:
            y_true: Not looked at.
            y_pred: Scores of shape (batch, 2), of a real and of a generated example.
        """
        real, generated = y_pred[..., 0], y_pred[..., 1]
        if self.gradient_penalty:
            return generated - real
        of_real = keras.ops.softplus(real) - (1 - self.label_smoothing) * real
        return of_real + keras.ops.softplus(generated)

    def get_config(self) -> dict[str, Any]:
        more = {"gradient_penalty": self.gradient_penalty, "label_smoothing": self.label_smoothing}
        return {**super().get_config(), **more}
