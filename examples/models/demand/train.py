"""Train the demand of each store and write a folder to publish for each, and one with the code that they share.

    python examples/models/demand/train.py --version 1

    build/v1/store-1/    model.json, code/inference.py, code/tabular.py; so for each store
    build/v1/source/     inference.py, tabular.py

The scikit-learn container of a multi-model endpoint starts before it has any model. It takes the script from its own
archive, which SAGEMAKER_SUBMIT_DIRECTORY names as ``s3://…``: that is what ``source`` is for. A store's archive holds
the code too, so it can also be served alone.

The days are made here: the same seed gives the same days for ever, as NumPy has frozen the numbers of RandomState.
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
from artifact import decimals, write_code, write_model
from demand.inference import features
from sklearn.linear_model import LinearRegression
from sklearn.metrics import r2_score
from tabular import Column

HERE = Path(__file__).resolve().parent
VERSION = 1
DAYS, HELD_OUT = 730, 182  # two years, the last half of one held out

COLUMNS = (
    Column("weekday", "(Monday is 1)", 1, 7, example=5, whole=True),
    Column("promotion", "(1 is yes)", 0, 1, example=0, whole=True),
    Column("temperature", "°C", -20, 40, example=18.5),
)


@dataclass(frozen=True)
class Store:
    """How a store sells.

    Parameters
    ----------
    description
        What kind of store it is.
    seed
        Of its chances.
    weekdays
        Units on an ordinary day at 0 °C, Monday to Sunday.
    promotion
        What a promotion adds, as a share.
    degree
        What a degree Celsius more adds, as a share.
    """

    description: str
    seed: int
    weekdays: tuple[int, int, int, int, int, int, int]
    promotion: float
    degree: float


STORES = {
    "store-1": Store(
        "In the centre: offices around it, quiet at weekends.", 1, (240, 250, 255, 250, 290, 160, 60), 0.2, 0
    ),
    "store-2": Store(
        "On the edge of town: sells most on Saturdays.", 2, (150, 140, 145, 160, 230, 380, 120), 0.5, -0.005
    ),
    "store-3": Store("By the sea: sells by the weather.", 3, (60, 55, 60, 65, 90, 140, 150), 0.25, 0.05),
}


@dataclass(frozen=True)
class Trained:
    """What a training run made for one store: the content of model.json, and how well it does.

    Parameters
    ----------
    parameters
        The content of model.json.
    r_squared
        Share of the variance of the last half year that a fit of the time before explains, at most 1.
    naive
        The same for "as a week before".
    """

    parameters: dict[str, Any]
    r_squared: float
    naive: float


def days(store: Store) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Make two years of days from a Monday in January: rows in the order of `COLUMNS`, and the units sold on each.

    What weekday, promotion and temperature make of a day is multiplied by a chance of 12 % that no column tells.
    """
    random = np.random.RandomState(store.seed)
    day = np.arange(DAYS)
    weekday = day % 7
    promotion = (random.random_sample(DAYS) < 0.15).astype(float)
    season = 10 - 9 * np.cos(2 * np.pi * day / 365)
    temperature = (season + random.normal(0, 3.5, DAYS)).round(1)
    logarithm = (
        np.log(np.array(store.weekdays, dtype=float))[weekday]
        + np.log1p(store.promotion) * promotion
        + np.log1p(store.degree) * temperature
        + random.normal(0, 0.12, DAYS)
    )
    return np.column_stack([weekday + 1.0, promotion, temperature]), np.exp(logarithm).round()


def train(name: str) -> Trained:
    """Fit the logarithm of a store's units by least squares.

    Parameters
    ----------
    name
        A key of `STORES`.

    Raises
    ------
    KeyError
        If there is no such store.
    """
    store = STORES[name]
    rows, units = days(store)
    known, logarithms = features(rows), np.log(units)
    past = LinearRegression(fit_intercept=False).fit(known[:-HELD_OUT], logarithms[:-HELD_OUT])
    fitted = LinearRegression(fit_intercept=False).fit(known, logarithms)
    parameters = {
        "model": "demand",
        "version": VERSION,
        "store": name,
        "description": store.description,
        "columns": [column._asdict() for column in COLUMNS],
        "weights": decimals(fitted.coef_),
    }
    held_out = units[-HELD_OUT:]
    return Trained(
        parameters,
        r_squared=float(r2_score(held_out, np.exp(past.predict(known[-HELD_OUT:])))),
        naive=float(r2_score(held_out, units[-HELD_OUT - 7 : -7])),
    )


def main(arguments: list[str] | None = None) -> None:
    """Train, write and print what the command line asks for."""
    parser = argparse.ArgumentParser(description="Train the demand of each store.")
    parser.add_argument("--version", type=int, choices=[VERSION], default=VERSION)
    parser.add_argument(
        "--out", type=Path, help="the folder of the folders; default: build/v<version> beside this file"
    )
    options = parser.parse_args(arguments)
    folder = options.out or HERE / "build" / f"v{options.version}"
    for name in STORES:
        trained = train(name)
        write_model(folder / name, trained.parameters, HERE / "inference.py")
        sys.stdout.write(
            f"{name} version {options.version}: {trained.parameters['description']} R² of the last half year: "
            f"{trained.r_squared:.3f} (as a week before: {trained.naive:.3f})\n"
        )
    write_code(folder / "source", HERE / "inference.py")
    sys.stdout.write(f"written to {folder}\n")


if __name__ == "__main__":
    main()
