"""What a step keeps and has alive, without data, is what a real step on the CPU keeps and has."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.utils._python_dispatch import TorchDispatchMode

import archscope
from archscope.errors import ArchscopeError
from archscope.subject import Inputs, Subject
from archscope.timing.allocator import handed_out, most, without_workspaces
from archscope.training.kernels import AsOnCard
from archscope.training.optimisers import OPTIMISERS, optimiser, state_tensors
from archscope.training.peak import peak
from archscope.training.real import measure
from archscope.training.recipe import Adapters, Recipe, Recompute, read_adapters, read_recompute
from archscope.training.step import Step, run_step
from tests.training.networks import KINDS, Block
from tests.training.real import kept

AS_CPU = Recipe(dropout="cpu")


def subject(model: nn.Module, *shape: int) -> Subject:
    return Subject(
        name="it", model=model, inputs=Inputs(args=(torch.zeros(shape),)), origin="memory"
    )


def saved(step: Step) -> int:
    return sum(each.bytes for each in step.saved)


@pytest.mark.parametrize("kind", KINDS)
def test_a_step_without_data_keeps_what_a_real_one_does(kind: str) -> None:
    make, shape = KINDS[kind]
    model = make().train()

    assert saved(run_step(subject(model, *shape), AS_CPU, optimiser("sgd"))) == kept(
        model, torch.zeros(shape)
    )


@pytest.mark.parametrize("kind", ["a gated block", "detached"])
def test_the_peak_is_what_the_allocator_hands_out(kind: str) -> None:
    make, shape = KINDS[kind]
    it = subject(make().train(), *shape)

    step, real = run_step(it, AS_CPU, optimiser("adamw")), measure(it, AS_CPU, "adamw")

    assert saved(step) == real.saved
    before = step.inputs + sum(h.bytes + h.state for h in (*step.parameters, *step.buffers))
    assert before == real.before
    # What kernels take for themselves is not seen: of so small a network some bytes.
    assert abs(peak(step).bytes - real.peak) <= max(0.01 * real.peak, 64)


class _OnLevels(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(8, 8)

    def forward(self, levels: list[Tensor]) -> list[Tensor]:
        return [self.layer(level).sigmoid() for level in levels]


class _Levels(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(_OnLevels() for _ in range(3))

    def forward(self, x: Tensor) -> list[Tensor]:
        levels = [x, x[:2]]
        for block in self.blocks:
            levels = block(levels)
        return levels


def test_a_block_that_runs_again_keeps_what_it_is_given_in_a_list() -> None:
    it = subject(_Levels(), 4, 8)

    step = run_step(it, replace(AS_CPU, recompute=Recompute()), optimiser("sgd"))

    # The first keeps the input, both others what the one before has made of 4 and of 2 rows.
    assert saved(step) == 4 * 8 * 4 + 2 * (4 + 2) * 8 * 4


class _Unread(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.read, self.unread = nn.Linear(64, 64), nn.Linear(64, 256)

    def forward(self, x: Tensor) -> Tensor:
        torch.sigmoid(self.unread(x))
        return self.read(x)


def test_what_nothing_reads_is_gone_when_the_forward_is_over() -> None:
    it = subject(_Unread(), 32, 64)

    step, real = run_step(it, AS_CPU, optimiser("sgd")), measure(it, AS_CPU, "sgd")

    # The input of `read` alone; the sigmoid of `unread` would keep its answer.
    assert saved(step) == real.saved == 32 * 64 * 4
    assert peak(step).bytes == real.peak


@pytest.mark.parametrize(
    ("recipe", "dtype", "block", "bytes_"),
    [
        # Korthikanti et al. 2022 (arXiv 2205.05198), table 2, for B S tokens, h heads, width d:
        # 34 d less the two masks, and 8 for the norms' statistics and 4 for each head's log-sum-exp
        (Recipe(), torch.bfloat16, {}, 512 * (32 * 256 + 8 + 4 * 4)),
        (Recipe(), torch.bfloat16, {"dropout": 0.1}, 512 * (34 * 256 + 8 + 4 * 4)),
        # unfused, 5 a s for each token more: scores, their softmax twice, and a mask
        (
            Recipe(),
            torch.bfloat16,
            {"dropout": 0.1, "fused": False},
            512 * (34 * 256 + 5 * 4 * 256 + 8),
        ),
        (Recipe(recompute=Recompute()), None, {}, 4 * 512 * 256),  # the block's input, fp32
        # SwiGLU keeps 4 f where GELU keeps 2 f: 2 (8 d + 4 f) + 8 + 4 h
        (Recipe(), torch.bfloat16, {"gated": True}, 512 * (2 * (8 * 256 + 4 * 1024) + 8 + 4 * 4)),
    ],
)
def test_a_block_keeps_what_the_papers_say(
    recipe: Recipe, dtype: torch.dtype | None, block: dict[str, object], bytes_: int
) -> None:
    with torch.device("meta"):
        blocks = nn.Sequential(*[Block(256, 4, 1024, **block) for _ in range(2)])  # type: ignore[arg-type]

    step = run_step(subject(blocks, 2, 256, 256), recipe, optimiser("sgd"), dtype=dtype)

    assert saved(step) == 2 * bytes_


def test_adapters_make_activations_little_smaller() -> None:
    with torch.device("meta"):
        blocks = nn.Sequential(*[Block(256, 4, 1024, fused=False) for _ in range(3)])
    it = subject(blocks, 2, 256, 256)

    full = saved(run_step(it, Recipe(), optimiser("adamw")))
    adapted = run_step(
        it, Recipe(adapters=Adapters(rank=8, targets=("q", "v"))), optimiser("adamw")
    )

    assert (saved(adapted), full) == (21_090_304, 31_481_856)  # 67 %
    trained = sum(held.bytes for held in adapted.parameters if held.gradient)
    assert trained == 4 * 3 * 2 * 2 * 256 * 8  # layers x (q, v) x (A, B) x d x r, of 4 bytes


@pytest.mark.parametrize(
    ("targets", "trained"),
    [
        (("q_proj", "value"), 2 * 2 * (8 + 8)),  # two thirds of qkv, each r (i + o)
        (("c_attn",), 2 * (8 + 24)),  # the fused layer itself
        (("all-linear",), 2 * (8 + 24)),  # all but the last
        (("key", "o_proj"), 2 * (8 + 8) + 2 * (24 + 4)),
        (("*",), 2 * (8 + 24) + 2 * (24 + 4)),
        (("[a-p]*", "q"), 2 * (24 + 4) + 2 * (8 + 8)),
    ],
)
def test_adapters_are_named_as_checkpoints_name_their_layers(
    targets: tuple[str, ...], trained: int
) -> None:
    layers = {"qkv": nn.Linear(8, 24), "proj": nn.Linear(24, 4)}
    it = subject(nn.Sequential(OrderedDict(layers)), 2, 8)

    step = run_step(it, Recipe(adapters=Adapters(rank=2, targets=targets)), optimiser("sgd"))

    assert sum(held.gradient for held in step.parameters) == 4 * trained


def test_thirds_of_a_layer_with_few_key_heads_are_not_guessed() -> None:
    it = subject(nn.Sequential(OrderedDict(qkv=nn.Linear(8, 36), proj=nn.Linear(36, 4))), 2, 8)

    with pytest.raises(ArchscopeError, match="targets=q names no module"):
        run_step(it, Recipe(adapters=Adapters(rank=2, targets=("q",))), optimiser("sgd"))


def test_a_saved_head_is_a_copy_that_is_tied_no_more() -> None:
    model = nn.Sequential(nn.Embedding(10, 8), nn.Linear(8, 8), nn.Linear(8, 10, bias=False))
    model[2].weight = model[0].weight
    inputs = Inputs(args=(torch.zeros(2, 3, dtype=torch.long),), kwargs={})
    it = Subject(name="it", model=model, inputs=inputs, origin="memory")

    recipe = Recipe(adapters=Adapters(rank=2, targets=("1",), saved=("2",)))
    step = run_step(it, recipe, optimiser("sgd"))

    held = {(each.path, each.name): (each.bytes, each.gradient) for each in step.parameters}
    assert held["0", "weight"] == (4 * 10 * 8, 0)
    assert held["2.modules_to_save", "weight"] == (4 * 10 * 8, 4 * 10 * 8)
    assert ("2.original_module", "weight") not in held  # the embedding's


class ReadsWeight(nn.Module):
    """Uses the weight of a layer without calling it."""

    def __init__(self) -> None:
        super().__init__()
        self.a, self.b, self.c = (nn.Linear(8, 8) for _ in range(3))

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.c(self.b(nn.functional.linear(x, self.a.weight, self.a.bias)))
        return y


def test_a_layer_whose_weight_is_read_has_an_adapter_of_no_use() -> None:
    it = subject(ReadsWeight(), 4, 8)

    step = run_step(it, Recipe(adapters=Adapters(rank=2)), optimiser("sgd"))

    trained = {held.path for held in step.parameters if held.gradient}
    assert trained == {"b.lora_A", "b.lora_B"}


@pytest.mark.parametrize("name", [each.name for each in OPTIMISERS.values() if each.make])
def test_an_optimiser_keeps_what_its_formula_says(name: str) -> None:
    chosen = optimiser(name)
    parameters = [torch.zeros(shape, requires_grad=True) for shape in ((6, 4), (8,), (3, 4, 5), ())]
    assert chosen.make is not None
    made = chosen.make(parameters)
    for parameter in parameters:
        parameter.grad = torch.zeros_like(parameter)
    made.step()

    assert sum(each.nbytes for each in state_tensors(made)) == sum(map(chosen.bytes_of, parameters))


def test_eight_bit_moments_have_a_scale_for_each_256() -> None:
    assert optimiser("8bit").bytes_of(torch.empty(100, 100)) == 2 * (10_000 + 4 * 40)
    assert optimiser("8bit").bytes_of(torch.empty(100)) == 2 * 4 * 100  # too small: fp32


def test_lion_keeps_a_momentum_alone() -> None:
    assert optimiser("lion").bytes_of(torch.empty(10, 3)) == 4 * 30


def test_words_are_read_or_refused() -> None:
    assert read_adapters("r=16,targets=q/v,dropout=.1,save=head") == Adapters(
        rank=16, targets=("q", "v"), dropout=0.1, saved=("head",)
    )
    assert read_adapters("none") is None
    assert read_recompute("every:3") == Recompute(every=3)
    for read, text in (
        (read_adapters, "r=0"),
        (read_adapters, "rank=8"),
        (read_adapters, "q_proj"),
        (read_adapters, "dropout=2"),
        (read_recompute, "some"),
        (read_recompute, "every:0"),
    ):
        with pytest.raises(ArchscopeError, match=text.partition("=")[0].partition(":")[0]):
            read(text)


@pytest.mark.parametrize(
    ("recipe", "said"),
    [
        (Recipe(freeze=("*",)), "no parameter has requires_grad"),
        (Recipe(adapters=Adapters(targets=("nobody",))), "targets=nobody names no module"),
        (
            Recipe(adapters=Adapters(targets=("1",))),
            "1 is of type ReLU, which cannot have an adapter",
        ),
        (Recipe(adapters=Adapters(targets=("h*",))), "targets=h\\* names no"),
        (Recipe(adapters=Adapters(saved=("head",))), "save=head names no module"),
        (Recipe(recompute=Recompute()), "no block of this network repeats"),
    ],
)
def test_a_recipe_that_does_not_fit_says_so(recipe: Recipe, said: str) -> None:
    model = nn.Sequential(nn.Linear(8, 8), nn.ReLU(), nn.Linear(8, 8))
    with pytest.raises(ArchscopeError, match=said):
        run_step(subject(model, 4, 8), recipe, optimiser("adamw"))


class Reads(nn.Module):
    """Does as often as its input says."""

    def __init__(self) -> None:
        super().__init__()
        self.a = nn.Linear(8, 8)

    def forward(self, x: Tensor) -> Tensor:
        for _ in range(int(x.sum()) + 2):
            x = self.a(x)
        return x


def test_a_forward_that_reads_values_runs_on_copies_that_have_them() -> None:
    model = Reads()

    step = run_step(subject(model, 4, 8), Recipe(), optimiser("sgd"))

    assert step.has_data
    assert (
        saved(step) == kept(model, torch.zeros(4, 8)) == 2 * 4 * 8 * 4
    )  # the input and what is between
    assert model.a.weight.grad is None


def test_a_sparse_gradient_is_its_places_and_values() -> None:
    model = nn.Sequential(nn.EmbeddingBag(100, 4, sparse=True), nn.Linear(4, 2))
    words = Inputs(args=(torch.zeros(3, 5, dtype=torch.long),))
    it = Subject(name="it", model=model, inputs=words, origin="memory")

    table, *_ = run_step(it, Recipe(), optimiser("sgd")).parameters

    assert (table.bytes, table.gradient) == (100 * 4 * 4, 15 * 8 + 15 * 4 * 4)


class _Seen(TorchDispatchMode):
    """Lets torch's profiler tell operators apart."""

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        return func(*args, **(kwargs or {}))


