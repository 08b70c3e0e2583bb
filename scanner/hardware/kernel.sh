#!/bin/bash
# Unpacks Debian's kernel for virtual machines, never installing it, and prints its version.
#
#   scanner/hardware/kernel.sh FOLDER      FOLDER gets boot/ and lib/modules/; what is there already stays
set -euo pipefail
export PATH=$PATH:/usr/sbin
version=$(ls "$1/lib/modules" 2>/dev/null | head -1 || true)
if [ -z "$version" ]; then
	[ -n "$(apt-cache depends linux-image-amd64 2>/dev/null)" ] || apt-get update -q >/dev/null
	package=$(apt-cache depends linux-image-amd64 | sed -n 's/.*Depends: \(linux-image-[0-9].*\)/\1/p' | head -1)
	mkdir -p "$(dirname "$1")"
	(cd "$(dirname "$1")" && apt-get download -q "$package" >/dev/null && rm -rf "$1" && mkdir "$1" && dpkg-deb -x "$package"_*.deb "$1")
	version=$(ls "$1/lib/modules")
	depmod -b "$1" "$version"
fi
echo "$version"
