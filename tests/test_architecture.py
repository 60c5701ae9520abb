"""The house: which part may import which, and what every file keeps to."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "numbarnn"
FILES = sorted(PACKAGE.rglob("*.py"))

#: for each part, the parts that it may import when it runs, besides itself; a file belongs to the longest match
ARROWS = {
    "kernels": "kernels",
    "ops": "ops devices dtypes memory scalars size",
    "dtypes": "",
    "memory": "",
    "scalars": "dtypes quiet",
    "fma": "quiet",
    "size": "",
    "grad_mode": "",
    "devices": "cuda dtypes kernels",
    "version": "",
    "atomic": "",
    "quiet": "",
    "tape": "devices grad_mode quiet version",
    "random": "dtypes fma memory size tape",
    "printing": "devices dtypes tape",
    "attributes": "tape version",
    "arguments": "attributes devices values",
    "keywords": "",
    "views": "memory ops tape",
    "handle": "",
    "writes": "attributes devices tape",
    "values": "devices dtypes memory quiet record scalars tape",
    "record": "attributes devices dtypes grad_mode memory ops quiet scalars tape version views",
    "indices": "devices dtypes record tape values",
    "methods": (
        "methods arguments attributes devices dtypes grad_mode handle indices keywords memory ops printing quiet "
        "random record scalars size tape values views"
    ),
    "constructors": "dtypes record size values",
    "tensor": "methods constructors devices dtypes memory ops printing quiet record size tape version views",
    "creation": "devices dtypes keywords memory record scalars size tape tensor values",
    "ranges": "creation dtypes fma quiet record scalars size tape tensor values",
    "sampling": "creation dtypes memory random record scalars size tensor values",
    "sampling_from": "creation devices dtypes memory random record size tape tensor values",
    "typed": "constructors dtypes record",
    "functions": "arguments creation devices dtypes keywords methods ops record tape tensor",
    "nn/functional": (
        "nn/functional kernels arguments creation devices dtypes grad_mode keywords memory ops quiet random record "
        "size tape tensor version"
    ),
    "nn": (
        "nn nn/functional arguments creation devices dtypes functions grad_mode handle ops quiet random record size "
        "tape tensor values version writes"
    ),
    "jit": "devices kernels dtypes nn nn/functional",
    "onnx": "nn nn/functional _version atomic creation dtypes grad_mode ops record tape tensor",
    "optim": "optim kernels devices dtypes grad_mode quiet record tape tensor writes",
    "checkpoint": "atomic devices dtypes size tape tensor version",
    "cuda": "kernels",
    "config": "cuda kernels _version",
    "progress": "",
    "warmup": "jit nn optim kernels config creation dtypes progress",
    "bench": "kernels config progress _version",
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
    tree = ast.parse(path.read_text())
    for node in ast.walk(tree):
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test):
            node.body = []  # ast.walk looks at the children after this
    for node in ast.walk(tree):
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
            assert allowed is None or part in allowed | TOP, f"{path}:{line}: {part} must not import {package}"


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_files_are_short_and_say_what_they_are_for(path):
    text = path.read_text()
    assert text.count("\n") <= 300
    if text.strip():
        assert ast.get_docstring(ast.parse(text)), f"{path}: no docstring"


def test_compile_options_live_in_one_place():
    for path in FILES:
        if path != PACKAGE / "kernels" / "jit.py":
            names = {getattr(node, "id", getattr(node, "attr", "")) for node in ast.walk(ast.parse(path.read_text()))}
            assert not names & {"njit", "vectorize", "guvectorize", "cfunc", "jit_options"}, path


def test_import_of_the_package_needs_no_optional_one():
    program = (
        "import sys, numba; before = set(sys.modules); import numbarnn, numbarnn.__main__; "
        "optional = {'torch', 'scipy', 'matplotlib', 'safetensors', 'onnx', 'onnxruntime', 'jax', 'cupy'}; "
        "print(sorted(optional & (set(sys.modules) - before)))"
    )
    done = subprocess.run([sys.executable, "-W", "error", "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_the_tape_is_one_node_a_layer_call():
    program = """
import numbarnn as nb
from numbarnn import nn
rnn = nn.RNN(3, 4, num_layers=3, bidirectional=True, batch_first=True)
output, h_n = rnn(nb.randn(2, 5, 3), lengths=[5, 2])
assert output.grad_fn is h_n.grad_fn
assert all(not isinstance(edge, tuple) for edge in output.grad_fn.edges), "an input was made by another node"
"""
    subprocess.run([sys.executable, "-W", "error", "-c", program], check=True)
