"""docs/openapi-calls.yaml is OpenAPI 3.1, and says of requests and answers what the endpoint does."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.urls import reverse
from jsonschema import Draft202012Validator
from jsonschema.validators import validator_for

from server.calls.models import Call, CallEventKind, MessageNode
from tests.gateway.exchange import Exchange

ROOT = Path(__file__).parents[2]
SPEC = yaml.safe_load((ROOT / "docs" / "openapi-calls.yaml").read_text(encoding="utf-8"))
# The OpenAPI Initiative's own schema of 3.1 documents, version 2022-10-07.
META = json.loads((ROOT / "tests" / "payloads" / "openapi-3.1-schema.json").read_text(encoding="utf-8"))
CALLS = SPEC["paths"]["/gateway/pbx/{line_key}/calls/"]["post"]
NODE = SPEC["paths"]["/gateway/pbx/{line_key}/nodes/{node_key}/"]
REQUESTS = CALLS["requestBody"]["content"]["application/json"]["examples"]


def schema(name: str) -> Draft202012Validator:
    return Draft202012Validator({"$ref": f"#/components/schemas/{name}", "components": SPEC["components"]})


@pytest.fixture
def exchange(line) -> Exchange:
    return Exchange(line)


@pytest.fixture
def node(kontakt) -> MessageNode:
    """The one of the examples."""
    key = REQUESTS["node"]["value"]["node"]
    return MessageNode.objects.create(subscriber=kontakt, name="After hours", key=key, created_at=datetime.now(UTC))


def test_the_document_is_openapi_3_1():
    validator_for(META)(META).validate(SPEC)
    for part in SPEC["components"]["schemas"].values():
        Draft202012Validator.check_schema(part)


def test_every_reference_leads_somewhere():
    def references(part: Any) -> list[str]:
        if isinstance(part, dict):
            here = [part["$ref"]] if "$ref" in part else []
            return here + [each for value in part.values() for each in references(value)]
        return [each for value in part for each in references(value)] if isinstance(part, list) else []

    for reference in set(references(SPEC)):
        place: Any = SPEC
        for step in reference.removeprefix("#/").split("/"):
            place = place[step]
        assert place, reference


def test_the_addresses_are_those_that_answer():
    keys = {"{line_key}": "0b8e6a1e-5a0c-4d8f-9c55-0f6f0c1c2a11", "{node_key}": "3f2504e0-4f89-41d3-9a0c-0305e82c3301"}
    expected = {
        reverse("gateway:calls", args=[keys["{line_key}"]]),
        reverse("gateway:node", args=list(keys.values())),
    }
    said = set()
    for path in SPEC["paths"]:
        for name, key in keys.items():
            path = path.replace(name, key)
        said.add(path)
    assert said == expected


def test_it_knows_all_that_can_happen_in_a_call():
    assert SPEC["components"]["schemas"]["Event"]["properties"]["event"]["enum"] == sorted(
        CallEventKind.values, key=["ringing", "answered", "missed", "busy", "failed", "key", "node"].index
    )


@pytest.mark.parametrize("name", REQUESTS)
@pytest.mark.usefixtures("node")
def test_each_example_is_right_and_accepted(name, exchange):
    example = REQUESTS[name]["value"]
    schema("Request").validate(example)
    answer = exchange.post(example)
    assert answer.status_code == 200, answer.content
    schema("Stored").validate(answer.json())


def test_the_examples_of_answers_are_right(exchange):
    for status, name in (("200", "Stored"), ("422", "PartlyStored")):
        for example in CALLS["responses"][status]["content"]["application/json"]["examples"].values():
            schema(name).validate(example["value"])


GOOD = {"id": "c1", "event": "missed", "caller": "+36309990001"}
VARIANTS: list[dict[str, Any]] = [
    {}, {"id": ""}, {"id": " "}, {"id": 1}, {"id": None}, {"id": "x" * 128}, {"id": "x" * 129},
    {"event": "exploded"}, {"event": None}, {"event": "ringing"}, {"event": 1},
    {"at": None}, {"at": "now"}, {"at": "2026-11-23T10:05"}, {"at": "2026-11-23T10:05:00"}, {"at": 1},
    {"direction": None}, {"direction": "out"}, {"direction": "sideways"}, {"direction": ""},
    {"caller": None}, {"caller": ""}, {"caller": 36}, {"caller": "1" * 64}, {"caller": "1" * 65}, {"called": "1" * 65},
    {"queue": "q" * 80}, {"queue": "q" * 81}, {"agent": ["a"]}, {"agent": "a" * 81},
    {"duration": 0}, {"duration": -1}, {"duration": 86400}, {"duration": 86401}, {"duration": "1"}, {"duration": 1.5}, {"duration": True},
    {"key": "1"}, {"key": None}, {"event": "key"}, {"event": "key", "key": "12#*D"}, {"event": "key", "key": "x"}, {"event": "key", "key": 1},
    {"event": "key", "key": None}, {"event": "key", "key": "1" * 33}, {"event": "node"}, {"event": "node", "node": None}, {"event": "node", "node": 1},
    {"node": "3f2504e0-4f89-41d3-9a0c-0305e82c3301"}, {"event": "node", "node": "3f2504e0-4f89-41d3-9a0c-0305e82c3301"},
    {"parameters": None}, {"parameters": {}}, {"parameters": []}, {"parameters": {"a_1": "x"}}, {"parameters": {"A": "x"}}, {"parameters": {"": "x"}},
    {"parameters": {"a" * 40: "x"}}, {"parameters": {"a" * 41: "x"}}, {"parameters": {"a": 1}}, {"parameters": {"a": 1.5}}, {"parameters": {"a": True}},
    {"parameters": {"a": None}}, {"parameters": {"a": "x" * 200}}, {"parameters": {"a": "x" * 201}}, {"parameters": {f"p{n}": "" for n in range(30)}},
    {"parameters": {f"p{n}": "" for n in range(31)}}, {"unknown": "x"}, {"unknown": None},
]  # fmt: skip


@pytest.mark.usefixtures("node")
def test_document_and_endpoint_agree_on_what_is_right(exchange):
    told = []
    for number, change in enumerate(VARIANTS):
        event = GOOD | {"id": f"c{number}"} | change
        is_right = schema("Event").is_valid(event)
        answer = exchange.post(event)
        told.append((change, is_right, answer.status_code == 200))
        schema("Stored" if answer.status_code == 200 else "PartlyStored").validate(answer.json())
    assert [each for each in told if each[1] != each[2]] == []
    # Both of each were there.
    assert {is_right for _, is_right, _ in told} == {True, False}


@pytest.mark.parametrize("count", [0, 1, 100, 101])
def test_document_and_endpoint_agree_on_batches(exchange, count):
    batch = {"events": [{"id": f"c{n}", "event": "ringing"} for n in range(count)]}
    assert schema("Request").is_valid(batch) == (exchange.post(batch).status_code == 200)


def test_the_example_of_a_node_is_right_and_accepted(exchange, node, line):
    (example,) = NODE["post"]["requestBody"]["content"]["application/json"]["examples"].values()
    schema("Reaching").validate(example["value"])
    answer = exchange.client.post(f"/gateway/pbx/{line.key}/nodes/{node.key}/", example["value"], content_type="application/json")
    assert answer.content.decode() == SPEC["components"]["responses"]["Reached"]["content"]["text/plain"]["schema"]["const"]
    assert Call.objects.get().parameters == {"shop": "Győr"}
