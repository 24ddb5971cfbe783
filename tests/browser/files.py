"""The DAGs that the browser tests look at."""

ORDERS = """
dag_id: orders
name: Orders
description: Takes the orders of the day into the reports.
schedule: "0 2 * * *"
timezone: Europe/Berlin
tags: [etl]
on_failure: [{command: echo told}]
params:
  region: {type: string, enum: [eu, us], default: eu, description: Which region}
  fails: {type: boolean, default: true}
  day: "{{ ds }}"
tasks:
  - id: extract
    command: echo reading $PARAM_REGION of $PARAM_DAY
  - id: load
    command: |
      echo loading
      if [ "$PARAM_FAILS" = true ] && [ "$TRY_NUMBER" = 1 ]; then
        echo "ValueError: no price for XTS"; exit 3
      fi
    dependencies: [extract]
  - id: report
    command: echo reporting
    dependencies: [load]
"""

FAN = """
dag_id: fan
name: Fan
tags: [demo]
tasks:
  - id: list
    command: |
      echo listing
      printf '\\033[1;31mred\\033[0m and \\033[32mgreen\\nstill green\\033[0m\\n'
      printf '\\033[2Jgone\\n'
  - id: trace
    command: |
      echo 'Traceback (most recent call last):'
      echo '  File "/srv/mine.py", line 7, in <module>'
      echo '    run()'
      echo '  File "/usr/lib/python3.12/site-packages/click/core.py", line 1157, in main'
      echo '    rv = self.invoke(ctx)'
      echo '  File "/usr/lib/python3.12/site-packages/click/core.py", line 783, in invoke'
      echo '    return callback(*args, **kwargs)'
      echo '  File "/srv/mine.py", line 3, in run'
      echo '    raise prices.Missing("XTS")'
      echo 'prices.Missing: XTS'
  - id: work
    command: echo item $ITEM
    expand: {ITEM: [1, 2, 3, 4]}
    dependencies: [list]
"""

MARKUP = "<img src=x onerror=window.hacked=1><script>window.hacked=1</script>"

HOSTILE = f"""
dag_id: hostile
name: "{MARKUP}"
description: "{MARKUP}"
doc_md: "{MARKUP}"
owner: "{MARKUP}"
tags: ["{MARKUP}"]
params:
  text: {{type: string, default: "{MARKUP}", description: "{MARKUP}"}}
tasks:
  - id: shout
    command: |
      echo '{MARKUP}'
      printf '\\033[31m%s\\033[0m\\n' '{MARKUP}'
      echo 'said={MARKUP}' >> "$DAG_OUTPUT"
    outputs: [said]
"""

SLOW = """
dag_id: slow
name: Slow
tasks:
  - id: count
    command: for i in $(seq 1 5000); do echo line $i; sleep 0.5; done
  - id: after
    command: echo counted
    dependencies: [count]
"""

ASKS = """
dag_id: asks
name: Asks
tasks:
  - id: look
    command: |
      n=$(cat /tmp/asks-$RUN_ID 2>/dev/null || echo 0)
      echo "asked $n times before"
      echo $((n + 1)) > /tmp/asks-$RUN_ID
      [ $n -ge 2 ] && rm /tmp/asks-$RUN_ID
    sensor: {poke_interval: 1}
"""

HOSTILE_BROKEN = f"""
dag_id: hostile_broken
name: "{MARKUP}"
"{MARKUP}": 1
tasks: [{{id: a, command: "true", dependencies: ["{MARKUP}"]}}]
"""

BROKEN = "dag_id: broken\nname: Broken\ntasks:\n  - id: a\n    comand: echo\n"

WARNED = """
dag_id: warned
name: Warned
params: {limit: "3"}
tasks:
  - id: compare
    command: |
      echo compare
      if [[ $PARAM_LIMIT -gt 5 ]]; then echo more; fi
"""

FILES = {
    "orders.yaml": ORDERS,
    "fan.yaml": FAN,
    "hostile.yaml": HOSTILE,
    "slow.yaml": SLOW,
    "asks.yaml": ASKS,
    "broken.yaml": BROKEN,
    "warned.yaml": WARNED,
    "hostile_broken.yaml": HOSTILE_BROKEN,
}
