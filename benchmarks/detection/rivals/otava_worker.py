"""Answers change points by apache-otava: series of values as JSON on stdin, (index, relative shift) pairs on stdout.

Runs under the interpreter that apache-otava is installed for, and imports nothing of this project.
"""

import json
import sys

from otava.analysis import compute_change_points

answers = []
for values in json.load(sys.stdin):
    found, _ = compute_change_points(values)
    answers.append([(int(point.index), float(point.stats.forward_rel_change())) for point in found])
json.dump(answers, sys.stdout)
