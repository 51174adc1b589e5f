"""Fit the preprocessing of card payments and write the folder that is published: model.json and code/.

    python examples/models/scaling/train.py --version 1

The payments are made here, for this step and for the classifier in ``fraud`` that follows it: the same seed gives the
same payments for ever, as NumPy has frozen the numbers of RandomState. Only the first `TRAINING` of them are fitted;
the rest is held out, for this step as for the classifier.
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
from scaling.inference import model_of, scaled
from sklearn.impute import SimpleImputer
from sklearn.preprocessing import StandardScaler
from tabular import Column

HERE = Path(__file__).resolve().parent
VERSION = 1
SEED, PAYMENTS, TRAINING = 20260202, 4000, 3000
FRAUDS = 0.06  # share of the payments

COLUMNS = (
    Column("amount", "EUR", 0, 1_000_000, example=42.5, optional=True),
    Column("account_age", "days", 0, 36_500, example=730, optional=True),
    Column("distance", "km from home", 0, 20_100, example=8.2, optional=True),
    Column("recent", "payments in the last hour", 0, 1000, example=1, whole=True, optional=True),
    Column("chargebacks", "per mille of the merchant's payments", 0, 1000, example=2.5, optional=True),
)
GAPS = (0.0, 0.06, 0.1, 0.0, 0.03)  # share of missing values in each column


@dataclass(frozen=True)
class Trained:
    """What a training run made: the content of model.json, and what it does to payments that it has not seen.

    Parameters
    ----------
    parameters
        The content of model.json.
    missing
        Share of the values that are missing in the held-out payments, 0 to 1.
    largest_mean
        Of a held-out column after scaling, without its sign; 0 is perfect.
    deviations
        The least and the largest of a held-out column after scaling; 1 is perfect.
    """

    parameters: dict[str, Any]
    missing: float
    largest_mean: float
    deviations: tuple[float, float]


def payments() -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Make the payments: rows in the order of `COLUMNS`, NaN where a value is missing; and whether each is a fraud.

    Frauds are of larger amounts, from younger accounts, farther away, in quicker succession and at merchants with more
    chargebacks; in each column the two overlap.
    """
    random = np.random.RandomState(SEED)
    fraud = random.random_sample(PAYMENTS) < FRAUDS
    amount = np.where(fraud, random.lognormal(4.5, 1.1, PAYMENTS), random.lognormal(3.4, 1.0, PAYMENTS))
    account_age = np.where(fraud, random.exponential(300, PAYMENTS), random.exponential(900, PAYMENTS))
    distance = np.where(fraud, random.lognormal(4.0, 1.4, PAYMENTS), random.lognormal(2.0, 1.1, PAYMENTS))
    recent = np.where(fraud, random.poisson(2.0, PAYMENTS), random.poisson(0.6, PAYMENTS))
    chargebacks = np.where(fraud, random.gamma(2, 3, PAYMENTS), random.gamma(2, 1.5, PAYMENTS))
    rows = np.column_stack(
        [amount.round(2), account_age.round(), distance.clip(0, 20_000).round(1), recent, chargebacks.round(1)]
    )
    rows[random.random_sample(rows.shape) < GAPS] = np.nan
    return rows, fraud


def train() -> Trained:
    """Fit medians, means and deviations on the first `TRAINING` payments; measure on the others."""
    rows, _ = payments()
    imputer = SimpleImputer(strategy="median").fit(rows[:TRAINING])
    scaler = StandardScaler().fit(np.log1p(imputer.transform(rows[:TRAINING])))
    parameters = {
        "model": "scaling",
        "version": VERSION,
        "description": "Medians for missing values, logarithms, and scaling to mean 0 and deviation 1.",
        "columns": [column._asdict() for column in COLUMNS],
        "medians": decimals(imputer.statistics_),
        "means": decimals(scaler.mean_),
        "deviations": decimals(scaler.scale_),
    }
    held_out = rows[TRAINING:]
    features = scaled(held_out, model_of(parameters))
    deviations = features.std(axis=0)
    return Trained(
        parameters,
        missing=float(np.isnan(held_out).mean()),
        largest_mean=float(np.abs(features.mean(axis=0)).max()),
        deviations=(float(deviations.min()), float(deviations.max())),
    )


def main(arguments: list[str] | None = None) -> None:
    """Train, write and print what the command line asks for."""
    parser = argparse.ArgumentParser(description="Fit the preprocessing of card payments.")
    parser.add_argument("--version", type=int, choices=[VERSION], default=VERSION)
    parser.add_argument("--out", type=Path, help="the model folder; default: build/v<version> beside this file")
    options = parser.parse_args(arguments)
    folder = options.out or HERE / "build" / f"v{options.version}"
    trained = train()
    write_model(folder, trained.parameters, HERE / "inference.py")
    least, largest = trained.deviations
    sys.stdout.write(
        f"scaling version {options.version}: {trained.parameters['description']}\n"
        f"held-out payments: {trained.missing:.1%} of the values were missing; scaled, no column's mean is farther "
        f"from 0 than {trained.largest_mean:.3f}, deviations are {least:.3f} to {largest:.3f}\n"
        f"written to {folder}\n"
    )


if __name__ == "__main__":
    main()
