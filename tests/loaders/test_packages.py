"""Networks of transformers and timm: without weights, without a network connection."""

from __future__ import annotations

import importlib.util
import json
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import torch
from torch import nn

from archscope import loaders
from archscope.errors import UsageError
from archscope.library import count_subject, see_network
from archscope.results import Report
from archscope.subject import Request

needs_transformers = pytest.mark.skipif(
    importlib.util.find_spec("transformers") is None,
    reason="transformers is not installed: pip install archscope[hf]",
)
needs_timm = pytest.mark.skipif(
    importlib.util.find_spec("timm") is None,
    reason="timm is not installed: pip install archscope[timm]",
)

BERT = {
    "model_type": "bert",
    "architectures": ["BertModel"],
    "vocab_size": 1000,
    "hidden_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "intermediate_size": 128,
    "max_position_embeddings": 512,
    "type_vocab_size": 2,
}
LLAMA = {
    "model_type": "llama",
    "architectures": ["LlamaForCausalLM"],
    "vocab_size": 1000,
    "hidden_size": 64,
    "intermediate_size": 128,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "tie_word_embeddings": False,
}
T5 = {
    "model_type": "t5",
    "architectures": ["T5ForConditionalGeneration"],
    "vocab_size": 1000,
    "d_model": 64,
    "d_kv": 16,
    "d_ff": 128,
    "num_layers": 2,
    "num_decoder_layers": 2,
    "num_heads": 4,
    "is_encoder_decoder": True,
    "tie_word_embeddings": True,
}


def counted(text: str, *shapes: str) -> Report:
    return count_subject(loaders.load(text, Request(input_shapes=shapes)).subject())


def seen(text: str, *shapes: str) -> Any:
    return see_network(loaders.load(text, Request(input_shapes=shapes))).totals


def width_by_gradient(folder: Path) -> int:
    """Return how many tokens the last one's logits depend on, by autograd."""
    from transformers import AutoConfig, AutoModelForCausalLM

    model = AutoModelForCausalLM.from_config(AutoConfig.from_pretrained(folder))
    words = torch.randn(1, S, D, requires_grad=True)
    model(inputs_embeds=words).logits[0, -1].sum().backward()
    assert words.grad is not None
    return int(words.grad[0].any(-1).sum())


def saved(folder: Path, words: dict[str, Any]) -> str:
    (folder / "config.json").write_text(json.dumps(words))
    return f"hf:{folder}"


MISTRAL = {
    **LLAMA,
    "model_type": "mistral",
    "architectures": ["MistralForCausalLM"],
    "sliding_window": 4,
}


D, F, V, S, T, L, H = 64, 128, 1000, 16, 8, 2, 4
"""Width, hidden width, words, tokens of source and target, blocks, heads."""
SELF = 4 * D * D
"""Weights of the four projections of attention."""


@needs_transformers
@pytest.mark.filterwarnings("ignore")
def test_bert_from_a_configuration(tmp_path: Path) -> None:
    name = saved(tmp_path, BERT)
    report, sight = counted(name, f"1,{S}"), seen(name, f"1,{S}")

    embeddings = (V + 512 + 2) * D + 2 * D
    block = SELF + 4 * D + 2 * D * F + F + D + 2 * 2 * D
    assert report.totals.trainable == embeddings + L * block + D * D + D
    # projections and feed-forward for each token, scores and values, the pooler for one token
    assert report.totals.macs == L * (S * (SELF + 2 * D * F) + 2 * S * S * D) + D * D
    assert report.totals.complete
    assert report.config["vocab_size"] == V
    # every token reads every other in the first block; the first reads 15 later ones
    assert (sight.receptive_field, sight.smallest_field, sight.ahead) == ((S,), (S,), S - 1)
    assert sight.global_by.startswith("encoder.layer.0.attention")


