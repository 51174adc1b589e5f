"""Train the example model and write the folder that is published: model.json, code/inference.py.

    python examples/models/iris/train.py --version 2

The same version gives the same bytes on every machine, so its hash can be committed: naive Bayes
has a closed form (no iterations, no random start), and its parameters are stored as decimals with
fewer digits than machines differ in.
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sklearn.datasets import load_iris
from sklearn.model_selection import StratifiedKFold, cross_val_score
from sklearn.naive_bayes import GaussianNB

HERE = Path(__file__).resolve().parent
SIGNIFICANT_DIGITS = 9  # sums differ between machines from about the 15th


@dataclass(frozen=True)
class Recipe:
    """What one version is trained on, and why.

    Parameters
    ----------
    description
        What the version is, for the person who looks into the artifact.
    columns
        Which of the four measurements the model looks at.
    """

    description: str
    columns: tuple[int, ...]


RECIPES = {
    1: Recipe("Gaussian naive Bayes on all four measurements.", (0, 1, 2, 3)),
    2: Recipe(
        "Gaussian naive Bayes on the petals only: the sepals overlap between species, and leaving "
        "them out classifies slightly better. Requests still hold all four measurements.",
        (2, 3),
    ),
}


@dataclass(frozen=True)
class Trained:
    """What a training run made: the content of model.json, and how well it does.

    Parameters
    ----------
    parameters
        The content of model.json.
    accuracy
        Mean share of right answers in five-fold cross-validation, 0 to 1.
    """

    parameters: dict[str, Any]
    accuracy: float


def train(version: int) -> Trained:
    """Fit one version on the 150 flowers that come with scikit-learn.

    Parameters
    ----------
    version
        A key of `RECIPES`.

    Raises
    ------
    KeyError
        If there is no such version.
    """
    recipe = RECIPES[version]
    iris = load_iris()
    flowers = iris.data[:, recipe.columns]
    accuracy = cross_val_score(GaussianNB(), flowers, iris.target, cv=StratifiedKFold(5)).mean()
    fitted = GaussianNB().fit(flowers, iris.target)
    parameters = {
        "model": "iris",
        "version": version,
        "description": recipe.description,
        "features": [iris.feature_names[column] for column in recipe.columns],
        "classes": [str(name) for name in iris.target_names],
        "class_prior": [_rounded(prior) for prior in fitted.class_prior_],
        "theta": [[_rounded(mean) for mean in means] for means in fitted.theta_],
        "var": [[_rounded(variance) for variance in variances] for variances in fitted.var_],
    }
    return Trained(parameters, float(accuracy))


def write(parameters: dict[str, Any], folder: Path) -> None:
    """Write the model folder: ``model.json`` and ``code/inference.py``.

    Parameters
    ----------
    parameters
        `Trained.parameters`.
    folder
        Made where missing; the two files in it are replaced, others are left alone.
    """
    (folder / "code").mkdir(parents=True, exist_ok=True)
    # Not write_text: the bytes must not depend on how this machine, or its git, ends lines.
    (folder / "model.json").write_bytes((json.dumps(parameters, indent=2) + "\n").encode())
    source = (HERE / "inference.py").read_text(encoding="utf-8")
    (folder / "code" / "inference.py").write_bytes(source.encode())


def _rounded(value: float) -> float:
    return float(f"{value:.{SIGNIFICANT_DIGITS}g}")


def main(arguments: list[str] | None = None) -> None:
    """Train, write and print what the command line asks for."""
    parser = argparse.ArgumentParser(description="Train the iris example model.")
    parser.add_argument("--version", type=int, choices=sorted(RECIPES), default=1)
    parser.add_argument("--out", type=Path, help="the model folder; default: build/v<version> beside this file")
    options = parser.parse_args(arguments)
    folder = options.out or HERE / "build" / f"v{options.version}"
    trained = train(options.version)
    write(trained.parameters, folder)
    sys.stdout.write(
        f"iris version {options.version}: {RECIPES[options.version].description}\n"
        f"cross-validated accuracy: {trained.accuracy:.1%}\n"
        f"written to {folder}\n"
    )


if __name__ == "__main__":
    main()
