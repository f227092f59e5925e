"""Interpolation: the two references, their types and places, and everything that is refused."""

from __future__ import annotations

import pytest

from mlopsctl.config.document import Document, parse_document
from mlopsctl.config.interpolate import Interpolated, interpolate, parse_override
from mlopsctl.config.overlay import overlay
from mlopsctl.ground.digest import Json
from mlopsctl.ground.errors import Diagnostic, InvalidProject, UsageProblem


def document(text: str) -> Document:
    return parse_document(text.encode(), "mlops.yaml")


def fill(text: str, **overrides: Json) -> Interpolated:
    return interpolate(document(text), overrides)


def problems(text: str) -> list[Diagnostic]:
    with pytest.raises(InvalidProject) as caught:
        fill(text)
    return list(caught.value.diagnostics)


def only(text: str) -> Diagnostic:
    (found,) = problems(text)
    return found


@pytest.mark.parametrize(
    ("value", "meant"),
    [
        ("${vars.i}", 3),
        ("${vars.f}", 0.00001),
        ("${vars.b}", True),
        ("${vars.n}", None),
        ("${vars.l}", [1, "x"]),
        ("${vars.m}", {"k": "x/y"}),
        ("${vars.t}", "x"),
        ("a${vars.i}b", "a3b"),
        ("${vars.f} ${vars.b}", "1e-05 true"),
        ("${vars.t}${vars.t}", "xx"),
        ("$$", "$"),
        ("$${vars.t}", "${vars.t}"),
        ("$$${vars.t}", "$x"),
        ("$5 and $x, 100$", "$5 and $x, 100$"),
        ("${vars.dollar}", "${vars.t}"),
        ("<${vars.dollar}>", "<${vars.t}>"),
        ("${parameters.p}", 7),
        ("p=${parameters.p}", "p=7"),
        ("${parameters.seed}", 0),
    ],
)
def test_a_reference_is_replaced(value: str, meant: Json) -> None:
    head = """
vars: {i: 3, f: 1e-5, b: true, n: null, l: [1, "${vars.t}"], t: x, m: {k: "${vars.t}/y"}, dollar: "$${vars.t}"}
parameters: {p: 7}
"""
    result = fill(f"{head}a: '{value}'").document.data["a"]
    assert (type(result), result) == (type(meant), meant)


def test_the_resolved_vars_and_the_overridden_parameters_stand_in_the_data() -> None:
    result = fill("parameters: {p: 1.5, q: a}\nvars: {a: '${vars.b}', b: x}\nc: ${parameters.p}", p=2)
    assert result.document.data == {"parameters": {"p": 2.0, "q": "a"}, "vars": {"a": "x", "b": "x"}, "c": 2.0}
    assert isinstance(result.document.data["c"], float)


def test_the_seed_can_be_given_where_it_is_not_declared() -> None:
    assert fill("a: 1", seed=3).document.data == {"a": 1, "parameters": {"seed": 3}}
    assert fill("a: 1").document.data == {"a": 1}


def test_bindings_name_the_parameter_of_every_value_that_holds_one() -> None:
    result = fill(
        "parameters: {p: 1, q: 2}\nvars: {v: 1}\na: ['${parameters.p}', 'x${parameters.q}${parameters.p}', '${vars.v}']"
    )
    assert result.bindings == {("a", 0): "p", ("a", 1): "q"}
    assert result.templates == {("a", 1): "x${parameters.q}${parameters.p}"}


def test_keys_are_not_interpolated() -> None:
    assert fill("vars: {v: x}\n'${vars.v}': 1").document.data["${vars.v}"] == 1


@pytest.mark.parametrize(
    ("value", "id", "hint"),
    [
        ("${vars.data_rot}", "unknown-var", "did you mean ${vars.data_root}?"),
        ("${vars.zzz}", "unknown-var", "declare it: vars: {zzz: ...}"),
        ("${vars.lr}", "unknown-var", "did you mean ${parameters.lr}?"),
        ("${parameters.data_root}", "unknown-parameter", "did you mean ${vars.data_root}?"),
        ("${parameters.l}", "unknown-parameter", "did you mean ${parameters.lr}?"),
        ("${data_root}", "bad-reference", "did you mean ${vars.data_root}?"),
        ("${lr}", "bad-reference", "did you mean ${parameters.lr}?"),
        ("${var.data_root}", "bad-reference", "did you mean ${vars.data_root}?"),
        ("${params.lr}", "bad-reference", "did you mean ${parameters.lr}?"),
        ("${ vars.data_root }", "bad-reference", "without spaces: ${vars.data_root}"),
        ("${AWS_SECRET_ACCESS_KEY}", "bad-reference", "environment variables are not read"),
        ("${HOME:-x}", "bad-reference", "environment variables are not read"),
        ("${env.HOME}", "bad-reference", "environment variables are not read"),
        ("${}", "bad-reference", "only ${vars.name}"),
        ("${vars.}", "bad-reference", "only ${vars.name}"),
        ("${{ secrets.TOKEN }}", "bad-reference", "only ${vars.name}"),
        ("${vars.data_root", "bad-reference", "close it with '}'"),
        ("x ${vars.list} y", "bad-reference", "let it stand alone"),
        ("x ${vars.nothing}", "bad-reference", "let it stand alone"),
    ],
)
def test_anything_else_after_a_dollar_and_a_brace_is_refused(value: str, id: str, hint: str) -> None:
    text = f"vars: {{data_root: d, list: [1], nothing: null}}\nparameters: {{lr: 0.1}}\na:\n  - 'é {value}'\n"
    found = only(text)
    assert found.id == id
    assert hint in found.hint
    assert found.span is not None
    line = text.splitlines()[found.span.line - 1]
    marked = line[found.span.column - 1 : found.span.end_column - 1]
    assert value.removeprefix("x ").removesuffix(" y") == marked


