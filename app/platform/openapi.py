"""The OpenAPI document of the control API, made from the same list as its routes."""

import re
from collections.abc import Sequence
from typing import Any

import msgspec

from app.platform.operations import OPERATIONS
from app.platform.operations.operation import Operation, Problem

REFERENCE = "#/components/schemas/{name}"


def document() -> dict[str, Any]:
    """Return the document (OpenAPI 3.1)."""
    bodies = [operation.body for operation in OPERATIONS if operation.body]
    answers = [operation.answer for operation in OPERATIONS]
    queries = [operation.query for operation in OPERATIONS]
    types = [Problem, *answers, *bodies, *queries]
    schemas, named = msgspec.json.schema_components(types, ref_template=REFERENCE)
    schema_of = dict(zip(types, schemas, strict=True))
    paths: dict[str, dict[str, Any]] = {}
    for operation in OPERATIONS:
        described = _described(operation, schema_of, named)
        paths.setdefault(operation.path, {})[operation.method.lower()] = described
    return {
        "openapi": "3.1.0",
        "info": {"title": "Code24 control API", "version": "1"},
        "paths": paths,
        "components": {
            "schemas": named,
            "securitySchemes": {"operator": {"type": "http", "scheme": "bearer"}},
        },
    }


def _described(
    operation: Operation, schema_of: dict[Any, Any], named: dict[str, Any]
) -> dict[str, Any]:
    answers = {
        "200": _content("done", schema_of[operation.answer]),
        "default": _content("refused, with the reason", schema_of[Problem]),
    }
    described: dict[str, Any] = {
        "summary": operation.summary,
        "parameters": [
            *_path_parameters(operation.path),
            *_query_parameters(named[operation.query.__name__]),
        ],
        "responses": answers,
    }
    if operation.method != "GET":
        described["security"] = [{"operator": []}]
    if operation.body is not None:
        body = _content("", schema_of[operation.body])["content"]
        needed = bool(named[operation.body.__name__].get("required"))
        described["requestBody"] = {"required": needed, "content": body}
    return described


def _content(description: str, schema: Any) -> dict[str, Any]:
    return {
        "description": description,
        "content": {"application/json": {"schema": schema}},
    }


def _path_parameters(path: str) -> Sequence[dict[str, Any]]:
    return [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
        for name in re.findall(r"{(\w+)}", path)
    ]


def _query_parameters(schema: dict[str, Any]) -> Sequence[dict[str, Any]]:
    return [
        {"name": name, "in": "query", "required": False, "schema": part}
        for name, part in schema["properties"].items()
    ]
