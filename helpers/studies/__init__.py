"""Studies: a plan of settings, and a table with one row for each setting and seed.

The table is a small CSV file that is committed. `run` trains the rows it lacks, `load` reads it,
`rerun` trains one row again; `statistics.summarise` says which differences hold.
"""

from helpers.studies.networks import load_networks as load_networks
from helpers.studies.plan import Plan as Plan
from helpers.studies.runner import command as command
from helpers.studies.runner import load as load
from helpers.studies.runner import parts as parts
from helpers.studies.runner import rerun as rerun
from helpers.studies.runner import run as run
