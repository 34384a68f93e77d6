"""Sees what a forward does above torch's dispatcher, where a recorder is blind.

Lists as indices and tensors made of Python numbers would come out without data where the input has
none; and numbers that Python reads out of a tensor leave the graph.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.overrides import TorchFunctionMode

_MADE = frozenset((torch.tensor, torch.as_tensor, torch.asarray))
_READ = frozenset((Tensor.numpy, Tensor.tolist, Tensor.__array__, Tensor.__dlpack__))
"""Methods that hand a tensor's values to Python without an operator."""
_PICKLED: Any = Tensor._backward_hooks
"""What pickling, and copying by `copy.copy`, asks of every tensor first."""
_LEFT = frozenset((Tensor.data_ptr, Tensor.map_, Tensor.map2_, _PICKLED.__get__))
"""Methods by which values leave a tensor, that without data do as if all were well."""
_RECURRENT = {torch.rnn_relu: 0, torch.rnn_tanh: 1, torch.lstm: 2, torch.gru: 3}
"""Recurrent layers, and what cuDNN calls their kind."""

_SHORT, _BACK = (torch.stft, Tensor.stft), (torch.istft, Tensor.istft)
_ALONG = (torch.take_along_dim, Tensor.take_along_dim)


class FunctionRecorder(TorchFunctionMode):
    """Keeps the data of constants on `home`, and calls `on_read` with tensors that are read.

    `on_left` is called with those whose values leave in a way that shapes alone do not refuse.
    """

    def __init__(
        self,
        home: torch.device,
        on_read: Callable[[Tensor], None],
        on_left: Callable[[Tensor], None],
    ) -> None:
        super().__init__()
        self._home = home
        self._on_read = on_read
        self._on_left = on_left

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        if func in _MADE and _is_meta(kwargs.get("device")):
            kwargs = {**kwargs, "device": self._home}
        elif func is Tensor.new_tensor and args[0].is_meta and kwargs.get("device") is None:
            kwargs = {"dtype": args[0].dtype, **kwargs, "device": self._home}
            return torch.tensor(*args[1:], **kwargs)
        elif func in (Tensor.__getitem__, Tensor.__setitem__) and args[0].is_meta:
            args = (args[0], _with_data(args[1]), *args[2:])
        elif func in _READ:
            self._on_read(args[0])
        elif func in _LEFT:
            for tensor in args:
                if isinstance(tensor, Tensor):
                    self._on_left(tensor)
        elif func in _SHORT and args[0].is_meta and _has_data(_window(*args, **kwargs)):
            return _spectra(*args, **kwargs)
        elif func in _BACK and args[0].is_meta and not kwargs.get("return_complex"):
            return _sounds(*args, **kwargs)
        elif func in _ALONG and args[0].is_meta:
            return _taken_along(*args, **kwargs)
        elif func in _RECURRENT and _is_whole(args, kwargs):
            return _as_one(func, *args)
        return func(*args, **kwargs)


def _is_whole(args: Any, kwargs: Any) -> bool:
    """Return whether recurrent layers run over one tensor of shapes alone, not packed sequences."""
    plain = not kwargs and len(args) == 9 and isinstance(args[2], list | tuple)
    return plain and args[0].is_meta and args[0].dim() == 3


def _as_one(func: Any, x: Tensor, start: Any, weights: Any, *options: Any) -> tuple[Tensor, ...]:
    """Run recurrent layers as one operator; torch would run each step by itself on shapes.

    That took minutes of some thousand steps.
    """
    _, layers, _, _, both, batch_first = options
    first, *cells = start if isinstance(start, list | tuple) else (start,)
    cell = cells[0] if cells else None
    width = first.shape[-1] if cell is None else cell.shape[-1]
    made = torch.ops.aten._cudnn_rnn(
        x.transpose(0, 1) if batch_first else x,
        list(weights),
        len(weights) // (layers * (1 + both)),
        None,
        first,
        cell,
        _RECURRENT[func],
        width,
        first.shape[-1] if first.shape[-1] != width else 0,
        layers,
        False,
        0.0,
        False,
        both,
        [],
        None,
    )
    out = made[0].transpose(0, 1) if batch_first else made[0]
    return (out, *made[1 : 2 + len(cells)])


