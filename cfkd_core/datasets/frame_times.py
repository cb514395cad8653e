"""What the times of a video's frames say about its frame rate, and about frames that are missing.

Containers claim both. Browsers record films that claim 1000 frames per second, and a file that was
cut short still claims all of its frames.
"""

from collections.abc import Sequence

import numpy as np

DEFAULT_FPS = 25.0
"""Where neither the container nor the frames say it."""

LOOKED_AT = 30
"""Frames at the beginning of a film from which its rate is measured."""

TOLERANCE = 3
"""Frames that may be missing without a word: some containers only estimate their number."""

# Relative: times are rounded to milliseconds, which is less over `LOOKED_AT` frames.
_AGREEMENT = 0.005
_STEADY = 0.25


def frame_rate(times: Sequence[float], claimed: float) -> float:
    """Frames per second of a constant rate at which a film shows its frames at their times.

    The claimed rate where the times agree with it, else the measured one. Where the rate varies,
    that of all but the closest tenth of the frames, so that few of them wait for the next slot.

    Args:
        times: of the first frames, s.
        claimed: by the container; 0 or less where it claims none.
    """
    steps = np.diff(times)
    steps = steps[steps > 0]
    if not len(steps):
        return claimed if claimed > 0 else DEFAULT_FPS
    if np.abs(steps - np.median(steps)).max() > _STEADY * np.median(steps):
        return float(max(1, round(1 / np.quantile(steps, 0.1))))
    measured = 1 / steps.mean()
    agrees = abs(claimed / measured - 1) < _AGREEMENT
    return claimed if agrees else round(float(measured), 2)


def missing_frames(times: Sequence[float], claimed: float, count: float) -> str:
    """What a video lacks, such as "ends after 43 of 100 frames"; empty where it is whole.

    Args:
        times: of all frames that can be decoded, s.
        claimed: frames per second, by the container.
        count: of frames, by the container; 0 or less where it claims none.
    """
    steps = np.diff(times)
    steps = steps[steps > 0]
    if not len(steps) or claimed <= 0 or count <= 0:
        return ""
    step, duration = float(np.median(steps)), count / claimed
    # a rate that the frames do not have makes a number of frames that there never were
    trusted = abs(claimed * step - 1) < _STEADY
    expected = round(count if trusted else duration / steps.mean())
    if len(times) + TOLERANCE >= expected:
        return ""
    if times[-1] - times[0] + (TOLERANCE + 1) * step < duration:
        return f"ends after {len(times)} of {expected} frames"
    return f"lacks {expected - len(times)} of {expected} frames"
