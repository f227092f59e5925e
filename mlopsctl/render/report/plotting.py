"""One style for every chart: matplotlib draws it, and it leaves as clean SVG in the colours of the page."""

from __future__ import annotations

import io
import warnings
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from mlopsctl.render.report.drawing import INKS, sanitised

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# The names of settings are types of their own in some versions of matplotlib.
_STYLE: dict[Any, Any] = {
    "svg.fonttype": "none",
    "svg.hashsalt": "mlopsctl",
    "text.parse_math": False,
    "text.usetex": False,
    "font.family": "DejaVu Sans",
    "font.size": 9.0,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": INKS["line"],
    "axes.labelcolor": INKS["muted"],
    "axes.titlesize": 9.0,
    "axes.facecolor": "none",
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": INKS["line"],
    "grid.linewidth": 0.6,
    "xtick.color": INKS["line"],
    "ytick.color": INKS["line"],
    "xtick.labelcolor": INKS["muted"],
    "ytick.labelcolor": INKS["muted"],
    "lines.linewidth": 1.8,
    "figure.facecolor": "none",
    "savefig.facecolor": "none",
}


# Points: a letter of the axis labels at its usual width, and what stands beside the axes.
_LETTER, _LEFT, _RIGHT, _BELOW, _ABOVE = 5.9, 24.0, 12.0, 36.0, 8.0


def drawn(
    name: str, title: str, paint: Callable[[Axes], None], *, wide: float = 4.6, tall: float = 3.5, letters: int = 4
) -> str:
    """A chart as markup for a page.

    Args:
        name: different for each chart of a page.
        title: what it shows, for those who do not see it.
        paint: draws into the axes; every text it writes must be printable.
        wide, tall: inches; the page scales it.
        letters: of the longest label on the left. A layout engine would measure it, and draw everything twice.
    """
    import matplotlib
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure

    with matplotlib.rc_context(), warnings.catch_warnings():
        # The page's own font shows the letters that the measuring font lacks.
        warnings.filterwarnings("ignore", message="Glyph .* missing from", category=UserWarning)
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(_STYLE)
        figure = Figure(figsize=(wide, tall))
        FigureCanvasSVG(figure)
        across, up = wide * 72, tall * 72
        left = min(0.6, (_LEFT + letters * _LETTER) / across)
        figure.subplots_adjust(left, _BELOW / up, 1 - _RIGHT / across, 1 - _ABOVE / up)
        paint(figure.subplots())
        buffer = io.StringIO()
        figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None})
    return sanitised(buffer.getvalue(), name, title)
