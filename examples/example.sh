# example.sh - sourced by the examples: services and clients in the background, a capture beside them, the report
#
# Who sources it has set: example, its name; here, its directory; out, where files go; count, how many requests are sent.

python=/usr/bin/python3 # the one that Debian's packages are for
program=${SHADOWTAP:-build/shadowtap}
children=""

say() { echo "$example: $*" >&2; }

fail() { say "$*"; exit 1; }

# usage RUN - what stands at the top of RUN
usage() {
  sed -n '2,/^set/{/^set/!s/^# \{0,1\}//p}' "$1" >&2
  exit 2
}

stop_children() {
  for child in $children; do kill "$child" 2>/dev/null || :; done
  wait
}

# begin - install, build, and a directory for what comes out; under sudo, services and clients are the caller's
begin() {
  owner=$(setup_owner)
  [ -z "$owner" ] || python="setpriv --reuid=$SUDO_UID --regid=${SUDO_GID:-$SUDO_UID} --init-groups \
    env HOME=$(getent passwd "$owner" | cut -d: -f6) $python" # which execute each other, so that there is one process
  setup_packages packaging/packages-build.txt $here/packages.txt
  [ -n "${SHADOWTAP:-}" ] || setup_build build
  mkdir -p "$out"
  out=$(realpath "$out") # whole: the path of a Unix socket has to be
  trap 'stop_children; setup_give_back "$out"' EXIT
  trap 'exit 130' INT TERM
}

# in_background COMMAND... - start it; $child is its process
in_background() {
  "$@" &
  child=$!
  children="$child $children"
}

# await LOG COMMAND... - until COMMAND succeeds; $child is who has to live for that, and LOG what it says
await() {
  log=$1
  shift
  tries=0
  until "$@" >"$out/await.log" 2>&1; do
    tries=$((tries + 1))
    if [ "$tries" -gt 600 ] || ! kill -0 "$child" 2>/dev/null; then
      tail -n 20 "$log" "$out/await.log" >&2
      fail "this was awaited, and did not come: $*; what was said stands above"
    fi
    sleep 0.1
  done
}

# serve VERSION PORT ASK... - the service in this version; ASK PORT succeeds once it answers
serve() {
  version=$1 port=$2
  shift 2
  ! "$@" "$port" >"$out/await.log" 2>&1 || fail "something listens on port $port already: stop it, and run this again"
  in_background $python $here/service.py "$version" "$port" >"$out/$version.log" 2>&1
  await "$out/$version.log" "$@" "$port"
}

# while_capturing COMMAND... - let the clients ask while $child captures, then end the capture; $status is its end
while_capturing() {
  await "$out/capture.log" grep -E 'capturing on|listening on' "$out/capture.log"
  "$@"
  sleep 1 # the last of them is on its way to the shadow
  kill -TERM "$child"
  status=0
  wait "$child" || status=$?
  [ "$status" = 0 ] || [ "$status" = 3 ] || { cat "$out/capture.log" >&2; exit "$status"; }
}

# show - the report, and a browser if there is a screen for it
show() {
  page=$out/report.html
  say "the report: $page"
  if [ -n "${DISPLAY:-}${WAYLAND_DISPLAY:-}" ] && command -v xdg-open >/dev/null; then
    xdg-open "$page" >/dev/null 2>&1 || :
  fi
}
