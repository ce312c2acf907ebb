"""Recipes in an editor: yaml-language-server completes, explains and checks them by recipes/schema.json.

Editors (VS Code, Neovim, Helix, ...) run this server; the test speaks LSP to it as they do. The schema is named by the
first line of the text, as in every shipped recipe. In flow style (`Dense: {`) the server offers arguments from their
first letter on, in block style at once.
"""

from __future__ import annotations

import itertools
import json
import queue
import shutil
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

CURSOR = "‸"
SECONDS_TO_ANSWER = 60
SETTINGS = {"validate": True, "hover": True, "completion": True, "schemaStore": {"enable": False}}


class LanguageServer:
    """A client of one yaml-language-server process; it knows the few messages that the tests need."""

    def __init__(self, command: list[str]) -> None:
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self._numbers = itertools.count(1)
        self._messages: queue.Queue[dict[str, Any]] = queue.Queue()
        threading.Thread(target=self._receive, daemon=True).start()
        self.request("initialize", processId=None, rootUri=None, capabilities={})
        self.notify("initialized")

    def close(self) -> None:
        self.request("shutdown")
        self.notify("exit")
        self._process.communicate(timeout=SECONDS_TO_ANSWER)

    def request(self, method: str, **parameters: Any) -> Any:
        number = next(self._numbers)
        self._send(id=number, method=method, params=parameters)
        while (message := self._next()).get("id") != number:
            pass
        assert "error" not in message, message
        return message["result"]

    def notify(self, method: str, **parameters: Any) -> None:
        self._send(method=method, params=parameters)

    def open(self, uri: str, text: str) -> list[dict[str, Any]]:
        """Opens a document and returns its diagnostics."""
        document = {"uri": uri, "languageId": "yaml", "version": 1, "text": text}
        self.notify("textDocument/didOpen", textDocument=document)
        while True:
            message = self._next()
            if message.get("method") == "textDocument/publishDiagnostics" and message["params"]["uri"] == uri:
                return message["params"]["diagnostics"]

    def _next(self) -> dict[str, Any]:
        """The next response or notification; what the server asks of its client is answered on the way."""
        while True:
            message = self._messages.get(timeout=SECONDS_TO_ANSWER)
            if not ("id" in message and "method" in message):
                return message
            answer = None
            if message["method"] == "workspace/configuration":
                answer = [SETTINGS if item["section"] == "yaml" else {} for item in message["params"]["items"]]
            self._send(id=message["id"], result=answer)

    def _send(self, **message: Any) -> None:
        body = json.dumps({"jsonrpc": "2.0", **message}).encode()
        assert self._process.stdin
        self._process.stdin.write(b"Content-Length: %d\r\n\r\n%s" % (len(body), body))
        self._process.stdin.flush()

    def _receive(self) -> None:
        assert self._process.stdout
        length = 0
        while line := self._process.stdout.readline():
            name, _, value = line.partition(b":")
            if name.lower() == b"content-length":
                length = int(value)
            elif line == b"\r\n":
                self._messages.put(json.loads(self._process.stdout.read(length)))


class Editor:
    """Texts opened beside the shipped recipes, with the cursor where the text has CURSOR."""

    def __init__(self, server: LanguageServer, recipes: Path) -> None:
        self._server = server
        self._recipes = recipes
        self._numbers = itertools.count(1)

    def diagnostics(self, text: str) -> list[tuple[int, str]]:
        """The line, counted from 1 in `text`, and the message of each diagnostic."""
        found = self._server.open(*self._document(text))
        return [(diagnostic["range"]["start"]["line"], diagnostic["message"]) for diagnostic in found]

    def completions(self, text: str) -> dict[str, dict[str, Any]]:
        """The completions offered at the cursor, by label."""
        offered = self._ask("textDocument/completion", text)
        return {item["label"]: item for item in offered["items"]}

    def hover(self, text: str) -> str:
        """What is shown when the mouse rests at the cursor."""
        return self._ask("textDocument/hover", text)["contents"]["value"]

    def _ask(self, method: str, text: str) -> Any:
        before, _, after = text.partition(CURSOR)
        uri, whole = self._document(before + after)
        self._server.open(uri, whole)
        lines = before.split("\n")
        position = {"line": len(lines), "character": len(lines[-1])}
        return self._server.request(method, textDocument={"uri": uri}, position=position)

    def _document(self, text: str) -> tuple[str, str]:
        uri = (self._recipes / f"opened_{next(self._numbers)}.yaml").as_uri()
        return uri, "# yaml-language-server: $schema=schema.json\n" + text


