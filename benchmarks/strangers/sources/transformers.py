"""transformers: each model type from a tiny configuration, its base and its main heads.

No configuration is written by hand: each type's own default is shrunk by the names of its fields,
and each input is guessed from the parameters of its forward; the gentler guesses come later, and
what none of them brings to run is told as not made.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator, Mapping
from functools import partial
from itertools import product
from typing import Any

import torch
import transformers
from torch import Tensor, nn
from transformers import CONFIG_MAPPING
from transformers.models.auto import modeling_auto

from benchmarks.strangers.stranger import Call, Stranger, reason, words

HEADS = (
    "MODEL", "MODEL_FOR_CAUSAL_LM", "MODEL_FOR_SEQ_TO_SEQ_CAUSAL_LM", "MODEL_FOR_MASKED_LM",
    "MODEL_FOR_IMAGE_TEXT_TO_TEXT", "MODEL_FOR_IMAGE_CLASSIFICATION", "MODEL_FOR_OBJECT_DETECTION",
    "MODEL_FOR_SEMANTIC_SEGMENTATION", "MODEL_FOR_UNIVERSAL_SEGMENTATION",
    "MODEL_FOR_DEPTH_ESTIMATION", "MODEL_FOR_SPEECH_SEQ_2_SEQ", "MODEL_FOR_CTC",
    "MODEL_FOR_QUESTION_ANSWERING", "MODEL_FOR_TIME_SERIES_PREDICTION",
)  # fmt: skip
"""Tables of transformers that say which class is which head of a type."""
SENSES = r"^(decoder_)?input_ids$|^pixel_values$|^input_(features|values)$|^query_embeds$"
"""What is perceived, by its parameter's name."""
VOCABULARY = 320
LARGEST = 4 * 10**8
"""Parameters of the largest network that is run."""
LAYERS = r"(num_)?((en|de)coder_)?(hidden_)?(num_)?layers|n_layers?|depth|num_(en|de)coder_layers"
Rules = tuple[tuple[str, int], ...]
"""What a field is called, and how large it becomes where it was larger."""
FEWER: Rules = (
    (r".*vocab_size", VOCABULARY),
    (r"num_experts|n_routed_experts|num_local_experts|moe_num_experts|num_expert", 4),
    (r"num_experts_per_tok|moe_topk|moe_top_k|top_k", 2),
    (r"n_group|topk_group|first_k_dense_replace", 1),
)


