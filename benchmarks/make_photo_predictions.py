"""Makes the shipped predictions on the photos: `python -m benchmarks.make_photo_predictions`.

With them the photos are shown, and forgotten, without measuring those that ship first.
"""

import torch

from unlearn_core.artifacts.shipped_predictions import write_shipped_predictions
from unlearn_core.catalog.classifiers import load_classifier
from unlearn_core.catalog.image_sets import load_images
from unlearn_core.catalog.sources.photos import SHIPPED, SHIPPED_FINGERPRINT
from unlearn_core.measuring.predict import predict

CLASSIFIER, IMAGES = "imagenet-efficientnet-lite0", "photos"


def main() -> None:
    """Measure the photos that ship and write the predictions into the package."""
    classifier = load_classifier(CLASSIFIER)
    images, count = load_images(IMAGES, classifier), len(SHIPPED)
    said = predict(classifier.module, images.pixels[:count], images.labels[:count], torch.device("cpu"))
    write_shipped_predictions(CLASSIFIER, IMAGES, SHIPPED_FINGERPRINT, said)


if __name__ == "__main__":
    main()
