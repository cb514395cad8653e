"""What a student is trained for: one pure, unweighted function a term, found by its name.

Each takes the student's output, the teacher's and the batch, and gives a scalar with a gradient in
the student alone. Half precision is for the networks: give the terms float32 or float64.
"""

from collections.abc import Callable

from jaxtyping import Float
from torch import Tensor

from cfkd_core.datasets.pairs import PairBatch
from cfkd_core.losses import features, iou, rivals
from cfkd_core.models.atom import Output

Term = Callable[[Output, Output, PairBatch], Float[Tensor, ""]]

LOSSES: dict[str, Term] = {
    term.__name__: term
    for term in (
        features.fidelity,
        features.fidelity_sum,
        features.fidelity_normalised,
        features.correlation_filter,
        features.correlation_filter_sum,
        features.correlation_filter_batch_maximum,
        iou.ground_truth,
        iou.ground_truth_squared,
        iou.teacher_soft,
        iou.teacher_soft_squared,
        iou.adaptive_hard,
        iou.adaptive_hard_squared,
        iou.adaptive_hard_per_proposal,
        rivals.target_response,
        rivals.target_response_batch_sum,
        rivals.tracking,
        rivals.tracking_per_channel,
    )
}