def narrower(width: int, head: int) -> Rules:
    """Return rules for all widths; `head` is that of one attention head."""
    return (
        (r"num_key_value_heads|n_kv_heads", 2),
        (r"(num_|n_)?((en|de)coder_)?(num_)?(attention_)?heads?", 4),
        (r"hidden_size|(en|de)coder_hidden_(size|dim)|d_model|n_embd|embed_dim|hidden_dim|dim|"
         r"embedding_size|projection_dim|(text|vision|audio|output|out)_hidden_size|width", width),
        (r".*intermediate_size|.*ffn_dim|d_ff|mlp_dim|n_inner|ffn_hidden_size", width + 32),
        (r"head_dim|qk_head_dim|v_head_dim|d_kv|linear_.*_head_dim|kv_lora_rank|q_lora_rank", head),
        (r"qk_.*head_dim", head // 2),
        *FEWER,
    )  # fmt: skip


SHALLOWER: Rules = ((LAYERS, 2),)
GENTLER: tuple[Rules, ...] = (
    SHALLOWER + narrower(64, 16),
    SHALLOWER + narrower(512, 128),
    narrower(64, 16),
    SHALLOWER + FEWER,
    SHALLOWER,
    (),
)
"""Tried one after the other, until one is a network that runs."""


def networks() -> Iterator[Stranger]:
    """Yield each class of each type once."""
    seen = set()
    for head in HEADS:
        for kind, classes in getattr(modeling_auto, f"{head}_MAPPING_NAMES").items():
            for name in [classes] if isinstance(classes, str) else classes:
                if name not in seen and kind in CONFIG_MAPPING:
                    seen.add(name)
                    yield Stranger(f"{kind} {name}", partial(make, kind, name))


def make(kind: str, name: str) -> Call:
    """Return a network and arguments with which it runs; raises what the attempts raised."""
    failures: list[str] = []
    cls = getattr(transformers, name)
    for rules in GENTLER:
        try:
            model = build(cls, CONFIG_MAPPING[kind], rules)
        except Exception as error:
            failures.append(reason(error))
            continue
        for kwargs in guesses(model):
            try:
                with torch.no_grad():
                    model(**kwargs)
                return model, (), kwargs
            except Exception as error:
                failures.append(reason(error))
    raise LookupError(" | ".join(dict.fromkeys(failures)))


def build(cls: Any, config_type: Any, rules: Rules) -> nn.Module:
    """Return a network of a shrunk configuration in evaluation mode."""
    default = config_type().to_dict()
    config = config_type(**shrunk(default, rules))
    with torch.device("meta"):
        size = sum(p.numel() for p in cls(config).parameters())
    if size > LARGEST:
        raise MemoryError(f"{size:,} parameters")
    torch.manual_seed(0)
    model: nn.Module = cls(config_type(**shrunk(default, rules))).eval()
    return model.float()


def shrunk(config: Mapping[str, Any], rules: Rules) -> dict[str, Any]:
    """Return a configuration's fields, made smaller by their names, those of its parts too."""
    layers = {v for k, v in config.items() if re.fullmatch(LAYERS, k) and isinstance(v, int)}
    fewer = rules[:1] == SHALLOWER
    small: dict[str, Any] = {}
    for name, value in config.items():
        if name in ("transformers_version", "architectures", "dtype", "torch_dtype"):
            continue
        small[name] = value
        if isinstance(value, dict):
            small[name] = shrunk(value, rules) if "model_type" in value else dict(value)
        elif isinstance(value, int) and not isinstance(value, bool):
            small[name] = _size(name, value, rules)
        elif isinstance(value, list) and len(value) in layers and fewer:
            small[name] = _kinds(value)
        elif isinstance(value, list) and name == "depths":
            small[name] = [min(depth, 2) for depth in value]
    if fewer and small.get("layer_types"):  # as many layers as there are kinds of them
        counts = [k for k, v in small.items() if re.fullmatch(LAYERS, k) and isinstance(v, int)]
        small |= dict.fromkeys(counts, len(small["layer_types"]))
    _fit_heads(config, small)
    return small


def _fit_heads(config: Mapping[str, Any], small: dict[str, Any]) -> None:
    """Keep what must agree with the heads: as many of keys and values, parts of their angles."""
    heads = config.get("num_attention_heads")
    if heads and heads == config.get("num_key_value_heads"):
        small["num_key_value_heads"] = small["num_attention_heads"]
    if config.get("head_dim") and config["head_dim"] == config.get("qk_rope_head_dim"):
        small["head_dim"] = small["qk_rope_head_dim"]
    for rope in small.values():
        if not isinstance(rope, dict) or not rope.get("mrope_section") or not heads:
            continue
        width = config.get("head_dim") or config["hidden_size"] // heads
        new = small.get("head_dim") or small["hidden_size"] // small["num_attention_heads"]
        sections = [size * new // width for size in rope["mrope_section"]]
        sections[-1] += sum(rope["mrope_section"]) * new // width - sum(sections)
        rope["mrope_section"] = sections


def _size(name: str, value: int, rules: Rules) -> int:
    for pattern, size in rules:
        if re.fullmatch(pattern, name):
            return min(value, size)
    clipped = any(rule in FEWER for rule in rules)
    if clipped and re.search(r"token_(id|index)$", name) and value >= VOCABULARY:
        return VOCABULARY - 1 - value % 97  # different ones stay different, mostly
    return value


def _kinds(values: list[Any]) -> list[Any]:
    """Return one of each kind of layers in their order, two layers at least."""
    kinds = [v for i, v in enumerate(values) if v not in values[:i]]
    return (kinds * 2)[: max(2, len(kinds))]


def guesses(model: nn.Module) -> Iterator[dict[str, Any]]:
    """Yield arguments that the forward may take, the likeliest first."""
    named = inspect.signature(model.forward).parameters
    needed = [
        n for n, p in named.items() if p.default is p.empty and p.kind == p.POSITIONAL_OR_KEYWORD
    ]
    main = getattr(model, "main_input_name", "input_ids")
    asked = [n for n in dict.fromkeys((main, "bbox", *needed)) if n in named]
    flat = any(n.endswith("grid_thw") for n in asked)
    text = {n: words() for n in ("input_ids", "decoder_input_ids") if n in named}
    for side, rank in product(_sides(model.config), (4, 5)):
        values = {n: guess(n, model.config, side, rank, flat) for n in asked}
        if any(value is None for value in values.values()):
            break
        yield values
        yield text | values
        if not any(isinstance(v, Tensor) and v.is_floating_point() for v in values.values()):
            break  # sides of pictures do not matter
    if text:
        yield text
    for side in _sides(model.config):  # all senses at once
        found = {n: guess(n, model.config, side, 4, flat) for n in named if re.search(SENSES, n)}
        yield {n: value for n, value in found.items() if value is not None}
    yield {n: v.clone() for n, v in getattr(model, "dummy_inputs", {}).items() if n in named}


def _sides(config: Any) -> list[int]:
    side = _find(config, "image_size")
    side = side[0] if isinstance(side, list | tuple) else side
    return [side or 64, 224] if side != 224 else [224]


def _find(config: Any, name: str) -> Any:
    """Return a field of a configuration or of one of its parts."""
    parts = [c for c in vars(config).values() if hasattr(c, "model_type")]
    found = [getattr(c, name, None) for c in (config, *parts)]
    return next((value for value in found if value is not None), None)


def guess(name: str, config: Any, side: int, rank: int, flat: bool) -> Any:
    """Return a value for a parameter of this name, None where nothing is likely."""
    channels = _find(config, "num_channels") or _find(config, "in_channels") or 3
    bins = _find(config, "num_mel_bins") or _find(config, "feature_size") or 80
    if re.search(r"input_ids$", name):
        return words()
    if name.endswith("grid_thw"):
        return torch.tensor([[1, 4, 4]])
    if flat and name in ("pixel_values", "hidden_states"):  # patches that a grid puts in order
        size = (_find(config, "patch_size") or 14) ** 2 * (
            _find(config, "temporal_patch_size") or 1
        )
        return torch.randn(16, channels * size)
    if re.search(r"pixel_values|^images?$", name):
        frames = (_find(config, "num_frames") or 2,) if rank == 5 else ()
        return torch.randn(1, *frames, channels, side, side)
    if name == "input_values" and _find(config, "max_length") and _find(config, "num_mel_bins"):
        return torch.randn(1, _find(config, "max_length"), bins)  # a spectrogram as a picture
    if name in ("input_values", "audio_values", "waveform"):
        return torch.randn(1, 8000) if rank == 4 else torch.randn(1, 1, 8000)
    if name in ("input_features", "audio_features"):
        length = 2 * (_find(config, "max_source_positions") or 100)
        return torch.randn(1, bins, length) if rank == 4 else torch.randn(1, length, bins)
    if name == "bbox":
        return torch.zeros(1, 16, 4, dtype=torch.int64)
    if name in ("past_values", "past_observed_mask"):
        return torch.randn(
            1, _find(config, "context_length") or 32, _find(config, "num_input_channels") or 1
        )
    if name in ("inputs_embeds", "hidden_states", "encoder_hidden_states", "query_embeds"):
        return torch.randn(1, 16, _find(config, "hidden_size") or 64)
    if name == "attention_mask":
        return torch.ones(1, 16, dtype=torch.int64)
    return None
