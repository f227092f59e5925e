"""The request that a packaged model brings with it, and the line that sends it."""

from __future__ import annotations

import json
import shlex
from pathlib import Path

from mlopsctl.ground.digest import Json

SERVING_EXAMPLE = "serving_input_example.json"


def example_content(model_dir: Path) -> Json:
    """The body of the example request of an MLflow model folder, its first row only; ``None`` when it has none."""
    try:
        # MLflow writes a missing value as NaN, which is not JSON; a request writes it as null.
        content = json.loads((model_dir / SERVING_EXAMPLE).read_bytes(), parse_constant=lambda _: None)
        table = content["dataframe_split"]
        return {"dataframe_split": {"columns": table["columns"], "data": table["data"][:1]}}
    except (OSError, ValueError, KeyError, TypeError):
        return None


def example_request(model_dir: Path, url: str) -> str:
    """A line for a shell that asks the server at ``url`` for a prediction on the model's example row."""
    content = example_content(model_dir) or {"dataframe_split": {"columns": [], "data": []}}
    body = shlex.quote(json.dumps(content, ensure_ascii=False))
    return f"curl -s {url}/invocations -H 'Content-Type: application/json' -d {body}"
