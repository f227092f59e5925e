"""The report as Markdown: tables, and the graph as Mermaid.

Everything that a user may have written stands in code spans whose fence is longer than any in the text, so it can be
no mention, link, image, HTML or table cell of its own.
"""

from __future__ import annotations

from collections.abc import Iterator

from mlopsctl.curves import Confusion, ModelCurves
from mlopsctl.delivery.report.value import GateRow, Report
from mlopsctl.ground.text import name_problem
from mlopsctl.pipeline.ir import Pipeline
from mlopsctl.render.graph import graph_mermaid
from mlopsctl.render.money import of_step, whole
from mlopsctl.render.report import words
from mlopsctl.render.report.spans import block, code, prose, table
from mlopsctl.render.report.summary import sound, spread

_MOST_CLASSES = 15
_MOST_IMPORTANCES = 20


def markdown(report: Report) -> str:
    """The whole report; ends with a line end."""
    blocks = [
        *_verdict(report), *_gates(report), *_metrics(report), *_slices(report), *_curves(report), *_data(report),
        *_steps(report), *_tuning(report), *_lineage(report), *_reproduce(report), *_notes(report),
    ]  # fmt: skip
    return "\n\n".join(blocks) + "\n"


def _verdict(report: Report) -> Iterator[str]:
    run, said = report.run, report.headline
    mark, word, _ = words.STANDINGS[said.standing]
    yield f"# {mark} {word}: {code(run.project)} in {code(run.environment)}"
    yield f"**{prose(said.sentence)}**"
    if said.decided:
        yield prose(said.decided)
    for one in said.loud:
        yield f"> ⚠ **{prose(one)}**"
    took = None if run.finished is None else run.finished - run.started
    commit = code(run.git.commit[:12]) if run.git.commit else "no commit"
    yield f"Run {code(run.id)} of {words.when(run.started)}, {words.lasting(took)}, {commit}."
    if report.cost is not None and (costs := whole(report.cost)):
        yield f"Cost, at the prices of now: {costs}."


def _gates(report: Report) -> Iterator[str]:
    yield "## Gates and checks"
    if not report.gates:
        yield "No gate judged a model in this run."
    else:
        head = ("verdict", "gate", "what is judged", "measured", "needed", "interval", "values", "rows", "reason")
        yield table(head, [line for gate in report.gates for line in _gate_lines(gate)])
        for gate in report.gates:
            if gate.not_judged:
                skipped = ", ".join(code(one, 60) for one in gate.not_judged[:20])
                more = f" and {len(gate.not_judged) - 20} more" if len(gate.not_judged) > 20 else ""
                yield f"Not judged by {code(gate.name)}, for want of rows: {skipped}{more}."
    if report.checks:
        rows = [
            [
                f"{words.VERDICTS[check.verdict][0]} {check.verdict.value}{' (warns)' * (check.severity == 'warn')}",
                code(check.dataset), code(check.name), code(check.kind), code(check.needed), code(check.reason),
            ]
            for check in report.checks
        ]  # fmt: skip
        yield table(("verdict", "data", "check", "kind", "needed", "found"), rows)
    if report.server is not None:
        mark = words.VERDICTS[report.server.verdict][0]
        yield f"Preflight in a real server: {mark} {report.server.verdict.value}. {code(report.server.reason)}"


def _gate_lines(gate: GateRow, most: int = 60) -> Iterator[list[str]]:
    mark = words.VERDICTS[gate.verdict][0] if gate.decides else "·"
    word = words.verdict_word(gate)
    if gate.overridden:
        word = f"**⚠ {word}**: {code(gate.overridden)}"
    yield [
        f"{mark} {word}",
        code(gate.name),
        code(words.subject(gate)) + (f" on {code(gate.slice)}" if gate.slice else ""),
        words.measured(gate),
        words.needed(gate.bounds),
        " ".join(filter(None, [words.gate_interval(gate), f"({words.level(gate.interval)})" * bool(gate.interval)])),
        words.values(gate) or words.NONE,
        words.NONE if gate.rows is None else words.count(gate.rows),
        code("; ".join(filter(None, [gate.reason, gate.note]))),
    ]
    worst_first = sorted(gate.parts, key=lambda part: part.verdict.value == "pass")
    for part in worst_first[:most]:
        yield from _gate_lines(part)


