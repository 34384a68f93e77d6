"""Operators that are not torch's own are counted by the formulas that people have for them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.utils.flop_counter import flop_registry, register_flop_formula

import archscope
from archscope.counting import custom
from archscope.counting.operator_info import operator_of
from archscope.dependence import rules
from archscope.errors import ArchscopeError, UsageError
from archscope.results import Report

pytestmark = pytest.mark.skipif(
    torch.__version__ < "2.8",
    reason="an older torch ends the process where an operator is defined a second time",
)
Define = Callable[[str, Callable[..., Any] | None], None]


@pytest.fixture
def define(monkeypatch: pytest.MonkeyPatch) -> Iterator[Define]:
    """Return what makes an operator by its schema and, where it has one, its kernel for shapes."""
    monkeypatch.setattr(custom, "_given", {})
    monkeypatch.setattr(custom, "_shapes", {})
    monkeypatch.setattr(rules, "_given", {})
    known = dict(flop_registry)
    libraries = []
    # What torch keeps an operator's kernel for shapes in: while it is there, torch remembers an
    # operator by its address, and the next of that name would be looked for where none is.
    kept = torch.library._keep_alive
    before = len(kept)

    def made(schema: str, kernel: Callable[..., Any] | None) -> None:
        namespace, _, rest = schema.partition("::")
        library = torch.library.Library(namespace, "FRAGMENT")
        libraries.append(library)
        library.define(rest)
        if kernel is not None:
            library.impl(rest.partition("(")[0], kernel, "Meta")

    yield made
    for library in (*libraries, *kept[before:]):
        library._destroy()
    del kept[before:]
    flop_registry.clear()
    flop_registry.update(known)


class Scores(nn.Module):
    """3 rows of 8 through a linear layer, and an operator with a weight of its own: 8 to 5."""

    def __init__(self) -> None:
        super().__init__()
        self.fc = nn.Linear(8, 8)
        self.weight = nn.Parameter(torch.zeros(5, 8))

    def forward(self, x: Tensor) -> Tensor:
        result: Tensor = torch.ops.mylib.scores(self.fc(x), self.weight)
        return result


LINEAR = 3 * 8 * 8
OWN = 3 * 8 * 5
SCHEMA = "mylib::scores(Tensor x, Tensor w) -> Tensor"


def scores(x: Tensor, w: Tensor) -> Tensor:
    return x.new_empty(x.shape[0], w.shape[0])


def counted(*args: Any) -> Report:
    return archscope.params(Scores(), torch.zeros(3, 8, device="meta"), *args)


def notes(report: Report, level: str) -> list[str]:
    return [note.text for note in report.notes if note.level == level]


def test_without_a_formula_it_is_a_gap(define: Define) -> None:
    define(SCHEMA, scores)

    report = counted()
    assert (report.totals.macs, report.totals.complete) == (LINEAR, False)


def test_a_formula_of_torchs_registry_counts_though_it_came_late(define: Define) -> None:
    define(SCHEMA, scores)
    counted()  # everything is imported, and the operator was met

    @register_flop_formula(torch.ops.mylib.scores)
    def flops(x: Any, w: Any, *, out_shape: Any, **_: Any) -> int:
        return 2 * out_shape[0] * out_shape[1] * int(w[1])

    report = counted()
    assert (report.totals.macs, report.totals.complete) == (LINEAR + OWN, True)
    assert notes(report, "warning") == []
    said = "operator mylib::scores is counted by a formula of yours, which no second engine holds"
    assert said in notes(report, "info")


def test_a_formula_of_an_unknown_operator_of_torch_may_come_late(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(custom, "_given", {})
    unknown = torch.ops.aten._cudnn_attention_forward.default
    assert operator_of(unknown).kind == "unknown"

    archscope.operator("aten::_cudnn_attention_forward", macs=lambda *_, **__: 7)
    assert operator_of(unknown).kind == "multiply-accumulate"


def test_a_formula_that_was_given_counts_at_the_module_that_runs(define: Define) -> None:
    define(SCHEMA, scores)
    archscope.operator("mylib::scores", macs=lambda x, w, *, result: result.numel() * w.shape[1])

    report = counted()
    own = {row.path: row.own_macs for row in report.section("modules").rows}
    assert (report.totals.macs, report.totals.complete) == (LINEAR + OWN, True)
    assert own[""] == OWN
    assert own["fc"] == LINEAR
    said = "count the same other multiply-accumulates in the one module that has any"
    assert any(said in text for text in notes(report, "info"))


def test_shapes_stand_in_for_a_kernel_that_is_missing(define: Define) -> None:
    define(SCHEMA, None)
    archscope.operator(
        "mylib::scores",
        macs=lambda x, w, *, result: result.numel() * w.shape[1],
        shapes=lambda x, w: (x.shape[0], w.shape[0]),
    )

    assert counted().totals.macs == LINEAR + OWN


@pytest.mark.parametrize(
    ("shapes", "made"),
    [
        (lambda x: (), ["()"]),
        (lambda x: (x.shape[1], 2), ["(8, 2)"]),
        (lambda x: ((x.shape[1], 2), ()), ["(8, 2)", "()"]),
    ],
)
def test_shapes_are_of_one_result_or_of_each(
    define: Define, shapes: Callable[..., Any], made: list[str]
) -> None:
    results = ", ".join(["Tensor"] * len(made))
    define(f"mylib::several(Tensor x) -> ({results})", None)
    for _ in range(2):  # a second time too
        archscope.operator("mylib::several", macs=0, shapes=shapes)

    found = torch.ops.mylib.several(torch.zeros(3, 8, device="meta"))
    found = [found] if isinstance(found, Tensor) else found
    assert [str(tuple(each.shape)) for each in found] == made


def test_an_operator_without_products_is_known(define: Define) -> None:
    define(SCHEMA, scores)
    archscope.operator("mylib::scores", macs=0)

    report = counted()
    assert (report.totals.macs, report.totals.complete) == (LINEAR, True)
    assert not any("mylib" in text for text in notes(report, "info"))


@pytest.mark.parametrize(
    ("formula", "why"),
    [
        (lambda x, *, result: 1, "its formula raised TypeError"),
        (lambda *_, **__: -1, "its formula returned -1, which is not a number"),
        (lambda *_, **__: None, "its formula returned None, which is not a number"),
        (lambda *_, **__: 1.5, "its formula returned 1.5, which is not a number"),
    ],
)
def test_a_formula_that_says_nothing_is_a_gap(
    define: Define, formula: Callable[..., int], why: str
) -> None:
    define(SCHEMA, scores)
    archscope.operator("mylib::scores", macs=formula)

    report = counted()
    assert (report.totals.macs, report.totals.complete) == (LINEAR, False)
    assert f"operator mylib::scores is not counted: {why}" in notes(report, "warning")[0]


class Borrows(nn.Module):
    """Multiplies by the weight of a layer that it does not call."""

    def __init__(self) -> None:
        super().__init__()
        self.fc = nn.Linear(8, 5)

    def forward(self, x: Tensor) -> Tensor:
        result: Tensor = torch.ops.mylib.scores(x, self.fc.weight)
        return result


def test_parts_may_be_the_work_of_the_layer_that_holds_the_weight(define: Define) -> None:
    define(SCHEMA, None)
    library = torch.library.Library("mylib", "FRAGMENT")
    library.impl("scores", lambda x, w: x @ w.T, "CompositeImplicitAutograd")

    report = archscope.params(Borrows(), torch.zeros(3, 8))

    assert (report.totals.macs, report.totals.complete) == (OWN, True)
    assert not notes(report, "warning")
    library._destroy()


def test_an_operator_that_runs_as_its_parts_is_counted_by_them(define: Define) -> None:
    define(SCHEMA, None)
    library = torch.library.Library("mylib", "FRAGMENT")
    library.impl("scores", lambda x, w: x @ w.T, "CompositeImplicitAutograd")
    register_flop_formula(torch.ops.mylib.scores)(lambda *_, **__: 2)  # torch too never asks it

    report = counted()
    assert (report.totals.macs, report.totals.complete) == (LINEAR + OWN, True)
    with pytest.raises(UsageError, match="each of which is counted"):
        archscope.operator("mylib::scores", macs=0)
    library._destroy()


@pytest.mark.parametrize(
    ("name", "is_so"),
    # One whose `out` is no composite, one of which torch has kernels, one of TorchScript alone.
    [("aten::linear", True), ("aten::mm", False), ("aten::Bool", False), ("aten::none", False)],
)
def test_what_has_parts_in_any_of_its_forms_runs_as_these(name: str, is_so: bool) -> None:
    assert custom.is_composite(name) is is_so


@pytest.mark.parametrize("name", ["scores", "::scores", "aten::mm", "aten::relu", "aten::Bool"])
def test_what_is_no_operator_or_is_known_is_refused(name: str) -> None:
    with pytest.raises(UsageError):
        archscope.operator(name, macs=0)


def test_what_it_reads_is_known_to_rf(define: Define) -> None:
    define("mylib::smoothed(Tensor x) -> Tensor", lambda x: torch.empty_like(x))

    def seen() -> tuple[Any, str | None, bool]:
        model = nn.Sequential(nn.Conv1d(1, 1, 3, padding=1), Calls(torch.ops.mylib.smoothed))
        totals = archscope.receptive_field(model, torch.zeros(1, 1, 16, device="meta")).totals
        return totals.receptive_field, totals.reads_all, totals.complete

    assert seen() == ((16,), None, False)  # all is a bound
    archscope.operator("mylib::smoothed", reads="elementwise")
    assert seen() == ((3,), None, True)  # the taps of the convolution alone
    archscope.operator("mylib::smoothed", reads="everything")
    assert seen() == ((3,), "1", True)  # the last map before it, and that all is read
    with pytest.raises(UsageError, match="'elements'"):
        archscope.operator("mylib::smoothed", reads="elements")  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="aten::convolution has a rule already"):
        archscope.operator("aten::convolution", reads="elementwise")


class Calls(nn.Module):
    """Calls one operator, with what stands in for weights made on the spot."""

    def __init__(self, call: Callable[..., Any]) -> None:
        super().__init__()
        self.call = call

    def forward(self, *tensors: Tensor) -> Any:
        return self.call(*tensors)


def of(call: Callable[..., Any], *shapes: tuple[int, ...]) -> Report:
    return archscope.params(Calls(call), *(torch.zeros(s, device="meta") for s in shapes))


def test_deformable_convolution_is_a_convolution(define: Define) -> None:
    define(
        "torchvision::deform_conv2d(Tensor input, Tensor weight, Tensor offset, Tensor mask, "
        "Tensor bias, SymInt stride_h, SymInt stride_w, SymInt pad_h, SymInt pad_w, "
        "SymInt dilation_h, SymInt dilation_w, SymInt groups, SymInt offset_groups, "
        "bool use_mask) -> Tensor",
        lambda x, w, *_: x.new_empty(x.shape[0], w.shape[0], 5, 5),
    )

    def call(x: Tensor, w: Tensor, offset: Tensor, mask: Tensor, bias: Tensor) -> Any:
        operator = torch.ops.torchvision.deform_conv2d
        return operator(x, w, offset, mask, bias, 1, 1, 0, 0, 1, 1, 2, 1, True)

    report = of(call, (2, 4, 7, 7), (6, 2, 3, 3), (2, 18, 5, 5), (2, 9, 5, 5), (6,))
    # 2 images x 5 x 5 positions x 6 outputs x (4 / 2 groups) inputs x 3 x 3 taps
    assert (report.totals.macs, report.totals.complete) == (2 * 25 * 6 * 2 * 9, True)


def test_regions_of_interest_cost_no_products(define: Define) -> None:
    define(
        "torchvision::roi_align(Tensor input, Tensor rois, float spatial_scale, "
        "SymInt pooled_height, SymInt pooled_width, int sampling_ratio, bool aligned) -> Tensor",
        lambda x, rois, *_: x.new_empty(rois.shape[0], x.shape[1], 2, 2),
    )
    define(
        "torchvision::roi_pool(Tensor input, Tensor rois, float spatial_scale, "
        "SymInt pooled_height, SymInt pooled_width) -> (Tensor, Tensor)",
        lambda x, rois, *_: (x.new_empty(rois.shape[0], x.shape[1], 2, 2),) * 2,
    )

    def call(x: Tensor, rois: Tensor) -> Any:
        aligned = torch.ops.torchvision.roi_align(x, rois, 1.0, 2, 2, 2, True)
        return aligned + torch.ops.torchvision.roi_pool(x, rois, 1.0, 2, 2)[0]

    report = of(call, (1, 3, 8, 8), (4, 5))
    assert (report.totals.macs, report.totals.complete) == (0, True)


def test_flash_attention_is_attention(define: Define) -> None:
    define(
        "flash_attn::_flash_attn_forward(Tensor q, Tensor k, Tensor v, float dropout_p, "
        "float softmax_scale, bool causal, SymInt window_size_left, SymInt window_size_right, "
        "float softcap, Tensor? alibi_slopes, bool return_softmax) "
        "-> (Tensor, Tensor, Tensor, Tensor)",
        lambda q, *_: tuple(torch.empty_like(q) for _ in range(4)),
    )

    def call(q: Tensor, k: Tensor, v: Tensor) -> Any:
        operator = torch.ops.flash_attn._flash_attn_forward
        return operator(q, k, v, 0.0, 1.0, True, -1, -1, 0.0, None, False)[0]

    # q of 2 sequences, 5 queries, 4 heads, width 8; 7 keys of 2 heads that are shared
    report = of(call, (2, 5, 4, 8), (2, 7, 2, 8), (2, 7, 2, 6))
    assert (report.totals.macs, report.totals.complete) == (2 * 4 * 5 * 7 * (8 + 6), True)


def test_the_convolution_of_mamba_writes_its_output(define: Define) -> None:
    define(
        "DaoAILab::_causal_conv1d_fwd_cpp(Tensor x, Tensor weight, Tensor? bias, "
        "Tensor? seq_idx, Tensor? initial_states, Tensor(a5!) out, "
        "Tensor(a6!)? final_states_out, bool silu_activation) -> ()",
        lambda *_: None,
    )

    def call(x: Tensor, w: Tensor) -> Tensor:
        out = torch.empty_like(x)
        operator = torch.ops.DaoAILab._causal_conv1d_fwd_cpp
        operator(x, w, None, None, None, out, None, True)
        return out

    report = of(call, (2, 6, 10), (6, 4))
    # 2 sequences x 6 channels x 10 steps, 4 taps each
    assert (report.totals.macs, report.totals.complete) == (2 * 6 * 10 * 4, True)
    said = "DaoAILab::_causal_conv1d_fwd_cpp is counted by the formula of causal-conv1d, which"
    assert any(said in text for text in notes(report, "info"))


def on_data(call: Callable[..., Any], *tensors: Tensor) -> Report:
    return archscope.params(Calls(call), *tensors)


def test_sequences_laid_end_to_end_attend_each_to_itself(define: Define) -> None:
    schema = (
        "flash_attn::_flash_attn_varlen_forward(Tensor q, Tensor k, Tensor v, Tensor cu_q, "
        "Tensor cu_k, int max_q, int max_k, float dropout_p, float scale, bool causal) -> Tensor"
    )
    define(schema, lambda q, *_: torch.empty_like(q))
    library = torch.library.Library("flash_attn", "FRAGMENT")
    library.impl("_flash_attn_varlen_forward", lambda q, *_: torch.zeros_like(q), "CPU")

    def call(q: Tensor, starts: Tensor) -> Any:
        operator = torch.ops.flash_attn._flash_attn_varlen_forward
        return operator(q, q, q[..., :5], starts, starts, 5, 5, 0.0, 1.0, True)

    # 3 and 5 queries of 4 heads, width 6; values of width 5
    report = on_data(call, torch.zeros(8, 4, 6), torch.tensor([0, 3, 8]))
    assert (report.totals.macs, report.totals.complete) == (4 * (9 + 25) * (6 + 5), True)
    report = of(call, (8, 4, 6), (3,))
    assert not report.totals.complete
    assert any("unknown without data" in text for text in notes(report, "warning"))
    library._destroy()


def test_products_of_bitsandbytes(define: Define) -> None:
    define("bitsandbytes::int8_linear_matmul(Tensor A, Tensor B) -> Tensor", scores)
    define(
        "bitsandbytes::int8_mixed_scaled_mm(Tensor A, Tensor CA, Tensor CB, Tensor SCA, "
        "Tensor SCB, Tensor? outlier_cols=None, Tensor? bias=None) -> (Tensor, Tensor?)",
        lambda x, _, w, *__: (scores(x, w), None),
    )
    define(
        "bitsandbytes::gemv_4bit(Tensor A, Tensor B, int[] shapeB, Tensor absmax, Tensor code, "
        "int blocksize) -> Tensor",
        lambda x, w, shape, *_: x.new_empty(x.shape[0], shape[0]),
    )
    define(
        "bitsandbytes::dequantize_4bit(Tensor A, Tensor absmax, int blocksize, str quant_type, "
        "int[] shape, ScalarType dtype) -> Tensor",
        lambda w, a, b, q, shape, dtype: w.new_empty(shape, dtype=dtype),
    )

    def call(x: Tensor, w: Tensor, outliers: Tensor, packed: Tensor) -> Any:
        ops = torch.ops.bitsandbytes
        whole = ops.dequantize_4bit(packed, x, 64, "nf4", [5, 8], torch.float32)
        return (
            ops.int8_linear_matmul(x, w),
            ops.int8_mixed_scaled_mm(x, x, w, x, w, outliers),
            ops.gemv_4bit(x, packed, [5, 8], x, x, 64),
            x @ whole.t(),
        )

    report = of(call, (3, 8), (5, 8), (2,), (20, 1))
    # 3 rows, 8 to 5, four times over, and 2 of the 8 columns twice
    assert (report.totals.macs, report.totals.complete) == (4 * 3 * 8 * 5 + 3 * 2 * 5, True)


def test_a_swiglu_of_xformers_is_two_products(define: Define) -> None:
    define(
        "xformers::dual_gemm_silu_identity_mul(Tensor x, Tensor w1, Tensor? b1, Tensor w2, "
        "Tensor? b2) -> (Tensor, Tensor, Tensor)",
        lambda x, w, *_: (scores(x, w),) * 3,
    )

    def call(x: Tensor, w: Tensor) -> Any:
        return torch.ops.xformers.dual_gemm_silu_identity_mul(x, w, None, w, None)[2]

    report = of(call, (3, 8), (5, 8))
    assert (report.totals.macs, report.totals.complete) == (2 * 3 * 8 * 5, True)


def test_graph_operators_in_cpp_are_met_as_a_whole(define: Define) -> None:
    define(
        "torch_sparse::spmm_sum(Tensor? row, Tensor rowptr, Tensor col, Tensor? value, "
        "Tensor? colptr, Tensor? csr2csc, Tensor mat) -> Tensor",
        None,
    )
    define(
        "torch_scatter::scatter_sum(Tensor src, Tensor index, int dim, Tensor? out, "
        "int? dim_size) -> Tensor",
        None,
    )
    library = torch.library.Library("torch_sparse", "FRAGMENT")
    library.impl(  # a kernel that fills memory by its address, registered for all devices
        "spmm_sum", lambda *given: torch.empty(3, given[-1].shape[1]), "CompositeImplicitAutograd"
    )
    scatter = torch.library.Library("torch_scatter", "FRAGMENT")
    scatter.impl(
        "scatter_sum", lambda src, *_: torch.empty(3, src.shape[1]), "CompositeImplicitAutograd"
    )

    def call(x: Tensor, starts: Tensor, column: Tensor, value: Tensor) -> Any:
        spmm, sums = torch.ops.torch_sparse.spmm_sum, torch.ops.torch_scatter.scatter_sum
        y = spmm(None, starts, column, value, None, None, x)
        y = y + spmm(None, starts, column, None, None, None, x)  # ones: rows are summed
        return y + sums(x, column, 0, None, 3)

    entries = torch.tensor([0, 1, 2, 0])
    report = on_data(call, torch.zeros(4, 6), torch.tensor([0, 1, 2, 4]), entries, torch.ones(4))
    # 4 stored entries, 6 columns
    assert (report.totals.macs, report.totals.complete) == (4 * 6, True)
    library._destroy()
    scatter._destroy()


def test_grouped_products_of_pyg_lib(define: Define) -> None:
    define(
        "pyg::segment_matmul(Tensor input, Tensor ptr, Tensor other) -> Tensor",
        lambda x, _, w: x.new_empty(x.shape[0], w.shape[2]),
    )
    define(
        "pyg::grouped_matmul(Tensor[] input, Tensor[] other) -> Tensor[]",
        lambda xs, ws: [x @ w for x, w in zip(xs, ws, strict=True)],
    )

    def call(x: Tensor, starts: Tensor, w: Tensor) -> Any:
        pyg = torch.ops.pyg
        return pyg.segment_matmul(x, starts, w), pyg.grouped_matmul([x, x], [w[0], w[1]])

    report = of(call, (4, 8), (3,), (2, 8, 5))
    assert (report.totals.macs, report.totals.complete) == (4 * 8 * 5 + 2 * 4 * 8 * 5, True)


def test_two_files_with_a_formula_of_one_operator_are_named(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sets = {"one": custom.FormulaSet({"mylib::f": of}), "two": custom.FormulaSet({"mylib::f": of})}
    monkeypatch.setattr(custom.FORMULA_SETS, "all", lambda: sets)
    custom._of_sets.cache_clear()

    with pytest.raises(ArchscopeError, match="the formula of one and the formula of two"):
        custom._of_sets()
    custom._of_sets.cache_clear()
