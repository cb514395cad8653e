"""The only door to torchvision.

A CPU wheel of torch beside the CUDA build of torchvision lacks the two operators that torchvision
decorates at import (`operator torchvision::nms does not exist`). Declaring their schemas is enough:
this project never calls them. A matching pair imports plainly and gets no second declaration.
"""

import torch

try:
    import torchvision
except RuntimeError as error:
    if "torchvision::nms" not in str(error):
        raise
    _library = torch.library.Library("torchvision", "DEF")
    _library.define("nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    _library.define("qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    import torchvision

__all__ = ["torchvision"]