def _metrics(report: Report) -> Iterator[str]:
    if not report.metrics:
        return
    yield "## Metrics"
    yield f"On {words.count(report.rows)} rows of the {code(report.split)} split; all models on the same rows."
    champion = any(row.champion is not None for row in report.metrics)
    head = ["metric", "which is better", "this model", "95 % interval"]
    head += ["champion", "difference", "95 % interval"] if champion else []
    head += ["trivial", "difference", "95 % interval"]
    rows = []
    for row in report.metrics:
        others = [row.champion, row.trivial] if champion else [row.trivial]
        better = words.direction(row.direction).strip(" .") or words.NONE
        cells = [code(row.metric), better, words.number(row.candidate.value), words.interval(row.interval)]
        for one in others:
            value = None if one is None else one.value
            cells += [words.number(value, row.candidate.value), words.difference(one)]
            cells.append(words.interval(None if one is None else one.interval, 0.0))
        rows.append(cells)
    yield table(head, rows)
    for row in report.metrics:
        if row.candidate.problem:
            yield f"{code(row.metric)} is undefined: {code(row.candidate.problem)}"


def _slices(report: Report) -> Iterator[str]:
    if not report.slices:
        return
    yield "## Slices"
    for found in report.slices:
        yield f"### {code(found.column)}"
        head = ["value", "rows", *(code(metric) for metric in found.metrics), "champion", "judged"]
        rows = [["all rows", words.count(report.rows), *(words.number(value) for value in found.whole), "", ""]]
        for row in found.rows:
            judged = "not judged: few rows" if row.too_small else "no gate"
            judged = judged if row.judged is None else row.judged.value
            numbers = [words.number(value) for value in row.values]
            rows.append([code(row.value, 60), words.count(row.rows), *numbers, words.number(row.champion), judged])
        yield table(head, rows)
        if found.hidden:
            yield f"{words.count(found.hidden)} more values are left out."


def _curves(report: Report) -> Iterator[str]:
    if not report.metrics:
        return
    yield "## Curves"
    if report.curves is None:
        yield "This run kept no curves."
        return
    for title, model in (("This model", report.curves.candidate), ("Champion", report.curves.champion)):
        if model is not None:
            yield from _model_curves(title, model)


def _model_curves(title: str, model: ModelCurves) -> Iterator[str]:
    yield f"### {title}"
    if model.confusion is not None and sound(model.confusion):
        yield _confusion(model.confusion)
    for name, curves in (("ROC", model.roc), ("precision and recall", model.precision_recall)):
        if curves:
            areas = [f"{code(one.name, 60)} {words.number(one.area)}" for one in curves[:_MOST_CLASSES]]
            yield f"Area under {name}: {', '.join(areas)}."
    if model.importances:
        head = ("column", f"loss of {code(model.importance_metric)} when shuffled", "deviation")
        rows = [
            (code(one.column, 60), words.number(one.mean), words.number(one.deviation))
            for one in sorted(model.importances, key=lambda one: -one.mean)[:_MOST_IMPORTANCES]
        ]
        yield table(head, rows)


def _confusion(found: Confusion) -> str:
    if len(found.classes) > _MOST_CLASSES:
        return f"The confusion matrix has {len(found.classes)} classes; the HTML report lists its largest errors."
    head = ["true \\ answered", *(code(name, 40) for name in found.classes)]
    rows = zip(found.classes, found.counts, strict=True)
    return table(head, [[code(name, 40), *map(words.count, row)] for name, row in rows])


