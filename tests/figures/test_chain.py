"""A chain of maps is labelled with what ran."""

from cfkd_core.figures import chain
from cfkd_core.models.anatomy import Layer


def test_a_chain_names_each_map_and_each_copy_of_its_end():
    layers = [
        Layer("convolution", 5, (1, 8, 8), (6, 4, 4)),
        Layer("full", 0, (96, 1, 1), (2, 1, 1)),
    ]
    figure = chain.chain(layers, ["teacher", "student"], copies=["video 1", "…", "video K"])
    words = {text.get_text() for text in figure.axes[0].texts}
    assert {"1\n8×8", "6\n4×4", "2", "conv\n5×5", "full", "video 1", "video K"} <= words
