"""Google's ``ml-metadata`` client on a database: run by the interpreter of ``.venvs/mlmd``, prints JSON.

Usage: mlmd_client.py DATABASE make | read RUN | write

DATABASE is a file, or ``postgresql+psycopg://user@host:port/name``.
"""

from __future__ import annotations

import json
import sys
from urllib.parse import urlsplit

from ml_metadata.metadata_store import metadata_store
from ml_metadata.proto import metadata_store_pb2 as pb


def main(database: str, command: str, *arguments: str) -> None:
    config = pb.ConnectionConfig()
    if "://" in database:
        server = urlsplit(database)
        config.postgresql.host, config.postgresql.port = server.hostname, str(server.port)
        config.postgresql.user, config.postgresql.dbname = server.username, server.path.lstrip("/")
    else:
        config.sqlite.filename_uri = database
    store = metadata_store.MetadataStore(config)
    said = {"make": lambda: {}, "read": lambda: read(store, *arguments), "write": lambda: write(store)}[command]()
    print(json.dumps(said))


def read(store: metadata_store.MetadataStore, run: str) -> dict[str, object]:
    """Everything of one run, and the lineage upstream of its models."""
    context = store.get_context_by_type_and_name("Run", run)
    executions = store.get_executions_by_context(context.id)
    artifacts = {artifact.id: artifact for artifact in store.get_artifacts()}
    names = {execution.id: execution.name for execution in executions}
    return {
        "types": {
            "artifact": {type.name: type.base_type for type in store.get_artifact_types()},
            "execution": sorted(type.name for type in store.get_execution_types()),
            "context": sorted(type.name for type in store.get_context_types()),
        },
        "run": properties(context),
        "parents": sorted([parent.type, parent.name] for parent in store.get_parent_contexts_by_context(context.id)),
        "executions": {
            execution.name: {
                "type": execution.type,
                "state": pb.Execution.State.Name(execution.last_known_state),
                "times": [execution.create_time_since_epoch, execution.last_update_time_since_epoch],
                "properties": properties(execution),
            }
            for execution in executions
        },
        "events": sorted(
            [
                names[event.execution_id],
                pb.Event.Type.Name(event.type),
                step.key,
                artifacts[event.artifact_id].type,
                artifacts[event.artifact_id].name,
                artifacts[event.artifact_id].uri,
            ]
            for event in store.get_events_by_execution_ids(list(names))
            for step in event.path.steps
        ),
        "attributed": sorted([a.type, a.name] for a in store.get_artifacts_by_context(context.id)),
        "lineage": lineage(store),
        "cached": sorted(
            found.name
            for found in store.get_executions(
                metadata_store.ListOptions(filter_query="properties.state.string_value = 'cached'")
            )
        ),
    }


def lineage(store: metadata_store.MetadataStore) -> dict[str, list[str]]:
    options = pb.LineageSubgraphQueryOptions(
        starting_artifacts=pb.LineageSubgraphQueryOptions.StartingNodes(filter_query="type = 'PushedModel'"),
        max_num_hops=20,
        direction=pb.LineageSubgraphQueryOptions.UPSTREAM,
    )
    graph = store.get_lineage_subgraph(options)
    return {
        "artifacts": sorted(artifact.name for artifact in graph.artifacts),
        "executions": sorted(execution.name for execution in graph.executions),
    }


def properties(node: object) -> dict[str, object]:
    found = {}
    for key, value in node.properties.items():  # type: ignore[attr-defined]
        found[key] = getattr(value, value.WhichOneof("value"))
    return found


def write(store: metadata_store.MetadataStore) -> dict[str, int]:
    """What another tool would add to the same database."""
    kind = store.put_artifact_type(pb.ArtifactType(name="TheirArtifact", properties={"size": pb.INT}))
    (artifact,) = store.put_artifacts([pb.Artifact(type_id=kind, name="theirs", uri="file:///theirs")])
    ours = store.get_artifact_type("Model").id
    (model,) = store.put_artifacts([pb.Artifact(type_id=ours, name="their model", uri="file:///model")])
    step = store.put_execution_type(pb.ExecutionType(name="TheirStep"))
    (execution,) = store.put_executions([pb.Execution(type_id=step, name="their step")])
    store.put_events(
        [
            pb.Event(artifact_id=artifact, execution_id=execution, type=pb.Event.INPUT),
            pb.Event(artifact_id=model, execution_id=execution, type=pb.Event.OUTPUT),
        ]
    )
    return {"artifact": artifact, "execution": execution}


if __name__ == "__main__":
    main(*sys.argv[1:])
