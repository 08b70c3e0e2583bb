#!/bin/bash
# A counter's life, played by root in the guest of run.sh. What somebody types stands after root#, till$ or other$.
set -uo pipefail
cd /run/play
export HOME=/root LANG=C.UTF-8 DEBIAN_FRONTEND=noninteractive PATH=/usr/sbin:/usr/bin:/sbin:/bin SYSTEMD_PAGER='' SYSTEMD_COLORS=0
how=$(cat how)
state=/var/lib/play # outlives a reboot
mkdir -p $state

clock() { cut -d' ' -f1 /proc/uptime; }
since() { awk -v a="$1" -v b="$(clock)" 'BEGIN { printf "%.1f", b - a }'; }
chapter() { printf '\n== %s\n' "$*"; }
note() { echo "   $*"; }
end() {
	sync
	systemctl poweroff
	exit
}
fail() {
	echo "FAILED: $*"
	systemctl status cpmd.service cpmd.socket | head -40
	journalctl -u cpmd -n 40 -o cat
	end
}
root() { echo "root# $*" && "$@" || fail "exit status $?"; }
as() { echo "$1\$ ${*:2}" && runuser -u "$1" -- "${@:2}"; }
# until_true SECONDS WHAT COMMAND...
until_true() {
	local limit=$((SECONDS + $1)) what=$2
	shift 2
	until "$@"; do
		[ $SECONDS -lt $limit ] || fail "not in time: $what (last answer: $answer)"
		sleep 0.1
	done
}
property() { systemctl show -p "$1" --value cpmd.service; }
answer=
is() { # ID STATE
	answer=$(runuser -u till -- cpmctl show -json "$1" 2>&1)
	[[ $answer == *"\"state\":\"$2\",\"final\""* ]]
}
lane_is() { # STATE of the scanner
	answer=$(runuser -u till -- cpmctl lanes -json 2>&1)
	[[ $answer == *"\"state\":\"$1\""* ]]
}

