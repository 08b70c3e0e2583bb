#!/bin/bash
# Boots a small virtual machine with Debian's kernel and runs the hardware tests in it.
#
#   scanner/hardware/run.sh                    all tests (about 25 minutes without KVM)
#   scanner/hardware/run.sh -test.short        the same with fewer scans and cycles (about 4 minutes)
#   scanner/hardware/run.sh -test.run Replug   some; arguments go to the test program
#
# Exit status 0: all passed. The kernel is unpacked into out/hardware, never installed. Environment: HARDWARE_MEM
# (MiB), HARDWARE_TIME (seconds until it is given up), HARDWARE_ACCEL (QEMU accelerator, default tcg),
# HARDWARE_CPUS (default 1).
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
out=$root/out/hardware
mkdir -p "$out"

need=()
for pair in qemu-system-x86_64:qemu-system-x86 busybox:busybox-static cpio:cpio zstd:zstd modprobe:kmod gcc:gcc; do
	command -v "${pair%%:*}" >/dev/null || [ -x "/usr/sbin/${pair%%:*}" ] || need+=("${pair##*:}")
done
if [ ${#need[@]} -gt 0 ]; then
	echo "installing ${need[*]}"
	apt-get update -q >/dev/null
	apt-get install -y -q --no-install-recommends "${need[@]}" >/dev/null
fi
export PATH=$PATH:/usr/sbin

version=$("$here/kernel.sh" "$out/kernel")

# the programs
cd "$root"
CGO_ENABLED=1 go test -c -tags hardware -o "$out/hardware.test" ./scanner/hardware
programs=("$out/hardware.test")
for name in cpmd qfpaysim; do
	rm -f "$out/$name"
	if [ -f "cmd/$name/main.go" ]; then
		CGO_ENABLED=1 go build -o "$out/$name" "./cmd/$name"
		programs+=("$out/$name")
	fi
done

# the root file system: busybox, the programs with their libraries, and the kernel modules in loading order
fs=$out/fs
rm -rf "$fs"
mkdir -p "$fs"/{bin,dev,proc,sys,tmp,run,modules,etc}
cp "$(command -v busybox)" "$fs/bin/busybox"
cp "$here/init" "$fs/init"
chmod +x "$fs/init"
for program in "${programs[@]}"; do
	cp "$program" "$fs/bin/"
	for library in $(ldd "$program" | grep -o '/[^ ]*'); do
		mkdir -p "$fs$(dirname "$library")"
		cp -Ln "$library" "$fs$library" || true
	done
done
for module in xhci_pci usbhid hid_generic evdev usbserial ftdi_sio ch341 cp210x pl2303 cdc_acm vhci_hcd uhid; do
	modprobe -d "$out/kernel" -S "$version" --show-depends $module 2>/dev/null | awk '$1=="insmod"{print $2}' || true
done | awk '!seen[$0]++' | while read -r file; do
	cp "$file" "$fs/modules/"
	basename "$file" >>"$fs/modules/order"
done
(cd "$fs" && find . | cpio -o -H newc --quiet | zstd -q -3 -T0 -f -o "$out/initramfs.zst")

# The converter's wire is the machine's second serial port: both ends of one socket.
arguments=$(printf '%s\n' "$@" | base64 -w0)
wire=$(mktemp -u "${TMPDIR:-/tmp}/wire.XXXXXX")
log=$out/console.log
# An emulated scanner keeps a pace of milliseconds, so other work on this machine should not hold this one up; and
# with one processor the scanner stands still whenever its reader does.
[ "$(id -u)" = 0 ] && priority=-10 || priority=0
setsid --wait sh -c 'echo "$1" 2>/dev/null >/proc/self/autogroup; shift; exec "$@"' sh $priority \
	timeout "${HARDWARE_TIME:-2400}" nice -n $priority qemu-system-x86_64 -accel "${HARDWARE_ACCEL:-tcg,thread=multi}" \
	-cpu max -smp "${HARDWARE_CPUS:-1}" -M q35 \
	-m "${HARDWARE_MEM:-768}" -nodefaults -nic none -vga none -display none -no-reboot \
	-serial stdio -chardev "socket,id=usbend,path=$wire,server=on,wait=off" -chardev "socket,id=farend,path=$wire" \
	-serial chardev:farend -device qemu-xhci,id=xhci -device usb-serial,chardev=usbend,bus=xhci.0,always-plugged=on \
	-kernel "$out/kernel/boot/vmlinuz-$version" -initrd "$out/initramfs.zst" \
	-append "console=ttyS0 quiet panic=-1 mitigations=off hardware.arguments=$arguments" </dev/null |
	sed -u 's/\r//; /vhci_hcd: sendmsg failed/d; /enqueue for inactive port/d' | tee "$log" || true
rm -f "$wire"
grep -q '^HARDWARE OK$' "$log" || { echo "hardware tests failed (console in $log)" >&2; exit 1; }