def _taken_along(x: Tensor, indices: Tensor, dim: int | None = None) -> Tensor:
    """Gather elements; torch refuses to where a tensor has no data and the numbers have."""
    if dim is None:
        return x.flatten().gather(0, indices.flatten())
    axis, rank = dim % x.dim(), x.dim()
    sizes = [1 if a == axis else max(x.shape[a], indices.shape[a]) for a in range(rank)]
    whole = x.expand([-1 if a == axis else n for a, n in enumerate(sizes)])
    return whole.gather(axis, indices.expand([-1 if a == axis else n for a, n in enumerate(sizes)]))


def _window(x: Tensor, n_fft: int, *args: Any, window: Any = None, **_: Any) -> Any:
    return args[2] if len(args) > 2 else window


def _has_data(tensor: Any) -> bool:
    return isinstance(tensor, Tensor) and not tensor.is_meta


def _spectra(
    x: Tensor,
    n_fft: int,
    hop_length: int | None = None,
    win_length: int | None = None,
    window: Any = None,
    center: bool = True,
    pad_mode: str = "reflect",
    normalized: bool = False,
    onesided: bool | None = None,
    return_complex: bool | None = None,
    **_: Any,
) -> Tensor:
    """Return a short-time Fourier transform by its parts; torch refuses a window with data."""
    if center:
        around = (n_fft // 2, n_fft // 2)
        x = F.pad(x.view(1, -1, x.shape[-1]), around, mode=pad_mode).view(*x.shape[:-1], -1)
    frames = x.unfold(-1, n_fft, hop_length or n_fft // 4) * _padded(window, n_fft)
    halves = onesided if onesided is not None else not (x.is_complex() or window.is_complex())
    norm = "ortho" if normalized else "backward"
    found = (torch.fft.rfft if halves else torch.fft.fft)(frames, norm=norm).transpose(-1, -2)
    return found if return_complex else torch.view_as_real(found)


def _sounds(
    x: Tensor,
    n_fft: int,
    hop_length: int | None = None,
    win_length: int | None = None,
    window: Any = None,
    center: bool = True,
    normalized: bool = False,
    onesided: bool | None = None,
    length: int | None = None,
    **_: Any,
) -> Tensor:
    """Return what a short-time Fourier transform is of, by its parts: overlapping frames, added up
    and divided by their windows. torch looks at the sum of these, which has no data.
    """
    hop = hop_length or n_fft // 4
    window = torch.ones(win_length or n_fft) if window is None else window
    window = _padded(window, n_fft)
    norm = "ortho" if normalized else "backward"  # of both sides the first is read alone
    frames = torch.fft.irfft(x.transpose(-1, -2), n=n_fft, norm=norm) * window
    count = frames.shape[-2]
    size = n_fft + hop * (count - 1)

    def added(parts: Tensor) -> Tensor:
        columns = parts.reshape(-1, count, n_fft).transpose(1, 2)
        return F.fold(columns, (1, size), (1, n_fft), stride=(1, hop))

    sums = added(frames) / added((window * window).expand(count, n_fft))
    first = n_fft // 2 if center else 0
    last = size - first if length is None else min(first + length, size)
    found = sums.reshape(*frames.shape[:-2], size)[..., first:last]
    return found if length is None else F.pad(found, (0, length - (last - first)))


def _padded(window: Tensor, size: int) -> Tensor:
    """Return a window with zeros around it, as long as a frame."""
    short = size - window.shape[0]
    return F.pad(window, (short // 2, short - short // 2))


def _is_meta(device: Any) -> bool:
    return device is not None and torch.device(device).type == "meta"


def _with_data(index: Any) -> Any:
    """Return an index in which lists of numbers are tensors with data."""
    if isinstance(index, tuple):
        return tuple(map(_with_data, index))
    if isinstance(index, list | range) and _is_of_numbers(index):
        return torch.tensor(list(index)) if len(index) else torch.tensor([], dtype=torch.long)
    return index


def _is_of_numbers(index: Any) -> bool:
    return all(
        isinstance(one, int) or (isinstance(one, list | tuple) and _is_of_numbers(one))
        for one in index
    )
