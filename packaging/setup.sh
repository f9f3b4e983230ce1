# setup.sh - sourced by ./run, ./test and examples: install what is missing, configure, build
#
# Whoever calls with sudo wants root for installing and capturing. What is built belongs to the caller
# (SUDO_USER), so that the next ./run without sudo can build there too.

# setup_owner - the name of the one who called sudo, if the tree is his; else nothing
setup_owner() {
  [ "$(id -u)" = 0 ] && [ -n "${SUDO_USER:-}" ] && [ "${SUDO_UID:-0}" != 0 ] || return 0
  [ "$(id -u "$SUDO_USER" 2>/dev/null)" = "$SUDO_UID" ] && [ "$(stat -c %u .)" = "$SUDO_UID" ] || return 0
  echo "$SUDO_USER"
}

# setup_as_owner COMMAND... - as that one, in his home; without one, as who we are
setup_as_owner() {
  owner=$(setup_owner)
  if [ -z "$owner" ]; then
    "$@"
  else
    runuser -u "$owner" -- env HOME="$(getent passwd "$owner" | cut -d: -f6)" USER="$owner" LOGNAME="$owner" "$@"
  fi
}

# setup_give_back DIR... - what was left there by root (an earlier sudo, the logs of tests) goes to the caller
setup_give_back() {
  owner=$(setup_owner)
  for dir in "$@"; do
    [ -n "$owner" ] && [ -d "$dir" ] && [ ! -L "$dir" ] || continue
    find "$dir" -uid 0 -exec chown -h "$SUDO_UID:${SUDO_GID:-$SUDO_UID}" {} +
  done
}

# setup_is_installed PACKAGE[:ARCHITECTURE] - without one, for this machine's own; that of another has taken its place sometimes
setup_is_installed() {
  case $1 in
    *:*) setup_for=${1#*:} ;;
    *) setup_for=$(dpkg --print-architecture 2>/dev/null) || return 1 ;;
  esac
  dpkg-query -W -f '${Status} ${Architecture}\n' "$1" 2>/dev/null | grep -Eq "^install ok installed ($setup_for|all)$"
}

setup_is_offered() {
  apt-cache policy "$1" 2>/dev/null | grep -q '^  Candidate: [^(]'
}

# setup_choose PACKAGE... - the first of alternatives that is installed or that the archive has; else the last; - is none
setup_choose() {
  for package in "$@"; do
    if setup_is_installed "$package" || setup_is_offered "$package"; then
      break
    fi
  done
  echo "$package"
}

# setup_lines LIST... - the lines without comments and blanks, alternatives as A|B
setup_lines() {
  sed 's/#.*//; s/[[:space:]]//g; /^$/d' "$@"
}

# setup_missing LIST... - the packages that are not there, one a line
setup_missing() {
  setup_lines "$@" | while IFS= read -r line; do
    package=$(setup_choose $(echo "$line" | tr '|' ' '))
    [ "$package" = - ] || setup_is_installed "$package" || echo "$package"
  done
}

# setup_missing_for ARCHITECTURE LIST... - the same to build for another one: its libraries, our tools, the cross compiler
setup_missing_for() {
  for_which=$1
  shift
  {
    echo "gcc-$(dpkg-architecture -a"$for_which" -qDEB_HOST_GNU_TYPE 2>/dev/null | tr _ -)"
    echo qemu-user-static # to run what was built
    setup_lines "$@" | while IFS= read -r line; do
      package=$(setup_choose $(echo "$line" | tr '|' ' '))
      case $package in *-dev) echo "$package:$for_which" ;; *) echo "$package" ;; esac
    done
  } | while IFS= read -r package; do
    setup_is_installed "$package" || echo "$package"
  done
}

