#!/bin/bash
# Boots Debian with systemd in a virtual machine, and lives through a counter's life in it: from the package to the first sale, kills, a main loop
# that stands still, a reboot in the middle of a payment, an upgrade with an open sale, and the end. The transcript is the output.
#
#   systemd/guest/run.sh           all of it
#   systemd/guest/run.sh short     without a cut of the power and what waits for the wallet's own time
#
# Needs root and Debian's archive; what it needs is installed, the guest's kernel and its packages are unpacked into out/ and kept there. Exit status
# 0: all went well. Environment: GUEST_ACCEL (QEMU accelerator, default tcg), GUEST_MEM (MiB), GUEST_TIME (seconds until it is given up), GUEST_PACKAGE (a
# .deb to try in place of the one that is made here).
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
out=$root/out/systemd
mkdir -p "$out"
cd "$root"
export PATH=$PATH:/usr/sbin
say() { echo "host: $* ($SECONDS s)"; }

need=()
for pair in qemu-system-x86_64:qemu-system-x86 busybox:busybox-static cpio:cpio zstd:zstd modprobe:kmod mmdebstrap:mmdebstrap mke2fs:e2fsprogs jq:jq \
	curl:curl gcc:gcc objdump:binutils; do
	command -v "${pair%%:*}" >/dev/null || need+=("${pair##*:}")
