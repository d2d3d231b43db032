"""Predictions of a classifier on pictures."""

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from unlearn_core import UserError
from unlearn_core.measuring.predict import predict


class Brightness(nn.Module):
    """Divides by the brightness, so that a black picture has no outputs."""

    def forward(self, pixels: Tensor) -> Tensor:
        light = pixels.flatten(1).mean(1, keepdim=True)
        return torch.cat([light / light, 2 * light / light], 1)


def test_outputs_that_are_no_numbers_are_refused_and_not_counted_as_the_first_class() -> None:
    pictures = np.full((3, 4, 4, 1), 9, np.uint8)
    labels = np.zeros(3, np.int64)
    assert predict(Brightness(), pictures, labels, torch.device("cpu")).classes.tolist() == [1, 1, 1]
    pictures[1] = 0
    with pytest.raises(
        UserError, match=r"^The classifier's outputs for some of the pictures are not numbers\.$"
    ):
        predict(Brightness(), pictures, labels, torch.device("cpu"))
