"""Names of classes that several classifiers and image sets share."""

from functools import cache

CIFAR10 = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
DIGITS = tuple(str(digit) for digit in range(10))


def short_class_name(name: str) -> str:
    """Return the first of a class's names: ImageNet lists several, separated by commas."""
    return name.split(",")[0]


@cache
def imagenet_classes() -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return names and WordNet ids of ImageNet-1K's classes, in the usual order."""
    from timm.data import ImageNetInfo

    info = ImageNetInfo()
    classes = range(info.num_classes())
    names = tuple(info.index_to_description(index) for index in classes)
    return names, tuple(info.index_to_label_name(index) for index in classes)