@needs_transformers
@pytest.mark.filterwarnings("ignore")
def test_a_llama_from_a_configuration(tmp_path: Path) -> None:
    name = saved(tmp_path, LLAMA)
    report = counted(name, f"input_ids:1,{S}", f"attention_mask:1,{S}")
    sight = seen(name, f"1,{S}")

    attention = 2 * D * D + 2 * D * (D // 2)  # two of four heads for keys and values
    block = attention + 3 * D * F
    assert report.totals.trainable == 2 * V * D + L * (block + 2 * D) + D
    # Angles of positions: products of matrices in each block, then once, then no products at all.
    angles = sum(r.own_macs for r in report.section("modules").rows if "rotary" in r.path)
    assert angles in (L * S * D // H // 2, S * D // H // 2, 0)
    assert report.totals.macs == S * (L * block + V * D) + L * 2 * S * S * D + angles
    assert report.totals.complete
    # token i reads tokens 0 to i
    assert (sight.receptive_field, sight.smallest_field, sight.ahead) == ((S,), (1,), 0)
    window, width = seen(saved(tmp_path, MISTRAL), f"1,{S}"), width_by_gradient(tmp_path)
    assert (window.receptive_field, window.ahead) == ((width,), 0)
    # of 4 in each block; old versions of transformers let one token more through
    assert width in (L * (4 - 1) + 1, L * 4 + 1)


@needs_transformers
@pytest.mark.filterwarnings("ignore")
def test_a_t5_from_a_configuration(tmp_path: Path) -> None:
    name = saved(tmp_path, T5)

    report = counted(name, f"input_ids:1,{S}", f"decoder_input_ids:1,{T}")
    sight = seen(name, f"input_ids:1,{S}", f"decoder_input_ids:1,{T}")

    encoder, decoder = SELF + 2 * D * F, 2 * SELF + 2 * D * F
    norms = L * (2 + 3) * D + 2 * D
    biases = 2 * 32 * H  # one table of relative positions in each stack
    assert report.totals.trainable == V * D + L * (encoder + decoder) + norms + biases
    tokens = L * S * (encoder + 2 * D * D) + L * T * (decoder - 2 * D * D)  # cross keys and values
    attention = L * 2 * D * (S * S + T * T + T * S)
    assert report.totals.macs == tokens + attention + T * V * D
    # the first block of the encoder reads all of the source
    assert (sight.receptive_field, sight.smallest_field) == ((S,), (S,))
    assert sight.global_by.startswith("encoder.block.0")
    flags = "--input-shape input_ids:int64:1,128 --input-shape decoder_input_ids:int64:1,128"
    assert counted(name).title.endswith(f"input 1×128, 1×128 by default ({flags})")


@needs_transformers
@pytest.mark.filterwarnings("ignore")
def test_a_field_of_a_configuration_can_be_changed(tmp_path: Path) -> None:
    name = saved(tmp_path, BERT)

    def of(**arguments: Any) -> Report:
        request = Request(input_shapes=(f"1,{S}",), arguments=arguments)
        return count_subject(loaders.load(name, request).subject())

    block = SELF + 4 * D + 2 * D * F + F + D + 2 * 2 * D
    more = of(num_hidden_layers=3).totals.trainable - of().totals.trainable
    assert more == block
    with pytest.raises(UsageError, match=r"no field 'num_hidden_layer'. Did you mean 'num_hidden"):
        of(num_hidden_layer=3)


@needs_transformers
@pytest.mark.filterwarnings("ignore")
def test_a_class_can_be_named(tmp_path: Path) -> None:
    name = saved(tmp_path, BERT)

    with_head = counted(f"{name}:BertForMaskedLM", f"1,{S}")
    general = counted(f"{name}:AutoModel", f"1,{S}")

    assert general.totals == counted(name, f"1,{S}").totals
    assert with_head.totals.macs > general.totals.macs
    with pytest.raises(UsageError, match=r"no model class 'BertModle'. Did you mean 'BertModel'"):
        counted(f"{name}:BertModle", f"1,{S}")


def test_a_configuration_that_cannot_be_used_is_one_line(tmp_path: Path) -> None:
    wrong = {
        "[1": "is not JSON",
        "{}": "names no model_type",
        '{"model_type": "x", "auto_map": {}}': "code of its own .auto_map., which is not run",
    }
    for text, says in wrong.items():
        (tmp_path / "config.json").write_text(text)
        with pytest.raises(UsageError, match=says):
            counted(f"hf:{tmp_path}")


@pytest.mark.parametrize("package", ["transformers", "timm"])
def test_a_missing_package_is_named_with_its_extra(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, package: str
) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    name = saved(tmp_path, BERT) if package == "transformers" else "timm:resnet18"

    with pytest.raises(UsageError, match=r"pip install archscope\[(hf|timm)\]"):
        counted(name, "1,3")


def test_a_package_that_cannot_be_imported_says_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "timm.py").write_text("raise RuntimeError('operator torchvision::nms is not here')")
    monkeypatch.delitem(sys.modules, "timm", raising=False)
    monkeypatch.syspath_prepend(tmp_path)

    with pytest.raises(UsageError, match=r"RuntimeError: operator torchvision::nms is not here"):
        counted("timm:resnet18")


@needs_timm
@pytest.mark.filterwarnings("ignore")
def test_a_network_of_timm() -> None:
    report = counted("timm:resnet18")

    assert report.totals.trainable == 11_689_512
    assert report.totals.macs == 1_814_073_344  # torchvision's figure for the same network


def test_timm_is_asked_for_a_network_without_weights(monkeypatch: pytest.MonkeyPatch) -> None:
    """The contract with timm, with a stand-in for the package."""
    asked: list[tuple[str, dict[str, Any]]] = []

    def create_model(name: str, **arguments: Any) -> nn.Module:
        asked.append((name, arguments))
        model = nn.Sequential(nn.Conv2d(3, 2, 1))
        model.default_cfg = {"input_size": (3, 5, 5)}  # type: ignore[assignment]
        return model

    timm = ModuleType("timm")
    timm.create_model = create_model  # type: ignore[attr-defined]
    timm.list_models = lambda: ["resnet18", "vit_tiny"]  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "timm", timm)

    report = counted("timm:resnet18.a1_in1k(num_classes=10)")

    assert asked[0] == ("resnet18.a1_in1k", {"pretrained": False, "num_classes": 10})
    assert report.totals.macs == 25 * 3 * 2
    assert report.title == "resnet18.a1_in1k(num_classes=10) · timm · input 1×3×5×5"
    assert counted("timm:resnet18", "2,3,4,4").totals.macs == 2 * 16 * 6
    with pytest.raises(UsageError, match=r"no model 'resnet19'. Did you mean 'resnet18'"):
        counted("timm:resnet19")
