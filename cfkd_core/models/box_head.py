"""DRNet's head: by how much should each proposal move and grow?"""

from cfkd_core.models.iou_head import ProposalHead


class BoxHead(ProposalHead):
    """Predicts the offsets (dx, dy, dw, dh) from each proposal to the target, "b p 4".

    For a proposal (centre cx, cy; size w, h) and the target's box they are
    dx = (target cx - cx) / w, dy = (target cy - cy) / h, dw = log(target w / w),
    dh = log(target h / h).

    Source: The original, exactly, section 1.5 (DirectReg, DirectRegSmall).
    Differs: the thesis (section 4.3) speaks of a head that takes no proposals and gives x, y, w, h;
        the author's code is followed here.
    """

    def __init__(self, channels3: int, channels4: int, width: int) -> None:
        super().__init__(channels3, channels4, width, outputs=4)
