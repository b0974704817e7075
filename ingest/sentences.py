"""What the fields of an event mean: the docstring below each, read from the source where somebody asks for it.

Most programs only make and check events. Reading every field's docstring took them a third of the time of the import.
"""

from __future__ import annotations

import ast
import functools
import inspect
import sys
from itertools import pairwise
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core.core_schema import ModelSchema


def sentences(model: type[BaseModel]) -> dict[str, str]:
    """The fields of a model and what each means, those that it inherits too; a field that nobody explains is left out."""
    found: dict[str, str] = {}
    for above in reversed(model.__mro__):
        if issubclass(above, BaseModel) and above is not BaseModel:
            found |= _by_class(above.__module__).get(above.__name__, {})
    return {name: found[name] for name in model.model_fields if name in found}


def described_schema(model: type[BaseModel]) -> dict[str, Any]:
    """The JSON Schema of a model, with what its fields and those of its parts mean."""
    return model.model_json_schema(schema_generator=_Described)


class _Described(GenerateJsonSchema):
    def model_schema(self, schema: ModelSchema) -> JsonSchemaValue:
        made = super().model_schema(schema)
        for name, sentence in sentences(schema["cls"]).items():
            made["properties"][name]["description"] = sentence
        return made


@functools.cache
def _by_class(module: str) -> dict[str, dict[str, str]]:
    tree = ast.parse(inspect.getsource(sys.modules[module]))
    return {node.name: _below_fields(node) for node in tree.body if isinstance(node, ast.ClassDef)}


def _below_fields(node: ast.ClassDef) -> dict[str, str]:
    return {
        above.target.id: inspect.cleandoc(below.value.value)
        for above, below in pairwise(node.body)
        if isinstance(above, ast.AnnAssign) and isinstance(above.target, ast.Name)
        if isinstance(below, ast.Expr) and isinstance(below.value, ast.Constant) and isinstance(below.value.value, str)
    }
