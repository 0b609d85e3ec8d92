"""The stub of the extension names what the extension has, and nothing else."""

import ast
from pathlib import Path

import netflowgen as ng
from netflowgen import _core

STUB = Path(ng.__file__).with_name("_core.pyi")
TYPES = {"Progress", "Floats", "Integers"}  # names for types, in the stub alone


def names_of(body: list[ast.stmt]) -> set[str]:
    """What a module or a class defines: functions, classes, annotated names and assigned ones."""
    found = set()
    for node in body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            found.add(node.name)
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            found.add(node.target.id)
        elif isinstance(node, ast.Assign):
            found |= {t.id for t in node.targets if isinstance(t, ast.Name)}
    return {n for n in found if not n.startswith("_")}


def public(thing: object) -> set[str]:
    return {n for n in vars(thing) if not n.startswith("_")}


def test_the_stub_is_the_extension():
    stub = ast.parse(STUB.read_text())
    assert names_of(stub.body) - TYPES == public(_core)
    classes = [c for c in stub.body if isinstance(c, ast.ClassDef) and c.name not in ("Error", "UsageError")]
    assert len(classes) >= 3
    for c in classes:
        assert names_of(c.body) == public(getattr(_core, c.name)), c.name
