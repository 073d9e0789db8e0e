#!/usr/bin/env python3
"""Fits the constants of the local scorer to answers that people graded, and prints them for config/scoring/local.toml.

usage: fit.py FIGURES.jsonl …   (files that `vivavoce bench score --figures` wrote; NAME_*.jsonl of one NAME are one set)

Method, so that nothing of a question's identity is learned:
1. What answers to a question usually have of each figure is predicted from its material alone (ridge over questions).
2. The slopes come from differences between answers to the same question (figures and judgements less their question's
   means), by least squares with a ridge; each slope may only have the sign that its figure stands for.
3. The intercept is the mean judgement; each set of data weighs by WEIGHT.
Judged by leaving whole questions out (nine folds). Needs numpy and scipy; used when tuning, never by the program.
"""
import json
import sys
from pathlib import Path

import numpy as np
from scipy.optimize import lsq_linear

WORDS_MIN = 4  # shorter answers are easy zeros
RIDGE = 30.0
RIDGE_USUAL = 5.0
FOLDS = 9
WEIGHT = {"saf": 3.0}  # the only set with shades of grades; it is the smallest, too
AGAINST = {"other_mass", "denied"}
# Judgements of the sets differ in kind (shares of marks, or right and wrong): the intercept lies between.
MEAN = 0.66


def load(paths):
    rows = []
    for path in paths:
        name = Path(path).stem.split("_")[0]
        for line in Path(path).read_text().splitlines():
            row = json.loads(line)
            if row["human"] is not None and row["words"] >= WORDS_MIN:
                rows.append((name, f"{name}:{row['question']}", row))
    names = list(rows[0][2]["figures"])
    figures = np.array([[row["figures"][n] for n in names] for _, _, row in rows])
    about = np.array([row["about"] for _, _, row in rows])
    human = np.array([row["human"] for _, _, row in rows])
    return names, np.array([r[0] for r in rows]), np.array([r[1] for r in rows]), figures, about, human


def centred(values, questions):
    values = values.astype(float).copy()
    for question in np.unique(questions):
        own = questions == question
        values[own] -= values[own].mean(0)
    return values


class Fit:
    def __init__(self, names, sets, questions, figures, about, human):
        each, first = np.unique(questions, return_index=True)
        means = np.array([figures[questions == q].mean(0) for q in each])
        told = about[first]
        self.middle, self.spread = told.mean(0), told.std(0) + 1e-9
        scaled = (told - self.middle) / self.spread
        gram = scaled.T @ scaled + RIDGE_USUAL * np.eye(scaled.shape[1])
        factors = np.linalg.solve(gram, scaled.T @ (means - means.mean(0)))
        # usual = constant + factors of the figures about the material, unscaled
        self.factors = (factors.T / self.spread).T
        self.constant = means.mean(0) - self.middle @ self.factors
        weight = np.sqrt([WEIGHT.get(s, 1.0) for s in sets])[:, None]
        size = figures.std(0) + 1e-9
        x, y = centred(figures, questions) / size * weight, centred(human, questions) * weight[:, 0]
        low = np.where([n in AGAINST for n in names], -np.inf, 0.0)
        high = np.where([n in AGAINST for n in names], 0.0, np.inf)
        a = np.vstack([x, np.sqrt(RIDGE) * np.eye(len(names))])
        b = np.concatenate([y, np.zeros(len(names))])
        self.slopes = lsq_linear(a, b, (low, high)).x / size
        self.intercept = 0.0
        self.intercept = MEAN - self.score(figures, about).mean()

    def score(self, figures, about):
        usual = self.constant + about @ self.factors
        return self.intercept + (figures - usual) @ self.slopes


def r(a, b):
    return float(np.corrcoef(a, b)[0, 1])


def judge(data):
    names, sets, questions, figures, about, human = data
    each = np.unique(questions)
    fold = {q: n % FOLDS for n, q in enumerate(each)}
    folds = np.array([fold[q] for q in questions])
    score = np.zeros(len(human))
    for k in range(FOLDS):
        train, test = folds != k, folds == k
        fit = Fit(names, sets[train], questions[train], figures[train], about[train], human[train])
        score[test] = np.clip(fit.score(figures[test], about[test]), 0, 1)
    for name in np.unique(sets):
        own = sets == name
        within = r(centred(score[own], questions[own]), centred(human[own], questions[own]))
        print(
            f"# {name}: questions left out, r pooled {r(score[own], human[own]):.3f}, within {within:.3f}, "
            f"MAE {np.abs(score[own] - human[own]).mean():.3f}, bias {(score[own] - human[own]).mean():+.3f} "
            f"({own.sum()} answers, {len(np.unique(questions[own]))} questions)"
        )


def main():
    data = load(sys.argv[1:])
    judge(data)
    fit = Fit(*data)
    print(f"intercept = {fit.intercept:.4f}")
    for at, name in enumerate(data[0]):
        usual = ", ".join(f"{v:.4f}" for v in [fit.constant[at], *fit.factors[:, at]])
        print(f'[[MODEL.figure]]\nname = "{name}"\nslope = {fit.slopes[at]:.4f}\nusual = [{usual}]')


if __name__ == "__main__":
    main()
