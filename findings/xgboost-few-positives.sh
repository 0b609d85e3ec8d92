#!/usr/bin/env bash
# XGBoost 3 learns nothing from one or two positives with its defaults, and its aucpr is not average precision.
#
# Guess: with 1000 rows, two of them positive and told apart by one column, a boosted tree finds the column; eval_metric=aucpr
# is average precision, the mean of the precision at each positive.
# Seen (PyPI xgboost-cpu 3.2.0): no tree has a split with one or two positives. The start is the
# prevalence, so hessians of the positives are p(1 - p), whose sum stays under min_child_weight=1; base_score=.5 splits.
# aucpr interpolates between thresholds: it differs from average precision on the same scores.
. "$(dirname "$0")/common.sh"
python xgboost-cpu==3.2.0
cat > "$work/t.py" <<'P'
import numpy as np
import xgboost as xgb

rng = np.random.default_rng(1)
for positives in (1, 2):
    x, y = rng.normal(size=(1000, 3)), np.zeros(1000)
    x[:positives, 0], y[:positives] = 9, 1
    for base in ({}, {"base_score": .5}):
        model = xgb.train({"objective": "binary:logistic", "nthread": 1, **base}, xgb.DMatrix(x, y), 20)
        print(positives, base or "default", "some splits" if any("[" in tree for tree in model.get_dump()) else "no split")
score = rng.normal(size=200).astype(np.float32)
y = (rng.random(200) < .1).astype(float)
order = y[np.argsort(-score)]  # no ties
average_precision = (order * order.cumsum() / np.arange(1, 201)).sum() / y.sum()
data = xgb.DMatrix(score[:, None], y, base_margin=score)
model = xgb.train({"objective": "binary:logistic", "eta": 0, "eval_metric": "aucpr", "nthread": 1}, data, 1)
aucpr = float(model.eval(data).split(":")[1])
print(f"aucpr minus average precision {aucpr - average_precision:+.4f}")
P
seen=$(timeout 120 python3 "$work/t.py")
say "$seen"
expect "splits" "$(grep split <<<"$seen" | paste -sd ';')" \
  "1 default no split;1 {'base_score': 0.5} some splits;2 default no split;2 {'base_score': 0.5} some splits"
expect "aucpr" "$(tail -n 1 <<<"$seen")" "aucpr minus average precision -0.0076"
