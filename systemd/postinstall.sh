#!/bin/sh
# After the files of the package are in place: users, folders, rules. A running daemon is restarted; it is safe
# at any time, because what it has sent is in the journal.
set -e
systemd-sysusers cpmd.conf
systemd-tmpfiles --create cpmd.conf
if [ -d /run/systemd/system ]; then
	systemctl daemon-reload
	udevadm control --reload
	udevadm trigger --subsystem-match=usb --subsystem-match=tty --subsystem-match=input
	if systemctl is-active --quiet cpmd.service; then
		# The sockets can be handed over only while cpmd does not have them.
		systemctl stop cpmd.service
		systemctl is-enabled --quiet cpmd.service && systemctl enable cpmd.socket
		systemctl start cpmd.socket cpmd.service
	fi
fi
if [ ! -e /etc/cpmd/cpmd.toml ]; then
	echo "cpmd: next: cpmd setup (as root; it asks for the credentials, finds the scanner and starts the service)"
fi
