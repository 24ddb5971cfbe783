# Runs what the sidecar asks for in this image, one job after the other. Each job is a folder of the
# shared volume: `run` is a script, `go` says that it is complete, `log` takes the output, `signal`
# is the name of a signal to send, `peak` takes the most KB that a process of it was seen to have
# used, and `exit` takes the exit code and what `jobs` says, which tells a signal from an exit code.
# The file `end` says that there is nothing more to run; `alive` is touched all the while, so that
# the sidecar notices a lost container.
volume=${FARGATE_VOLUME:-/orchestrator}
job=1

# In a subshell, because POSIX ends a shell whose own `:` cannot write.
pause() { ( : > "$volume/alive" ) 2>/dev/null; sleep 0.2 2>/dev/null || sleep 1; }
send() { kill "-$1" "-$pid" 2>/dev/null || kill "-$1" "$pid" 2>/dev/null; }

# The most KB that the process $pid or one below it has used, if more than the number given; in a
# subshell, because POSIX lets a shell end that cannot open a file.
measure() (
  most=$1
  set -- "$pid"
  while [ $# -gt 0 ] && [ $# -lt 256 ]; do
    next=/proc/$1
    shift
    while read -r name kb _; do
      case $name in VmHWM:) [ "$kb" -gt "$most" ] && most=$kb ;; esac
    done < "$next/status"
    children=
    read -r children < "$next/task/${next#/proc/}/children"
    set -- "$@" $children
  done 2>/dev/null
  echo "$most"
)

group=
command -v setsid >/dev/null 2>&1 && group=setsid
pid=
trap '[ -n "$pid" ] && send TERM' TERM

while :; do
  folder=$volume/jobs/$job
  while [ ! -e "$folder/go" ]; do
    [ -e "$volume/end" ] && exit 0
    pause
  done
  $group sh "$folder/run" >> "$folder/log" 2>&1 < /dev/null &
  pid=$!
  peak=0
  looks=0
  while kill -0 "$pid" 2>/dev/null; do
    [ -e "$volume/end" ] && send KILL
    if [ -e "$folder/signal" ]; then
      name=$(cat "$folder/signal")
      rm -f "$folder/signal"
      send "$name"
    fi
    # As often as on Lambda: in short commands more than once, later every five seconds.
    if [ "$looks" -lt 10 ] || [ $((looks % 25)) -eq 0 ]; then
      seen=$(measure "$peak")
      peak=${seen:-$peak}
    fi
    looks=$((looks + 1))
    pause
  done
  jobs > "$folder/how"
  wait "$pid"
  code=$?
  echo "$peak" > "$folder/peak"
  [ -n "$group" ] && send KILL  # what the command left running
  pid=
  { echo "$code"; cat "$folder/how"; } > "$folder/exit.new"
  mv "$folder/exit.new" "$folder/exit"
  job=$((job + 1))
done
