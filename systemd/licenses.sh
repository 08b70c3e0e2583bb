#!/usr/bin/env bash
# Writes the licences and notices of everything that is linked into the programs, from the sources that they are built from.
set -euo pipefail
cd "$(dirname "$0")/.."
export CGO_ENABLED=1

show() { # title folder
	for file in "$2"/LICENSE* "$2"/LICENCE* "$2"/COPYING* "$2"/NOTICE* "$2"/PATENTS* "$2"/hidapi/LICENSE-bsd.txt; do
		[ -f "$file" ] || continue
		printf '%s\n%s, %s\n\n' "$(printf '=%.0s' {1..78})" "$1" "${file#"$2/"}"
		cat "$file"
		echo
	done
}

cat NOTICE
printf '\nThe text of the LGPL, version 2.1, is in /usr/share/common-licenses/LGPL-2.1 on Debian, and at https://www.gnu.org/licenses/lgpl-2.1.txt.\n\n'
show "Go" "$(go env GOROOT)"
go list -deps -f '{{with .Module}}{{if not .Main}}{{.Path}} {{.Version}}{{"\t"}}{{.Dir}}{{end}}{{end}}' ./cmd/cpmd ./cmd/cpmctl ./cmd/qfpaysim | sort -u |
	while IFS=$'\t' read -r title folder; do [ -z "$title" ] || show "$title" "$folder"; done
