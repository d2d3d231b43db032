"""Numbers of things in words."""


def counted(n: int, noun: str = "picture") -> str:
    """Return such as "1 picture" or "1,200 pictures"."""
    return f"{n:,} {noun}{'' if n == 1 else 's'}"
