"""Export of attribution maps as .npy and .png files."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from unlearn_core.artifacts.attribution_maps import common_scale, overlay, read_attributions
from unlearn_core.errors import UserError
from unlearn_core.measuring.attribution.explain import write_attributions
from unlearn_core.measuring.attribution.request import LABEL, AttributionRequest

_OPACITY = 0.7


def write_attribution_files(
    root: Path, requests: Sequence[AttributionRequest], folder: str
) -> Iterator[Path]:
    """Write `ID-ALGORITHM-before`, `-after` and `-difference` as .npy (float32, h × w) and .png; yield paths.

    Another target than the old label stands before these words, as in `ID-ALGORITHM-new-before`. Before and
    after share a symmetric scale, as in the app. Raises `UserError` like `write_attributions`, and if the
    folder cannot be written.
    """
    out = Path(folder).expanduser()
    try:
        for request in requests:
            shown = read_attributions(write_attributions(root, request))
            name = request.algorithm.replace(":", "-")
            if request.target != LABEL:
                name = f"{name}-{request.target}"
            out.mkdir(parents=True, exist_ok=True)
            for row, picture in enumerate(shown.inputs):
                before, after = shown.before[row], shown.after[row]
                scale = common_scale(before, after)
                for kind, values in (("before", before), ("after", after), ("difference", after - before)):
                    path = out / f"{shown.ids[row]}-{name}-{kind}.npy"
                    np.save(path, values)
                    painted = Image.fromarray(overlay(picture, values, scale, _OPACITY))
                    painted.save(path.with_suffix(".png"))
                    yield from (path, path.with_suffix(".png"))
    except OSError as error:
        raise UserError(f"{out} cannot be written: {error.strerror or error}.") from error
