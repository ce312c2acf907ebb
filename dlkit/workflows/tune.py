"""Searches over values of a recipe: the chief of a sweep, which gives out trials and starts the workers of this machine."""

from __future__ import annotations

import csv
import io
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import keras_tuner

from dlkit.errors import DlkitError
from dlkit.recipe import registry
from dlkit.recipe.digest import digest
from dlkit.recipe.dump import to_yaml
from dlkit.recipe.load import Recipe, load, varied
from dlkit.runs.atomic import write_text
from dlkit.runs.find import runs_root
from dlkit.runs.group import GroupFolder
from dlkit.runs.lock import locked
from dlkit.training.interruption import Interrupted, Interruption
from dlkit.training.together import LAUNCHED
from dlkit.tuning.oracle import Asked
from dlkit.tuning.search import Search
from dlkit.tuning.service import Server, Service
from dlkit.tuning.space import Space
from dlkit.tuning.trial_recipe import direction_of, epochs_of, objective_of, scores_by_epoch, trial_recipe
from dlkit.tuning.trials import TRIALS, Journal, Repeated, Trial
from dlkit.workflows.recipe_file import copy_plugins, recipe_values
from dlkit.workflows.trial import RENEW
