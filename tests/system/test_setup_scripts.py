"""scripts/dlkit and scripts/test on a checkout of a stand-in package: made once, kept, mended, never half trusted.

The stand-in brings its own build backend, so that nothing is downloaded; what is tested is scripts/lib/venv.sh.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

PYPROJECT = """\
[build-system]
requires = []
build-backend = "stand_in_backend"
backend-path = ["."]
[project]
name = "dlkit"
version = "1"
"""

# Writes the two wheels that pip asks for: one that points at the checkout, with a command that tells its arguments.
BACKEND = """\
import os, pathlib, time, zipfile

def build_editable(wheel_directory, config_settings=None, metadata_directory=None):
    if os.environ.get("STAND_IN_HANGS"):
        pathlib.Path(os.environ["STAND_IN_HANGS"]).touch()
        time.sleep(600)
    name = "dlkit-1-py3-none-any.whl"
    requires = pathlib.Path("requires.txt")
    requires = requires.read_text() if requires.exists() else ""
    command = "import sys\\ndef main():\\n    print('ran', *sys.argv[1:])\\n    sys.exit(len(sys.argv) - 1)\\n"
    metadata = "Metadata-Version: 2.1\\nName: dlkit\\nVersion: 1\\nProvides-Extra: dev\\n" + requires
    files = {
        "stand_in.py": command,
        "dlkit-1.dist-info/METADATA": metadata,
        "dlkit-1.dist-info/WHEEL": "Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n",
        "dlkit-1.dist-info/entry_points.txt": "[console_scripts]\\ndlkit = stand_in:main\\n",
    }
    files["dlkit-1.dist-info/RECORD"] = "".join(f"{path},,\\n" for path in [*files, "dlkit-1.dist-info/RECORD"])
    with zipfile.ZipFile(os.path.join(wheel_directory, name), "w") as wheel:
        for path, text in files.items():
            wheel.writestr(path, text)
    return name
