"""Holds Beewolf's verdicts on Sigma rules against an independent oracle: pySigma with its SQLite backend.

    python3 -m sigma_oracle compare --rules DIR --beewolf PROGRAM --work DIR
    python3 -m sigma_oracle cases DIR
    python3 -m sigma_oracle correlations DIR --beewolf PROGRAM --work DIR

`compare` makes events out of each rule (one per value and branch, and near misses), has both judge all events of
a log source by all its rules, and lists where they differ. `cases` does so with the verdicts that are recorded in
the cases of `testdata/sigma_verdict`, which `make test` holds against Beewolf. `correlations` compares
the alerts of correlation rules on streams of events. Where they may differ is in
`decided.py`, with the sentence of the specification that decides.
"""
