"""The house: which part may import which, and what every file keeps to."""

from __future__ import annotations

import ast
import functools
import subprocess
import sys
from pathlib import Path

import pytest

import numbarnn as nb
from numbarnn import nn
from numbarnn.kernels.compile.fingerprint import BELOW

PACKAGE = Path(__file__).parent.parent / "numbarnn"
FILES = sorted(PACKAGE.rglob("*.py"))

#: for each part, the parts that it may import when it runs, besides itself; a file belongs to the longest match
ARROWS = {
    **{f"kernels/{name}": " ".join(f"kernels/{goal}" for goal in below.split()) for name, below in BELOW.items()},
    # which of the packages below computes: compiled kernels, NumPy or a GPU
    "kernels/backend": "kernels/compile kernels/cuda kernels/optimizers kernels/plain kernels/product "
    "kernels/recurrence",
    "kernels/embed": " ".join(f"kernels/{goal}" for goal in (*BELOW["embed"].split(), "backend")),
    "arrays": "cuda kernels/cuda",
    "ops": "arrays",
    "autograd": "arrays ops",
    "random": "arrays autograd",
    "tensors": "arrays autograd ops random",
    "nn/functional": "arrays autograd kernels/backend nn/recurrent ops random tensors",
    "nn/recurrent": ("arrays autograd kernels/backend kernels/cells kernels/embed nn nn/functional ops random tensors"),
    "nn": "arrays autograd nn/functional nn/recurrent ops random tensors",
    "jit": "arrays kernels/embed nn nn/functional nn/recurrent",
    "optim": "arrays autograd kernels/backend kernels/plain ops tensors",
    "checkpoint": "arrays autograd tensors",
    "onnx": "_version arrays autograd checkpoint nn nn/functional nn/recurrent ops tensors",
    "cuda": "kernels/cuda",
    "config": "_version cuda kernels/backend kernels/compile kernels/simd kernels/threads",
    "command": (
        "arrays config jit kernels/cells kernels/compile kernels/embed kernels/recurrence kernels/threads nn optim "
        "tensors"
    ),
    "bench": "_version command config kernels/product kernels/threads",
    "_version": "",
}
#: third-party packages, and who may import them
OUTSIDE = {
    "numpy": None,
    "numba": {"kernels", "config", "cuda"},
    "llvmlite": {"kernels", "config"},
    "matplotlib": {"bench", "demo"},
    "safetensors": {"checkpoint"},
    "onnx": {"bench", "onnx"},
    "onnxruntime": {"bench"},
    "jax": {"bench"},
    "cupy": {"kernels", "cuda"},
    "cuda": {"kernels"},
}
#: what stands above everything
TOP = {"__init__", "__main__", "demo"}


@functools.cache
def nodes(path):
    """All nodes of a file's syntax tree that run."""
    tree = ast.parse(path.read_text())
    for node in ast.walk(tree):
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test):
            node.body = []  # ast.walk looks at the children after this
    return list(ast.walk(tree))


def part_of(module):
    """The part that a module of the package ("nn.functional.rnn") belongs to."""
    names = module.split(".")
    for length in (2, 1):
        part = "/".join(names[:length])
        if part in ARROWS:
            return part
    return names[0]


def imports(path):
    """(module, line) of each import that runs, names of our own package relative to it and with a leading dot."""
    here = path.relative_to(PACKAGE).with_suffix("").parts
    for node in nodes(path):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name, node.lineno
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if not node.level:
                yield base, node.lineno
                continue
            package = here[: len(here) - node.level]
            for alias in node.names:
                whole = ".".join(filter(None, (*package, base)))
                deeper = PACKAGE.joinpath(*whole.split(".")) if whole else PACKAGE
                is_module = (deeper / alias.name).is_dir() or (deeper / f"{alias.name}.py").exists()
                yield "." + (f"{whole}.{alias.name}".lstrip(".") if is_module else whole), node.lineno


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_imports_follow_the_arrows(path):
    module = ".".join(path.relative_to(PACKAGE).with_suffix("").parts)
    part = part_of(module)
    for target, line in imports(path):
        if target.startswith("."):
            if part in TOP:
                continue
            goal = part_of(target[1:])
            assert goal in {part, *ARROWS[part].split()}, f"{path}:{line}: {part} must not import {goal}"
        else:
            package = target.split(".")[0]
            if package in sys.stdlib_module_names:
                continue
            assert package in OUTSIDE, f"{path}:{line}: {package} is no run-time dependency"
            allowed = OUTSIDE[package]
            assert allowed is None or part.partition("/")[0] in allowed | TOP, (
                f"{path}:{line}: {part} must not import {package}"
            )


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_files_are_short_and_say_what_they_are_for(path):
    text = path.read_text()
    assert text.count("\n") <= 300
    if text.strip():
        assert ast.get_docstring(nodes(path)[0]), f"{path}: no docstring"


#: functions that have torch's parameters, however many these are
LIKE_TORCH = {"rnn_tanh", "rnn_relu", "export", "__init__"}


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_what_travels_together_is_one_value(path):
    for node in nodes(path):
        if isinstance(node, ast.FunctionDef) and node.name not in LIKE_TORCH:
            arguments = node.args.posonlyargs + node.args.args + node.args.kwonlyargs
            names = [argument.arg for argument in arguments if argument.arg not in ("self", "cls", "typingctx")]
            assert len(names) <= 8, f"{path}:{node.lineno}: {node.name} has {len(names)} parameters"


def test_compile_options_live_in_one_place():
    for path in FILES:
        if path != PACKAGE / "kernels" / "compile" / "jit.py":
            names = {getattr(node, "id", getattr(node, "attr", "")) for node in nodes(path)}
            assert not names & {"njit", "vectorize", "guvectorize", "cfunc", "jit_options"}, path


@pytest.mark.slow
def test_import_of_the_package_needs_no_optional_one():
    program = (
        "import sys, numba; before = set(sys.modules); import numbarnn, numbarnn.__main__; "
        "optional = {'torch', 'scipy', 'matplotlib', 'safetensors', 'onnx', 'onnxruntime', 'jax', 'cupy'}; "
        "print(sorted(optional & (set(sys.modules) - before)))"
    )
    done = subprocess.run([sys.executable, "-W", "error", "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_the_tape_is_one_node_a_layer_call():
    rnn = nn.RNN(3, 4, num_layers=3, bidirectional=True, batch_first=True)
    output, h_n = rnn(nb.randn(2, 5, 3), lengths=[5, 2])
    assert output.grad_fn is h_n.grad_fn
    assert all(not isinstance(edge, tuple) for edge in output.grad_fn.edges), "an input was made by another node"
