# setup.sh - sourced by ./run and ./test: install what is missing, configure, build

# setup_packages LIST... - install the apt packages of these lists that are not there yet
setup_packages() {
  missing=""
  for package in $(sed 's/#.*//' "$@"); do
    dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q '^install ok installed' || missing="$missing $package"
  done
  [ -n "$missing" ] || return 0
  sudo=""
  [ "$(id -u)" = 0 ] || sudo=sudo
  if ! command -v apt-get >/dev/null || { [ -n "$sudo" ] && ! command -v sudo >/dev/null; }; then
    echo "missing packages:$missing; install them (as root) and run this again" >&2
    return 1
  fi
  echo "installing$missing" >&2
  setup_log=$(mktemp)
  if ! { $sudo apt-get update -qq && $sudo env DEBIAN_FRONTEND=noninteractive \
      apt-get install -y -qq --no-install-recommends $missing; } >"$setup_log" 2>&1; then
    tail -n 20 "$setup_log" >&2
    rm -f "$setup_log"
    return 1
  fi
  rm -f "$setup_log"
}

# setup_build DIR [MESON OPTIONS] - configure once, build what changed; quiet unless it fails
setup_build() {
  dir=$1
  shift
  setup_log=$(mktemp)
  if { [ -f "$dir/build.ninja" ] || meson setup "$dir" "$@"; } >"$setup_log" 2>&1 && ninja -C "$dir" >>"$setup_log" 2>&1; then
    rm -f "$setup_log"
    return 0
  fi
  tail -n 60 "$setup_log" >&2
  rm -f "$setup_log"
  return 1
}
