"""peft: its adapters on five architectures of transformers, each of two small blocks.

`differences` holds peft's own count, and archscope's adapters on the bare network, against it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any

import peft
import torch
import transformers
from torch import nn
from transformers import BertConfig, GPT2Config, LlamaConfig, T5Config, ViTConfig

import archscope
from benchmarks.strangers.stranger import Call, Stranger

WORDS = 128


def _llama() -> Call:
    config = LlamaConfig(
        hidden_size=64,
        intermediate_size=128,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        vocab_size=WORDS,
    )
    return transformers.LlamaForCausalLM(config), (), {"input_ids": _words(), "use_cache": False}


def _gpt2() -> Call:
    config = GPT2Config(
        n_embd=64, n_layer=2, n_head=4, vocab_size=WORDS, n_positions=64, bos_token_id=1
    )
    return transformers.GPT2LMHeadModel(config), (), {"input_ids": _words(), "use_cache": False}


def _bert() -> Call:
    config = BertConfig(
        hidden_size=64,
        intermediate_size=128,
        num_hidden_layers=2,
        num_attention_heads=4,
        vocab_size=WORDS,
    )
    return transformers.BertForSequenceClassification(config), (), {"input_ids": _words()}


def _t5() -> Call:
    config = T5Config(d_model=64, d_kv=16, d_ff=128, num_layers=2, num_heads=4, vocab_size=WORDS)
    inputs = {"input_ids": _words(), "decoder_input_ids": _words(8), "use_cache": False}
    return transformers.T5ForConditionalGeneration(config), (), inputs


def _vit() -> Call:
    config = ViTConfig(
        hidden_size=64,
        intermediate_size=128,
        num_hidden_layers=2,
        num_attention_heads=4,
        image_size=32,
        patch_size=8,
    )
    images = {"pixel_values": torch.randn(2, 3, 32, 32)}
    return transformers.ViTForImageClassification(config), (), images


def _words(length: int = 16) -> torch.Tensor:
    return torch.randint(0, WORDS, (2, length))


MODELS: Mapping[str, Callable[[], Call]] = {
    "llama": _llama,
    "gpt2": _gpt2,
    "bert": _bert,
    "t5": _t5,
    "vit": _vit,
}
QUERIES = {
    "llama": ("q_proj", "v_proj"),
    "gpt2": ("c_attn",),
    "bert": ("query", "value"),
    "t5": ("q", "v"),
    "vit": ("q_proj", "v_proj"),
}
"""What makes queries and values."""
LAST = {
    "llama": ("down_proj",),
    "gpt2": ("mlp.c_proj",),
    "bert": ("output.dense",),
    "t5": ("wo",),
    "vit": ("mlp.down_proj", "mlp.fc2"),
}
"""The last layer of each feed-forward."""
TASKS = {"llama": "CAUSAL_LM", "gpt2": "CAUSAL_LM", "bert": "SEQ_CLS", "t5": "SEQ_2_SEQ_LM"}
Config = Callable[[str, list[str]], Any]
"""Takes an architecture and its targets."""


def _lora(name: str, targets: list[str], **more: Any) -> Any:
    return peft.LoraConfig(r=8, target_modules=targets, **more)


def _saving(name: str, targets: list[str]) -> Any:
    return peft.LoraConfig(r=8, target_modules=targets, modules_to_save=[_head(name)])


def _head(name: str) -> str:
    return "classifier" if name in ("bert", "vit") else "lm_head"


def _ia3(name: str, targets: list[str]) -> Any:
    last = list(LAST[name])
    return peft.IA3Config(target_modules=[*targets, *last], feedforward_modules=last)


ADAPTERS: Mapping[str, tuple[Config, str]] = {
    "lora": (_lora, "r=8,targets={targets}"),
    "lora-dropout": (partial(_lora, lora_dropout=0.1), "r=8,targets={targets},dropout=0.1"),
    "lora-all": (
        lambda name, targets: peft.LoraConfig(r=4, target_modules="all-linear"),
        "",
    ),
    "lora-rs": (partial(_lora, use_rslora=True), "r=8,targets={targets}"),
    "lora-saved": (_saving, "r=8,targets={targets},save={head}"),
    "dora": (partial(_lora, use_dora=True), ""),
    "ia3": (_ia3, ""),
    "adalora": (
        lambda name, targets: peft.AdaLoraConfig(
            init_r=8, target_r=4, total_step=100, target_modules=targets
        ),
        "",
    ),
    "vera": (lambda name, targets: peft.VeraConfig(r=8, target_modules=targets[:1]), ""),
    "loha": (lambda name, targets: peft.LoHaConfig(r=4, target_modules=targets), ""),
    "lokr": (lambda name, targets: peft.LoKrConfig(r=4, target_modules=targets), ""),
    "oft": (
        lambda name, targets: peft.OFTConfig(oft_block_size=8, r=0, target_modules=targets),
        "",
    ),
    "prefix": (lambda name, targets: peft.PrefixTuningConfig(num_virtual_tokens=4), ""),
    "prompt": (lambda name, targets: peft.PromptTuningConfig(num_virtual_tokens=4), ""),
}
"""What makes peft's configuration, and the same said to archscope where it has it."""
OF_WORDS = ("prefix", "prompt")
"""Adapters that put words before a text."""


def networks() -> Iterator[Stranger]:
    """Yield each adapter on each architecture that takes it."""
    for adapter in ADAPTERS:
        for name in MODELS:
            if adapter not in OF_WORDS or name in TASKS:
                yield Stranger(f"{name}-{adapter}", partial(_adapted, name, adapter))


def _adapted(name: str, adapter: str) -> Call:
    model, args, kwargs = MODELS[name]()
    config = ADAPTERS[adapter][0](name, list(QUERIES[name]))
    if name in TASKS and adapter in OF_WORDS:
        config.task_type = TASKS[name]
    made: nn.Module = peft.get_peft_model(model, config)
    return made, args, kwargs


def differences(name: str) -> str:
    """Return what peft and archscope say otherwise of a network; empty: nothing."""
    arch, _, adapter = name.rpartition(" ")[2].partition("-")
    model, _, kwargs = _adapted(arch, adapter)
    trained, _ = model.get_nb_trainable_parameters()
    ours = archscope.train(model, **kwargs).totals.trainable
    found = [] if trained == ours else [f"peft trains {trained:,} parameters, archscope {ours:,}"]
    said = ADAPTERS[adapter][1]
    if said:
        bare, _, _ = MODELS[arch]()
        lora = said.format(targets="/".join(QUERIES[arch]), head=_head(arch))
        for verb in (archscope.train, archscope.memory):
            found += _unlike(verb(model, **kwargs).totals, verb(bare, lora=lora, **kwargs).totals)
    return "; ".join(found)


def _unlike(one: Any, other: Any) -> Iterator[str]:
    for field in one.__dataclass_fields__:
        a, b = getattr(one, field), getattr(other, field)
        if a != b and field != "peak_path":
            yield f"{field} {a:,} of peft's, {b:,} of --lora"
