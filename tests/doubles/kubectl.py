"""A stand-in for ``kubectl`` with a cluster that has KServe: a program on PATH, its state in a file.

It takes the words that mlopsctl uses and no others, checks every manifest, and then does what KServe's controller does:
each new model is a revision, traffic goes by ``canaryTrafficPercent``, a model in ``bad`` never becomes ready.

    cluster = Cluster.installed(tmp_path)
    monkeypatch.setenv("PATH", f"{cluster.folder}:{os.environ['PATH']}")
"""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.doubles.kubectl_program import CONTEXT

_STATE = "MLOPSCTL_TEST_CLUSTER"
_EMPTY: dict[str, Any] = {"context": CONTEXT, "services": {}, "bad": [], "faults": [], "calls": [], "slow": 1}


@dataclass(frozen=True)
class Cluster:
    """The cluster behind an installed ``kubectl``; ``folder`` holds the program and the state."""

    folder: Path

    @classmethod
    def installed(cls, folder: Path, **state: Any) -> Cluster:
        """Put the program into a folder."""
        made = cls(folder / "cluster")
        made.folder.mkdir(parents=True)
        root = Path(__file__).parents[2]
        site = [path for path in sys.path if path.endswith("site-packages")]
        program = made.folder / "kubectl"
        program.write_text(
            # Without the site's own start-up, which takes longer than all that is done here.
            f"#!{sys.executable} -SE\nimport os, sys\nsys.path[:0] = [{str(root)!r}, *{site}]\n"
            f"os.environ[{_STATE!r}] = {str(made.folder / 'state.json')!r}\n"
            "from tests.doubles.kubectl_program import main\nsys.exit(main(sys.argv[1:]))\n"
        )
        program.chmod(0o755)
        made.change(**{**_EMPTY, **state})
        return made

    @property
    def state(self) -> dict[str, Any]:
        """What there is: services by ``namespace/name``, and every call."""
        found: dict[str, Any] = json.loads((self.folder / "state.json").read_text())
        return found

    def change(self, **state: Any) -> None:
        """Change what there is, by hand."""
        file = self.folder / "state.json"
        before = self.state if file.exists() else {}
        file.write_text(json.dumps({**before, **state}))

    def service(self, name: str) -> dict[str, Any]:
        """One service as the cluster holds it."""
        found: dict[str, Any] = self.state["services"][name]
        return found

    def verbs(self) -> list[str]:
        """What was asked: ``get``, ``apply``, ``delete``…, in order."""
        return [call["verb"] for call in self.state["calls"]]

    def fail(self, verb: str, message: str, *, times: int = 1, after: bool = False) -> None:
        """Let a verb fail; ``after``: once it has taken effect."""
        fault = {"verb": verb, "message": message, "times": times, "after": after}
        self.change(faults=[*self.state["faults"], fault])
