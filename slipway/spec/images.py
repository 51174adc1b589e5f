"""Finds the URI of an image that AWS publishes, from a framework's name, a tag and a Region.

The accounts differ by framework and Region: scikit-learn and XGBoost do not live where the Deep Learning Containers
do, and most opt-in Regions have accounts of their own. The table in ``data/images.json`` says where it comes from;
``python -m slipway.spec.data.renew`` renews it.
"""

import json
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from functools import cache
from importlib.resources import files
from typing import TypedDict


class UnknownFramework(ValueError):  # noqa: N818 - reads as what happened: `except UnknownFramework`
    """No image is known by this framework name."""

    def __init__(self, framework: str) -> None:
        known = frameworks()
        super().__init__(
            f"framework {framework!r} is unknown.{_suggestion(framework, known)} "
            f"Known: {', '.join(known)}. For any other image write its full uri instead, "
            "or a repository of your own"
        )


class UnknownRegion(ValueError):  # noqa: N818 - as above
    """AWS publishes no image of this framework in this Region, as far as the table knows."""

    def __init__(self, framework: str, region: str) -> None:
        known = regions(framework)
        mistyped = region not in _table()["regions"]
        super().__init__(
            f"framework {framework!r} has no known image in Region {region!r}."
            f"{_suggestion(region, known) if mistyped else ''} Known: {', '.join(known)}. "
            "If AWS publishes it there by now, write the image's full uri instead"
        )


class _Region(TypedDict):
    suffix: str
    accounts: dict[str, str]


class _Framework(TypedDict):
    repository: str
    registry: str
    not_in: list[str]
    tags: list[str]


class _Table(TypedDict):
    regions: dict[str, _Region]
    frameworks: dict[str, _Framework]


@cache
def _table() -> _Table:
    text = files("slipway.spec.data").joinpath("images.json").read_text(encoding="utf-8")
    table: _Table = json.loads(text)
    return table


def frameworks() -> tuple[str, ...]:
    """Return the names of the known frameworks, sorted."""
    return tuple(_table()["frameworks"])


def regions(framework: str) -> tuple[str, ...]:
    """Return the Regions in which AWS publishes a framework's images, sorted.

    A new framework version can reach a Region later than this list says: the list holds every Region that has at
    least one version.

    Raises
    ------
    UnknownFramework
        If the name is none of `frameworks`.
    """
    row = _framework(framework)
    return tuple(
        name
        for name, region in _table()["regions"].items()
        if row["registry"] in region["accounts"] and name not in row["not_in"]
    )


def known_regions() -> tuple[str, ...]:
    """Return every Region in which AWS publishes any image, sorted."""
    return tuple(_table()["regions"])


def newest_tags(framework: str) -> tuple[str, ...]:
    """Return the tags of the newest version that the table knows, as examples.

    They are no list of all tags: AWS publishes older, newer and longer ones.

    Raises
    ------
    UnknownFramework
        If the name is none of `frameworks`.
    """
    return tuple(_framework(framework)["tags"])


def registry(framework: str, region: str) -> tuple[str, str]:
    """Return the account and the repository that hold a framework's images in a Region.

    With them a policy can name exactly that repository:
    ``arn:{partition}:ecr:{region}:{account}:repository/{repository}``.

    Returns
    -------
    tuple of (str, str)
        The account id (12 digits) and the repository's name.

    Raises
    ------
    UnknownFramework
        If the name is none of `frameworks`.
    UnknownRegion
        If the Region is none of the framework's `regions`.
    """
    row = _framework(framework)
    if region not in regions(framework):
        raise UnknownRegion(framework, region)
    return _table()["regions"][region]["accounts"][row["registry"]], row["repository"]


def framework_image(framework: str, tag: str, region: str) -> str:
    """Return the URI of an image that AWS publishes.

    Parameters
    ----------
    framework : str
        One of `frameworks`.
    tag : str
        The image's full tag. It is taken as it is: no table can know tomorrow's tags.
    region : str
        The Region that pulls the image, such as ``eu-west-1``.

    Raises
    ------
    UnknownFramework
        If the name is none of `frameworks`.
    UnknownRegion
        If the Region is none of the framework's `regions`.

    Examples
    --------
    >>> framework_image("sklearn", "1.4-2-cpu-py3", "us-east-1")
    '683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-scikit-learn:1.4-2-cpu-py3'
    """
    account, repository = registry(framework, region)
    suffix = _table()["regions"][region]["suffix"]
    return f"{account}.dkr.ecr.{region}.{suffix}/{repository}:{tag}"


def _framework(name: str) -> _Framework:
    rows: Mapping[str, _Framework] = _table()["frameworks"]
    if name not in rows:
        raise UnknownFramework(name)
    return rows[name]


def _suggestion(written: str, known: Sequence[str]) -> str:
    """Name what was probably meant: a name that contains what was written, or one much like it."""
    lowered = written.lower()
    inside = [name for name in known if lowered and lowered in name]
    near = list(dict.fromkeys([*get_close_matches(lowered, known), *inside]))[:3]
    return f" Did you mean {' or '.join(near)}?" if near else ""
