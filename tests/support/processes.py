"""Programs in interpreters of their own, for tests of what happens to whole processes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

from repository import ROOT

#: how long a program may take that does not hang, also where it compiles all kernels on a core that others use
SECONDS = 120


def start(program: str, *arguments: str, home: Path = ROOT, **environment: str | None) -> subprocess.Popen[str]:
    """`program` with warnings as errors, numbarnn from `home`, and variables set, or removed where they are None."""
    path = [str(home), str(ROOT / "tests" / "support"), *filter(None, [os.environ.get("PYTHONPATH")])]
    variables = {**os.environ, "PYTHONPATH": os.pathsep.join(path), **environment}
    return subprocess.Popen(
        [sys.executable, "-W", "error", "-c", program, *arguments],
        env={name: value for name, value in variables.items() if value is not None},
        cwd=home,  # it comes before PYTHONPATH
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,  # so that its children can be ended with it
    )


def finish(process: subprocess.Popen[str]) -> tuple[str, str]:
    """stdout and stderr of a program that has to end well, and in time."""
    try:
        out, err = process.communicate(timeout=SECONDS)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        out, err = process.communicate()
        raise AssertionError(f"the program hangs\n{out}\n{err}") from None
    assert process.returncode == 0, f"exit code {process.returncode}\n{out}\n{err}"
    return out, err


def run(program: str, *arguments: str, home: Path = ROOT, **environment: str | None) -> tuple[str, str]:
    """Start and finish."""
    return finish(start(program, *arguments, home=home, **environment))