# sell ID CODE: a till opens a sale in the background, and the customer's code is read once the sale waits for it
sell() {
	as till cpmctl sale -id "$1" -ticket "$1" -amount 12.50 -currency HKD &
	till=$!
	until_true 60 "$1 waits for a code" is "$1" waiting
	until_true 60 "the scanner is open" lane_is open
	note "the scanner reads $2"
	echo "$2" >/run/scanner
}
paid() { # by the exit status of cpmctl sale
	wait $till
	local status=$?
	[ $status = 0 ] || fail "the till's cpmctl exited with $status"
	echo "$1" >>$state/paid
}
plug_in() {
	systemd-run --quiet --collect --unit=scanner /run/play/scanner /run/scanner
	until_true 30 "the scanner is plugged in" plugged_in
	udevadm settle
}
plugged_in() { grep -qs GUEST1 /sys/bus/usb/devices/*/serial; }
ready() { [ "$(property ActiveState)" = active ] && [ "$(property MainPID)" != "${1:-0}" ]; }

code=100000
next_code() { # ENDING: what happens to it (docs/qfpaysim.md)
	code=$(($(cat $state/code 2>/dev/null || echo 100000) + 1))
	echo $code >$state/code
	echo "28000000$code$1"
}

install() {
	chapter "From the package to the first sale. This machine is emulated: one processor of 1000 million instructions a second, $(awk '/MemTotal/ {printf "%d MiB", $2/1024}' /proc/meminfo)"
	useradd --create-home till
	useradd --create-home other
	echo K >$HOME/key
	until_true 60 "the simulated QFPay outside answers" curl -fs -o /dev/null http://127.0.0.1:9000/sim/clock
	local begun
	begun=$(clock)
	note "step 1: the package"
	root apt-get install -qq -o Dpkg::Use-Pty=0 ./older.deb
	note "step 2: the scanner is plugged in"
	plug_in
	note "step 3: setup"
	root cpmd setup -gateway simulator -app-code A -client-key-file $HOME/key -currency HKD -scanner find -till-user till
	note "step 4: the first sale"
	sell FIRST "$(next_code 0000)"
	paid FIRST
	local took
	took=$(since "$begun")
	note "4 steps and $took s from the package to the first sale"
	[ "${took%.*}" -lt 300 ] || fail "more than five minutes"
	root cpmctl diagnose
}

units() {
	chapter "The units"
	root systemd-analyze verify --man=no cpmd.service cpmd.socket
	note "systemd-analyze verify has nothing to say"
	echo "root# systemd-analyze security cpmd.service"
	systemd-analyze security --no-pager cpmd.service | tail -1
	root systemctl is-enabled cpmd.service cpmd.socket
	note "STATUS=$(property StatusText)"
	ss -xlptn | grep -E '/run/cpmd/|:8460' | sed 's/^/   /'
	[ "$(ss -xlptn | grep -E '/run/cpmd/|:8460' | grep -c '"systemd",pid=1,')" = 3 ] || fail "systemd does not hold the three sockets"
}

refused() {
	chapter "Another user"
	as other cpmctl lanes
	[ $? = 69 ] || fail "another user was let in"
	as other cat /run/cpmd/token /etc/cpmd/client_key /var/lib/cpmd/journal.db && fail "another user reads it"
	as other curl -sS -w '%{http_code}\n' http://127.0.0.1:8460/v1/lanes | tee answer
	grep -q '401$' answer || fail "another user was let in over TCP"
	as till cat /etc/cpmd/client_key /var/lib/cpmd/journal.db && fail "the till reads it"
	local node
	node=$(grep -l 0c2e /sys/bus/usb/devices/*/idVendor | head -1)
	node=$(printf '/dev/bus/usb/%03d/%03d' "$(cat "${node%/*}/busnum")" "$(cat "${node%/*}/devnum")")
	root ls -l "$node"
	as till head -c 1 "$node" && fail "the till opens the scanner"
	note "refused, as it should be"
}

sockets() {
	chapter "Sockets are held by systemd: a till that asks starts a stopped cpmd"
	root systemctl stop cpmd.service
	[ "$(property ActiveState)" = inactive ] || fail "it runs"
	as till cpmctl lanes || fail "the till was refused"
	[ "$(property ActiveState)" = active ] || fail "it does not run"
	chapter "Restarts: no till is refused"
	local asked=0 stop=$state/stop
	rm -f $stop
	(while [ ! -e $stop ]; do
		curl -sS --max-time 20 --unix-socket /run/cpmd/till.sock -o /dev/null http://till/healthz || echo refused >>$state/refused
		asked=$((asked + 1))
		echo $asked >$state/asked
	done) &
	local asking=$!
	root systemctl restart cpmd.service
	root systemctl restart cpmd.service
	touch $stop
	wait $asking
	note "asked $(cat $state/asked) times meanwhile"
	[ ! -e $state/refused ] || fail "refused $(wc -l <$state/refused) times"
	until_true 60 "the scanner is open" lane_is open
}

reloaded() {
	chapter "A changed configuration"
	local pid
	pid=$(property MainPID)
	printf '\n[log]\nlevel = "debug"\n' >>/etc/cpmd/cpmd.toml
	root cpmctl reload
	cp /etc/cpmd/cpmd.toml $state/good
	printf '[timing]\nscan = "soon"\n' >>/etc/cpmd/cpmd.toml
	echo "root# cpmctl reload"
	cpmctl reload && fail "a faulty file was taken over"
	cp $state/good /etc/cpmd/cpmd.toml
	root systemctl reload cpmd
	[ "$(property MainPID)" = "$pid" ] || fail "it was restarted"
	as till cpmctl lanes || fail "the till was refused"
}

killed() {
	chapter "SIGKILL while a customer is confirming"
	sell KILLED "$(next_code 0007)"
	until_true 30 "KILLED is confirming" is KILLED confirming
	kill_it
	paid KILLED
	root cpmctl explain KILLED
	awk -v b="$back" 'BEGIN { exit !(b < 2) }' || fail "that takes more than 2 s"
}
kill_it() {
	local pid at
	pid=$(property MainPID)
	at=$(clock)
	root kill -KILL "$pid"
	sleep 1.5 # nobody looks meanwhile, which would take time itself
	until_true 60 "cpmd is back" ready "$pid"
	back=$(awk -v a="$at" -v b="$(property ActiveEnterTimestampMonotonic)" 'BEGIN { printf "%.2f", b/1e6 - a }')
	note "ready again after $back s"
}

stalled() {
	chapter "The main loop stands still: the watchdog restarts cpmd"
	mkdir -p /etc/systemd/system/cpmd.service.d
	printf '[Service]\nExecStart=\nExecStart=/run/play/cpmd-stalling run -config /etc/cpmd/cpmd.toml\nWatchdogSec=6\n' | tee /etc/systemd/system/cpmd.service.d/stall.conf
	root systemctl daemon-reload
	root systemctl restart cpmd.service
	until_true 60 "the scanner is open" lane_is open
	local pid at
	pid=$(property MainPID)
	root kill -USR2 "$pid"
	at=$(clock)
	note "the next write stops it"
	as till cpmctl sale -id STALLED -ticket STALLED -amount 12.50 -currency HKD &
	till=$!
	until_true 60 "cpmd is back" ready "$pid"
	note "back after $(since "$at") s"
	journalctl -u cpmd -o cat --since=-2min | grep -E 'Watchdog timeout|Failed with result' | sed 's/^/   /'
	journalctl -u cpmd -o cat --since=-2min | grep -q 'Watchdog timeout' || fail "that was not the watchdog"
	until_true 60 "STALLED waits for a code" is STALLED waiting
	until_true 60 "the scanner is open" lane_is open
	local shown
	shown=$(next_code 0000)
	note "the scanner reads $shown"
	echo "$shown" >/run/scanner
	paid STALLED
	rm -r /etc/systemd/system/cpmd.service.d
	root systemctl daemon-reload
	root systemctl restart cpmd.service
	until_true 60 "the scanner is open" lane_is open
}

# goes_down ID COMMAND...: while a customer is confirming
goes_down() {
	sell "$1" "$(next_code 0007)"
	until_true 30 "$1 is confirming" is "$1" confirming
	echo "root# ${*:2}"
	sync $state
	"${@:2}"
	sleep infinity
}
# comes_back ID: without anybody's help
comes_back() {
	plug_in
	until_true 120 "cpmd is back" ready
	note "cpmd is back, $(awk '{print $1}' /proc/uptime) s after the kernel"
	note "the till asks for the same sale again"
	as till cpmctl sale -id "$1" -ticket "$1" -amount 12.50 -currency HKD &
	till=$!
	paid "$1"
	root cpmctl explain "$1"
}

upgraded() {
	chapter "An upgrade with an open sale"
	until_true 60 "the scanner is open" lane_is open
	local pid
	pid=$(property MainPID)
	sell UPGRADED "$(next_code 0007)"
	until_true 30 "UPGRADED is confirming" is UPGRADED confirming
	dpkg-query -W cpmd
	root apt-get install -qq -o Dpkg::Use-Pty=0 ./newer.deb
	dpkg-query -W cpmd
	ready "$pid" || fail "the new cpmd does not run"
	paid UPGRADED
	sell AFTERWARDS "$(next_code 0000)"
	paid AFTERWARDS
	root cpmd check -live
	echo "root# cpmctl reconcile"
	cpmctl reconcile | tee books
	grep -q "^[-0-9]*: $(wc -l <$state/paid) numbers agree" books || fail "the books differ"
	note "the one that only QFPay has is setup's own test sale"
	[ "$(grep -c ' HKD 3.00 ' books)" = 1 ] || fail "QFPay has more than that"
}

removed() {
	chapter "Removed: the books stay"
	root apt-get remove -qq -o Dpkg::Use-Pty=0 cpmd
	pidof cpmd && fail "it still runs"
	for path in /usr/bin/cpmd /usr/lib/systemd/system/cpmd.service /run/cpmd/till.sock /etc/systemd/system/multi-user.target.wants/cpmd.service \
		/etc/systemd/system/sockets.target.wants/cpmd.socket; do
		[ ! -e $path ] && [ ! -L $path ] || fail "$path is still there"
	done
	root ls -l /var/lib/cpmd /etc/cpmd
	[ -s /var/lib/cpmd/journal.db ] && [ -s /etc/cpmd/client_key ] || fail "the books are gone"
	chapter "Purged, and the books closed"
	root apt-get purge -qq -o Dpkg::Use-Pty=0 cpmd
	dpkg-query -W cpmd 2>/dev/null | grep -q . && fail "dpkg still knows it"
	root rm -r /var/lib/cpmd /etc/cpmd
	root userdel cpmd
	root groupdel cpmd-till
	systemctl list-units --all --no-legend 'cpmd*' | grep . && fail "systemd still knows it"
	getent group cpmd cpmd-till && fail "a group is left"
	true
}

case $(cat $state/at 2>/dev/null) in
'')
	install
	units
	refused
	sockets
	reloaded
	killed
	stalled
	chapter "A reboot in the middle of a payment"
	echo rebooted >$state/at
	goes_down REBOOTED systemctl reboot
	;;
rebooted)
	comes_back REBOOTED
	if [ "$how" = all ]; then
		chapter "The power is cut in the middle of a payment"
		until_true 60 "the scanner is open" lane_is open
		echo cut >$state/at
		goes_down CUT sh -c 'echo b >/proc/sysrq-trigger'
	fi
	;;
cut) comes_back CUT ;;
*) fail "where are we?" ;;
esac
upgraded
removed
chapter "done"
echo "COUNTER OK: $(wc -l <$state/paid) paid sales"
end