# setup_alone LIST... - libraries that a machine has for one architecture at a time: that of another takes their place
setup_alone() {
  setup_lines "$@" | while IFS= read -r line; do
    package=$(setup_choose $(echo "$line" | tr '|' ' '))
    case $package in *-dev) ;; *) continue ;; esac
    ! apt-cache show "$package" 2>/dev/null | grep -q '^Package: ' ||
      apt-cache show "$package" | grep -q '^Multi-Arch: same' || echo "$package"
  done
}

# setup_elsewhere LIST - the command that installs them on this machine, by its ID in os-release; nothing if it is not listed
setup_elsewhere() {
  for id in $(sed -n 's/^ID=//p; s/^ID_LIKE=//p' "${OS_RELEASE:-/etc/os-release}" 2>/dev/null | tr -cd 'a-z0-9 \n'); do
    line=$(sed -n "s/^$id | \(.*\) | \(.*\)/\1 \2/p" "$1")
    [ -z "$line" ] || { echo "$line"; return 0; }
  done
}

# setup_cannot_install - say what to do instead, and fail
setup_cannot_install() {
  if command -v apt-get >/dev/null; then
    echo "packages are missing, and there is no sudo to install them with. Paste this, and run it again:" >&2
    echo "  su -c 'apt-get update && apt-get install -y --no-install-recommends" $missing"'" >&2
  else
    echo "this installs packages with apt-get, on Debian 12 and 13 and Ubuntu 24.04, and there is none here." >&2
    elsewhere=$(setup_elsewhere packaging/packages-elsewhere.txt)
    if [ -n "$elsewhere" ]; then
      echo "What is needed to build goes by these names on this machine, which nobody has tried (docs/install.md):" >&2
      echo "  $elsewhere" >&2
    else
      echo "Install what these packages of Debian hold (docs/install.md has names of other distributions):" >&2
      echo "  "$missing >&2
    fi
    echo "Then: meson setup build && ninja -C build && build/shadowtap --help" >&2
  fi
  return 1
}

# setup_apt ARGUMENT... - apt-get, quietly; what it said is shown if it fails
setup_apt() {
  setup_log=$(mktemp)
  if $sudo env DEBIAN_FRONTEND=noninteractive apt-get "$@" >"$setup_log" 2>&1; then
    rm -f "$setup_log"
    return 0
  fi
  tail -n 20 "$setup_log" >&2
  rm -f "$setup_log"
  return 1
}

# setup_packages LIST... - install the apt packages of these lists that are not there yet
setup_packages() {
  if [ "$(uname -s)" != Linux ]; then
    echo "shadowtap captures with Linux's packet sockets, and this is $(uname -s): run it on a host, in a container or" >&2
    echo "in a virtual machine with Linux, such as the one that serves the model." >&2
    return 1
  fi
  missing=$(setup_missing "$@")
  [ -n "$missing" ] || return 0
  sudo=""
  [ "$(id -u)" = 0 ] || sudo=sudo
  if ! command -v apt-get >/dev/null || { [ -n "$sudo" ] && ! command -v sudo >/dev/null; }; then
    setup_cannot_install
    return 1
  fi
  echo "installing with apt-get, a minute or two:" $missing >&2
  setup_apt update -qq || return 1
  missing=$(setup_missing "$@") # now that the archive's lists are there, alternatives can be told apart
  setup_apt install -y -qq --no-install-recommends $missing
}

# setup_build DIR [MESON OPTIONS] - configure once, build what changed; quiet unless it fails
setup_build() {
  dir=$1
  shift
  setup_log=$(mktemp)
  setup_give_back "$dir"
  [ -f "$dir/build.ninja" ] || echo "building in $dir/ (a minute or two, the first time only)" >&2
  if { [ -f "$dir/build.ninja" ] || setup_as_owner meson setup "$dir" "$@"; } >"$setup_log" 2>&1 &&
    setup_as_owner ninja -C "$dir" >>"$setup_log" 2>&1; then
    rm -f "$setup_log"
    return 0
  fi
  tail -n 60 "$setup_log" >&2
  rm -f "$setup_log"
  return 1
}
