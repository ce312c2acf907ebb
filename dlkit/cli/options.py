"""The arguments and options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from typer import Argument, Option

Recipe = Annotated[
    str, Argument(metavar="RECIPE", help="A recipe file, or a name that `dlkit list` shows.", show_default=False)
]
Run = Annotated[
    str, Argument(metavar="RUN", help="A run folder, a unique part of its name, or `latest`.", show_default=False)
]
Settings = Annotated[
    list[str] | None,
    Option("--set", metavar="PATH=VALUE", help="Set a value of the recipe, as training.epochs=5; may be repeated."),
]
Quick = Annotated[bool, Option("--quick", help="Take the recipe's quick variant, as its `quick` says.")]
RunsDir = Annotated[
    Path | None,
    Option("--runs-dir", metavar="DIR", help="The folder that holds the runs (DLKIT_RUNS_DIR, else ./runs)."),
]
AllowPlugins = Annotated[
    bool,
    Option("--allow-plugins", envvar="DLKIT_ALLOW_PLUGINS", help="Let the recipe's plugins run: they are code."),
]
LogicalDevices = Annotated[
    int | None,
    Option(
        "--logical-devices",
        metavar="N",
        min=2,
        help="Split the CPU into N devices, to try training on several of them.",
    ),
]
Workers = Annotated[
    int | None,
    Option("--workers", metavar="N", min=2, help="Train with N processes of this machine, each with its share of it."),
]
Seeds = Annotated[
    int | None,
    Option("--seeds", metavar="N", min=2, help="Train with N seeds, the recipe's own and those after it: their mean."),
]
Which = Annotated[
    Literal["best", "last"],
    Option("--model", metavar="best|last", help="The best epoch's model, or the last one's.", show_default=True),
]
