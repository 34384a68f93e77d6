"""Parameters, FLOPs, receptive field and time of a network, before anyone trains it.

    >>> import archscope
    >>> model = archscope.build("transformer", depth=24)
    >>> report = archscope.params("transformer", depth=24)
    >>> report.totals.trainable, report.totals.macs
    (209494272, 252124594176)

Importing this package imports neither torch nor pandas; calling it does.
"""

from archscope.errors import ArchscopeError as ArchscopeError
from archscope.library import build as build
from archscope.library import params as params
from archscope.results import Report as Report
from archscope.version import __version__ as __version__

__all__ = ["ArchscopeError", "Report", "__version__", "build", "params"]