@pytest.fixture(scope="module")
def server(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LanguageServer]:
    node, npm = shutil.which("node"), shutil.which("npm")
    if not (node and npm):
        pytest.skip("needs Node: node and npm are not on the PATH")
    folder = tmp_path_factory.mktemp("editor")
    for name in ("package.json", "package-lock.json"):
        shutil.copy(repository / "tests" / "editor" / name, folder)
    install = [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--prefer-offline"]
    subprocess.run(install, cwd=folder, check=True, stdout=subprocess.DEVNULL)
    program = folder / "node_modules" / "yaml-language-server" / "bin" / "yaml-language-server"
    server = LanguageServer([node, str(program), "--stdio"])
    yield server
    server.close()
    shutil.rmtree(folder)


@pytest.fixture(scope="module")
def editor(server: LanguageServer, repository: Path) -> Editor:
    return Editor(server, repository / "recipes")


@pytest.mark.parametrize(
    ("text", "offered"),
    [
        (CURSOR, {"name", "data", "model", "training", "expect"}),
        (f"model:\n  {CURSOR}\n", {"sequential", "functional"}),
        (f"model:\n  sequential:\n    - {CURSOR}\n", {"Dense", "Conv2D", "Flatten"}),
        (f"model:\n  functional:\n    layers:\n      - {CURSOR}\n", {"Dense", "Concatenate"}),
        (f"model:\n  sequential:\n    - Dense:\n        {CURSOR}\n", {"units", "activation"}),
        (f"model:\n  sequential:\n    - Dense:\n        units: 3\n        {CURSOR}\n", {"activation", "name"}),
        (f"model:\n  sequential:\n    - Dense: {{u{CURSOR}}}\n", {"units", "use_bias"}),
        (f"model:\n  sequential:\n    - Dense: {{units: 3, a{CURSOR}}}\n", {"activation"}),
        (f"model:\n  sequential:\n    - Conv2D:\n        padding: {CURSOR}\n", {"same", "valid"}),
        (f"training:\n  optimizer: {CURSOR}\n", {"Adam", "SGD"}),
        (f"training:\n  optimizer:\n    {CURSOR}\n", {"Adam", "SGD"}),
        (f"training:\n  optimizer: {{Adam: {{l{CURSOR}}}}}\n", {"learning_rate"}),
        (f"training:\n  callbacks:\n    - {CURSOR}\n", {"EarlyStopping", "ReduceLROnPlateau"}),
    ],
)
def test_completion_offers(editor: Editor, text: str, offered: set[str]) -> None:
    assert offered <= editor.completions(text).keys()


def test_completion_offers_only_what_fits(editor: Editor) -> None:
    arguments = editor.completions(f"model:\n  sequential:\n    - Dense:\n        units: 3\n        {CURSOR}\n").keys()
    assert "activation" in arguments
    assert not arguments & {"units", "filters", "Conv2D", "learning_rate"}
    optimizers = editor.completions(f"training:\n  optimizer: {CURSOR}\n").keys()
    assert "Adam" in optimizers
    assert not optimizers & {"Dense", "EarlyStopping", "MeanSquaredError"}


def test_completion_of_a_layer_writes_its_required_argument(editor: Editor) -> None:
    dense = editor.completions(f"model:\n  sequential:\n    - Den{CURSOR}\n")["Dense"]
    assert "units" in (dense.get("insertText") or dense["textEdit"]["newText"])


@pytest.mark.parametrize(
    ("text", "explained"),
    [
        (f"model:\n  sequential:\n    - Dense: {{uni{CURSOR}ts: 3}}\n", "Size of the output"),
        (f"model:\n  sequential:\n    - De{CURSOR}nse: {{units: 3}}\n", "densely-connected"),
        (f"training:\n  optimizer: {{Adam: {{learning{CURSOR}_rate: 0.1}}}}\n", "learning rate"),
    ],
)
def test_hover_explains(editor: Editor, text: str, explained: str) -> None:
    assert explained in editor.hover(text)


@pytest.mark.parametrize(
    ("text", "line", "named"),
    [
        ("trainin: {}\n", 1, "trainin"),
        ("training:\n  epoch: 3\n", 2, "epoch"),
        ("training:\n  optimizer: {Adam: {learning_rat: 1e-3}}\n", 2, "learning_rat"),
        ("model:\n  sequential:\n    - Dense: {units: 3, activatoin: relu}\n", 3, "activatoin"),
        (
            "model:\n  sequential:\n    - Flatten\n    - Dense:\n        units: 3\n        activatoin: relu\n",
            6,
            "activatoin",
        ),
        ("model:\n  sequential:\n    - Desne: {units: 3}\n", 3, ""),
        ("model:\n  sequential:\n    - Dense\n", 3, ""),
        ("model:\n  sequential:\n    - Dense: {}\n", 3, "units"),
        ("model:\n  sequential:\n    - Dense: {units: many}\n", 3, "integer"),
        ("model:\n  sequential:\n    - Dense: {units: 3}\n      Flatten: {}\n", 3, ""),
    ],
)
def test_a_mistake_is_marked_in_its_line(editor: Editor, text: str, line: int, named: str) -> None:
    found = editor.diagnostics(text)
    assert any(line == where and named in message for where, message in found), found


@pytest.mark.parametrize(
    "text",
    [
        "model:\n  sequential:\n    - Rescaling: {scale: 1/255}\n    - Flatten\n    - Dense: {units: $data.classes}\n",
        "model:\n  sequential:\n    - my_block\n    - my_block: {filters: 3, repeat: 2}\n",
        "model:\n  sequential:\n    - Dense: {units: 3, kernel_initializer: {HeNormal: {seed: 1}}, repeat: 3}\n",
        "training:\n  epochs: 3\n  optimizer: {Adam: {learning_rate: 1e-3}}\n  callbacks+:\n    - TerminateOnNaN\n",
    ],
)
def test_a_right_text_is_not_marked(editor: Editor, text: str) -> None:
    assert editor.diagnostics(f"name: right\n{text}") == []


def test_the_shipped_recipes_name_the_schema_and_are_not_marked(server: LanguageServer, repository: Path) -> None:
    recipes = sorted((repository / "recipes").rglob("*.yaml"))
    assert recipes
    marked = {}
    for recipe in recipes:
        text = recipe.read_text(encoding="utf-8")
        named = text.partition("\n")[0].removeprefix("# yaml-language-server: $schema=")
        assert (recipe.parent / named).resolve() == repository / "recipes" / "schema.json", recipe
        marked[recipe] = server.open(recipe.as_uri(), text)
    assert not {recipe: found for recipe, found in marked.items() if found}
