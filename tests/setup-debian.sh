#!/bin/sh
# Debian's packages that the tests use: LuaJIT with LuaSocket, Chromium, Calibre's calibredb.
# Installs what is missing where it may; says what to do where it may not.
set -u
packages=""
need() { command -v "$1" >/dev/null 2>&1 || packages="$packages $2"; }
need luajit luajit
need luacheck lua-check
need chromium chromium
need calibredb calibre-bin
luajit -e 'require "socket"' >/dev/null 2>&1 || packages="$packages lua-socket"
luajit -e 'require "lfs"' >/dev/null 2>&1 || packages="$packages lua-filesystem"
luajit -e 'require "cjson"' >/dev/null 2>&1 || packages="$packages lua-cjson"
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
