#!/bin/sh
# The version of this source, in an order that Debian's tools understand:
#
#   0.2.0~57.g1a2b3c4   on the way to 0.2.0, 57 commits in all
#   0.2.0               the tag v0.2.0
#   0.2.0+3.g1a2b3c4    3 commits after it
#
# ".dirty" at the end: something is not committed. Without git it is the newest version of CHANGELOG.md.
set -e
cd "$(dirname "$0")/.."
next=$(sed -n 's/^## \([0-9][0-9.]*\).*/\1/p' CHANGELOG.md | head -n 1)
if tag=$(git describe --tags --match 'v[0-9]*' --dirty=.dirty 2>/dev/null); then
	echo "${tag#v}" | sed 's/-\([0-9]*\)-g/+\1.g/'
elif commits=$(git rev-list --count HEAD 2>/dev/null); then
	echo "$next~$commits.g$(git describe --always --dirty=.dirty --exclude '*')"
else
	echo "$next"
fi