@pytest.mark.parametrize("passes", [2, 3, 4])
def test_sparse_gradients_grow_from_pass_to_pass(passes: int) -> None:
    model, words = nn.Embedding(50, 16, sparse=True), torch.arange(24)
    it = Subject(name="it", model=model, inputs=Inputs(args=(words,)), origin="memory")

    def accumulate() -> None:
        for _ in range(passes):
            model(words).sum().backward()
        model.zero_grad()

    step = run_step(it, AS_CPU, optimiser("sgd"), passes=passes)
    with _Seen():
        _, handed = handed_out((accumulate,))

    # 24 places of 8 bytes and 24 rows of 16 numbers from each pass.
    assert step.parameters[0].gradient == passes * 24 * (8 + 16 * 4)
    assert peak(step).bytes == most(without_workspaces(handed) or handed)


def test_torchs_own_attention_keeps_what_a_cards_kernels_keep() -> None:
    s, b, d, a = 8, 2, 32, 4
    layer = nn.TransformerEncoderLayer(d, a, 2 * d, dropout=0.1)
    # In 2 bytes: 8 tensors of d (two inputs of norms, those of qkv, q, k, v, of both projections);
    # ReLU's answer and what dropout makes of it, of 2 d; masks of d, 2 d and d in a byte.
    flash = s * b * d * (16 + 4 + 4 + 4) + 8 * s * b + 4 * a * s * b  # norms, log-sum-exp
    # Korthikanti et al. 2022: softmax, its mask and its dropout are 5 a s^2 b in place of the last.
    sizes = {"flash": flash, "math": flash - 4 * a * s * b + 5 * a * s * s * b}

    for kernel, size in sizes.items():
        report = archscope.memory(
            layer, torch.zeros(s, b, d), dtype="bf16", attention_kernel=kernel
        )
        assert report.totals.saved == size


