# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2034,SC2154 # what `run` and the other parts of the demo have
# device.sh -- the demo's device: how it leaves the factory, boots, updates, refuses, loses power and is given old flash.

# --- what is looked at ---

device_holds() {
	as_whom rota-agent
	"${how[@]}" rota-agent status --config device/agent.ini --json | tr , '\n' | grep '"installed"\|"image"'
}

# The agent ends with this word, step and clause, and nothing changed on the device.
device_stays() { # WORD TITLE STEP CLAUSE
	local before after
	before=$(device_holds)
	run rota-agent --config device/agent.ini --once
	[ "$status" -eq 1 ] || fail "$2: the agent's status is $status, not 1"
	expect "^$1 .*step=$3 .*clause=\"$4\"" "$2: not $1 in step $3 by $4"
	after=$(device_holds)
	[ "$before" = "$after" ] || fail "$2: the device changed"
}

refused() { # TITLE STEP CLAUSE
	device_stays refused "$@"
	claim "$1" "refused in step $2" "$3"
}

# What it would need is not there: it asks again later.
not_installed() { # TITLE OUTCOME STEP CLAUSE
	device_stays failed "$1" "$3" "$4"
	claim "$1" "$2" "$4"
}

approves=no # an officer, what devices are given

publish() { # VERSION
	if [ "$approves" = yes ]; then
		run rota rollout set --version "$1"
		[ "$status" -eq 1 ] || fail "a rollout that waits for approvals has status $status, not 1"
		must rota approve --yes "$(sed -n 's/.*rota approve \([0-9a-f]*\).*/\1/p' <<<"$said")"
	else
		must rota rollout set --version "$1"
	fi
	must rota publish
}

database() { sqlite3 -readonly serve/rotad/fleet.sqlite "$1"; }

server_knows() { # EVENT VERSION
	[ -n "$(database "select 1 from events where event = '$1' and version = '$2'")" ]
}

# --- the device: rota-boot runs programs, a script keeps any other file ---

# A static program for this machine runs as it is.
is_program() {
	[ "$(head -c 4 "$1" | od -An -c | tr -d ' ')" = '177ELF' ] &&
		readelf -h "$1" | grep -q "Class: *ELF64" &&
		[ "$(readelf -h "$1" | grep Machine:)" = "$(readelf -h "$(command -v rota-boot)" | grep Machine:)" ] &&
		! readelf -l "$1" | grep -q INTERP
}

backend=boot
counter=0 # security counter of the images
if [ -n "$payload" ] && ! is_program "$payload" 2>/dev/null; then
	backend='exec'
fi

pack() { # VERSION FILE: an image of it, or for a script the file itself
	if [ "$backend" = exec ]; then
		cp "$2" "payload-$1"
		release=(--raw "app=payload-$1" --hardware board-a)
	else
		must rota image sign --version "$1" --hardware board-a --counter "$counter" --out "payload-$1.img" "$2"
		release=(--image "payload-$1.img")
	fi
}

release() { # VERSION FILE
	pack "$1" "$2"
	must rota release add --version "$1" "${release[@]}"
	publish "$1"
}

enrol() {
	local arguments=(--out device --hardware board-a --serial SN-0001
		--log-policy authority/trust/log-policy
		--repository-url "https://localhost:$repo/repo" --server-url "https://localhost:$device")
	if [ "$backend" = boot ]; then
		start_tpm tpm
		tcti=$tpm_at
		must rota image sign --version 1.0.0 --hardware board-a --out payload-1.0.0.img "$examples/sensor-1"
		arguments+=(--image payload-1.0.0.img --slot-size "$slot_mib"
			--reboot "$prefix/sbin/rota-boot --device $work/device --reset" --tpm "$tcti")
		[ -n "$payload" ] || arguments+=(--health "$examples/heartbeat.sh $work/device")
	else
		printf '  (%s is no static program for this machine: a script keeps it, see docs/exec-slots.md)\n' \
			"${payload##*/}"
		arguments+=(--script "$examples/files.sh" --reboot "$examples/files.sh reset $work/device/files")
	fi
	must rota factory enrol "${arguments[@]}"
	if [ "$backend" = exec ]; then
		first_file
		give_to rota-agent device
	else
		give_to rota-agent device
		boot_device
	fi
}

# What the factory puts there, and the first reset.
first_file() {
	mkdir -p device/files/slot0
	echo "as it left the factory" >device/files/slot0/image
	must "$examples/files.sh" reset "$work/device/files"
}

booted_as() {
	if [ "$backend" = exec ]; then
		ROTA_SLOT_DIR=$work/device/files "$examples/files.sh" booted | grep -q "kind=$1"
	else
		grep -q "kind=$1" device/run/booted
	fi
}

