#!/bin/sh
# Stops the daemon when the package goes for good, not when it is replaced (deb: "remove", rpm: 0). The journal
# and the credentials stay: they are records and secrets of the shop, not of the package.
set -e
case "$1" in
remove | 0)
	if [ -d /run/systemd/system ]; then
		systemctl disable --now cpmd.socket cpmd.service
	fi
	;;
esac
