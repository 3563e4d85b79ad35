# SPDX-License-Identifier: GPL-2.0-or-later
#
# What the guest tests have in common; they source it, and run as root in a guest that is thrown
# away afterwards, so nothing here is undone. The programs are those that people run (build/bin):
# the ASan build is another 3 times slower on an emulated processor, and its findings come from
# the same code in the suites node and host.
#
# shellcheck shell=bash disable=SC2119,SC2120

set -u
shopt -s inherit_errexit

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
export PATH=$here/../../build/bin:$PATH

initiator=iqn.2026-11.dev.berth.test:guest
portal=127.0.0.1:3260
export BERTH_NODE=unix:/run/node.sock

die() {
	echo "FAILED: $*"
	echo "--- the end of the kernel's log"
	dmesg | tail -n 40
	for log in /run/*.log; do
		[ -e "$log" ] || continue
		echo "--- the end of $log"
		tail -n 30 "$log"
	done
	exit 1
}

skip() {
	echo "skipped: $*"
	exit 77
}

# What the test is doing, with the guest's own clock.
step() {
	local uptime
	read -r uptime _ </proc/uptime
	echo "[$uptime] $*"
}

# must COMMAND...: the command succeeds, or the test has failed.
must() {
	"$@" || die "exit status $?: $*"
}

# wait_for SECONDS COMMAND...: until the command succeeds.
wait_for() {
	local end=$((SECONDS + $1))
	shift
	until "$@" >/dev/null 2>&1; do
		[ "$SECONDS" -lt "$end" ] || die "not within its time: $*"
		sleep 0.1
	done
}

need_programs() {
	local program
	for program in "$@"; do
		command -v "$program" >/dev/null || skip "there is no $program; run 'make' before"
	done
}

# kernel_log_check [ALLOWED]: nothing at level error, no warning with a trace, no failed I/O
# since the test cleared the log; lines that match the pattern are expected.
kernel_log_check() {
	local bad
	bad=$({
		dmesg --level=emerg,alert,crit,err
		dmesg | grep -E 'WARNING:|BUG:|Oops|Call Trace|I/O error|hung_task|blocked for more'
	} | sort -u | grep -vE "${1:-^$}")
	[ -z "$bad" ] || die "the kernel's log has errors:"$'\n'"$bad"
}

# field NAME: a field of the JSON object on standard input.
field() {
	python3 -c 'import json, sys; print(json.load(sys.stdin)[sys.argv[1]])' "$1"
}

volume_field() {
	berth volume show "$1" --json | field "$2"
}

# A file system on the scratch disk for the node's pool and state.
scratch_mount() {
	must mkfs.ext4 -q -E nodiscard /dev/vda
	must mkdir -p /scratch
	must mount /dev/vda /scratch
}

node_start() {
	berth-node --listen $portal --api $BERTH_NODE --state /scratch/node >>/run/node.log 2>&1 &
	node_pid=$!
	wait_for 30 berth pool list
}

node_kill() {
	kill -KILL "$node_pid"
	wait "$node_pid" 2>/dev/null
}

node_is_gone() {
	! kill -0 "$node_pid" 2>/dev/null
}

# An orderly stop is a clean exit.
node_stop() {
	must kill -TERM "$node_pid"
	wait_for 30 node_is_gone
	must wait "$node_pid"
}

# initiator_start: iscsid, as this host.
initiator_start() {
	echo "InitiatorName=$initiator" >/etc/iscsi/initiatorname.iscsi
	must modprobe iscsi_tcp
	must modprobe sd_mod
	must iscsid
}

# volume_publish NAME SIZE: a volume that this host may log in to, without CHAP.
volume_publish() {
	must berth volume create "$1" "$2" --pool pool
	must berth volume publish "$1" --initiator $initiator --no-chap
}

session_login() {
	target=$(iscsiadm -m discovery -t sendtargets -p $portal | awk -v end=":$1" '
		substr($2, length($2) - length(end) + 1) == end { print $2 }')
	[ -n "$target" ] || die "discovery does not tell of volume $1"
	must iscsiadm -m node -T "$target" -p $portal --login
	local link=/dev/disk/by-path/ip-$portal-iscsi-$target-lun-0
	wait_for 30 test -b "$link"
	udevadm settle --timeout=30
	device=$(readlink -f "$link")
}

session_logout() {
	must iscsiadm -m node -T "$target" -p $portal --logout
	wait_for 30 test ! -b "$device"
}

# file_system_make TYPE DEVICE
file_system_make() {
	case $1 in
	ext4) must mkfs.ext4 -q -F "$2" ;;
	xfs) must mkfs.xfs -q -f "$2" ;;
	esac
}

# file_system_check TYPE DEVICE: it is whole, without mending anything.
file_system_check() {
	case $1 in
	ext4) must e2fsck -fn "$2" ;;
	xfs) must xfs_repair -n "$2" ;;
	esac
}

drop_caches() {
	sync
	echo 3 >/proc/sys/vm/drop_caches
}