# Fetch, verify, write, boot on trial; then confirm.
update() { # VERSION [WHAT ELSE IS SAID]
	run rota-agent --config device/agent.ini --once
	[ "$status" -eq 0 ] || fail "the agent's status is $status, not 0"
	[ -z "${2:-}" ] || expect "$2" "version $1 was fetched otherwise than expected"
	expect "^installed version=$1" "version $1 was not installed"
	if [ "$backend" = boot ] && [ -n "$payload" ]; then sleep 1; fi
	if booted_as reverted; then return 0; fi
	run rota-agent --config device/agent.ini --once
	[ "$status" -eq 0 ] || fail "the agent's status is $status, not 0"
	if says "^confirmed version=$1"; then return 0; fi
	[ -n "$payload" ] || fail "version $1 was not confirmed"
}

# --- power ---

slot_holds() { # BYTES: of what a slot's file takes on the disk, at least
	local slot
	for slot in device/flash/slot[01].bin; do
		[ "$(($(stat -c '%b * %B' "$slot")))" -lt "$1" ] || return 0
	done
	return 1
}

# Everything that runs on the device ends at once, and what lay in memory is gone.
cut_power() { # PID of rota-boot, PID of the agent
	show kill -9 "$2" "$1"
	kill -9 "$2" "$1"
	wait "$1" "$2" 2>/dev/null || :
	show rm -rf device/run
	rm -rf device/run
}

# A device's TPM, in software: it keeps the counters that only rise, and keys. Leaves in $tpm_at how programs reach it.
start_tpm() { # FOLDER
	mkdir "$1"
	give_to rota-agent "$1"
	tpm_at=swtpm:path=$work/$1/s
	start "$1.log" swtpm socket --tpm2 --tpmstate "dir=$1" --server "type=unixio,path=$1/s" \
		--ctrl "type=unixio,path=$1/s.ctrl" --flags not-need-init,startup-clear
	until_true test -S "$1/s.ctrl" || fail "the TPM does not start"
}

boot_device() {
	start boot.log rota-boot --device "$work/device" --tpm "$tcti" --supervise
	supervisor=$started
	until_true test -s device/run/booted || fail "the device does not boot"
	sed 's/^/    /' boot.log
}

# A release of six megabytes over a line of one megabyte a second, so that there is a middle.
pull_the_plug() {
	local agent
	show printf '[limits]\nrate = 1048576\nresume_every = 524288\n' '>>' device/agent.ini
	printf '[limits]\nrate = 1048576\nresume_every = 524288\n' >>device/agent.ini
	start agent.log rota-agent --config device/agent.ini --once
	agent=$started
	until_true slot_holds 3145728 || fail "the download does not get anywhere"
	cut_power "$supervisor" "$agent"
	boot_device
	grep -q '^version=4.0.0' device/run/booted || fail "the device does not run version 4 after the cut"
	claim "plug pulled mid-update" "the device boots version 4"
	sed -i '/^rate = /d' device/agent.ini
	update 5.0.0 '^resumed from='
	says '^confirmed' || fail "version 5 was not confirmed"
	claim "after the cut" "the download went on where it was; version 5 confirmed"
}

# Version 4 is what the operator signed, whole and genuine; nothing but the counter is against it.
put_old_flash_back() {
	must rota retire --counter board-a=3
	must rota publish
	run rota-agent --config device/agent.ini --once
	[ "$status" -eq 0 ] || fail "the agent's status is $status, not 0"
	must rota-boot --device device --reset
	must rota-boot --device device --tpm "$tcti" --show
	expect '^counter  *3$' "counter 3 was not burnt"
	claim "counter floor 3" "signed by the people of retirements, burnt into the TPM"
	stop "$supervisor"
	show mv device/flash flash-of-5 ';' cp -a flash-of-4 device/flash
	mv device/flash flash-of-5
	cp -a flash-of-4 device/flash
	run rota-boot --device device --tpm "$tcti"
	[ "$status" -ne 0 ] || fail "an image below the counter was booted"
	expect "slot 0 refused: security counter below the device's floor" "not refused by the counter"
	claim "old flash put back" "version 4, genuine, is refused by the counter: SPEC 6.5"
	rm -rf device/flash
	mv flash-of-5 device/flash
	boot_device
}

version_3_crashes() {
	release 3.0.0 "$examples/sensor-3"
	run rota-agent --config device/agent.ini --once
	expect "^installed version=3.0.0" "version 3 was not installed"
	until_true booted_as reverted || fail "the device is not back on version 2"
	run rota-agent --config device/agent.ini --once
	expect "^reverted version=3.0.0" "the agent did not see the revert"
	grep -q '^version=2.0.0' device/run/booted || fail "the device does not run version 2"
	claim "version 3 crashes at start" "the device is back on 2 by itself"
	until_true server_knows reverted 3.0.0 || fail "the server does not know of the revert"
	printf '  $ sqlite3 serve/rotad/fleet.sqlite "select seq, event, version, step from events"\n'
	database "select seq, event, version, step from events order by seq" | tail -n 6 | sed 's/^/    /'
	claim "the server" "knows it: reverted 3.0.0 stands in its database"
}
