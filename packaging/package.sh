# package.sh - sourced by debian-build and tarball-build: configure for an architecture, build, install into a folder
#
# Who sources it has set: name, what it is called in messages; architecture, as Debian calls it; build, a folder for
# this machine's (for another one -ARCHITECTURE is added). Set here: work, a folder that goes at the end; root, in it,
# for what is installed; tools, the prefix of the compiler and of strip; version; SOURCE_DATE_EPOCH, the moment of the
# entry in the changelog, which every file gets.

package_fail() { echo "$name: $*" >&2; exit 1; }

# package_log COMMAND... - quietly; what it said is shown if it fails
package_log() { "$@" >"$work/log" 2>&1 || { tail -n 40 "$work/log" >&2; package_fail "failed: $*"; }; }

package_begin() {
  package_here=$(dpkg --print-architecture)
  architecture=${architecture:-$package_here}
  export DEB_HOST_ARCH="$architecture" DEB_BUILD_MAINT_OPTIONS=hardening=+all
  tools=''
  if [ "$architecture" != "$package_here" ]; then
    build=$build-$architecture
    tools=$(dpkg-architecture -a"$architecture" -qDEB_HOST_GNU_TYPE 2>/dev/null)-
    command -v "${tools}gcc" >/dev/null || package_fail "no ${tools}gcc; docs/install.md says what $architecture needs"
  fi
  work=$(mktemp -d)
  trap 'rm -rf "$work"' EXIT
  root=$work/root
  version=$(dpkg-parsechangelog -l packaging/debian/changelog -S Version)
  grep -q "version: '${version%-*}'" meson.build ||
    package_fail "packaging/debian/changelog says $version, and meson.build another version"
  SOURCE_DATE_EPOCH=$(dpkg-parsechangelog -l packaging/debian/changelog -S Timestamp)
  export SOURCE_DATE_EPOCH
}

# package_install OPTION... - with these options of meson, and dpkg's flags for the compiler, into $root
#
# A folder that is there is asked again what the machine has: a library that came since is found, one that went is not.
package_install() {
  CFLAGS="$(dpkg-buildflags --get CFLAGS) $(dpkg-buildflags --get CPPFLAGS)"
  LDFLAGS=$(dpkg-buildflags --get LDFLAGS)
  export CFLAGS LDFLAGS
  mkdir -p "$build"
  [ -z "$tools" ] || { packaging/cross-file "$architecture" >"$build/cross.ini" && set -- --cross-file "$build/cross.ini" "$@"; }
  [ ! -f "$build/build.ninja" ] || set -- --reconfigure "$@"
  # the linker's flags of dpkg link position-independent, so the compiler has to build so
  package_log meson setup "$build" --buildtype=plain -Db_pie=true -Dtests=disabled -Dseccomp=enabled "$@"
  package_log ninja -C "$build"
  package_log env DESTDIR="$root" meson install -C "$build" --no-rebuild
}

# package_strip FILE
package_strip() { "${tools}strip" --strip-unneeded --remove-section=.comment --remove-section=.note "$1"; }

# package_times - nothing in $root is younger than the changelog, and folders can be read by all
package_times() {
  find "$root" -type d -exec chmod 755 {} +
  find "$root" -newermt "@$SOURCE_DATE_EPOCH" -exec touch --no-dereference -d "@$SOURCE_DATE_EPOCH" {} +
}
