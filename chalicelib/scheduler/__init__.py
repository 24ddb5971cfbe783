"""The decisions: what is registered, what runs, and what becomes of it. One use case, one
transaction.

registration  a file of the bucket becomes a DAG, or an import error
admission     the one door through which a run comes in
due           what the clock makes due: fire times and retries
progress      what follows from a change: trigger rules, slots, the end of a run
results       what executors report
tick          once a minute: the clock, and repair
control       what people ask for
"""
