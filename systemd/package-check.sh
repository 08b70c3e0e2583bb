#!/usr/bin/env bash
# What a package must be: the same bytes from the same source in whatever folder, hardened programs, complete, and nothing that lintian calls an error.
#
#   systemd/package-check.sh [amd64|arm64]      of what package.sh has made in dist/
set -euo pipefail
cd "$(dirname "$0")/.."
arch=${1:-$(go env GOHOSTARCH)}
VERSION=${VERSION:-$(systemd/version.sh)}
SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct)}
export VERSION SOURCE_DATE_EPOCH
fail() { echo "package-check: $1" >&2 && exit 1; }
sums() { (cd "$1/dist" && sha256sum "cpmd_${VERSION}_$arch.deb" "cpmd-sim_${VERSION}_$arch.deb" cpmd-"$VERSION"*"$arch".*); }

deb=dist/cpmd_${VERSION}_$arch.deb
[ -f "$deb" ] || fail "no $deb; make package first"
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

# once more, elsewhere, by another user's umask
mkdir "$scratch/source"
git ls-files -z | tar --null -T - -cf - | tar -C "$scratch/source" -xf -
mkdir "$scratch/source/bin" && cp -r bin/tools "$scratch/source/bin/"
(umask 077 && "$scratch/source/systemd/package.sh" "$arch" >"$scratch/log" 2>&1) || { cat "$scratch/log" >&2 && fail "it cannot be made elsewhere"; }
diff <(sums .) <(sums "$scratch/source") || fail "the same source made other bytes"

dpkg-deb -x "$deb" "$scratch/root"
dpkg-deb -x "dist/cpmd-sim_${VERSION}_$arch.deb" "$scratch/root"
declare -A machine=([amd64]='Advanced Micro Devices X86-64' [arm64]='AArch64')
for program in cpmd cpmctl qfpaysim; do
	said=$(readelf -hldWS "$scratch/root/usr/bin/$program")
	for want in "Machine: +${machine[$arch]}" 'Type: +DYN' 'GNU_RELRO' 'Flags: NOW' 'GNU_STACK .* RW '; do
		grep -qE "$want" <<<"$said" || fail "$program: no $want"
	done
	! grep -qE '\.symtab|\.debug_' <<<"$said" || fail "$program is not stripped"
done
grep -aqF "$VERSION" "$scratch/root/usr/bin/cpmd" || fail "cpmd does not know its version, $VERSION"
grep -aq libusb "$scratch/root/usr/bin/cpmd" || fail "cpmd was built without HID"

while read -r path; do
	[ -e "$scratch/root/$path" ] || fail "not in the package: /$path"
done <<'LIST'
usr/lib/systemd/system/cpmd.service
usr/lib/systemd/system/cpmd.socket
usr/lib/udev/rules.d/70-cpmd-scanner.rules
usr/lib/udev/rules.d/95-cpmd-serial.rules
usr/lib/sysusers.d/cpmd.conf
usr/lib/tmpfiles.d/cpmd.conf
usr/share/man/man8/cpmd.8.gz
usr/share/man/man1/cpmctl.1.gz
usr/share/man/man1/qfpaysim.1.gz
usr/share/bash-completion/completions/cpmctl
usr/share/doc/cpmd/README.md
usr/share/doc/cpmd/operations.md
usr/share/doc/cpmd/changelog.gz
usr/share/doc/cpmd/copyright
usr/share/doc/cpmd/licenses.gz
usr/share/doc/cpmd/openapi.json
usr/share/doc/cpmd/sbom.cdx.json
usr/share/doc/cpmd/examples/cpmd.toml
usr/share/doc/cpmd/examples/till.py
LIST
! find "$scratch/root" -perm /022 -not -type l | grep . || fail "others may write to these"
jq -e '.components | map(.name) | contains(["modernc.org/sqlite", "libusb", "std"])' "$scratch/root/usr/share/doc/cpmd/sbom.cdx.json" >/dev/null ||
	fail "the list of components is not complete"
dpkg-deb --info "$deb"
if command -v lintian >/dev/null; then
	lintian --allow-root --fail-on error --suppress-tags "$(grep -v '^#' systemd/lintian-not-ours | paste -sd,)" dist/cpmd*_"${VERSION}_$arch".deb
fi
sums .
