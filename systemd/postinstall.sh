#!/bin/sh
# After the files of the package are in place: users, folders, rules. A running daemon is restarted; it is safe
# at any time, because what it has sent is in the journal.
set -e
systemd-sysusers cpmd.conf
systemd-tmpfiles --create cpmd.conf
if [ -d /run/systemd/system ]; then
	systemctl daemon-reload
	udevadm control --reload
	udevadm trigger --subsystem-match=usb --subsystem-match=tty
	if systemctl is-active --quiet cpmd.service; then
		# The sockets can be handed over only while cpmd does not have them.
		systemctl stop cpmd.service
		systemctl is-enabled --quiet cpmd.service && systemctl enable cpmd.socket
		systemctl start cpmd.socket cpmd.service
	fi
fi
if [ ! -e /etc/cpmd/app_code ] || [ ! -e /etc/cpmd/client_key ]; then
	echo "cpmd: write the credentials into /etc/cpmd/app_code and /etc/cpmd/client_key (chmod 600), edit"
	echo "/etc/cpmd/cpmd.toml, run: cpmd check; then: systemctl enable --now cpmd"
fi
