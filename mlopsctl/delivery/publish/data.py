"""One item for every check on data that the project asks for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from mlopsctl.config.load import Loaded
from mlopsctl.delivery.publish.gates import CONCLUSIONS
from mlopsctl.delivery.publish.value import Item, Place
from mlopsctl.delivery.report.value import CheckRow, Prose, Said
from mlopsctl.evidence import Verdict
from mlopsctl.forges.contract import AnnotationLevel, Conclusion


def check_items(loaded: Loaded, rows: Sequence[CheckRow], missing: Prose) -> Iterator[Item]:
    """The checks in the order of the project, each with what the run found; ``missing`` says why there is no run."""
    found = {(row.dataset, row.name): row for row in rows}
    for dataset, data in loaded.project.data.items():
        for at, check in enumerate(data.checks):
            name = f"{dataset}.{check.name}"
            span = loaded.span(("data", dataset, "checks", at), prefer_key=True)
            row = found.get((dataset, check.name))
            if row is None:
                why = missing or ("The run did not come to this check.",)
                yield Item(name, "check", Conclusion.ACTION_REQUIRED, why, (), (Place(span, f"{name} is not proved"),))
                continue
            passed = row.verdict is Verdict.PASS
            warns = not passed and row.severity == "warn"
            conclusion = Conclusion.SUCCESS if warns else CONCLUSIONS[row.verdict]
            level = AnnotationLevel.WARNING if warns else AnnotationLevel.FAILURE
            places = () if passed else (Place(span, f"{name}: {row.reason}", level),)
            title: Prose = ("Warns: ", Said(row.reason)) if warns else (Said(row.reason),)
            anomalies: tuple[Prose, ...] = tuple(
                (Said(one.column), ": ", Said(one.reason), f" ({one.rows:,} of {one.of:,} rows)")
                for one in row.anomalies[:20]
            )
            yield Item(name, "check", conclusion, title, anomalies, places, check=row)
