"""The use cases, and with them the whole story.

`check` reads the users' files and reports everything that is wrong with them (checks, and raw_files/).
`upload` stores those that pass, in one plain form and as they are, where they changed: bronze (uploads).
`plan` builds the bundle of state machine, jobs and scripts (state_machine/bundle, definitions/,
glue_scripts/) and compares it with what is deployed; `deploy` applies the plan (deploys). On AWS this is a
CloudFormation stack (aws/stack/), with a review of limits and costs. `destroy` takes it down again and keeps
the data. `run` starts an execution of the deployed state machine (runs): it empties what the currencies of
the run will rewrite, then each branch takes its currency from bronze to silver to gold to the warehouse; a
failing branch ends in its own Pass state, so that the others go on. Watching an execution folds its events
into a status (watching, state_machine/history); `stop` ends it and its job runs, and `logs` shows what they
wrote (logs). `verify` compares the tables with gold (verification). `up` does all of it (everything).

Every use case works over a `Target` (target/) and returns a result with an exit code (results); what a
person sees of it is the concern of output/. A broken file or a failing currency is a result. What prevents
a use case from being carried out at all is an exception (errors).
"""

from cryptoetl.pipeline.checks import check
from cryptoetl.pipeline.deploys import deploy, destroy, join, plan, removal
from cryptoetl.pipeline.everything import up
from cryptoetl.pipeline.runs import run, stop
from cryptoetl.pipeline.uploads import upload
from cryptoetl.pipeline.verification import preview, verify

__all__ = [
    "check",
    "deploy",
    "destroy",
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
