"""The use cases, from raw files to verified tables.

1. `check` reads the users' files and reports all errors and warnings (checks.py; raw_files/).
2. `upload` checks, and stores the files that changed (uploads.py). Each is stored as it is and in the one
   plain form that the scripts read: bronze. comparison.py finds out what changed, copies.py copies it.
3. `plan` builds the bundle of state machine, jobs and scripts from definitions/ and glue_scripts/
   (state_machine/bundle.py) and compares it with what is deployed; `deploy` applies the plan (deploys.py). On
   AWS this is a CloudFormation stack (aws/stack/), with a review of limits and costs. `destroy` removes what
   was deployed, and keeps the data.
4. `run` starts an execution of the deployed state machine (runs.py). The execution first cleans what it is
   going to write; then each branch takes its currency from bronze to silver to gold to the warehouse. A
   branch that fails ends in its own Pass state, so the others continue.
5. An execution is followed by folding its events into a status (watching.py; state_machine/history.py).
   `stop` stops it with its job runs; logs.py reads what those wrote.
6. `verify` compares the tables with gold (verification.py); `preview` shows the latest rows.

`up` does all of this (everything.py). `diagnose` says, by reading alone, what would prevent it (doctor.py).
Every use case works on a `Target` (target/), reports events while it works (events.py) and returns a result
with an exit code (results.py), which output/ renders. A broken file or a failing currency is a result. What
prevents a use case from being carried out is an exception (errors.py).
"""

from cryptoetl.pipeline.checks import check
from cryptoetl.pipeline.deploys import deploy, destroy, join, plan, removal
from cryptoetl.pipeline.doctor import diagnose
from cryptoetl.pipeline.everything import up
from cryptoetl.pipeline.runs import run, stop
from cryptoetl.pipeline.uploads import upload
from cryptoetl.pipeline.verification import preview, verify

__all__ = [
    "check",
    "deploy",
    "destroy",
    "diagnose",
    "join",
    "plan",
    "preview",
    "removal",
    "run",
    "stop",
    "up",
    "upload",
    "verify",
]
