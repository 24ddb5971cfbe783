# Runs what the sidecar asks for in this image, one job after the other. Each job is a folder of the
# shared volume: `run` is a script, `go` says that it is complete, `log` takes the output, `signal`
# is the name of a signal to send, and `exit` takes the exit code. The file `end` says that there is
# nothing more to run; `alive` is touched all the while, so that the sidecar notices a lost container.
volume=${FARGATE_VOLUME:-/orchestrator}
job=1

# In a subshell, because POSIX ends a shell whose own `:` cannot write.
pause() { ( : > "$volume/alive" ) 2>/dev/null; sleep 0.2 2>/dev/null || sleep 1; }
send() { kill "-$1" "-$pid" 2>/dev/null || kill "-$1" "$pid" 2>/dev/null; }

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
  while kill -0 "$pid" 2>/dev/null; do
    [ -e "$volume/end" ] && send KILL
    if [ -e "$folder/signal" ]; then
      name=$(cat "$folder/signal")
      rm -f "$folder/signal"
      send "$name"
    fi
    pause
  done
  wait "$pid"
  code=$?
  [ -n "$group" ] && send KILL  # what the command left running
  pid=
  echo "$code" > "$folder/exit.new"
  mv "$folder/exit.new" "$folder/exit"
  job=$((job + 1))
done