def _data(report: Report) -> Iterator[str]:
    if not report.datasets:
        return
    yield "## Data"
    for data in report.datasets:
        yield f"### {code(data.name)}"
        parts = ", ".join(
            f"{code(name)} {words.count(rows)} ({words.share(rows, data.rows)})" for name, rows in data.splits.items()
        )
        yield f"{words.count(data.rows)} rows{': ' + parts if parts else ''}."
        rows = [
            [
                code(column.name, 60) + " (label)" * (column.name == data.label),
                column.type.value,
                f"{words.count(column.missing)} ({words.share(column.missing, column.rows)})",
                f"{'' if column.distinct_exact else '≈ '}{words.count(column.distinct)}",
                ", ".join(f"{name} {code(value, 60)}" if name else code(value, 60) for name, value in spread(column)),
            ]
            for column in data.columns
        ]
        if rows:
            yield table(("column", "type", "missing", "different", "values"), rows)
        if data.hidden:
            yield f"{words.count(data.hidden)} more columns are left out."
    found = [(check, anomaly) for check in report.checks for anomaly in check.anomalies]
    if found:
        yield "### Anomalies"
        head = ("check", "column", "what is wrong", "rows", "examples")
        rows = [
            [
                code(check.name), code(one.column, 60), code(one.reason),
                f"{words.count(one.rows)} of {words.count(one.of)}", code(words.listed(one.examples)),
            ]
            for check, one in found[:100]
        ]  # fmt: skip
        yield table(head, rows)


def _steps(report: Report) -> Iterator[str]:
    if not report.steps:
        return
    yield "## Steps"
    if report.pipeline is not None and _drawable(report.pipeline):
        yield block(graph_mermaid(report.pipeline).splitlines(), "mermaid")
    rows = [
        [
            code(step.id),
            f"{words.STATES[step.state][0]} {words.STATES[step.state][1]}",
            words.NONE if step.state.value == "cached" else words.lasting(step.milliseconds),
            *([of_step(report.cost, step.id) or words.NONE] if report.cost is not None else []),
            code(step.problem or step.line),
        ]
        for step in report.steps
    ]
    cost = ("cost",) if report.cost is not None else ()
    yield table(("step", "state", "time", *cost, "said"), rows)


def _drawable(pipeline: Pipeline) -> bool:
    """Mermaid has no way to quote everything, so only graphs of plain names are drawn with it."""
    names = [part for step in pipeline.steps for part in (step.id, *step.outputs)]
    names += [part for s in pipeline.steps for w in s.inputs.values() for part in (w.ref.step, w.ref.output)]
    return not any(name_problem(name) for name in names)


def _tuning(report: Report) -> Iterator[str]:
    if not report.tuning:
        return
    yield "## Tuning"
    for search in report.tuning:
        yield f"### {code(search.target)}"
        rows = [
            [
                f"{trial.number}{' **best**' * trial.best}",
                code(", ".join(f"{name}={value}" for name, value in trial.parameters.items())),
                words.number(trial.value),
                code(trial.state),
            ]
            for trial in search.trials
        ]
        yield table(("trial", "parameters", code(search.metric) or "value", "state"), rows)
        if search.hidden:
            yield f"{words.count(search.hidden)} more trials are left out."


def _lineage(report: Report) -> Iterator[str]:
    yield "## Lineage"
    found, git = report.lineage, report.run.git
    name, version = found.version
    facts = [
        ("commit", f"{code(git.commit)}{' with uncommitted changes' * git.dirty}" if git.commit else "none"),
        *((f"data of {code(where, 100)}", code(digest)) for where, digest in found.data.items()),
        *((f"code {code(file, 100)}", code(digest)) for file, digest in found.code.items()),
        ("model", code(found.model) or "none"),
        ("registered as", f"{code(name)} version {code(version)}" if version else "not registered"),
        ("pipeline", code(report.run.pipeline_digest)),
        ("packages", ", ".join(code(f"{one} {number}", 80) for one, number in found.packages.items()) or "none"),
    ]
    yield table(("what", "which"), facts)


def _reproduce(report: Report) -> Iterator[str]:
    if report.reproduce:
        yield "## How to reproduce"
        yield block(report.reproduce, "sh")


def _notes(report: Report) -> Iterator[str]:
    if report.notes:
        yield "## What could not be read"
        yield "\n".join(f"* {prose(note)}" for note in report.notes)
