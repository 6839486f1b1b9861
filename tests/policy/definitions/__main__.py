"""python -m tests.policy.definitions: precision and recall of the findings about definitions."""

import sys

from tests.policy.definitions.measure import table

sys.stdout.writelines(f"{line}\n" for line in table())
