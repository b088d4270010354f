"""Train the rows that the studies lack ("make studies")."""

import sys
from pathlib import Path

from helpers import studies

sys.path.insert(0, str(Path(__file__).parents[1]))
import plans

if __name__ == "__main__":
    studies.command(plans.every())
