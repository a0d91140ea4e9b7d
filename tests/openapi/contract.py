# contract.py - the contract (server/openapi.json) as something that replies
# can be held against.
import json
import re
from urllib.parse import unquote

from jsonschema import Draft202012Validator

METHODS = ("get", "put", "post", "delete")

# What may be answered where nothing is described: HTTP status and word.
UNDESCRIBED = {
    404: "unknown_path",
    405: "method_not_allowed",
}

# Words of requests that are refused before anybody looks at their path.
WIRE_WORDS = {
    "bad_request", "request_timeout", "length_required", "uri_too_long",
    "expectation_failed", "headers_too_large", "body_too_large",
}

FAILURE = {"$ref": "#/components/schemas/Failure"}


class Contract:
    def __init__(self, document):
        self.document = document
        self.validators = {}
        # A path with fewer names in braces goes before one with more.
        self.paths = sorted(
            ((self.pattern(path), path) for path in document["paths"]),
            key=lambda entry: entry[1].count("{"))

    @staticmethod
    def pattern(path):
        parts = re.split(r"\{[^}]*\}", path)
        return re.compile("[^/]+".join(map(re.escape, parts)), re.IGNORECASE)

    def operations(self):
        """Every (method, path, operation) there is."""
        for path, item in self.document["paths"].items():
            for method in METHODS:
                if method in item:
                    yield method, path, item[method]

    def resolve(self, value):
        """What a value that may be a reference stands for."""
        while "$ref" in value:
            found = self.document
            for name in value["$ref"].removeprefix("#/").split("/"):
                found = found[name.replace("~1", "/").replace("~0", "~")]
            value = found
        return value

    def find(self, method, target):
        """The path and the operation of a request; None for what is not
        described. HEAD is answered like GET."""
        path = unquote(target.split("?")[0])
        path = path[:-1] if path.endswith("/") and path != "/" else path
        wanted = "get" if method == "HEAD" else method.lower()
        known = None
        for pattern, template in self.paths:
            if pattern.fullmatch(path):
                known = known or template
                operation = self.document["paths"][template].get(wanted)
                if operation:
                    return template, operation
        return known, None

    def violations(self, schema, value):
        """What is wrong with a value, in words."""
        key = json.dumps(schema)
        if key not in self.validators:
            self.validators[key] = Draft202012Validator(
                {"allOf": [schema],
                 "components": self.document["components"]})
        return [
            "/".join(map(str, error.absolute_path)) + ": "
            + error.message[:300]
            for error in self.validators[key].iter_errors(value)
        ]

    def check(self, exchange):
        """What is wrong with a reply, in words."""
        path, operation = self.find(exchange["method"], exchange["target"])
        if operation is None:
            return self.check_undescribed(path, exchange)
        status = str(exchange["status"])
        responses = operation["responses"]
        response = responses.get(status, responses.get(status[0] + "XX"))
        if response is None:
            return self.check_wire(exchange)
        content = self.resolve(response).get("content", {})
        return self.check_content(content, exchange)

    def check_content(self, content, exchange):
        media = exchange["type"].split(";")[0].strip().lower()
        if not content:
            return ["there is a body"] if media or exchange["body"] else []
        if media not in content:
            return [f"the type {media} is not described"]
        if exchange["method"] == "HEAD" or media != "application/json":
            return []
        return self.check_json(content[media]["schema"], exchange)

    def check_json(self, schema, exchange):
        try:
            value = json.loads(exchange["body"])
        except ValueError as error:
            return [f"no JSON: {error}"]
        return self.violations(schema, value)

    def check_undescribed(self, path, exchange):
        """A path that is not described is not there, nor is a method; whoever
        may not ask at all is not told."""
        if exchange["status"] == 401 and not exchange["body"]:
            return []
        if exchange["status"] == 400:
            return self.check_path(exchange)
        if exchange["status"] != (405 if path else 404):
            return self.check_wire(exchange)
        return self.check_failure(exchange,
                                  {UNDESCRIBED[exchange["status"]]})

    def check_path(self, exchange):
        """A path that is none is the field that is invalid."""
        if '"field":"path"' in exchange["body"]:
            return self.check_failure(exchange, {"invalid_field"})
        return self.check_wire(exchange)

    def check_wire(self, exchange):
        if exchange["status"] < 400:
            return [f"the status {exchange['status']} is not described"]
        return self.check_failure(exchange, WIRE_WORDS)

    def check_failure(self, exchange, words):
        if exchange["method"] == "HEAD":
            return []
        problems = self.check_json(FAILURE, exchange)
        code = "" if problems else json.loads(exchange["body"])["code"]
        if not problems and code not in words:
            problems = [f"HTTP {exchange['status']} {code} is not described"]
        return problems
