"""Putting functions into moto's classes, which is how every mend is installed."""


def replace(target: object, **functions: object) -> None:
    """Replace attributes that moto has.

    Raises
    ------
    AttributeError
        When moto does not have one: a new version renamed it, and the mend would do nothing.
    """
    for name, function in functions.items():
        getattr(target, name)
        setattr(target, name, function)


def add(target: object, **functions: object) -> None:
    """Add attributes that moto lacks.

    Raises
    ------
    AttributeError
        When moto has one: a new version brought it, and the mend may be superfluous.
    """
    for name, function in functions.items():
        if hasattr(target, name):
            raise AttributeError(f"moto has {target!r}.{name} now; is the mend still needed?")
        setattr(target, name, function)
