#!/bin/sh
# Debian's packages that the tests use: LuaJIT with its socket, TLS, file and JSON modules, Chromium with a font,
# Calibre for calibredb. Installs what is missing where it may; says what to do where it may not.
set -u
packages=""
need() { command -v "$1" >/dev/null 2>&1 || packages="$packages $2"; }
need_lua() { luajit -e "require '$1'" >/dev/null 2>&1 || packages="$packages $2"; }
need luajit luajit
need luacheck lua-check
need chromium chromium
need calibredb calibre
need openssl openssl
need_lua socket lua-socket
need_lua ssl lua-sec
need_lua lfs lua-filesystem
need_lua cjson lua-cjson
# Without any font a page has no width to test.
[ -d /usr/share/fonts/truetype/dejavu ] || packages="$packages fonts-dejavu-core"
[ -n "$packages" ] || exit 0

sudo=""
[ "$(id -u)" = 0 ] || sudo="sudo -n"
if command -v apt-get >/dev/null 2>&1 && { [ -z "$sudo" ] || $sudo true 2>/dev/null; }; then
    echo "Installing for the tests:$packages"
    export DEBIAN_FRONTEND=noninteractive
    # shellcheck disable=SC2086 # a list of words
    if $sudo apt-get update -qq && $sudo apt-get install -y -qq --no-install-recommends $packages >/dev/null; then
        exit 0
    fi
fi
echo "The tests that need them are skipped. To run them, install:"
echo "  sudo apt-get install --no-install-recommends$packages"
[ -z "${CI:-}" ]
