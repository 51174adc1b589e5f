"""Train the classifier of card payments and write the folder that is published: model.json and code/.

    python examples/models/fraud/train.py --version 1

It is trained on what version 1 of ``scaling`` makes of the payments, by that step's own serving code. Logistic
regression has one optimum; it is found to more digits than are stored, so the same version gives the same bytes.
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
from fraud.inference import model_of, probabilities
from scaling import inference as scaling
from scaling.train import TRAINING, payments
from scaling.train import train as train_scaling
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import average_precision_score, roc_auc_score
from tabular import Column

HERE = Path(__file__).resolve().parent
VERSION = 1
DIGITS = 7  # significant; Newton's method stops when the gradient has vanished to 1e-10


@dataclass(frozen=True)
class Trained:
    """What a training run made: the content of model.json, and how well it does on the held-out payments.

    Parameters
    ----------
    parameters
        The content of model.json.
    roc_auc
        Area under the receiver operating characteristic, 0.5 (chance) to 1.
    average_precision
        Area under precision over recall, from the share of frauds (chance) to 1.
    """

    parameters: dict[str, Any]
    roc_auc: float
    average_precision: float


def columns(scaler: scaling.Model) -> list[Column]:
    """Return what a request holds: whatever ``scaling`` can answer, with three decimals of room at both ends."""
    raw = np.array([[getattr(column, end) for column in scaler.columns] for end in ("minimum", "maximum", "example")])
    least, largest, usual = scaling.scaled(raw, scaler).tolist()
    return [
        Column(column.name, "after scaling", round(low - 0.001, 3), round(high + 0.001, 3), round(example, 3))
        for column, low, high, example in zip(scaler.columns, least, largest, usual, strict=True)
    ]


def train() -> Trained:
    """Fit the first `TRAINING` payments; measure on the others."""
    records, fraud = payments()
    scaler = scaling.model_of(train_scaling().parameters)
    rows = scaling.scaled(records, scaler)
    solver = LogisticRegression(solver="newton-cholesky", tol=1e-10)
    fitted = solver.fit(rows[:TRAINING], fraud[:TRAINING])
    parameters = {
        "model": "fraud",
        "version": VERSION,
        "description": "Logistic regression on the features that version 1 of scaling makes.",
        "columns": [column._asdict() for column in columns(scaler)],
        "classes": ["genuine", "fraud"],
        "intercept": decimals(fitted.intercept_, DIGITS)[0],
        "weights": decimals(fitted.coef_[0], DIGITS),
    }
    scores = probabilities(rows[TRAINING:], model_of(parameters))
    return Trained(
        parameters,
        roc_auc=float(roc_auc_score(fraud[TRAINING:], scores)),
        average_precision=float(average_precision_score(fraud[TRAINING:], scores)),
    )


def main(arguments: list[str] | None = None) -> None:
    """Train, write and print what the command line asks for."""
    parser = argparse.ArgumentParser(description="Train the classifier of card payments.")
    parser.add_argument("--version", type=int, choices=[VERSION], default=VERSION)
    parser.add_argument("--out", type=Path, help="the model folder; default: build/v<version> beside this file")
    options = parser.parse_args(arguments)
    folder = options.out or HERE / "build" / f"v{options.version}"
    trained = train()
    write_model(folder, trained.parameters, HERE / "inference.py")
    sys.stdout.write(
        f"fraud version {options.version}: {trained.parameters['description']}\n"
        f"held-out payments: ROC AUC {trained.roc_auc:.3f}, average precision {trained.average_precision:.3f}\n"
        f"written to {folder}\n"
    )


if __name__ == "__main__":
    main()
