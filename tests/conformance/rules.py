"""Each one-pass protocol's rule, a frame at a time in plain floats, as its toolkit has it.

Nothing here is fast, and nothing is shared with the library but the names. Boxes are lists
x, y, w, h as the benchmark publishes them.
"""

import math

NAN, INF = math.nan, math.inf
MATLAB_GRID = [0.05 * k if k <= 10 else 1 - 0.05 * (20 - k) for k in range(21)]
ARANGE_GRID = [0.05 * k for k in range(21)]
PIXELS = [float(k) for k in range(51)]
HUNDREDTHS = [k / 100 for k in range(51)]


def linspace(last, count):
    return [k * (last / (count - 1)) for k in range(count - 1)] + [last]


def divided(above, below):
    """IEEE's quotient."""
    if below != 0:
        return above / below
    return NAN if above == 0 or math.isnan(above) else math.copysign(INF, above)


def shares(values, thresholds, success):
    return [sum(success(value, each) for value in values) / len(values) for each in thresholds]


def above(value, threshold):
    return value > threshold


def at_most(value, threshold):
    return value <= threshold


def unknown(box):
    return any(math.isnan(number) for number in box)


def larger(a, b):
    """The maximum that passes over NaN, as MATLAB's and pandas' do."""
    return b if math.isnan(a) else a if math.isnan(b) else max(a, b)


def smaller(a, b):
    return b if math.isnan(a) else a if math.isnan(b) else min(a, b)


def inclusive_overlap(a, b, keep_nan=False):
    """calcRectInt.m: right = x + w - 1. MATLAB's max(0, NaN) is 0; pandas' clip keeps NaN."""
    sides = []
    for i in (0, 1):
        right = smaller(a[i] + a[i + 2] - 1, b[i] + b[i + 2] - 1)
        side = right - larger(a[i], b[i]) + 1
        sides.append(side if keep_nan and math.isnan(side) else larger(side, 0.0))
    common = sides[0] * sides[1]
    return divided(common, a[2] * a[3] + b[2] * b[3] - common)


def plain_overlap(a, b, extra=0.0):
    """Continuous edges, limited to 0 and 1; NaN if a number is."""
    if unknown(a) or unknown(b):
        return NAN
    sides = [max(0.0, min(a[i] + a[i + 2], b[i] + b[i + 2]) - max(a[i], b[i])) for i in (0, 1)]
    common = sides[0] * sides[1]
    value = divided(common, a[2] * a[3] + b[2] * b[3] - common + extra)
    return value if math.isnan(value) else max(0.0, min(1.0, value))


def middle(box):
    return [box[0] + (box[2] - 1) / 2, box[1] + (box[3] - 1) / 2]


def distance(a, b):
    x, y = a[0] - b[0], a[1] - b[1]
    return math.sqrt(x * x + y * y)


def over(point, sides):
    return [divided(point[0], sides[0]), divided(point[1], sides[1])]


def centre_error(box, truth):
    return distance(middle(box), middle(truth))


def norm_error(box, truth):
    a, b = over(middle(box), truth[2:]), over(middle(truth), truth[2:])
    return NAN if INF in map(abs, (*a, *b)) else distance(a, b)


def mended(predicted, truth, bad):
    """Bad rows replaced by the one before, where the annotation has no NaN."""
    rows = [list(row) for row in predicted]
    for i in range(1, len(rows)):
        annotated = i >= len(truth) or not unknown(truth[i])
        if bad(rows[i]) and annotated:
            rows[i] = rows[i - 1]
    return rows


def three(overlaps, errors, relative, grid, errors_grid=PIXELS, norm_grid=HUNDREDTHS):
    return {
        "success": shares(overlaps, grid, above),
        "precision": shares(errors, errors_grid, at_most),
        "norm_precision": shares(relative, norm_grid, at_most),
    }


def otb(predicted, truth, visible):
    """tracker_benchmark v1.1, calcSeqErrRobust.m and genPerfMat.m."""
    rows = mended(predicted, truth, lambda r: all(map(math.isnan, r)) or r[2] <= 0 or r[3] <= 0)
    rows[0] = truth[0]
    overlaps, errors = [], []
    for row, annotated, valid in zip(rows, truth, visible, strict=True):
        overlaps.append(inclusive_overlap(row, annotated) if valid else -1.0)
        errors.append(centre_error(row, annotated) if valid else -1.0)
    return {
        "success": shares(overlaps, MATLAB_GRID, above),
        "precision": shares(errors, PIXELS, at_most),
    }


def lasot(predicted, truth, visible):
    """LaSOT_Evaluation_Toolkit 95bf38a, calc_seq_err_robust.m and eval_tracker.m."""
    rows = mended(predicted[: len(truth)], truth, lambda r: unknown(r) or r[2] <= 0 or r[3] <= 0)
    rows[0] = truth[0]
    overlaps, errors, relative = [], [], []
    for row, annotated, shown in zip(rows, truth, visible, strict=True):
        if not shown:  # taken out, but the denominator stays
            overlap, error, norm = -1.0, INF, INF
        elif all(number > 0 for number in annotated):
            overlap = inclusive_overlap(row, annotated)
            error, norm = centre_error(row, annotated), norm_error(row, annotated)
        else:
            overlap = error = norm = -1.0
        overlaps.append(overlap)
        errors.append(error)
        relative.append(norm)
    return three(overlaps, errors, relative, MATLAB_GRID)


