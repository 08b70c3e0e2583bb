#!/usr/bin/env bash
# Makes the packages for arm64 on another machine, looks into them, and plays the demonstration with their programs, which qemu runs.
#
# Needs root and Debian's archive for what is not installed yet: the cross compiler, its C library and qemu-user.
set -euo pipefail
cd "$(dirname "$0")/.."
need=()
for pair in aarch64-linux-gnu-gcc:gcc-aarch64-linux-gnu qemu-aarch64-static:qemu-user-static dpkg-deb:dpkg jq:jq readelf:binutils; do
	command -v "${pair%%:*}" >/dev/null || need+=("${pair##*:}")
done
[ -d /usr/aarch64-linux-gnu/include ] || need+=(libc6-dev-arm64-cross)
if [ ${#need[@]} -gt 0 ]; then
	echo "installing ${need[*]}"
	apt-get update -qq
	apt-get install -y -qq --no-install-recommends "${need[@]}" >/dev/null
fi
say() { printf '\n== %s (%d s)\n' "$1" $SECONDS; }

VERSION=${VERSION:-$(systemd/version.sh)}
export VERSION
say "packages for arm64"
systemd/package.sh arm64

say "what is in them"
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
for name in cpmd cpmd-sim; do
	deb=dist/${name}_${VERSION}_arm64.deb
	dpkg-deb --info "$deb" | grep -E '^ (Package|Version|Architecture|Depends)'
	[ "$(dpkg-deb --field "$deb" Architecture)" = arm64 ]
	dpkg-deb --extract "$deb" "$scratch/root"
done
for program in cpmd cpmctl qfpaysim; do
	readelf -h "$scratch/root/usr/bin/$program" | grep -q 'Machine: *AArch64'
	# No kernel here runs them, not even when one of them starts another.
	printf '#!/bin/sh\nexec qemu-aarch64-static -L /usr/aarch64-linux-gnu %s "$@"\n' "$scratch/root/usr/bin/$program" >"$scratch/$program"
	chmod +x "$scratch/$program"
done

say "the demonstration"
"$scratch/cpmd" version
"$scratch/cpmd" scanners || true # that it has HID, and what is plugged in here
"$scratch/cpmd" demo -cpmd "$scratch/cpmd" -qfpaysim "$scratch/qfpaysim"
say "done"