def test_an_optimiser_may_read_numbers() -> None:
    it = subject(nn.Linear(8, 8), 2, 8)

    assert peak(run_step(it, Recipe(), optimiser("adafactor"))) is not None


def test_what_stands_for_a_cards_kernels_computes_the_same() -> None:
    torch.manual_seed(0)
    x, weight = torch.randn(2, 3, 8, requires_grad=True), torch.randn(8, requires_grad=True)
    q, k, v, mask = (
        torch.randn(shape, requires_grad=True)
        for shape in ((2, 4, 5, 8), (2, 2, 6, 8), (2, 2, 6, 3), (4, 5, 6))
    )

    def run() -> list[Tensor]:
        normed = functional.rms_norm(x, (8,), weight)
        met = functional.scaled_dot_product_attention(q, k, v, attn_mask=mask, enable_gqa=True)
        inputs = (x, weight, q, k, v, mask)
        loss = normed.square().sum() + met.square().sum()
        return [normed, met, *torch.autograd.grad(loss, inputs)]

    plain = run()
    with AsOnCard(Recipe()):
        card = run()

    assert "RmsNorm" in str(card[0].grad_fn)
    for ours, theirs in zip(card, plain, strict=True):
        torch.testing.assert_close(ours, theirs, atol=1e-5, rtol=1e-5)


