#!/usr/bin/env bash
# Run `make demo` and `make test` as a new user would: in a fresh clone on a minimal Debian.
#
#   sudo tests/package/bare_machine.sh [SUITE ...]        by default bookworm (Debian 12) and trixie (Debian 13)
#
# Needs root, debootstrap and access to Debian's and Python's package registries. Each machine is a chroot with
# Debian's minimal system, git, make, python3 and python3-venv only; it is removed at the end.
# COMMANDS replaces the commands, KEEP=1 keeps the machine and prints its path.
set -euo pipefail
repository=$(cd "$(dirname "$0")/../.." && pwd)
commands=${COMMANDS:-make demo && make test}

[ "$(id -u)" = 0 ] || { echo "bare_machine.sh: run it as root: debootstrap and chroot need it" >&2; exit 2; }
command -v debootstrap >/dev/null || { echo "bare_machine.sh: install debootstrap first" >&2; exit 2; }

try() { # try SUITE: in a subshell, so that its trap runs at its end
    local root
    root=$(mktemp -d "${TMPDIR:-/tmp}/bare-$1-XXXXXX")
    chmod 755 "$root" # other users need access to the root folder of a machine
    # shellcheck disable=SC2064  # the folder is known now
    trap "for place in dev/pts dev sys proc; do umount '$root'/\$place 2>/dev/null || true; done
          [ -n '${KEEP:-}' ] && echo 'kept: $root' || rm -rf --one-file-system '$root'" EXIT
    debootstrap --variant=minbase --include=git,make,python3,python3-venv "$1" "$root" >"$root.log" 2>&1 ||
        { tail -20 "$root.log" >&2; exit 2; }
    rm "$root.log"
    mount -t proc proc "$root/proc"
    mount -t sysfs sysfs "$root/sys"
    mount --bind /dev "$root/dev"
    mount --bind /dev/pts "$root/dev/pts"
    cp /etc/resolv.conf "$root/etc/resolv.conf"
    # The network, not the machine, determines certificates and proxies.
    mkdir -p "$root/etc/ssl/certs"
    [ ! -f /etc/ssl/certs/ca-certificates.crt ] || cp /etc/ssl/certs/ca-certificates.crt "$root/etc/ssl/certs/"
    git clone --quiet --no-hardlinks "$repository" "$root/root/cryptoetl"
    env -i HOME=/root PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin TERM=dumb \
        ${https_proxy:+https_proxy="$https_proxy"} ${PIP_CERT:+PIP_CERT="$PIP_CERT"} \
        chroot "$root" bash -c "set -e; cd; ls -A; cd cryptoetl; $commands"
}

failed=()
for suite in "${@:-bookworm trixie}"; do
    for name in $suite; do
        echo "== $name: $commands"
        started=$SECONDS
        if (try "$name"); then
            echo "== $name: passed in $((SECONDS - started)) s"
        else
            echo "== $name: failed after $((SECONDS - started)) s"
            failed+=("$name")
        fi
    done
done
[ ${#failed[@]} = 0 ] || { echo "failed: ${failed[*]}" >&2; exit 1; }
