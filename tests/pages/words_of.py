"""What a page says."""


def words_of(app: object) -> str:
    """Return all running text of a page."""
    kinds = ("markdown", "caption", "error", "warning", "success", "info")
    return "\n".join(element.value for kind in kinds for element in getattr(app, kind))
