"""Every error that archscope raises on purpose, and the exit code that each one earns.

ArchscopeError                     1   the analysis could not be done
├── ForwardError                   1   the model's own forward raised; the count until then is kept
├── LoadError                      1   the user's own code raised while it made a network
├── OutputError                    1   a result could not be written; the old file is as it was
├── UsageError                     2   what the user typed cannot be understood
│   └── SpecError                  2   one field of a spec: says which, what came, what would do
└── ThresholdError                 3   the answer is there, and crosses a limit that the user set
    └── UncheckedError             1   some limits could not be compared with anything

A message is one line: what came, what was expected, what to do next.
"""

from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from typing import Any


class ArchscopeError(Exception):
    """The base of all; caught in one place, the command line's `main`."""

    exit_code = 1


class ArchscopeWarning(UserWarning):
    """Something was left out or not had, and everything else goes on."""


class ForwardError(ArchscopeError):
    """The model's forward pass raised; `__cause__` is the model's own exception."""

    def __init__(
        self, message: str, *, module: str | None = None, sections: tuple[Any, ...] = ()
    ) -> None:
        super().__init__(message)
        self.module = module
        """Dotted path of the module that failed, `""` for the root, None where unknown."""
        self.sections = sections
        """What was counted until then, as `results.Section`s."""
        self.report: Any = None
        """The same as a `results.Report`, once one was made."""
        self.with_data_too = False
        """Whether it is known not to come of tensors without data."""


class LoadError(ArchscopeError):
    """The user's own code raised while it made a network; `__cause__` is its own exception."""


class OutputError(ArchscopeError):
    """A result could not be written."""


class UsageError(ArchscopeError):
    """What the user typed cannot be understood or carried out."""

    exit_code = 2


class ThresholdError(ArchscopeError):
    """The answer crosses a limit that the user set (`--strict`, `--min-coverage`, `--assert`).

    Each limit has a line of its own.
    """

    exit_code = 3
    report: Any = None
    """The answer as a `results.Report`, where who raised it had one to hand on."""

    def __init__(self, message: str, *, report: Any = None) -> None:
        super().__init__(message)
        self.report = report
        """All that was checked, as a `results.Report`, where that was more than one answer."""


class UncheckedError(ThresholdError):
    """Some limits could not be held against anything: an analysis failed, or there is no network.

    All others were checked, and those that are crossed have a line too.
    """

    exit_code = 1


class InterruptedRunError(KeyboardInterrupt):
    """A Ctrl-C after which something is there all the same: what was finished until then."""

    def __init__(self, report: Any) -> None:
        super().__init__()
        self.report = report
        """What was finished, as a `results.Report`."""


class SpecError(UsageError):
    """One field of a spec holds a value that it cannot hold.

    `problem` may name other fields as `{field}`: the library shows their names, the command
    line shows their flags, so that each message speaks the words that its reader typed.
    """

    def __init__(self, field: str, value: object, problem: str) -> None:
        self.field = field
        self.value = value
        self.problem = problem
        self.said_by = ""
        """Where the value was said, if not on the command line, e.g. `ARCHSCOPE_PARAMS_DEPTH`."""
        super().__init__(f"{field}: {self.describe(str)}")

    def describe(self, name_field: Callable[[str], str]) -> str:
        """Return the message with every field name passed through `name_field`."""
        problem = self.problem.format_map(_Named(name_field))
        return f"{self.value!r} {problem}" + ("" if problem.endswith(("?", ".")) else ".")


class _Named(dict[str, str]):
    def __init__(self, name_field: Callable[[str], str]) -> None:
        super().__init__()
        self._name_field = name_field

    def __missing__(self, field: str) -> str:
        return self._name_field(field)


def did_you_mean(word: str, known: tuple[str, ...] | list[str]) -> str:
    """Return ` Did you mean 'x'?` for the nearest known word, or an empty string.

    Case, hyphens and underscores tell no words apart: `BERT_base` begins `bert-base-uncased`.
    """
    from difflib import get_close_matches  # half of what starting to understand flags would cost

    start = plain_word(word)
    rests = {each: _rest(each, start) for each in known} if len(start) > 2 else {}
    begin = [each for each, rest in rests.items() if rest is not None]
    whole = [each for each in begin if not (rests[each] or "")[:1].isalnum()]
    spelt: dict[str, list[str]] = {}
    for each in known:
        spelt.setdefault(plain_word(each), []).append(each)
    alike = [spelt[each] for each in get_close_matches(start, spelt, n=1)]
    close = get_close_matches(word, alike[0], n=1, cutoff=0) if alike else []
    near = whole or close or begin
    return f" Did you mean {near[0]!r}?" if near else ""


def _rest(word: str, start: str) -> str | None:
    """Return what of a word is behind a plain start; None: it does not begin so."""
    left = len(start)
    for place, letter in enumerate(word):
        if not left:
            return word[place:]
        plain = plain_word(letter)
        if plain and plain != start[-left]:
            return None
        left -= len(plain)
    return None if left else ""


def same_word(word: str, known: Iterable[str]) -> str | None:
    """Return the one known word that differs by case, hyphens or underscores alone; None: none."""
    fold = plain_word(word)
    same = [each for each in known if plain_word(each) == fold]
    return word if word in same else same[0] if len(same) == 1 else None


@lru_cache(4096)  # each name that is known, for each name that is typed
def plain_word(word: str) -> str:
    """Return a word without case, hyphens, underscores and spaces: `ResNet-50` as `resnet50`."""
    return word.lower().translate(_NO_SIGNS)


_NO_SIGNS = str.maketrans("", "", "-_ ")


def and_(words: Sequence[str]) -> str:
    """Return words in a row, `and` before the last."""
    *first, last = words
    return f"{', '.join(first)} and {last}" if first else last


def first_line(error: BaseException) -> str:
    """Return an error's type and the first line of what it says, in short where torch is long."""
    lines = str(error).strip().splitlines()
    if not lines:
        return type(error).__name__
    operator, runs_on_data_alone, _ = lines[0].partition(_NO_SHAPES)
    if runs_on_data_alone:
        return f"{operator} runs on data alone: give the network and its inputs with data"
    return f"{type(error).__name__}: {lines[0]}"


_NO_SHAPES = ": attempted to run this operator with Meta tensors"
"""What torch says, and then much more, where an operator has no answer without data."""


_OUT_OF_MEMORY = (
    "DefaultCPUAllocator",
    "CUBLAS_STATUS_ALLOC_FAILED",
    "CUDNN_STATUS_ALLOC_FAILED",
)
"""What torch says where a library, not its own allocator on a card, got no memory."""


def is_out_of_memory(error: BaseException) -> bool:
    """Return whether memory ran out: torch says so by a class of its own, elsewhere in words."""
    if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError":
        return True
    return isinstance(error, RuntimeError) and any(sign in str(error) for sign in _OUT_OF_MEMORY)


def memory_ran_out(error: BaseException, hint: str = "") -> ArchscopeError:
    """Return that in a line; what Python says of it stands in it, torch's words are its own."""
    said = f" ({error})" if isinstance(error, MemoryError) and str(error) else ""
    return ArchscopeError(f"memory ran out{said}{hint}")


def failure_of(error: BaseException) -> ArchscopeError:
    """Return what went wrong where one network failed of several, whatever its code raised."""
    if isinstance(error, ArchscopeError):
        return error
    if isinstance(error, SystemExit):
        return LoadError(f"the network's code ended the program with exit code {error.code!r}")
    if is_out_of_memory(error):
        return memory_ran_out(error)
    return ArchscopeError(first_line(error))
