"""The class match on the page Forget: how classes that are numbers are counted, and classes of one name."""

from pathlib import Path

import numpy as np
from PIL import Image

from pages.shared.words import plain
from tests.pages.conftest import OpenApp
from tests.pages.words_of import words_of
from unlearn_core.catalog.image_sets import Wanted, load_images
from unlearn_core.catalog.sources.add_image_set import add_image_set

DIGITS = Wanted("digits", 1, 28, tuple("0123456789"), ())


def test_numbers_are_counted_as_measured_or_chosen(own_home: Path, open_app: OpenApp, tmp_path: Path) -> None:
    digits = load_images("mnist", DIGITS)
    for digit in (3, 5):
        (tmp_path / "set" / str(digit + 1)).mkdir(parents=True)
        for place in np.flatnonzero(digits.labels == digit)[:3]:
            picture = Image.fromarray(digits.pixels[place].squeeze())
            picture.save(tmp_path / "set" / str(digit + 1) / f"{place}.png")
    add_image_set(own_home, "numbered", f"folder:{tmp_path / 'set'}")
    app = open_app()
    app.selectbox(key="images").set_value("numbered").run()
    assert not app.exception
    assert plain("counted from 1: so the classifier is right for 100.0% of a sample") in words_of(app)
    numbers = app.selectbox(key="numbers_mnist-resnet_numbered")
    assert numbers.options == ["from 0: 0.0% right", "from 1: 100.0% right"]
    assert numbers.value == "from 1"
    numbers.set_value("from 0").run()
    assert not app.exception
    assert plain("counted from 0: so the classifier is right for 0.0% of a sample") in words_of(app)
