"""What the keys of the spec are, from the texts below them.

Pydantic would read them too, while the classes are made; that takes twice as long as making the classes, at every start
of a command, for words which are wanted only where a key is missing and in the schema for editors.
"""

from __future__ import annotations

import ast
import inspect
import sys
from collections.abc import Mapping
from functools import cache
from itertools import pairwise


@cache
def descriptions(model: type) -> Mapping[str, str]:
    """Read what the keys of a model are.

    Parameters
    ----------
    model
        A class of the spec.

    Returns
    -------
    Mapping of str to str
        By key, of those that say it; a class without its source says nothing.
    """
    found: dict[str, str] = {}
    for owner in reversed(model.__mro__):
        if owner.__module__.startswith("slipway."):
            found |= _of_module(owner.__module__).get(owner.__name__, {})
    return found


@cache
def _of_module(name: str) -> Mapping[str, Mapping[str, str]]:
    """The texts of all classes of a module."""
    try:
        tree = ast.parse(inspect.getsource(sys.modules[name]))
    except (OSError, TypeError):
        return {}
    return {made.name: _of_class(made) for made in tree.body if isinstance(made, ast.ClassDef)}


def _of_class(made: ast.ClassDef) -> dict[str, str]:
    found = {}
    for key, text in pairwise(made.body):
        if (
            isinstance(key, ast.AnnAssign)
            and isinstance(key.target, ast.Name)
            and isinstance(text, ast.Expr)
            and isinstance(text.value, ast.Constant)
            and isinstance(text.value.value, str)
        ):
            found[key.target.id] = inspect.cleandoc(text.value.value)
    return found
