#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# files.sh -- keeps any file in two places and says which one is in use: the smallest backend for Rota's exec
# slots (docs/exec-slots.md), and a start for your own.
#
# Below ROTA_SLOT_DIR:
#   slot0/image, slot1/image   the two files
#   current                    symbolic link to the slot in use
#   state                      five words: confirmed slot, phase (none, asked, started), outcome of the last
#                              trial (none, confirmed, reverted), digest of slot 0, digest of slot 1
#
# There is no machine to reset here, so `files.sh reset DIR` stands for it: it does what a boot loader does,
# which is to start the trial that was asked for, or to end the one that was not confirmed.
set -eu
umask 022

busy=3 full=4 no_trial=5 nothing=6 # exit statuses of the contract

fail() { # STATUS TEXT
	echo "files.sh: $2" >&2
	exit "$1"
}

[ $# -ge 1 ] || fail 2 "usage: files.sh inactive|write|finish|trial|booted|confirm|revert, files.sh reset DIR"
verb=$1
if [ "$verb" = reset ] && [ $# -eq 2 ]; then
	ROTA_SLOT_DIR=$2
fi
cd "${ROTA_SLOT_DIR:?ROTA_SLOT_DIR is not set}" || fail 1 "no directory $ROTA_SLOT_DIR"

unknown=0000000000000000000000000000000000000000000000000000000000000000

load() {
	confirmed=0 phase=none outcome=none digest0=$unknown digest1=$unknown
	[ ! -f state ] || read -r confirmed phase outcome digest0 digest1 <state
	case $confirmed/$phase/$outcome in
	[01]/none/* | [01]/asked/* | [01]/started/*) ;;
	*) fail 1 "$ROTA_SLOT_DIR/state is damaged" ;;
	esac
	other=$((1 - confirmed))
	running=$confirmed
	[ ! -L current ] || running=$(readlink current | tr -d slot)
}

# Under a temporary name, synced, renamed: the state is the old one or the new one.
save() {
	echo "$confirmed $phase $outcome $digest0 $digest1" >state.new
	sync state.new
	mv -f state.new state
	sync .
}

# `current` is made from the state, so a cut between the two is mended by the next reset.
point() { # SLOT
	ln -sfn "slot$1" current.new
	mv -fT current.new current
	sync .
}

digest_of() { # SLOT
	if [ "$1" = 0 ]; then
		echo "$digest0"
	else
		echo "$digest1"
	fi
}

# While an image on trial is in use, given up or not, the other slot is what the next reset needs.
not_needed() {
	[ "$running" = "$confirmed" ] || fail $busy "a trial runs: confirm it, or revert it and reset"
}

# The way is clear for writing to the slot that is not in use.
claim() {
	not_needed
	if [ "$phase" = asked ]; then
		phase=none
		save
	fi
}

load
case $verb in
inactive)
	not_needed
	echo "slot=$other"
	echo "capacity=$(df --output=avail -B1 . | tail -n 1 | tr -d ' ')"
	;;
write)
	claim
	mkdir -p "slot$other"
	rm -f "slot$other/image"
	cat >"slot$other/image" || fail $full "$ROTA_SLOT_DIR/slot$other/image cannot be written"
	;;
finish)
	claim
	length=$(stat -c %s "slot$other/image") || fail $nothing "nothing was written"
	[ "$length" = "${ROTA_LENGTH:?}" ] || fail 1 "$length bytes were written, not $ROTA_LENGTH"
	sync "slot$other/image" "slot$other" .
	;;
trial)
	not_needed
	[ -f "slot$other/image" ] || fail $nothing "nothing was written"
	phase=asked outcome=none
	if [ "$other" = 0 ]; then
		digest0=${ROTA_DIGEST:?}
	else
		digest1=${ROTA_DIGEST:?}
	fi
	save
	;;
booted)
	[ -L current ] || fail $nothing "nothing is in use yet; files.sh reset $ROTA_SLOT_DIR"
	echo "slot=$running"
	if [ "$running" != "$confirmed" ]; then
		echo kind=trial
	elif [ "$outcome" = reverted ]; then
		echo kind=reverted
	else
		echo kind=confirmed
	fi
	echo "digest=$(digest_of "$running")"
	;;
confirm)
	if [ "$phase" = started ]; then
		confirmed=$other phase=none outcome=confirmed
		save
	elif [ "$phase" = asked ] || [ "$running" != "$confirmed" ]; then
		fail $no_trial "no trial runs"
	fi
	;;
revert)
	if [ "$phase" != none ]; then
		phase=none outcome=reverted
		save
	fi
	;;
reset)
	case $phase in
	asked)
		phase=started
		save
		point "$other"
		;;
	started)
		phase=none outcome=reverted
		save
		point "$confirmed"
		;;
	none)
		point "$confirmed"
		;;
	esac
	;;
*)
	fail 2 "unknown verb $verb"
	;;
esac
