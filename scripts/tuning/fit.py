#!/usr/bin/env python3
"""Fits the constants of the local scorer to answers that people graded, and prints them for config/scoring/local.toml.

usage: fit.py meaning|words FIGURES.jsonl …   (files that `vivavoce bench score --figures` wrote, for words with
--words-alone; NAME_*.jsonl of one NAME are one set)

Method, so that nothing of a question's identity is learned:
1. The slopes of the figures come from differences between answers to the same question (figures and judgements less their
   question's means), by least squares with a ridge; each slope may only have the sign that its figure stands for.
2. What is then left of each question's mean judgement is laid, with a ridge, on what its material is like (length,
   sentences and so on), set by set, so that how strictly a set was marked is not learned: a long reference is no handicap.
3. The intercept brings the mean to MEAN; each set of data weighs by WEIGHT.
Judged by leaving whole questions out (nine folds), and by leaving whole sets out. Needs numpy and scipy; used when tuning,
never by the program.
"""
import json
import sys
from pathlib import Path

import numpy as np
from scipy.optimize import lsq_linear

WORDS_MIN = 4  # shorter answers are easy zeros
RIDGE = 30.0
RIDGE_MATERIAL = 50.0
FOLDS = 9
WEIGHT = {"saf": 3.0}  # the only set with shades of grades; it is the smallest, too
# The figures of each model: few, since more of them rank the sets that they were fitted to better, and others worse.
FIGURES = {
    "meaning": [
        "sense_covered",
        "sense_best_parts",
        "sense_best_part",
        "sense_right_mass",
        "sense_other_mass",
        "denied",
        "stem_count",
        "stems",
    ],
    "words": ["covered", "best_parts", "best_part", "stems", "whole_letters", "right_mass", "other_mass", "denied"],
}
AGAINST = {"other_mass", "sense_other_mass", "denied"}
# Judgements of the sets differ in kind (shares of marks, or right and wrong): the intercept lies between.
MEAN = 0.66


def load(paths, names=None):
    rows = []
    for path in paths:
        name = Path(path).stem.split("_")[0]
        for line in Path(path).read_text().splitlines():
            row = json.loads(line)
            if row["human"] is not None and row["words"] >= WORDS_MIN:
                rows.append((name, f"{name}:{row['question']}", row))
    names = names or list(rows[0][2]["figures"])
    figures = np.array([[row["figures"][n] for n in names] for _, _, row in rows])
    about = np.array([row["about"] for _, _, row in rows])
    human = np.array([row["human"] for _, _, row in rows])
    return names, np.array([r[0] for r in rows]), np.array([r[1] for r in rows]), figures, about, human


def centred(values, groups):
    values = values.astype(float).copy()
    for group in np.unique(groups):
        own = groups == group
        values[own] -= values[own].mean(0)
    return values


class Fit:
    def __init__(self, names, sets, questions, figures, about, human):
        weight = np.sqrt([WEIGHT.get(s, 1.0) for s in sets])[:, None]
        size = figures.std(0) + 1e-9
        x, y = centred(figures, questions) / size * weight, centred(human, questions) * weight[:, 0]
        low = np.where([n in AGAINST for n in names], -np.inf, 0.0)
        high = np.where([n in AGAINST for n in names], 0.0, np.inf)
        a = np.vstack([x, np.sqrt(RIDGE) * np.eye(len(names))])
        b = np.concatenate([y, np.zeros(len(names))])
        self.slopes = lsq_linear(a, b, (low, high)).x / size
        self.material = np.zeros(about.shape[1])
        self.intercept = 0.0

        each, first = np.unique(questions, return_index=True)
        own_sets, told = sets[first], about[first]
        rest = human - figures @ self.slopes
        rest = np.array([rest[questions == q].mean() for q in each])
        spread = told.std(0) + 1e-9
        weight = np.sqrt([WEIGHT.get(s, 1.0) for s in own_sets])[:, None]
        x = centred(told, own_sets) / spread * weight
        y = centred(rest, own_sets) * weight[:, 0]
        self.material = np.linalg.solve(x.T @ x + RIDGE_MATERIAL * np.eye(x.shape[1]), x.T @ y) / spread
        self.intercept = MEAN - self.score(figures, about).mean()

    def score(self, figures, about):
        return self.intercept + figures @ self.slopes + about @ self.material


def r(a, b):
    return float(np.corrcoef(a, b)[0, 1])


def folds_of(sets, questions):
    fold = {}
    for name in np.unique(sets):
        fold.update({q: n % FOLDS for n, q in enumerate(np.unique(questions[sets == name]))})
    return np.array([fold[q] for q in questions])


def judge(data, parts, what):
    names, sets, questions, figures, about, human = data
    score = np.zeros(len(human))
    for part in np.unique(parts):
        train, test = parts != part, parts == part
        fit = Fit(names, sets[train], questions[train], figures[train], about[train], human[train])
        score[test] = np.clip(fit.score(figures[test], about[test]), 0, 1)
    for name in np.unique(sets):
        own = sets == name
        within = r(centred(score[own], questions[own]), centred(human[own], questions[own]))
        print(
            f"# {name}: {what} left out, r pooled {r(score[own], human[own]):.3f}, within {within:.3f}, "
            f"MAE {np.abs(score[own] - human[own]).mean():.3f}, bias {(score[own] - human[own]).mean():+.3f} "
            f"({own.sum()} answers, {len(np.unique(questions[own]))} questions)"
        )


def main():
    model = sys.argv[1]
    data = load(sys.argv[2:], FIGURES[model])
    judge(data, folds_of(data[1], data[2]), "questions")
    judge(data, data[1], "the set")
    fit = Fit(*data)
    print(f"[{model}]")
    print(f"intercept = {fit.intercept:.4f}")
    print(f"material = [{', '.join(f'{v:.4f}' for v in fit.material)}]")
    for at, name in enumerate(data[0]):
        print(f'[[{model}.figure]]\nname = "{name}"\nslope = {fit.slopes[at]:.4f}')


if __name__ == "__main__":
    main()
