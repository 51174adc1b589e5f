"""Train the house prices and write the folder that is published: model.json and code/.

    python examples/models/prices/train.py --version 1

The homes are made here: the same seed gives the same homes for ever, as NumPy has frozen the numbers of RandomState.
Least squares has a closed form, and its weights are stored with fewer digits than machines differ in, so the same
version gives the same bytes on every machine.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # run as a script, it finds what the examples share

import numpy as np
from artifact import decimals, write_model
from prices.inference import features
from sklearn.linear_model import LinearRegression
from sklearn.metrics import r2_score
from sklearn.model_selection import KFold, cross_val_predict
from tabular import Column

HERE = Path(__file__).resolve().parent
VERSION = 1
SEED, HOMES = 20260101, 2000

# What the homes below have, and little more: farther out the squared age would lead anywhere.
COLUMNS = (
    Column("area", "m²", 15, 500, example=80),
    Column("rooms", "", 1, 15, example=3),
    Column("age", "years", 0, 150, example=35, whole=True),
    Column("distance", "km from the centre", 0, 50, example=4.5),
)


@dataclass(frozen=True)
class Trained:
    """What a training run made: the content of model.json, and how well it does.

    Parameters
    ----------
    parameters
        The content of model.json.
    r_squared
        Share of the prices' variance that five-fold cross-validation explains, at most 1.
    """

    parameters: dict[str, Any]
    r_squared: float


def homes() -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Make the homes: rows in the order of `COLUMNS`, and the price of each in euros.

    A price is a product: of the area, nearly in proportion; of 3 % for each room and -3 % for each kilometre; of the
    age, cheapest at about 67 years; and of a chance of 13 % that no column tells.
    """
    random = np.random.RandomState(SEED)
    area = np.clip(random.lognormal(4.4, 0.35, HOMES), 20, 350).round()
    rooms = np.clip(area / 27 + random.normal(0, 0.7, HOMES), 1, 12).round()
    age = random.randint(0, 121, HOMES).astype(float)
    distance = np.clip(random.gamma(2, 3, HOMES), 0.1, 40).round(1)
    logarithm = (
        8.5
        + 0.93 * np.log(area)
        + 0.03 * rooms
        - 0.03 * distance
        - 0.8 * (age / 100)
        + 0.6 * (age / 100) ** 2
        + random.normal(0, 0.13, HOMES)
    )
    return np.column_stack([area, rooms, age, distance]), np.exp(logarithm).round(-2)


def train() -> Trained:
    """Fit the logarithm of the price by least squares."""
    rows, prices = homes()
    known, logarithms = features(rows), np.log(prices)
    predicted = cross_val_predict(LinearRegression(), known, logarithms, cv=KFold(5))
    fitted = LinearRegression().fit(known, logarithms)
    parameters = {
        "model": "prices",
        "version": VERSION,
        "description": "Least squares on the logarithm of the price; answers the median price.",
        "columns": [column._asdict() for column in COLUMNS],
        "intercept": decimals([fitted.intercept_])[0],
        "weights": decimals(fitted.coef_),
    }
    return Trained(parameters, float(r2_score(prices, np.exp(predicted))))


def main(arguments: list[str] | None = None) -> None:
    """Train, write and print what the command line asks for."""
    parser = argparse.ArgumentParser(description="Train the house price example model.")
    parser.add_argument("--version", type=int, choices=[VERSION], default=VERSION)
    parser.add_argument("--out", type=Path, help="the model folder; default: build/v<version> beside this file")
    options = parser.parse_args(arguments)
    folder = options.out or HERE / "build" / f"v{options.version}"
    trained = train()
    write_model(folder, trained.parameters, HERE / "inference.py")
    sys.stdout.write(
        f"prices version {options.version}: {trained.parameters['description']}\n"
        f"cross-validated R² of the price: {trained.r_squared:.3f}\n"
        f"written to {folder}\n"
    )


if __name__ == "__main__":
    main()
