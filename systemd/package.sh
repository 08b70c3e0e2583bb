#!/usr/bin/env bash
# Makes what is installed: packages for Debian and RPM systems, a tarball of the same files and a list of components.
#
#   systemd/package.sh [amd64|arm64]      into dist/; for this machine's architecture if none is named
#
# Another architecture needs Debian's cross compiler and its C library (gcc-aarch64-linux-gnu libc6-dev-arm64-cross). The same source makes the same bytes,
# in whatever folder. VERSION and SOURCE_DATE_EPOCH may be set where there is no git.
set -euo pipefail
cd "$(dirname "$0")/.."
here=$(go env GOHOSTARCH)
arch=${1:-$here}
VERSION=${VERSION:-$(systemd/version.sh)}
SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct)}
made=dist/made-$arch
rm -rf "$made"
mkdir -p "$made/completions"

say() { printf '%s: %s\n' "$arch" "$1"; }
go_here() { env -u GOARCH -u CC "$@"; } # what runs on this machine

say "programs $VERSION"
export CGO_ENABLED=1
if [ "$arch" != "$here" ]; then
	case $arch in
	arm64) export CC=aarch64-linux-gnu-gcc ;;
	amd64) export CC=x86_64-linux-gnu-gcc ;;
	*) echo "packages are made for amd64 and arm64, not for $arch" >&2 && exit 1 ;;
	esac
	command -v "$CC" >/dev/null || { echo "no $CC: apt-get install gcc-${CC%-gcc} libc6-dev-$arch-cross" >&2 && exit 1; }
fi
GOARCH=$arch go build -buildmode=pie -trimpath -buildvcs=false \
	-ldflags "-s -w -linkmode=external -extldflags '-Wl,-z,relro,-z,now' -X main.release=$VERSION" \
	-o "$made/" ./cmd/cpmd ./cmd/cpmctl ./cmd/qfpaysim

# The newest C library function that the programs call says which systems they run on.
LIBC=$(objdump -T "$made/cpmd" "$made/cpmctl" "$made/qfpaysim" | grep -o 'GLIBC_[0-9.]*' | sort -Vu | tail -n 1)
LIBC=${LIBC#GLIBC_}

say "documents"
manuals=$made
if [ "$arch" != "$here" ]; then # these run here
	manuals=dist/made-$here
	mkdir -p "$manuals"
	go_here go build -ldflags "-X main.release=$VERSION" -o "$manuals/" ./cmd/cpmd ./cmd/cpmctl
fi
"$manuals/cpmd" man | gzip -9n >"$made/cpmd.8.gz"
"$manuals/cpmctl" man | gzip -9n >"$made/cpmctl.1.gz"
gzip -9nc systemd/qfpaysim.1 >"$made/qfpaysim.1.gz"
gzip -9nc CHANGELOG.md >"$made/changelog.gz"
"$manuals/cpmd" openapi >"$made/openapi.json"
for shell in bash zsh fish; do "$manuals/cpmctl" completion $shell >"$made/completions/$shell"; done
GOARCH=$arch systemd/licenses.sh | gzip -9n >"$made/licenses.gz"

say "components"
tools=$PWD/bin/tools
mkdir -p "$tools"
go_here env GOBIN="$tools" go install github.com/CycloneDX/cyclonedx-gomod/cmd/cyclonedx-gomod@v1.10.0
go_here env GOBIN="$tools" go install github.com/goreleaser/nfpm/v2/cmd/nfpm@v2.45.2
# The C libraries that one module carries in source are no modules of their own. The tool's own checksum says nothing about cpmd.
"$tools/cyclonedx-gomod" bin -json -noserial -notimestamp -std -version "v$VERSION" "$made/cpmd" |
	jq 'del(.metadata.tools[].hashes) | .components += [
		{"bom-ref": "libusb", type: "library", name: "libusb", version: "1.0.27", licenses: [{license: {id: "LGPL-2.1-or-later"}}], cpe: "cpe:2.3:a:libusb:libusb:1.0.27:*:*:*:*:*:*:*"},
		{"bom-ref": "hidapi", type: "library", name: "hidapi", version: "0.14.0", licenses: [{license: {id: "BSD-3-Clause"}}], cpe: "cpe:2.3:a:libusb:hidapi:0.14.0:*:*:*:*:*:*:*"}]' \
		>"$made/sbom.cdx.json"

say "packages"
export VERSION SOURCE_DATE_EPOCH LIBC
export ARCH=$arch MADE=$made
for format in deb rpm; do "$tools/nfpm" package -f systemd/nfpm.yaml -p $format -t dist/; done
"$tools/nfpm" package -f systemd/nfpm-sim.yaml -p deb -t dist/
dpkg-deb --fsys-tarfile "dist/cpmd_${VERSION}_$arch.deb" | gzip -9n >"dist/cpmd-$VERSION-linux-$arch.tar.gz"
cp "$made/sbom.cdx.json" "dist/cpmd-$VERSION-linux-$arch.cdx.json"
(cd dist && sha256sum cpmd*"$VERSION"*)
