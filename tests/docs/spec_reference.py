"""The reference of the spec format, from ``schemas/spec.schema.json``: the schema is the home of every word."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from msgspec_runner.source.schema import load_schema

Schema = dict[str, Any]

HEAD = """\
<!-- Generated from schemas/spec.schema.json by `make docs`. -->

# The spec format

One YAML 1.2 file is one spec. Its JSON Schema is [`schemas/spec.schema.json`](../schemas/spec.schema.json);
`msgspec-runner schema` prints it, and an editor that reads YAML schemas completes and explains every key with it:

```yaml
# yaml-language-server: $schema=../schemas/spec.schema.json
```

The file is parsed first; then every string under `message`, and `recipients.key`, is a Jinja template over the
recipient's columns and the vars: see [templates.md](templates.md). Where the API wants an integer, a boolean or an
object, a template is taken too, and its result converted.
"""


def spec_reference() -> str:
    """Return the page."""
    schema = load_schema("spec")
    return HEAD + "".join(_section("A spec", "", schema, schema))


def _section(title: str, path: str, node: Schema, root: Schema) -> Iterator[str]:
    """Yield the section of an object, then those of the objects in it."""
    yield f"\n## {title}\n\n"
    if path:
        yield f"{node['description']}\n\n"
    required = node.get("required", ())
    yield "| key | type | needed | meaning | example |\n| --- | --- | --- | --- | --- |\n"
    inner = []
    for name, given in node["properties"].items():
        child = _resolve(given, root)
        yield _row(name, child, needed=name in required)
        if "properties" in child:
            inner.append((f"{path}{name}", child))
        entries = child.get("additionalProperties")
        if isinstance(entries, dict) and "properties" in (entry := _resolve(entries, root)):
            inner.append((f"{path}{name}.NAME", entry))
    for place, child in inner:
        yield from _section(f"`{place}`", f"{place}.", child, root)


def _resolve(node: Schema, root: Schema) -> Schema:
    reference = node.get("$ref")
    return root["$defs"][reference.removeprefix("#/$defs/")] if reference else node


def _row(name: str, node: Schema, *, needed: bool) -> str:
    default = f" (default `{json.dumps(node['default'])}`)" if "default" in node else ""
    examples = "<br>".join(f"`{_cell(example)}`" for example in node["examples"])
    return (
        f"| `{name}` | {_type(node)} | {'yes' if needed else 'no'}{default} | {_escape(node['description'])} "
        f"| {examples} |\n"
    )


def _type(node: Schema) -> str:
    if "enum" in node:
        return ", ".join(f"`{value}`" for value in node["enum"])
    kinds = [node["type"]] if isinstance(node["type"], str) else node["type"]
    # "string" beside another type, with a pattern, is where a template may stand.
    template = "pattern" in node and "string" in kinds and len(kinds) > 1
    words = [kind for kind in kinds if not (template and kind == "string")]
    return ", ".join([*words, "template"] if template else words)


def _cell(value: object) -> str:
    return _escape(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))


def _escape(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