"""


class Checkout:
    """A folder with the repository's scripts and the stand-in package."""

    def __init__(self, folder: Path, scripts: Path) -> None:
        self.folder = folder
        self.venv = folder / ".venv"
        shutil.copytree(scripts, folder / "scripts", ignore=shutil.ignore_patterns("__pycache__"))
        (folder / "pyproject.toml").write_text(PYPROJECT)
        (folder / "constraints.txt").write_text("six==1.17.0\n")
        (folder / "stand_in_backend.py").write_text(BACKEND)
        (folder / "pytest.py").write_text("import sys\nprint('tested', *sys.argv[1:])\n")

    def start(self, script: str, *arguments: str, **environment: str) -> subprocess.Popen[str]:
        inherited = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "TMPDIR") if name in os.environ}
        return subprocess.Popen(
            [self.folder / "scripts" / script, *arguments],
            env=inherited | environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def run(self, script: str, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        process = self.start(script, *arguments, **environment)
        stdout, stderr = process.communicate(timeout=120)
        return subprocess.CompletedProcess(process.args, process.returncode, stdout, stderr)

    def assert_whole(self) -> None:
        """The next call runs the command and has nothing to say or to start: it finds no Python but .venv's."""
        tools = self.folder / "tools"
        if not tools.exists():
            tools.mkdir()
            for tool in ("bash", "cksum", "dirname", "env", "readlink"):
                (tools / tool).symlink_to(str(shutil.which(tool)))
        again = self.run("dlkit", "list", PATH=str(tools))
        assert (again.returncode, again.stdout, again.stderr) == (1, "ran list\n", "")


@pytest.fixture
def checkout(tmp_path: Path, repository: Path) -> Checkout:
    return Checkout(tmp_path / "a checkout", repository / "scripts")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory, repository: Path) -> Checkout:
    """A checkout whose .venv is whole; a test that breaks it leaves it mended."""
    checkout = Checkout(tmp_path_factory.mktemp("made") / "checkout", repository / "scripts")
    assert checkout.run("dlkit").returncode == 0
    return checkout


def test_first_use_makes_the_environment_and_runs_the_command(checkout: Checkout) -> None:
    first = checkout.run("dlkit", "train", "a b")
    assert (first.returncode, first.stdout) == (2, "ran train a b\n")
    lines = first.stderr.splitlines()
    assert all(line.startswith("dlkit: ") for line in lines)
    assert 2 <= len(lines) <= 6
    assert "first use" in lines[0]
    assert lines[-1].startswith("dlkit: ready after ")
    checkout.assert_whole()


def test_from_another_folder_through_a_symlink(made: Checkout, tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    (tmp_path / "first").symlink_to(made.folder / "scripts" / "dlkit")
    (tmp_path / "bin" / "second").symlink_to("../first")
    done = subprocess.run(["bin/second"], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("ran\n", "")


def test_a_change_of_the_requirements_is_installed_once(made: Checkout) -> None:
    constraints = made.folder / "constraints.txt"
    constraints.touch()
    made.assert_whole()
    before = constraints.stat()
    constraints.write_text("six==1.16.0\n")
    os.utime(constraints, ns=(before.st_atime_ns, before.st_mtime_ns))
    changed = made.run("dlkit")
    assert "bringing .venv up to date" in changed.stderr
    assert changed.stdout == "ran\n"
    made.assert_whole()


def test_the_tests_add_their_extra_and_the_command_keeps_it(checkout: Checkout) -> None:
    assert checkout.run("dlkit").returncode == 0
    tested = checkout.run("test", "-k", "merge")
    assert tested.stdout == "tested -k merge\n"
    assert "bringing .venv up to date" in tested.stderr
    checkout.assert_whole()
    (checkout.folder / "constraints.txt").write_text("six==1.16.0\n")
    assert "bringing .venv up to date" in checkout.run("dlkit").stderr
    whole = checkout.run("test", "--all")
    assert (whole.stdout, whole.stderr) == ("tested -n 2 --dist loadfile --all\n", "")


def remove_stamp(checkout: Checkout) -> None:
    (checkout.venv / "dlkit-stamp").unlink()


def cut_stamp(checkout: Checkout) -> None:
    stamp = checkout.venv / "dlkit-stamp"
    stamp.write_text("".join(stamp.read_text().splitlines(keepends=True)[:-1]))


def remove_command(checkout: Checkout) -> None:
    (checkout.venv / "bin" / "dlkit").unlink()


def remove_package(checkout: Checkout) -> None:
    shutil.rmtree(next(checkout.venv.glob("lib/python*/site-packages/dlkit-1.dist-info")))


def lose_interpreter(checkout: Checkout) -> None:
    for link in checkout.venv.glob("bin/python*"):
        link.unlink()
        link.symlink_to(checkout.folder / "python-that-was-removed")


def change_interpreter(checkout: Checkout) -> None:
    """As when the system's python3 comes to be another version: it starts, and finds none of the packages."""
    for link in checkout.venv.glob("bin/python*"):
        link.unlink()
        link.symlink_to(str(shutil.which("bash")))


def empty(checkout: Checkout) -> None:
    shutil.rmtree(checkout.venv)
    checkout.venv.mkdir()


def put_a_file_in_its_place(checkout: Checkout) -> None:
    shutil.rmtree(checkout.venv)
    checkout.venv.touch()


def move(checkout: Checkout) -> None:
    """Commands in .venv/bin start with the path of the interpreter, so they do not survive a move."""
    moved = checkout.folder.with_name("moved")
    checkout.folder.rename(moved)
    checkout.folder, checkout.venv = moved, moved / ".venv"


@pytest.mark.parametrize(
    ("damage", "told"),
    [
        (remove_stamp, "its installation was not finished"),
        (cut_stamp, "its installation was not finished"),
        (remove_command, "bin/dlkit is missing"),
        (remove_package, "dlkit-1.dist-info is missing"),
        (lose_interpreter, "its Python was"),
        (change_interpreter, "its Python was"),
        (empty, "its installation was not finished"),
        (put_a_file_in_its_place, "its installation was not finished"),
        (move, "it was made in"),
    ],
)
def test_a_broken_environment_is_made_anew(made: Checkout, damage: Callable[[Checkout], None], told: str) -> None:
    damage(made)
    mended = made.run("dlkit", "list")
    assert "making .venv anew" in mended.stderr
    assert told in mended.stderr
    assert mended.stdout == "ran list\n"
    made.assert_whole()


@pytest.mark.parametrize(("sent", "status"), [(signal.SIGINT, 130), (signal.SIGKILL, -signal.SIGKILL)])
def test_an_interrupted_installation_starts_over(made: Checkout, sent: signal.Signals, status: int) -> None:
    (made.folder / "constraints.txt").write_text(f"six==1.{sent.value}\n")
    started = made.folder / f"started_{sent.name}"
    process = made.start("dlkit", STAND_IN_HANGS=str(started))
    deadline = time.monotonic() + 60
    while not started.exists():
        assert time.monotonic() < deadline, process.communicate()
        time.sleep(0.05)
    os.killpg(process.pid, sent)
    stdout, stderr = process.communicate(timeout=60)
    assert (process.returncode, stdout) == (status, "")
    assert ("the next call starts over" in stderr) == (sent == signal.SIGINT)

    mended = made.run("dlkit")
    assert "making .venv anew: its installation was not finished" in mended.stderr
    assert mended.stdout == "ran\n"
    made.assert_whole()


def test_a_failing_installation_says_so_and_can_be_tried_again(checkout: Checkout) -> None:
    (checkout.folder / "requires.txt").write_text(
        f"Requires-Dist: nowhere @ {(checkout.folder / 'nowhere').as_uri()}\n"
    )
    failed = checkout.run("dlkit")
    assert (failed.returncode, failed.stdout) == (1, "")
    assert "ERROR:" in failed.stderr
    log = checkout.venv / "install.log"
    assert f"dlkit: pip could not install the package; all that it said is in {log}\n" in failed.stderr
    assert "nowhere" in log.read_text()

    (checkout.folder / "requires.txt").unlink()
    assert checkout.run("dlkit").stdout == "ran\n"
    checkout.assert_whole()


def test_concurrent_first_calls_install_once(checkout: Checkout) -> None:
    processes = [checkout.start(script) for script in ("dlkit", "dlkit", "dlkit")]
    outcomes = [process.communicate(timeout=120) for process in processes]
    assert [process.returncode for process in processes] == [0, 0, 0]
    assert [stdout for stdout, _ in outcomes] == ["ran\n"] * 3
    assert sum("ready after" in stderr for _, stderr in outcomes) == 1
    checkout.assert_whole()


@pytest.mark.parametrize(
    ("module", "source", "told"),
    [
        ("sitecustomize", "import sys\nsys.version_info = (3, 9, 2, 'final', 0)\n", "python3 is 3.9.2"),
        ("sitecustomize", "import sys\nsys.version_info = (3, 14, 0, 'final', 0)\n", "python3 is 3.14.0"),
        ("ensurepip", "raise ImportError('Debian splits it off')\n", "apt install python3."),
    ],
)
def test_a_python_that_will_not_do_is_named(checkout: Checkout, module: str, source: str, told: str) -> None:
    """Each is met by the real interpreter, told another version or kept from a module through PYTHONPATH."""
    shadow = checkout.folder / "shadow"
    shadow.mkdir()
    (shadow / f"{module}.py").write_text(source)
    refused = checkout.run("dlkit", PYTHONPATH=str(shadow))
    assert (refused.returncode, refused.stdout) == (1, "")
    assert "this needs Python 3.11, 3.12 or 3.13" in refused.stderr
    assert told in refused.stderr
    assert not checkout.venv.exists()


def test_every_shell_script_parses(repository: Path) -> None:
    scripts = [repository / path for path in ("scripts/dlkit", "scripts/test", "scripts/lib/venv.sh", ".ci/run")]
    subprocess.run(["bash", "-n", *scripts], check=True)
    assert all(os.access(path, os.X_OK) for path in scripts if path.suffix == "")
