#!/usr/bin/python3 -B
#
# check.py - server/openapi.json, and real replies held against it. Prints TAP.
#
#   tests/openapi/check.py FOLDER
#
# FOLDER has what tests/support/exchanges.lua kept. A reply whose path, status
# or type is not described fails, and so does one that does not fit its schema.
# The checker itself is tried first, on replies that it must not let pass.
import copy
import glob
import json
import os
import sys

from contract import Contract
import lint

DOCUMENT = "server/openapi.json"
PLANNED = "tests/openapi/planned"

# So many lines about one failed case.
DETAILS_MAX = 40

failed = 0
number = 0


def case(title, problems):
    global failed, number
    number += 1
    failed += bool(problems)
    print("not ok" if problems else "ok", number, "-", title)
    for problem in problems[:DETAILS_MAX]:
        print("#", problem)


def load_document():
    with open(DOCUMENT, encoding="utf-8") as file:
        return json.load(file)


def load_planned():
    """What is described and not there yet, as "POST /path"."""
    if not os.path.exists(PLANNED):
        return set()
    with open(PLANNED, encoding="utf-8") as file:
        return {line.strip() for line in file
                if line.strip() and not line.startswith("#")}


def load_exchanges(folder):
    """Every exchange once, with the name of the spec that had it first."""
    found = {}
    for path in sorted(glob.glob(f"{folder}/*.jsonl")):
        name = os.path.basename(path).removesuffix(".jsonl")
        with open(path, encoding="utf-8") as file:
            for line in file:
                found.setdefault(line, name)
    return [(name, json.loads(line)) for line, name in found.items()]


# ---- The checker ----

GOOD = {
    "method": "POST", "status": 200, "type": "application/json; charset=utf-8",
    "target": "/api/environment/e/onhand/reserve?dryRun=true",
    "body": json.dumps({
        "id": "ohre~r", "processingStatus": "success", "message": "",
        "statusCode": 200, "reservationId": "r-1", "quantity": 2,
        "dryRun": True, "quantities": {"iv": {"softreserved": 2}}}),
}


def changed(**members):
    return {**GOOD, **members}


def with_body(change):
    body = json.loads(GOOD["body"])
    change(body)
    return changed(body=json.dumps(body))


MUTANTS = {
    "a member is missing": with_body(lambda b: b.pop("reservationId")),
    "a common member is missing": with_body(lambda b: b.pop("message")),
    "a member is not described": with_body(lambda b: b.update(extra=1)),
    "a member is of another type": with_body(lambda b: b.update(quantity="2")),
    "an inner value is wrong": with_body(
        lambda b: b["quantities"]["iv"].update(softreserved=None)),
    "a failure with the status of a success": with_body(
        lambda b: b.update(processingStatus="failure")),
    "the status is not described": changed(status=202),
    "the type is not described": changed(type="text/plain"),
    "the body is no JSON": changed(body="{"),
    "a body where there is none": changed(status=401),
    "a path that is not described": changed(target="/api/environment/e/none"),
    "a method that is not described": changed(method="PUT"),
}


def try_checker(contract):
    case("the checker lets a good reply pass", contract.check(GOOD))
    missed = [title for title, exchange in MUTANTS.items()
              if not contract.check(exchange)]
    case(f"the checker finds all of {len(MUTANTS)} bad replies", missed)


def try_lint(contract):
    """Each rule has to find what was done to a copy of the document."""
    def broken(change):
        document = copy.deepcopy(contract.document)
        change(document)
        return Contract(document)

    def first(document):
        return next(iter(Contract(document).operations()))[2]

    harms = {
        "every reference leads somewhere": lambda d: d["components"][
            "schemas"].pop("Dimensions"),
        "every component is used": lambda d: d["components"]["schemas"].update(
            Nobody={}),
        "every schema is one": lambda d: d["components"]["schemas"][
            "Failure"].update(type="thing"),
        "every required member is described": lambda d: d["components"][
            "schemas"]["Row"]["required"].append("nothing"),
        "every operation is whole": lambda d: first(d).pop("operationId"),
    }
    case("the lint finds what is wrong with a document", [
        title for title, rule in lint.CASES.items()
        if not rule(broken(harms[title]))])


# ---- The replies ----

def name_of(contract, exchange):
    path, operation = contract.find(exchange["method"], exchange["target"])
    return f"{exchange['method']} {path}" if operation else "what is not there"


def check_replies(contract, exchanges):
    """One case for each operation that was asked."""
    problems = {}
    for spec, exchange in exchanges:
        found = problems.setdefault(name_of(contract, exchange), [])
        for problem in contract.check(exchange):
            found.append(f"{spec}: {exchange['target'][:120]} "
                         f"{exchange['status']}: {problem}")
    for name in sorted(problems):
        case(f"replies of {name}", problems[name])


def check_asked(contract, exchanges, planned):
    """What nobody asks is not checked: every operation has to be there."""
    asked = {name_of(contract, exchange) for _, exchange in exchanges}
    missing = {f"{method.upper()} {path}"
               for method, path, _ in contract.operations()} - asked
    case("every operation is asked by some spec", sorted(missing - planned))
    case("what is planned is not there yet", sorted(planned - missing))


def main():
    contract = Contract(load_document())
    exchanges = load_exchanges(sys.argv[1])
    for title, rule in lint.CASES.items():
        case(title, rule(contract))
    try_lint(contract)
    try_checker(contract)
    check_replies(contract, exchanges)
    check_asked(contract, exchanges, load_planned())
    print(f"1..{number}")


main()
sys.exit(failed > 0)
