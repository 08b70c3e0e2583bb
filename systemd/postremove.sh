#!/bin/sh
# After the files of the package are gone: what stays, and how to remove it.
set -e
case "$1" in
remove | purge | 0)
	if [ -d /run/systemd/system ]; then
		systemctl daemon-reload
		udevadm control --reload
	fi
	echo "cpmd: records and credentials stay in /var/lib/cpmd and /etc/cpmd. When the books are closed: rm -r /var/lib/cpmd /etc/cpmd; userdel cpmd; groupdel cpmd-till"
	;;
esac