def pytracking(predicted, truth, visible, dataset="otb"):
    """pytracking 7eb9e74, analysis/extract_results.py; NaN and negative sides mended like zeros."""
    rows = mended(predicted, truth, lambda r: unknown(r) or r[2] <= 0 or r[3] <= 0)
    rows = rows[: len(truth)] + [[0.0] * 4] * (len(truth) - len(rows))
    rows[0] = truth[0]
    overlaps, errors, relative = [], [], []
    for row, annotated, shown in zip(rows, truth, visible, strict=True):
        valid = shown and all(number > 0 for number in annotated)
        overlaps.append(inclusive_overlap(row, annotated) if valid else -1.0)
        error = centre_error(row, annotated) if valid else -1.0 if dataset == "uav" else INF
        norm = norm_error(row, annotated) if valid else -1.0
        if dataset == "lasot" and not shown:
            error = norm = INF
        errors.append(error)
        relative.append(norm)
    return three(overlaps, errors, relative, ARANGE_GRID)


def pysot(predicted, truth, visible, drop_absent=False):
    """pysot d04028f, toolkit/evaluation/ope_benchmark.py and utils/statistics.py."""
    overlaps, errors, relative = [], [], []
    for row, annotated, shown in zip(predicted, truth, visible, strict=False):
        if drop_absent and not shown:
            overlap, error, norm = -1.0, INF, INF
        else:
            sized = annotated[2] > 0 and annotated[3] > 0
            overlap = plain_overlap(row, annotated) if sized else -1.0
            centres = middle(row), middle(annotated)
            sides = [side + 1e-16 for side in annotated[2:]]
            scaled = [over(each, sides) for each in centres]
            error, norm = (
                distance(found, told) if told[0] > 0 and told[1] > 0 else -1.0
                for found, told in (centres, scaled)
            )
        overlaps.append(overlap)
        errors.append(error)
        relative.append(norm)
    return three(overlaps, errors, relative, ARANGE_GRID)


def rounded(box):
    return [number if math.isnan(number) else float(round(number)) for number in box]


def trackingnet(predicted, truth, visible):
    """TrackingNet-devkit 79783f2, metrics.py: a data frame of rounded boxes."""
    missing = [NAN] * 4 if predicted else [0.0] * 4
    rows = [list(row) for row in predicted[: len(truth)]]
    rows += [missing] * (len(truth) - len(rows))
    overlaps, errors, relative = [], [], []
    for i, (row, annotated) in enumerate(zip(rows, truth, strict=True)):
        told = rounded(annotated)
        found = told if i == 0 else rounded(row)
        overlaps.append(inclusive_overlap(found, told, keep_nan=True))
        x, y = (a - b for a, b in zip(middle(told), middle(found), strict=True))
        errors.append(math.sqrt(x * x + y * y))
        w, h = told[2:]
        square = divided(divided(x, w) * x, w) + divided(divided(y, h) * y, h)
        relative.append(NAN if math.isnan(square) else math.sqrt(square))
    return {
        "success": shares(overlaps, linspace(1.0, 21), lambda value, each: value >= each),
        "precision": shares(errors, linspace(50.0, 21), at_most),
        "norm_precision": shares(relative, linspace(0.5, 21), at_most),
    }


def got10k(predicted, truth, visible, size):
    """got10k 0.1.3, experiments/got10k.py and utils/metrics.py; an overlap of NaN is 0."""

    def cut(box):
        if unknown(box):
            return box
        corner = [min(max(box[i], 0), size[i]) for i in (0, 1)]
        return corner + [min(max(box[i + 2], 0), size[i] - corner[i]) for i in (0, 1)]

    eps = 2.0**-52
    frames = [i for i in range(1, len(truth)) if visible[i]]
    overlaps = [plain_overlap(cut(predicted[i]), cut(truth[i]), eps) for i in frames]
    overlaps = [0.0 if math.isnan(each) else each for each in overlaps]
    if not overlaps:
        return {"overlap": [0.0], "success": [0.0] * 101}
    mean = sum(overlaps) / len(overlaps)
    return {"overlap": [mean], "success": shares(overlaps, linspace(1.0, 101), above)}


def got10k_toolkit(predicted, truth, visible):
    """got10k 0.1.3, experiments/uav123.py; normalised errors as at 956e728."""
    overlaps, errors, relative = [], [], []
    for i, (row, annotated) in enumerate(zip(predicted, truth, strict=True)):
        if unknown(annotated):
            continue
        found = annotated if i == 0 else row
        overlaps.append(plain_overlap(found, annotated, 2.0**-52))
        errors.append(centre_error(found, annotated))
        x, y = (a - b for a, b in zip(middle(found), middle(annotated), strict=True))
        relative.append(distance(over([x, y], [max(1.0, s) for s in annotated[2:]]), [0.0, 0.0]))
    return three(overlaps, errors, relative, linspace(1.0, 21), PIXELS, linspace(0.5, 51))


def with_size(rule):
    return lambda predicted, truth, visible, size: rule(predicted, truth, visible)


RULES = {
    "otb": with_size(otb),
    "uav123": with_size(otb),
    "lasot": with_size(lasot),
    "trackingnet": with_size(trackingnet),
    "got10k": got10k,
    "got10k-toolkit": with_size(got10k_toolkit),
    "pytracking": with_size(pytracking),
    "pytracking-lasot": with_size(lambda p, t, v: pytracking(p, t, v, "lasot")),
    "pytracking-uav123": with_size(lambda p, t, v: pytracking(p, t, v, "uav")),
    "pysot": with_size(pysot),
    "pysot-lasot": with_size(lambda p, t, v: pysot(p, t, v, True)),
}
