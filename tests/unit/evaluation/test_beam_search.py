"""Sequences that are written token by token, held against all sequences that there are and a search without beams."""

from __future__ import annotations

from itertools import product

import keras
import numpy as np
import pytest

from dlkit.evaluation.beam_search import BeamSearch, Written, outputs_of
from dlkit.recipe.facts import Target

LABELS = ("", "<start>", "<end>", "a", "b")
START, END = 1, 2
STEPS, EXAMPLES = 3, 8
WORDS = Target("sequence", (STEPS,), classes=len(LABELS), labels=LABELS)


def model_of(seed: int, scale: float = 3.0, more: bool = False) -> keras.Model:
    """A decoder that sees a vector and the tokens so far, with random weights: softmax probabilities at each place."""
    keras.utils.set_random_seed(seed)
    picture, words = keras.Input((4,), name="picture"), keras.Input((STEPS,), dtype="int32", name="words")
    state = keras.layers.Dense(6, kernel_initializer=keras.initializers.RandomNormal(stddev=scale))(picture)
    embedded = keras.layers.Embedding(len(LABELS), 6, embeddings_initializer="normal")(words)
    read = keras.layers.GRU(6, return_sequences=True)(embedded * 40, initial_state=state)
    told = keras.layers.Dense(len(LABELS), kernel_initializer=keras.initializers.RandomNormal(stddev=scale))(read)
    inputs = {"picture": picture, "words": words}
    if not more:
        return keras.Model(inputs, keras.layers.Softmax()(told))
    return keras.Model(inputs, {"class": keras.layers.Dense(2)(read[:, -1]), "caption": told})


PICTURES = np.random.default_rng(5).normal(size=(EXAMPLES, 4)).astype("float32")


def log_probability(model: keras.Model, picture: np.ndarray, tokens: tuple[int, ...]) -> float:
    """Of one sequence, from one pass with the true tokens: its end included where it has one."""
    words = np.zeros((1, STEPS), "int32")
    words[0, : len(tokens)] = [START, *tokens][: len(tokens)]
    shares = np.asarray(model({"picture": picture[None], "words": words}), "float64")[0]
    return float(sum(np.log(shares[place, token]) for place, token in enumerate(tokens)))


def all_sequences() -> list[tuple[int, ...]]:
    """Every sequence: tokens up to the end, or as many as there is room for."""
    letters = (3, 4)
    ended = [(*before, END) for length in range(STEPS) for before in product(letters, repeat=length)]
    return [*ended, *product(letters, repeat=STEPS)]


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_with_enough_beams_it_finds_the_most_likely_of_all_sequences(seed: int) -> None:
    model = model_of(seed)
    found = BeamSearch(model, "words", WORDS, logits=False, beams=20).write({"picture": PICTURES})
    lengths = set()
    for row, picture in enumerate(PICTURES):
        best = max(all_sequences(), key=lambda tokens: log_probability(model, picture, tokens))
        assert found.tokens[row].tolist() == [*best, *[0] * (STEPS - len(best))]
        assert found.log_probabilities[row] == pytest.approx(log_probability(model, picture, best), rel=1e-4)
        lengths.add(len(best))
    assert len(lengths) > 1, "sequences of different length are compared"


def test_one_beam_takes_the_most_likely_token_at_each_place() -> None:
    model = model_of(2)
    found = BeamSearch(model, "words", WORDS, logits=False, beams=1).write(PICTURES)
    for row, picture in enumerate(PICTURES):
        tokens: list[int] = []
        while len(tokens) < STEPS and END not in tokens:
            tokens.append(max((END, 3, 4), key=lambda token: log_probability(model, picture, (*tokens, token))))
        assert found.tokens[row].tolist() == [*tokens, *[0] * (STEPS - len(tokens))]
    greedy, wide = found.log_probabilities, BeamSearch(model, "words", WORDS, logits=False, beams=3).write(PICTURES)
    assert (wide.log_probabilities >= greedy - 1e-6).all() and (wide.log_probabilities > greedy + 1e-3).any()


def test_of_equally_likely_sequences_it_is_always_the_same() -> None:
    model = model_of(1)
    for weight in model.trainable_weights:
        weight.assign(np.zeros(weight.shape))
    found = BeamSearch(model, "words", WORDS, logits=False, beams=4).write({"picture": PICTURES})
    assert found.tokens.tolist() == [[END, 0, 0]] * EXAMPLES
    np.testing.assert_allclose(found.log_probabilities, np.log(1 / len(LABELS)), rtol=1e-5)


def test_batches_and_beams_do_not_touch_each_other() -> None:
    search = BeamSearch(model_of(3), "words", WORDS, logits=False, beams=2)
    together, alone = search.write(PICTURES), [search.write(picture[None]) for picture in PICTURES]
    assert together.tokens.tolist() == [one.tokens[0].tolist() for one in alone]
    np.testing.assert_allclose(together.log_probabilities, [one.log_probabilities[0] for one in alone], rtol=1e-5)


def test_what_is_given_of_the_truth_changes_nothing_but_other_outputs_see_what_was_written() -> None:
    model = model_of(4, more=True)
    search = BeamSearch(model, "words", WORDS, logits=True, output="caption")
    truth = np.full((EXAMPLES, STEPS), 3, "int32")
    found = outputs_of(model, {"picture": PICTURES, "words": truth}, {"caption": search}, ["class", "caption"])
    written = search.write({"picture": PICTURES})
    assert isinstance(found["caption"], Written)
    assert found["caption"].tokens.tolist() == written.tokens.tolist()
    assert (written.given[:, 0] == START).all() and END not in written.given
    expected = model.predict_on_batch({"picture": PICTURES, "words": written.given})["class"]
    np.testing.assert_allclose(found["class"], expected, rtol=1e-6)
