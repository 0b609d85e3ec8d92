"""A small reader of docs/api.yaml: checks an answer against the document. It knows the parts of JSON Schema that the document
uses, and refuses others, so that a new keyword is not passed over."""
import re

import yaml

KNOWN = {"type", "properties", "required", "items", "enum", "const", "oneOf", "additionalProperties", "description", "format", "minimum",
         "maximum", "minLength", "maxLength", "maxItems", "pattern", "default", "$ref"}
TYPES = {"object": dict, "array": list, "string": str, "boolean": bool, "null": type(None)}


def is_type(value, name):
    if name == "integer":
        return isinstance(value, int) and not isinstance(value, bool)
    if name == "number":
        return isinstance(value, (int, float)) and not isinstance(value, bool)
    return isinstance(value, TYPES[name])


class Document:
    def __init__(self, path):
        self.root = yaml.safe_load(open(path))

    def resolve(self, node):
        while "$ref" in node:
            target = self.root
            for part in node["$ref"][2:].split("/"):
                target = target[part]
            node = target
        return node

    def problems(self, value, schema, where="$"):
        """What of `value` does not fit, one line each."""
        schema = self.resolve(schema)
        unknown = set(schema) - KNOWN
        if unknown:
            raise SystemExit(f"openapi.py does not know {unknown} at {where}")
        if "oneOf" in schema:
            fits = [not list(self.problems(value, s, where)) for s in schema["oneOf"]]
            if sum(fits) != 1:
                yield f"{where}: fits {sum(fits)} of oneOf"
            return
        types = schema.get("type")
        if types is not None:
            types = types if isinstance(types, list) else [types]
            if not any(is_type(value, t) for t in types):
                yield f"{where}: {value!r:.60} is no {'/'.join(types)}"
                return
        if "enum" in schema and value not in schema["enum"]:
            yield f"{where}: {value!r} is none of {schema['enum']}"
        if "const" in schema and value != schema["const"]:
            yield f"{where}: {value!r} is not {schema['const']!r}"
        if isinstance(value, str) and "pattern" in schema and not re.search(schema["pattern"], value):
            yield f"{where}: {value!r} does not match {schema['pattern']}"
        if isinstance(value, dict):
            for key in schema.get("required", []):
                if key not in value:
                    yield f"{where}: '{key}' is missing"
            properties = schema.get("properties", {})
            more = schema.get("additionalProperties", not properties)
            for key, item in value.items():
                if key in properties:
                    yield from self.problems(item, properties[key], f"{where}.{key}")
                elif more is False:
                    yield f"{where}: '{key}' is not in the document"
                elif isinstance(more, dict):
                    yield from self.problems(item, more, f"{where}.{key}")
        if isinstance(value, list) and len(value) > schema.get("maxItems", len(value)):
            yield f"{where}: {len(value)} items, at most {schema['maxItems']} are promised"
        if isinstance(value, list) and "items" in schema:
            for i, item in enumerate(value):
                yield from self.problems(item, schema["items"], f"{where}[{i}]")

    def answer(self, method, path, status, media):
        """The schema of an answer; a string where the document has none."""
        for template, item in self.root["paths"].items():
            if re.fullmatch(re.sub(r"\\{[^}]*\\}|\{[^}]*\}", "[^/]+", template), path):
                operation = item.get(method.lower())
                if operation is None:
                    return f"{method} {path} is not in the document"
                response = operation["responses"].get(str(status))
                if response is None:
                    return f"{method} {path} -> {status} is not in the document"
                content = self.resolve(response).get("content", {})
                if media not in content:
                    return f"{method} {path} -> {status} {media} is not in the document"
                return content[media]["schema"]
        return f"{path} is not in the document"

    def schema(self, name):
        return self.root["components"]["schemas"][name]
