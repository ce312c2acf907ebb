"""Continues a text with a run's language model, token by token."""

from __future__ import annotations

from dlkit.errors import DlkitError
from dlkit.evaluation.writer import TEMPERATURE, language_target, tokenizer_for, writer_of
from dlkit.runs.folder import RunFolder
from dlkit.workflows.predict import load_model
from dlkit.workflows.recipe_file import recipe_of


def generate(
    run: RunFolder,
    prompt: str,
    *,
    length: int = 500,
    temperature: float = TEMPERATURE,
    top_k: int | None = None,
    seed: int | None = None,
    which: str = "best",
    allow_plugins: bool = False,
) -> str:
    """Continues a text; the same model and arguments give the same text.

    Args:
        prompt: The beginning, one token at least.
        length: Tokens to write.
        temperature: Divides the logits: below 1 likely tokens become more likely, at 0 the most likely one is taken.
        top_k: So many of the most likely tokens may be chosen (Fan, Lewis and Dauphin, 2018, arXiv:1805.04833); None: all.
        seed: Of the choice; None: that of the recipe.
        which: `best` or `last`.

    Returns:
        What comes behind the prompt.

    Raises:
        DlkitError: The run's model is no language model, or the prompt is empty or has a character that it does not know.
    """
    recipe = recipe_of(run, allow_plugins)
    target = language_target(recipe)
    if target is None:
        raise DlkitError(
            f"The model of {run.path} does not write texts: it was not trained to predict the next token.",
            "Give it files, as `dlkit predict RUN INPUT...`; or train a language model, as `dlkit train shakespeare/gpt`.",
            "no-language-model",
        )
    numbers = tokenizer_for(recipe, target).encode(prompt).tolist()
    if not numbers:
        raise DlkitError("The prompt is empty.", "Give it a text of one token at least.", "empty-prompt")
    writer = writer_of(recipe, target, load_model(run, recipe, which))
    return writer.go_on(numbers, length, recipe.config.seed if seed is None else seed, temperature, top_k)
