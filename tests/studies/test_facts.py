"""Published facts are computed again by what archscope answers with, and a wrong one is missed."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from archscope.cli import main
from archscope.errors import InterruptedRunError, ThresholdError, UncheckedError, UsageError
from archscope.library import facts, require_facts
from archscope.studies.facts.digits import agrees, of_digits
from archscope.studies.facts.evaluating import formula
from archscope.studies.facts.fact import Combined, Formula
from archscope.studies.facts.formulas import formulas
from archscope.studies.facts.reading import FOLDER, read_folder
from archscope.studies.facts.units import worth

Write = Callable[[str], Path]
FACT = 'claim = "c"\nsource = "s"\n'


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def made(text: str) -> Path:
        path = tmp_path / "mine.toml"
        path.write_text(text, encoding="utf-8")
        return path

    return made


@pytest.fixture(scope="module")
def every() -> dict[str, object]:
    return {"report": facts()}


def test_every_fact_holds_or_says_why_it_does_not(every: dict[str, object]) -> None:
    report = every["report"]
    require_facts(report)  # type: ignore[arg-type]
    rows = report.section("facts").rows  # type: ignore[attr-defined]

    assert len(rows) > 800
    assert {row.outcome for row in rows} == {"ok", "explained", "skipped"}
    assert {fact.subject for fact in read_folder()} == {
        path.stem.replace("_", "-") for path in FOLDER.glob("*.toml")
    }


def test_a_reason_is_given_for_what_differs_alone(every: dict[str, object]) -> None:
    differ = {r.id for r in every["report"].section("facts").rows if r.outcome == "explained"}  # type: ignore[attr-defined]
    skipped = {r.id for r in every["report"].section("facts").rows if r.outcome == "skipped"}  # type: ignore[attr-defined]

    assert {fact.id for fact in read_folder() if fact.reason} - differ - skipped == set()


def test_names_are_told_apart_and_every_fact_can_be_named() -> None:
    ids = [fact.id for fact in read_folder()]

    assert sorted(ids) == sorted(set(ids))
    assert [fact.id for fact in read_folder() if not fact.source or not fact.claim] == []
    assert [
        row.id for row in facts("kv-llama-2-7b", files=FOLDER / "kv.toml").section("facts").rows
    ] == ["kv-llama-2-7b"]


def test_a_network_is_built_where_its_fact_is_named_whole(write: Write) -> None:
    path = write(
        f'["built"]\n{FACT}model = "transformer"\nmeasure = "params"\nbuilt = true\n'
        "fields = { depth = 1, vocab_size = 0, d_model = 8, heads = 2, positions = 'none' }\n"
        "value = 888\n"  # 12 d^2 + 13 d of the block, 2 d of the norm behind it
    )

    assert facts(files=path).totals.skipped == 1
    assert facts("built", files=path).totals.held == 1


@pytest.mark.parametrize(
    ("text", "code", "says"),
    [
        ("value = 7\nsum = [3, 3]", 3, "a: 6 computed, 7 published, -0.143 of it; 0 is allowed"),
        ("value = 7\nsum = [3, 3]\nreason = 'r'", 0, ""),
        ("value = 7\nsum = [3, 3.5]\ntolerance = 0.08", 0, ""),
        ("value = 6\nunit = 'KiB'\nproduct = [2, 3072]", 0, ""),
        ("printed = '0.67'\nratio = [2, 3]", 0, ""),
        ("printed = '0.60'\nratio = [2, 3]", 3, "a: 0.6666666667 computed"),
        ("value = 1\nformula = 'os.system'", 1, "archscope.theory has no module 'os'"),
        ("value = 1\nformula = 'scaling.Path'", 1, "has no function 'Path'"),
        ("value = 1\nformula = 'spaces.networks'", 1, "it takes options, places"),
        ("value = 1\nmodel = 'gpt2'\nmeasure = 'parms'", 1, "no measure is called 'parms'"),
        ("value = 1\nmodel = 'gpt22'\nmeasure = 'params'", 1, "Did you mean"),
        ("value = 1\nratio = [1, 0]", 1, "division by zero"),
        ("value = 1", 2, "nothing computes it"),
        ("value = 'x'\nsum = [1]", 2, "value is 'x', not a number"),
        ("sum = [1]", 2, "has no value"),
        ("value = 1\nsum = [1]\nunit = 'GIB'", 2, "unit 'GIB' is not known"),
        ("value = 1\nsum = [1]\nbasis = 'heard'", 2, "basis 'heard' is not one of"),
        (
            "value = 1\nformula = 'x.y'\nmesure = 'z'",
            2,
            "'mesure' is not a key of a fact by formula",
        ),
        ("value = 1\nsum = 3", 2, "sum is 3, not a list of its terms"),
        ("value = ", 2, "is not TOML"),
        ("value = inf\nsum = [1]", 2, "value is inf, not a number"),
        ("value = nan\nsum = [1]", 2, "value is nan, not a number"),
        ("value = 1\nsum = [1e300, 1e300]\nproduct = 2", 2, "'product' is not a key"),
        ("value = 1\nproduct = [1e300, 1e300]", 1, "not a number"),
        ("value = 1e-300\nsum = [1e300]", 3, "a: 1e+300 computed"),
    ],
)
def test_a_fact_of_ones_own(
    write: Write, capsys: pytest.CaptureFixture[str], text: str, code: int, says: str
) -> None:
    path = write(f'["a"]\n{FACT}{text}\n')

    with pytest.raises(SystemExit) as ended:
        main(["facts", str(path), "-f", "csv"])
    said = capsys.readouterr().err
    assert (ended.value.code or 0) == code
    assert says in said
    assert said.count("\n") == bool(code)


def test_the_facts_of_the_documentation_hold(write: Write) -> None:
    text = (FOLDER.parents[1] / "docs" / "facts.md").read_text(encoding="utf-8")
    (example,) = re.findall(r"```toml\n(.*?)```", text, re.S)

    assert facts(files=write(example)).totals.held == 2


def test_what_is_missed_is_raised_with_the_report(write: Write) -> None:
    path = write(
        f'["a"]\n{FACT}value = 1\nsum = [1]\n["b"]\n{FACT}value = 1\nsum = [2]\n'
        f'["c"]\n{FACT}value = 1\nformula = "no.where"\n'
    )
    with pytest.raises(UncheckedError) as failed:
        require_facts(facts(files=path))
    with pytest.raises(ThresholdError) as missed:
        require_facts(facts("b", files=path))

    assert [row.outcome for row in failed.value.report.section("facts").rows] == [
        *("ok", "missed", "failed"),
    ]
    assert not isinstance(missed.value, UncheckedError)


def test_a_ctrl_c_keeps_what_was_computed(monkeypatch: pytest.MonkeyPatch) -> None:
    from archscope.library import _facts

    rows = _facts.answer.row
    seen: list[str] = []

    def cut(fact: Any, measures: Any) -> Any:
        seen.append(fact.id)
        if len(seen) > 2:
            raise KeyboardInterrupt
        return rows(fact, measures)

    monkeypatch.setattr(_facts.answer, "row", cut)
    with pytest.raises(InterruptedRunError) as caught:
        facts(only="kv")

    assert [row.id for row in caught.value.report.section("facts.facts").rows] == seen[:2]
    assert "the first 2 of" in caught.value.report.title


def test_a_name_that_there_is_not_is_said() -> None:
    own = FOLDER / "lora.toml"
    for names, only in ((("kv-lama",), ()), ((), ("kw",)), (("",), ())):
        with pytest.raises(UsageError):
            facts(*names, only=only, files=own)
    with pytest.raises(UsageError, match="`archscope facts lora-gpt3-r1`"):
        facts(only=("lora-gpt3-r1",), files=own)


def test_only_functions_of_theory_are_called() -> None:
    assert formula("scaling.optimal_parameters").__name__ == "optimal_parameters"
    for name in ("scaling._law", "scaling.exp", "scaling.Law", "counts.re", "..errors.first_line"):
        with pytest.raises(UsageError):
            formula(name)


def test_every_formula_of_a_fact_is_listed() -> None:
    listed = {each.name: each for each in formulas()}
    called = {name for fact in read_folder() for name in _called(fact.computes)}

    assert called - {*listed} == set()
    assert [each.name for each in listed.values() if not each.summary] == []
    assert listed["sharding.states"].inputs[-1] == "zero=0"


def _called(computes: Any) -> Iterator[str]:
    if isinstance(computes, Formula):
        yield computes.name
        yield from _called(tuple(computes.inputs.values()))
    elif isinstance(computes, Combined):
        yield from _called(computes.terms)
    elif isinstance(computes, tuple):
        for each in computes:
            yield from _called(each)


def test_units_and_digits() -> None:
    assert worth("GiB per GPU") == 2**30
    assert worth("bytes/token/layer") == worth("GB (1e9)") / 10**9 == 1
    assert worth("TFLOP/s/GPU") == 10**12
    assert of_digits("6.7B")[0] == 6_700_000_000
    assert agrees(18.4497, "18.4")
    assert agrees(18.4999, "18.4"), "cut"
    assert not agrees(18.51, "18.4")