done
if [ ${#need[@]} -gt 0 ]; then
	say "installs ${need[*]}"
	apt-get update -q >/dev/null
	apt-get install -y -q --no-install-recommends "${need[@]}" >/dev/null
fi
version=$("$root/scanner/hardware/kernel.sh" "$root/out/hardware/kernel")
kernel=$root/out/hardware/kernel

# modules NAME...: the files of kernel modules, in loading order
modules() {
	for module; do
		modprobe -d "$kernel" -S "$version" --show-depends "$module" 2>/dev/null | awk '$1=="insmod"{print $2}' || true
	done | awk '!seen[$0]++'
}

# Debian, as it is before anybody has installed cpmd
if [ ! -f "$out/root.tar" ]; then
	say "fetches Debian"
	mmdebstrap --quiet --variant=minbase --include=systemd,systemd-sysv,udev,dbus,kmod,ca-certificates,curl,iproute2 bookworm "$out/root.tar.part"
	mv "$out/root.tar.part" "$out/root.tar"
fi
if [ ! -f "$out/root.ext4" ] || [ -n "$(find "$here/root" "$here/run.sh" "$out/root.tar" -newer "$out/root.ext4")" ]; then
	say "makes the disk"
	fs=$out/fs
	rm -rf "$fs" "$out/root.ext4"
	mkdir -p "$fs"
	tar -C "$fs" -xf "$out/root.tar" --exclude='./dev/*' --exclude='./usr/share/doc/*' --exclude='./usr/share/man/*' --exclude='./usr/share/locale/*' --exclude='./var/cache/apt/*'
	cp -r "$here/root/." "$fs/"
	modules virtio_net vhci_hcd usbhid hid_generic evdev virtio_rng | while read -r file; do
		install -D -m 644 "$file" "$fs/usr/lib/modules/$version/${file#*/lib/modules/"$version"/}"
	done
	cp "$kernel/lib/modules/$version"/modules.{order,builtin,builtin.modinfo} "$fs/usr/lib/modules/$version/"
	depmod -b "$fs/usr" "$version" 2>/dev/null || depmod -b "$fs" "$version"
	echo vhci_hcd >"$fs/etc/modules-load.d/guest.conf"
	echo counter >"$fs/etc/hostname"
	echo 0123456789abcdef0123456789abcdef >"$fs/etc/machine-id" # not a first boot
	rm -f "$fs"/etc/systemd/system/timers.target.wants/*
	for unit in play.service systemd-networkd.service; do
		ln -s "/lib/systemd/system/$unit" "$fs/etc/systemd/system/multi-user.target.wants/$unit"
	done
	ln -sf /etc/systemd/system/play.service "$fs/etc/systemd/system/multi-user.target.wants/play.service"
	mkdir -p "$fs/etc/systemd/system/sockets.target.wants"
	ln -s /etc/systemd/system/gateway.socket "$fs/etc/systemd/system/sockets.target.wants/gateway.socket"
	mke2fs -q -t ext4 -O ^metadata_csum -L root -d "$fs" "$out/root.ext4.part" 1G >/dev/null
	mv "$out/root.ext4.part" "$out/root.ext4"
	rm -rf "$fs"
fi
boot=$out/boot
rm -rf "$boot"
mkdir -p "$boot"/{bin,dev,modules,root}
cp "$(command -v busybox)" "$boot/bin/"
install -m 755 "$here/init" "$boot/init"
modules virtio_pci virtio_blk ext4 | while read -r file; do
	cp "$file" "$boot/modules/"
	basename "$file" >>"$boot/modules/order"
done
(cd "$boot" && find . | cpio -o -H newc --quiet | zstd -q -3 -f -o "$out/boot.zst")

# the package, the same with an older version, a cpmd that can be stopped, and the scanner
package_version=$(systemd/version.sh)
package=${GUEST_PACKAGE:-dist/cpmd_${package_version}_amd64.deb}
if [ -z "${GUEST_PACKAGE:-}" ] && { [ ! -f "$package" ] || [[ $package_version == *dirty ]]; }; then
	say "makes the package"
	systemd/package.sh amd64 >"$out/package.log" 2>&1 || { tail "$out/package.log" >&2 && exit 1; }
fi
say "makes the programs of the play"
play=$out/play
rm -rf "$play" "$out/older" "$out/sim"
mkdir -p "$play"
cp "$package" "$play/newer.deb"
dpkg-deb -R "$package" "$out/older"
sed -i 's/^Version: .*/Version: 0.0.1/' "$out/older/DEBIAN/control"
dpkg-deb --root-owner-group -Znone -b "$out/older" "$play/older.deb" >/dev/null
dpkg-deb -x "${package/cpmd_/cpmd-sim_}" "$out/sim"
CGO_ENABLED=1 go build -buildmode=pie -trimpath -buildvcs=false -tags stall -ldflags '-s -w -X main.release=stalling' -o "$out/cpmd-stalling" ./cmd/cpmd
CGO_ENABLED=0 go build -trimpath -o "$out/scanner" ./systemd/guest/scanner
cp "$here/counter.sh" "$out/cpmd-stalling" "$out/scanner" "$play/"
echo "${1:-all}" >"$play/how"
tar -C "$play" -cf "$out/play.tar" .

# QFPay, whose books no reboot touches
"$out/sim/usr/bin/qfpaysim" -listen 127.0.0.1:0 -app-code A -client-key K >"$out/qfpaysim.log" 2>&1 &
gateway=$!
trap 'kill $gateway 2>/dev/null' EXIT
until books=$(grep -o 'http://127.0.0.1:[0-9]*' "$out/qfpaysim.log"); do kill -0 $gateway; done
books=${books%%$'\n'*}

say "boots the guest"
# An emulated processor takes one nanosecond of the guest's time for each instruction, about as a small counter PC does. So what is measured in the
# guest is the same on a busy machine as on an idle one.
case ${GUEST_ACCEL:-tcg} in
tcg*) clock=(-accel "${GUEST_ACCEL:-tcg,thread=single}" -icount shift=0,sleep=on) ;;
*) clock=(-accel "$GUEST_ACCEL") ;;
esac
[ "$(id -u)" = 0 ] && priority=-10 || priority=0
setsid --wait sh -c 'echo "$1" 2>/dev/null >/proc/self/autogroup; shift; exec "$@"' sh $priority \
	timeout "${GUEST_TIME:-1500}" nice -n $priority qemu-system-x86_64 "${clock[@]}" -cpu max -smp 1 -M q35 \
	-m "${GUEST_MEM:-1024}" -nodefaults -vga none -display none \
	-nic user,model=virtio-net-pci -device virtio-rng-pci \
	-drive "file=$out/root.ext4,format=raw,if=virtio,snapshot=on" -drive "file=$out/play.tar,format=raw,if=virtio,readonly=on" \
	-serial "file:$out/console.log" -serial stdio \
	-kernel "$kernel/boot/vmlinuz-$version" -initrd "$out/boot.zst" \
	-append "console=ttyS0 root=/dev/vda rw quiet panic=-1 mitigations=off qfpay=${books##*:}" </dev/null |
	sed -u 's/\r$//; /(Reading database/d; /^debconf: delaying/d' | tee "$out/transcript.txt" || true

grep -q '^COUNTER OK' "$out/transcript.txt" || { echo "it failed (console in $out/console.log)" >&2; exit 1; }
told=$(sed -n 's/^COUNTER OK: \([0-9]*\) paid.*/\1/p' "$out/transcript.txt")
# what setup tried with its own sale is none of the counter's
curl -sS "$books/sim/ledger" | jq -e --argjson told "$told" '[.customers[].charges] | (add == $told + 1) and all(. == 1)' >/dev/null ||
	{ curl -sS "$books/sim/ledger" >&2; echo "QFPay's books say something else than $told paid sales, each charged once" >&2; exit 1; }
say "QFPay's books agree: $told paid sales and the one that setup tried, each charged once"
