"""The program that stands in for ``kubectl``; see :mod:`tests.doubles.kubectl`. It imports little: it starts often."""

from __future__ import annotations

import json
import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

RESOURCE = "inferenceservices.serving.kserve.io"
CONTEXT, HOST = "models", "https://cluster.example.com:6443"


class Refused(Exception):
    """What kubectl says and ends with exit code 1."""


def main(words: list[str]) -> int:
    """Be kubectl once."""
    with open(os.environ["MLOPSCTL_TEST_CLUSTER"], encoding="utf-8") as stream:
        state = json.load(stream)
    try:
        if words == ["config", "current-context"]:
            if not state["context"]:
                raise Refused("error: current-context is not set")
            print(state["context"])
            return 0
        given = _words(words)
        try:
            return _done(state, given)
        finally:
            with open(os.environ["MLOPSCTL_TEST_CLUSTER"], "w", encoding="utf-8") as stream:
                json.dump(state, stream)
    except Refused as problem:
        print(problem, file=sys.stderr)
        return 1


class _Given:
    """What was asked: the verb, the flags by name, and the other words."""

    def __init__(self, verb: str, flags: dict[str, str], rest: list[str]) -> None:
        self.verb, self.flags, self.rest = verb, flags, rest

    @property
    def key(self) -> str:
        return f"{self.flags['namespace']}/{self.rest[1]}"


_FLAGS = {
    "config": {"minify", "output"},
    "get": {"output", "ignore-not-found", "request-timeout"},
    "apply": {"server-side", "field-manager", "force-conflicts", "filename", "request-timeout"},
    "delete": {"ignore-not-found", "wait", "timeout", "request-timeout"},
}


def _words(words: list[str]) -> _Given:
    flags = dict(word[2:].partition("=")[::2] for word in words if word.startswith("--"))
    rest = [word for word in words if not word.startswith("--")]
    if not rest or rest[0] not in _FLAGS:
        raise Refused(f"error: unknown command {rest[:1]}")
    verb = rest[0]
    unknown = set(flags) - _FLAGS[verb] - {"context", "namespace"}
    if unknown:
        raise Refused(f"error: unknown flag: --{min(unknown)}")
    if flags.get("context", "") != CONTEXT:
        raise Refused(f'error: context "{flags.get("context")}" does not exist')
    if verb in ("get", "delete") and (len(rest) != 3 or rest[1] != RESOURCE):
        raise Refused(f'error: the server doesn\'t have a resource type "{rest[1:]}"')
    return _Given(verb, flags, rest[1:])


def _done(state: dict[str, Any], given: _Given) -> int:
    state["calls"].append({"verb": given.verb, "flags": dict(given.flags), "rest": list(given.rest)})
    fault = next((one for one in state["faults"] if one["verb"] == given.verb and one["times"] > 0), None)
    if fault is not None:
        fault["times"] -= 1
        if not fault["after"]:
            raise Refused(fault["message"])
    if given.verb == "config":
        print(json.dumps({"clusters": [{"name": "x", "cluster": {"server": HOST}}]}))
    elif given.verb == "get":
        _get(state, given)
    elif given.verb == "apply":
        _apply(state, given)
    else:
        state["services"].pop(given.key, None)
        print("deleted")
    if fault is not None:
        raise Refused(fault["message"])
    return 0


def _get(state: dict[str, Any], given: _Given) -> None:
    found = state["services"].get(given.key)
    if found is None:
        return
    _reconcile(state, found)
    print(json.dumps({name: one for name, one in found.items() if name != "controller"}))


def _apply(state: dict[str, Any], given: _Given) -> None:
    if given.flags.get("field-manager") != "mlopsctl" or "server-side" not in given.flags:
        raise Refused("error: this cluster wants --server-side --field-manager=mlopsctl")
    import yaml
    from jsonschema import Draft202012Validator

    manifest = yaml.safe_load(sys.stdin.read())
    wrong = [error.message for error in Draft202012Validator(_schema()).iter_errors(manifest)]
    if wrong:
        raise Refused(f"The InferenceService is invalid: {'; '.join(wrong)}")
    if manifest["metadata"]["namespace"] != given.flags["namespace"]:
        raise Refused("error: the namespace from the provided object does not match the namespace")
    key = f"{given.flags['namespace']}/{manifest['metadata']['name']}"
    before = state["services"].get(key)
    made = manifest
    # What the server fills in, it fills in again; a field of ours that is not sent is gone.
    for container in made["spec"]["predictor"].get("containers", []):
        container["resources"] = container.get("resources", {})
        container["terminationMessagePath"] = "/dev/termination-log"
    made["controller"] = before["controller"] if before else {"revisions": [], "rolled_out": "", "waiting": 0}
    changed = before is None or before["spec"] != made["spec"]
    generation = (before["metadata"]["generation"] if before else 0) + changed
    made["metadata"] |= {"generation": generation, "resourceVersion": str(len(state["calls"]))}
    made["status"] = before.get("status", {}) if before else {}
    if changed:
        made["controller"]["waiting"] = state["slow"]
    state["services"][key] = made
    print(f"inferenceservice.serving.kserve.io/{made['metadata']['name']} serverside-applied")


def _schema() -> Any:
    with open(os.path.join(os.path.dirname(__file__), "inferenceservice.schema.json"), encoding="utf-8") as stream:
        return json.load(stream)


def _reconcile(state: dict[str, Any], service: dict[str, Any]) -> None:
    """What the controller does between two looks."""
    controller, predictor = service["controller"], service["spec"]["predictor"]
    if controller["waiting"] > 0:
        controller["waiting"] -= 1
        return
    model = {name: one for name, one in predictor.items() if name != "canaryTrafficPercent"}
    revisions = controller["revisions"]
    if not revisions or revisions[-1]["model"] != model:
        name = f"{service['metadata']['name']}-predictor-{len(revisions) + 1:05}"
        text = json.dumps(model)
        revisions.append({"name": name, "model": model, "ready": not any(bad in text for bad in state["bad"])})
    newest = revisions[-1]
    percent = predictor.get("canaryTrafficPercent", 100)
    rolled_out = controller["rolled_out"]
    traffic = [{"latestRevision": True, "revisionName": newest["name"], "percent": percent}]
    if not newest["ready"]:
        percent, traffic = 0, []
    if percent < 100 and rolled_out and rolled_out != newest["name"]:
        traffic.append({"latestRevision": False, "revisionName": rolled_out, "percent": 100 - percent, "tag": "prev"})
    elif newest["ready"]:
        traffic[0]["percent"] = 100
        controller["rolled_out"] = newest["name"]
    condition = {"type": "Ready", "status": "True" if newest["ready"] else "False"}
    failure = {"lastFailureInfo": {"reason": "ModelLoadFailed", "message": "the model cannot be loaded"}}
    service["status"] = {
        "observedGeneration": service["metadata"]["generation"],
        "url": f"http://{service['metadata']['name']}.{service['metadata']['namespace']}.example.com",
        "conditions": [{"type": "PredictorReady", "status": condition["status"]}, condition],
        "modelStatus": {
            "transitionStatus": "UpToDate" if newest["ready"] else "BlockedByFailedLoad",
            **({} if newest["ready"] else failure),
        },
        "components": {"predictor": {"latestCreatedRevision": newest["name"], "traffic": traffic}},
    }
