"""The groups, labels and picks of a job: nine pictures of one pixel, six own and three only measured."""

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from unlearn_core.artifacts.predictions import EARLIER, FORGET, RETAIN, TEST, Predictions
from unlearn_core.artifacts.results import EarlierSet
from unlearn_core.catalog.image_sets import ImageSet
from unlearn_core.errors import UserError
from unlearn_core.jobs.data_split import JobPictures
from unlearn_core.jobs.job import is_looked_at

NAMES = ("dark", "bright")
CPU = torch.device("cpu")


class ByBrightness(nn.Module):
    """Class 1 from half the brightness on."""

    def forward(self, pixels: Tensor) -> Tensor:
        along = pixels.flatten(1).mean(1, keepdim=True) - 0.5
        return torch.cat([-along, along], 1)


def image_set(name: str, brightness: list[int], labels: list[int], test: list[bool]) -> ImageSet:
    """Return pictures with ids from 10 on; −1 is the label of one that has none."""
    given = np.array(labels)
    return ImageSet(
        name=name,
        pixels=np.array(brightness, np.uint8).reshape(-1, 1, 1, 1),
        ids=np.arange(10, 10 + len(labels)),
        is_test=np.array(test),
        labels=given,
        labelled=given >= 0,
        class_names=NAMES,
    )


def own_set() -> ImageSet:
    return image_set("own", [0, 0, 200, 255, 0, 255], [0, 1, 1, -1, 0, 1], [False] * 4 + [True] * 2)


def second_set() -> ImageSet:
    return image_set("second", [255, 255, 0], [1, 1, 1], [False, False, True])


def known(earlier: list[EarlierSet]) -> tuple[JobPictures, Predictions]:
    """Return the pictures of both sets once the original has said what it sees."""
    pictures = JobPictures(own_set(), second_set(), earlier, CPU)
    before = pictures.predict(ByBrightness(), lambda share: None)
    pictures.know(before)
    return pictures, before


def test_test_pictures_of_the_second_set_count_as_retained() -> None:
    pictures = JobPictures(own_set(), second_set(), [], CPU)
    assert pictures.group.tolist() == [RETAIN] * 4 + [TEST] * 2 + [RETAIN] * 3
    assert pictures.retained(own=True).tolist() == [0, 1, 2, 3]
    assert pictures.retained(own=False).tolist() == [0, 1, 2, 3, 6, 7, 8]


def test_an_earlier_forget_set_is_of_the_own_pictures_alone() -> None:
    pictures = JobPictures(own_set(), second_set(), [EarlierSet("aaaa", (11, 12), (0, 1))], CPU)
    assert pictures.group.tolist() == [RETAIN, EARLIER, EARLIER, RETAIN, TEST, TEST] + [RETAIN] * 3
    with pytest.raises(UserError, match=r"Picture 16, forgotten by run aaaa, is no longer in own\."):
        JobPictures(own_set(), second_set(), [EarlierSet("aaaa", (12, 16), (0, 1))], CPU)


def test_predictions_go_through_both_sets_and_tell_how_far_they_are() -> None:
    shares: list[float] = []
    pictures = JobPictures(own_set(), second_set(), [], CPU)
    found = pictures.predict(ByBrightness(), shares.append)
    assert found.classes.tolist() == [0, 0, 1, 1, 0, 1, 1, 1, 0]
    assert shares == [0, 6 / 9]
    # Picture 11 is dark and labelled bright: its logits are 0.5 and -0.5.
    assert found.losses[1] == pytest.approx(1 + np.log(1 + np.exp(-1)))


def test_labels_are_given_predicted_or_those_of_an_earlier_run() -> None:
    pictures, _ = known([EarlierSet("aaaa", (12,), (0,))])
    # Of picture 13 there is no label: it is predicted as bright. An earlier run forgot 12 as dark.
    assert pictures.labels.tolist() == [0, 1, 0, 1, 0, 1, 1, 1, 1]


def test_a_pick_takes_own_retained_pictures_and_makes_them_the_forget_set() -> None:
    pictures, before = known([EarlierSet("aaaa", (10,), (0,))])
    with pytest.raises(UserError, match="asks for 4 pictures, but there are only 3"):
        pictures.choose("random:4", before, NAMES, 0)
    # Picture 11 is the one that the original gets wrong, 13 the one that it is surest of.
    pictures.choose("hardest:2", before, NAMES, 0)
    assert pictures.picked == [11, 12]
    assert pictures.positions.tolist() == [1, 2]
    assert pictures.group.tolist() == [EARLIER, FORGET, FORGET, RETAIN, TEST, TEST] + [RETAIN] * 3
    assert pictures.retained(own=True).tolist() == [3]


def test_a_set_without_pictures_to_forget_is_one_sentence() -> None:
    pictures = JobPictures(image_set("own", [0], [0], [True]), None, [], CPU)
    before = pictures.predict(ByBrightness(), lambda share: None)
    with pytest.raises(UserError, match="own has no pictures that can be forgotten"):
        pictures.choose("random:1", before, NAMES, 0)


def test_what_is_looked_at_on_the_way_is_of_one_set() -> None:
    pictures, before = known([])
    assert sorted(pictures.sample(0).tolist()) == [0, 1, 2, 3]
    assert pictures.share_kept(ByBrightness(), pictures.sample(0)) == 75
    assert pictures.share_kept_before(pictures.sample(0)) == 75
    pictures.choose("random:4", before, NAMES, 0)
    # Nothing of the own set is left to retain: of the second set two of three are predicted as labelled.
    assert sorted(pictures.sample(0).tolist()) == [6, 7, 8]
    assert pictures.share_kept(ByBrightness(), pictures.sample(0)) == pytest.approx(200 / 3)
    assert pictures.share_kept_before(pictures.sample(0)) == pytest.approx(200 / 3)
    assert pictures.share_kept_before(np.empty(0, np.intp)) is None
    assert pictures.share_kept(ByBrightness(), np.empty(0, np.intp)) is None


def test_the_comparison_holds_both_sets_as_they_are() -> None:
    pictures, before = known([])
    pictures.choose("ids:11", before, NAMES, 0)
    found = pictures.comparison(before, before, NAMES)
    assert found.ids.tolist() == [10, 11, 12, 13, 14, 15, 10, 11, 12]
    assert found.image_set.tolist() == [0] * 6 + [1] * 3
    assert found.labelled.tolist() == [True] * 3 + [False] + [True] * 5
    assert found.group[1] == FORGET


def test_the_sample_is_looked_at_twice_per_doubling_and_of_large_pictures_less_at_first() -> None:
    def looked_at(side: int) -> list[int]:
        return [step for step in range(40) if is_looked_at(step, side)]

    assert looked_at(28) == [0, 1, 2, 3, 4, 6, 8, 12, 16, 24, 32]
    assert looked_at(224) == [0, 4, 8, 12, 16, 24, 32]