def test_the_environment_of_the_process_is_never_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CANARY", "tweet-tweet")
    found = only("a: ${CANARY} ${env.CANARY}"[:12])
    assert "tweet" not in f"{found.message}{found.hint}"


def test_every_bad_reference_is_reported_at_its_own_place() -> None:
    found = problems("a: '${vars.x} ${vars.x} $${vars.x}'\nb: >\n  some ${vars.y}\n  and ${vars.z}\n")
    assert [str(item.span).removeprefix("mlops.yaml:") for item in found] == ["1:5", "1:15", "3:8", "4:7"]


def test_a_reference_cannot_stand_in_a_parameter() -> None:
    assert "a default stands on its own" in only("vars: {v: 1}\nparameters: {p: '${vars.v}'}").hint


def test_a_var_cannot_refer_to_a_parameter() -> None:
    assert "vars are constants" in only("parameters: {p: 1}\nvars: {v: '${parameters.p}'}").hint


def test_a_circle_of_vars_is_printed_as_a_path() -> None:
    found = only("vars:\n  a: '${vars.b}'\n  b: ['x${vars.c}']\n  c: '${vars.a}'\n  d: '${vars.a}'\n")
    assert found.id == "var-cycle"
    assert "a → b → c → a" in found.message
    assert str(found.span) == "mlops.yaml:4:7"
    assert "a → a" in only("vars: {a: '${vars.a}'}").message


def test_a_long_chain_of_vars_costs_no_recursion() -> None:
    chain = "\n".join(f"  v{n}: '${{vars.v{n + 1}}}'" for n in range(5000))
    assert fill(f"vars:\n{chain}\n  v5000: end\na: '${{vars.v0}}'").document.data["a"] == "end"
    circle = only(f"vars:\n{chain}\n  v5000: '${{vars.v0}}'")
    assert len(circle.message) < 200


def test_vars_cannot_grow_without_bound() -> None:
    wide = "\n".join(f"  v{n}: [{', '.join([repr(f'${{vars.v{n - 1}}}')] * 10)}]" for n in range(1, 12))
    assert problems(f"vars:\n  v0: x\n{wide}")[-1].id == "too-many-nodes"
    long = "\n".join(f"  v{n}: '{f'${{vars.v{n - 1}}}' * 10}'" for n in range(1, 12))
    assert problems(f"vars:\n  v0: xxxxxxxxxx\n{long}")[-1].id == "too-large"
    deep = "\n".join(f"  v{n}: [['${{vars.v{n - 1}}}']]" for n in range(1, 60))
    assert problems(f"vars:\n  v0: [x]\n{deep}")[-1].id == "too-deep"


def test_positions_below_a_reference_point_at_the_var() -> None:
    result = fill("vars:\n  cols: [a, b]\nuse: ${vars.cols}\n").document
    assert str(result.span_of(("use",))) == "mlops.yaml:3:6"
    assert str(result.span_of(("use", 1))) == "mlops.yaml:2:13"


def test_a_reference_in_an_overlay_is_found_in_the_overlay() -> None:
    text = "a: 1\nenvironments:\n  dev:\n    a: ${vars.nope}\n"
    with pytest.raises(InvalidProject) as caught:
        interpolate(overlay(document(text), "dev"))
    assert str(caught.value.diagnostics[0].span) == "mlops.yaml:4:8"


@pytest.mark.parametrize(
    ("text", "default", "meant"),
    [
        ("7", 1, 7),
        ("-7", 1, -7),
        ("7", 1.0, 7.0),
        ("1e-3", 1.0, 0.001),
        ("true", False, True),
        ("010", "x", "010"),
        ("true", "x", "true"),
        ("", "x", ""),
        ("[1, 2]", [], [1, 2]),
        ('{"a": [1]}', {}, {"a": [1]}),
        ("5", None, 5),
        ("five", None, "five"),
    ],
)
def test_an_override_has_the_type_of_its_default(text: str, default: Json, meant: Json) -> None:
    value = parse_override(text, default)
    assert (type(value), value) == (type(meant), meant)


@pytest.mark.parametrize(
    ("text", "default"),
    [
        ("1.5", 1), ("x", 1), ("true", 1), ("", 1), ("010", 1), ("9" * 400, 1), ("1", True), ("True", True),
        ("yes", True),
        ("1e400", 1.0), (".nan", 1.0), ("nan", 1.0), ("true", 1.0), ("x", []), ("{}", []), ("[]", {}), ("[NaN]", []),
        ("[" * 100_000, []), ("[1", []), ("\x00", "x"), ("\ud800", "x"), ('["\\ud800"]', []), ("a\x1b[2J", "x"),
    ],
)  # fmt: skip
def test_an_override_of_another_type_is_a_usage_error(text: str, default: Json) -> None:
    with pytest.raises(UsageProblem) as caught:
        parse_override(text, default)
    assert caught.value.diagnostics[0].hint


def test_an_unknown_parameter_on_the_command_line_is_a_usage_error() -> None:
    with pytest.raises(UsageProblem) as caught:
        fill("parameters: {epochs: 3, rate: 0.1}", epoch=3, rate="fast", other=1)
    unknown, wrong, other = caught.value.diagnostics
    assert (unknown.id, unknown.hint) == ("unknown-parameter", "did you mean 'epochs'?")
    assert wrong.id == "parameter-type"
    assert "rate" in wrong.message
    assert "seed, epochs, rate" in other.hint


def test_sections_of_another_shape_are_left_to_the_models() -> None:
    result = fill("vars: [a]\nparameters: 3\nb: x")
    assert result.document.data == {"vars": ["a"], "parameters": 3, "b": "x"}
