"""Recurrent networks (Elman, 1990; LSTM: Hochreiter and Schmidhuber, 1997; GRU: Cho et al., 2014, arXiv:1406.1078)."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from dlkit.recipe.registry import Range, register

_LAYERS = {"simple": "SimpleRNN", "lstm": "LSTM", "gru": "GRU"}


@register(kind="architecture")
def rnn(
    units: Annotated[list[int], Range(min=1)],
    cell: Literal["simple", "lstm", "gru"] = "lstm",
    bidirectional: bool = False,
    dropout: Annotated[float, Range(min=0, below=1)] = 0.0,
    recurrent_dropout: Annotated[float, Range(min=0, below=1)] = 0.0,
    return_sequences: bool = False,
) -> list[Any]:
    """Recurrent layers, one on the other; the output layer is the recipe's own.

    The input is of shape (batch, steps, channels); masked steps, as of `Embedding: {mask_zero: true}`, are passed over.
    The output is of shape (batch, units of the last layer), the state after the last step; with `return_sequences`, of
    shape (batch, steps, units), for a network that gives something at every step (many to many). Twice as many units
    where it is bidirectional: both directions stand side by side (Schuster and Paliwal, 1997).

    Args:
        units: Units of each layer.
        cell: What a step does: `simple` (one dense layer with tanh), `lstm` or `gru`.
        bidirectional: Whether each layer also reads the sequence backwards.
        dropout: Share of the units of each layer's output that a training step leaves out.
        recurrent_dropout: Share of the state that a training step leaves out, the same at every step (Gal and Ghahramani,
            2015, arXiv:1512.05287).
        return_sequences: Whether the last layer gives its state at every step.

    Returns:
        The layers, as a recipe writes them.
    """
    layers: list[Any] = []
    for number, size in enumerate(units, start=1):
        arguments: dict[str, Any] = {"units": size, "return_sequences": return_sequences or number < len(units)}
        if recurrent_dropout:
            arguments["recurrent_dropout"] = recurrent_dropout
        layer: dict[str, Any] = {_LAYERS[cell]: arguments}
        layers.append({"Bidirectional": {"layer": layer}} if bidirectional else layer)
        if dropout:
            layers.append({"Dropout": {"rate": dropout}})
    return layers
