#!/usr/bin/env bash
# pyod: Isolation Forest fits with a new scikit-learn, and then cannot score; ECOD beside it can.
#
# Guess: a pair that pip's resolver gives works (pyod 2.0.5 asks for scikit-learn 0.22 or later), or else fit() fails.
# Seen (PyPI pyod 2.0.5, scikit-learn 1.9.1, Python 3.11): IForest().fit(x) returns, and decision_function(x) raises an AttributeError on
# __sklearn_tags__. ECOD, which does not call scikit-learn's check of a fitted estimator, gives scores. scikit-learn 1.7.2 serves both.
# A comparison that catches errors of a peer leaves Isolation Forest out without a word.
. "$(dirname "$0")/common.sh"
cat > "$work/t.py" <<'P'
import warnings

import numpy as np
import sklearn
from pyod.models.ecod import ECOD
from pyod.models.iforest import IForest

warnings.simplefilter("ignore")
x = np.random.default_rng(1).normal(size=(200, 3))
for model in (IForest(random_state=1), ECOD()):
    model.fit(x)
    try:
        model.decision_function(x)
        print(type(model).__name__, sklearn.__version__, "scores")
    except AttributeError as e:
        print(type(model).__name__, sklearn.__version__, "AttributeError", "__sklearn_tags__" in str(e))
P
for version in 1.9.1 1.7.2; do
  rm -rf "$work/python"
  python pyod==2.0.5 scikit-learn==$version
  seen="${seen:-}$(timeout 300 python3 "$work/t.py")"$'\n'
done
say "$seen"
expect "a new one, forest" "$(sed -n 1p <<<"$seen")" "IForest 1.9.1 AttributeError True"
expect "a new one, ECOD" "$(sed -n 2p <<<"$seen")" "ECOD 1.9.1 scores"
expect "an older one, forest" "$(sed -n 3p <<<"$seen")" "IForest 1.7.2 scores"