class _WrittenView(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(8, 8)

    def forward(self, x: Tensor) -> Tensor:
        view = self.layer(x).view(-1)
        view.relu_()
        return view


def test_the_gradient_of_a_view_that_was_written_to_is_made_anew() -> None:
    found = peak(run_step(subject(_WrittenView(), 100, 8), AS_CPU, optimiser("sgd")))

    # What the layer returns, and of it: the view's gradient, the whole's, the stretch's, and what
    # the ReLU's backward makes of that; a loss and its gradient.
    assert found is not None
    assert found.bytes == 5 * 4 * 100 * 8 + 2 * 4


class _Cached(nn.Module):
    """Makes a larger buffer where its own does not do, as published position indices."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(8, 8)
        self.register_buffer("indices", torch.zeros(1))

    def forward(self, x: Tensor) -> Tensor:
        self.indices = torch.ones(100, 8)
        return self.layer(x) * self.indices  # type: ignore[no-any-return]


def test_a_buffer_that_the_forward_makes_is_told_once() -> None:
    step = run_step(subject(_Cached(), 100, 8), AS_CPU, optimiser("sgd"))

    found = peak(step)
    assert [each.bytes for each in step.buffers] == [4]
    # The new buffer, what the layer returns, and their product, before anything goes.
    assert found is not None
    assert found.bytes == 3 * 4 * 100 * 8
