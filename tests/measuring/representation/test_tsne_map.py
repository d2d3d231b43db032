from pathlib import Path

import numpy as np
import pytest

from unlearn_core.artifacts.image_table import read_image_table
from unlearn_core.errors import UserError
from unlearn_core.measuring.representation.tsne_map import write_neighbour_map
from unlearn_core.measuring.write_image_table import write_image_table


def test_look_alikes_stand_side_by_side(own_home: Path) -> None:
    path = write_neighbour_map(own_home, "imagenet-efficientnet-lite0", "photos")
    with np.load(path) as found:
        table = read_image_table(write_image_table(own_home, "imagenet-efficientnet-lite0", "photos"))
        assert found["ids"].tolist() == table.ids.tolist()
        assert np.isfinite(found["places"]).all()
        # Two photos of one motorcycle, from the left and from the right, lie next to each other.
        left, right = (list(found["ids"]).index(one) for one in (4, 5))
        distances = np.linalg.norm(found["places"] - found["places"][left], axis=1)
        assert distances.argsort()[1] == right
    again = write_neighbour_map(own_home, "imagenet-efficientnet-lite0", "photos")
    assert again == path


def test_a_set_that_is_too_small_is_one_sentence(own_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("unlearn_core.measuring.representation.tsne_map.FEWEST_PICTURES", 100)
    with pytest.raises(UserError, match="takes 100 to 20,000 pictures; there are 56"):
        write_neighbour_map(own_home, "imagenet-efficientnet-lite0", "photos")
