#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The front door. `./do help` says what there is; meson and tools/ do the work.
set -eu
here=$PWD
cd "$(dirname "$0")"

usage() {
	cat <<'END'
usage: ./do VERB [ARGUMENT...]

    demo      from a source to devices on this machine, new data keys, thieves on the way; --image FILE: your own payload
    check     the gates of every commit: format, layers, two compilers, unit tests, sizes, smoke
    test      check, then sanitizers, all system tests, and the unit tests on a board in QEMU
    arm       cross-build for Cortex-M3 and M0 and run the unit tests in QEMU
    soak      what takes hours: every security check taken out in turn, proofs, fuzzers until their goals are met
    prove     memory safety of rota/base and the JSON scanner, with Frama-C: docs/prove.md
    bench     measure; figures go to build/figures.tsv
    install   build and install: PREFIX (default /usr/local), DESTDIR
    clean     remove build/
    help      this text

Each verb first installs the Debian packages that it needs, as root or through sudo; without either it
lists them and stops.

    ./do demo                             see the whole pipeline in a minute or two
    ./do demo --image ./firmware.bin      the same with your own file
    ./do check && git commit              before each commit
    PREFIX=/usr DESTDIR=/tmp/root ./do install
END
}

refuse() {
	echo "do: $1" >&2
	echo "try: ./do help" >&2
	exit 2
}

no_arguments() {
	[ $# -eq 1 ] || refuse "'$1' takes no argument, got '$2'"
}

# Leaves $payload, of a path as the caller wrote it; looked at before anything is installed or built.
demo_arguments() {
	payload=
	[ $# -gt 0 ] || return 0
	[ "$1" = --image ] || refuse "'demo' takes --image FILE, got '$1'"
	[ $# -eq 2 ] || refuse "--image takes one FILE"
	case $2 in
	/*) payload=$2 ;;
	*) payload=$here/$2 ;;
	esac
	if ! [ -f "$payload" ] || ! [ -r "$payload" ]; then
		echo "do: --image $2 is no file that can be read" >&2
		exit 1
	elif ! [ -s "$payload" ]; then
		echo "do: --image $2 is empty; a payload has at least one byte" >&2
		exit 1
	fi
}

# Trees that root demonstrates share a folder: one at a time.
demo_turn() {
	mkdir -p /var/lib/rota-demo
	exec 9>/var/lib/rota-demo/.lock
	flock -n 9 || {
		echo "      (waiting for the demo of another tree)"
		flock 9
	}
}

# The demo uses installed programs only. As root its services run as users of their own, who may not
# enter the folder that this tree lies in.
verb_demo() {
	demo_arguments "$@"
	tools/deps demo
	# shellcheck source=tools/gates.sh
	. tools/gates.sh
	prefix=$PWD/build/demo-root
	if [ "$(id -u)" -eq 0 ]; then
		prefix=/var/lib/rota-demo/programs
		demo_turn
	fi
	gate 'build' build build/demo "-Dprefix=$prefix" -Dtests=false
	[ "$gate_status" -eq 0 ] || exit 1
	DESTDIR='' meson install --quiet --no-rebuild -C build/demo
	exec examples/demo/run "$prefix" ${payload:+--image "$payload"}
}

verb_check() {
	no_arguments check "$@"
	tools/deps check
	# shellcheck source=tools/gates.sh
	. tools/gates.sh
	# shellcheck source=tools/gates-check.sh
	. tools/gates-check.sh
	rm -f build/checked
	id=$(tree_id)
	check_gates
	[ "$gates_failed" -ne 0 ] || echo "$id" >build/checked
	gates_end
}

verb_test() {
	no_arguments test "$@"
	tools/deps test
	# shellcheck source=tools/gates.sh
	. tools/gates.sh
	# shellcheck source=tools/gates-check.sh
	. tools/gates-check.sh
	# shellcheck source=tools/gates-test.sh
	. tools/gates-test.sh
	if [ "$(cat build/checked 2>/dev/null)" = "$(tree_id)" ]; then
		echo "      (the gates of check passed on this very tree)"
	else
		check_gates
	fi
	test_gates
	gates_end
}

verb_arm() {
	no_arguments arm "$@"
	tools/deps arm
	# shellcheck source=tools/gates.sh
	. tools/gates.sh
	# shellcheck source=tools/gates-test.sh
	. tools/gates-test.sh
	gate 'BearSSL source' tools/fetch-bearssl build/bearssl
	arm_gates
	gates_end
}

verb_soak() {
	no_arguments soak "$@"
	tools/deps soak
	# shellcheck source=tools/gates.sh
	. tools/gates.sh
	# shellcheck source=tools/gates-soak.sh
	. tools/gates-soak.sh
	soak_gates
	gates_end
}

verb_prove() {
	no_arguments prove "$@"
	tools/deps prove
	exec tools/prove
}

verb_bench() {
	no_arguments bench "$@"
	tools/deps bench
	# shellcheck source=tools/gates.sh
	. tools/gates.sh
	gate 'build, optimised' build build/bench -Dbuildtype=release -Dtests=false
	[ "$gate_status" -eq 0 ] || exit 1
	for script in tests/bench/*; do
		[ -x "$script" ] || continue
		gate "bench, $(basename "$script")" env ROTA_BUILD="$PWD/build/bench" "$script"
	done
	[ ! -f build/figures.tsv ] || cat build/figures.tsv
	gates_end
}

verb_install() {
	no_arguments install "$@"
	tools/deps build
	# shellcheck source=tools/gates.sh
	. tools/gates.sh
	gate 'build' build build/install "-Dprefix=${PREFIX:-/usr/local}" -Dstrip=true -Dtests=false
	[ "$gate_status" -eq 0 ] || exit 1
	DESTDIR=${DESTDIR:-} meson install --quiet --no-rebuild -C build/install
	echo "installed below ${DESTDIR:-}${PREFIX:-/usr/local}"
}

verb_clean() {
	no_arguments clean "$@"
	rm -rf build
}

[ $# -gt 0 ] || refuse "which verb?"
verb=$1
shift
case $verb in
demo | check | test | arm | soak | prove | bench | install | clean) "verb_$verb" "$@" ;;
help | -h | --help) usage ;;
*) refuse "there is no verb '$verb'" ;;
esac
