# lint.py - whether the contract itself is sound OpenAPI 3.1.
#
# Each function takes a Contract and returns what is wrong, in words. What a
# schema is, its meta-schema says; the rest is what tools that read the document
# stumble over.
import re

from jsonschema import Draft202012Validator
from jsonschema.exceptions import SchemaError


def walk(value, place=""):
    """Every (place, object) of the document, depth first."""
    if isinstance(value, dict):
        yield place, value
        for name, member in value.items():
            yield from walk(member, f"{place}/{name}")
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from walk(item, f"{place}/{index}")


def references(document):
    for place, value in walk(document):
        if isinstance(value.get("$ref"), str):
            yield place, value["$ref"]


def find_broken_references(contract):
    problems = []
    for place, target in references(contract.document):
        try:
            contract.resolve({"$ref": target})
        except (KeyError, TypeError):
            problems.append(f"{place}: {target} is not there")
    return problems


def find_unused_components(contract):
    used = {target for _, target in references(contract.document)}
    return [
        f"{kind}/{name} is used by nobody"
        for kind, members in contract.document["components"].items()
        if kind != "securitySchemes"
        for name in members
        if f"#/components/{kind}/{name}" not in used
    ]


def schemas(document):
    yield from document["components"]["schemas"].items()
    for place, value in walk(document):
        if isinstance(value.get("schema"), dict):
            yield place, value["schema"]


def find_bad_schemas(contract):
    problems = []
    for place, schema in schemas(contract.document):
        try:
            Draft202012Validator.check_schema(schema)
        except SchemaError as error:
            problems.append(f"{place}: {error.message}")
    return problems


def find_unknown_members(contract):
    """A required member that no schema describes is a slip of the pen."""
    return [
        f"{place}: {name} is required and not described"
        for place, schema in walk(contract.document["components"]["schemas"])
        if "properties" in schema and isinstance(schema.get("required"), list)
        and "allOf" not in schema
        for name in schema["required"]
        if name not in schema["properties"]
    ]


def find_bad_operations(contract):
    problems = []
    seen = set()
    tags = {tag["name"] for tag in contract.document["tags"]}
    for method, path, operation in contract.operations():
        where = f"{method.upper()} {path}"
        identity = operation.get("operationId")
        if not identity or identity in seen:
            problems.append(f"{where}: operationId {identity}")
        seen.add(identity)
        if not operation.get("summary"):
            problems.append(f"{where}: no summary")
        if not set(operation.get("tags", ["none"])) <= tags:
            problems.append(f"{where}: tags {operation.get('tags')}")
        problems += find_bad_parameters(contract, path, operation, where)
        problems += find_bad_responses(contract, operation, where)
    return problems


def find_bad_parameters(contract, path, operation, where):
    own = operation.get("parameters", [])
    shared = contract.document["paths"][path].get("parameters", [])
    found = [contract.resolve(parameter) for parameter in shared + own]
    names = [(p["in"], p["name"].lower()) for p in found]
    in_path = {p["name"] for p in found if p["in"] == "path"}
    problems = [
        f"{where}: no schema of {p['name']}" for p in found
        if "schema" not in p
    ]
    if len(set(names)) != len(names):
        problems.append(f"{where}: a parameter is there twice")
    if in_path != set(re.findall(r"\{([^}]*)\}", path)):
        problems.append(f"{where}: path parameters {sorted(in_path)}")
    if any(not p.get("required") for p in found if p["in"] == "path"):
        problems.append(f"{where}: a path parameter may be left out")
    return problems


def find_bad_responses(contract, operation, where):
    responses = operation.get("responses", {})
    problems = [] if responses else [f"{where}: no responses"]
    for status, response in responses.items():
        response = contract.resolve(response)
        if not re.fullmatch(r"[1-5]([0-9][0-9]|XX)", status):
            problems.append(f"{where}: status {status}")
        if not response.get("description"):
            problems.append(f"{where}: {status} has no description")
        for media, content in response.get("content", {}).items():
            if "schema" not in content:
                problems.append(f"{where}: {status} {media} has no schema")
    return problems


CASES = {
    "every reference leads somewhere": find_broken_references,
    "every component is used": find_unused_components,
    "every schema is one": find_bad_schemas,
    "every required member is described": find_unknown_members,
    "every operation is whole": find_bad_operations,
}
