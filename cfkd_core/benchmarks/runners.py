"""The ways of running a tracker, by the name of the experiment."""

from cfkd_core.benchmarks.clocks import read_clock
from cfkd_core.benchmarks.ope import OnePass
from cfkd_core.benchmarks.realtime import FPS, RealTime
from cfkd_core.benchmarks.reset import WithRestarts
from cfkd_core.benchmarks.workers import Runner
from cfkd_core.errors import InputError


def make_runner(
    experiment: str,
    *,
    rule: str = "legacy",
    fps: float = FPS,
    latency: str = "live",
    trace: bool = False,
) -> Runner:
    """The runner of an experiment: `ope`, `reset` or `realtime`.

    Args:
        rule: of `realtime`, a key of `realtime.RULES`.
        fps: of `realtime`, frames that arrive in a second.
        latency: of `realtime`, as `clocks.read_clock` takes it.
        trace: write score and status of each frame, too.

    Raises:
        InputError: if there is no such experiment, or it has no clock to set.
    """
    if experiment == "realtime":
        return RealTime(rule, fps, read_clock(latency), trace=trace)
    if (rule, fps, latency) != ("legacy", FPS, "live"):
        raise InputError(
            f"experiment {experiment} has no clock: leave out --rule, --fps and --latency, "
            "or choose --experiment realtime"
        )
    runners: dict[str, Runner] = {
        "ope": OnePass(trace=trace),
        "reset": WithRestarts(trace=trace),
    }
    if experiment not in runners:
        raise InputError(f"experiment {experiment!r}: choose from ope, reset, realtime")
    return runners[experiment]
