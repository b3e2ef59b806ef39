# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh
# tools/gates.sh -- how `./do` runs gates and counts; sourced, from the top of the tree.
#
# A gate is a function. Its output is kept in build/log and shown when it fails. It may write a note to
# $gate_note, shown when it passes, and counts ("passed failed skipped") to $gate_counts; without counts
# it counts as one.

gates_passed=0
gates_failed=0
gates_skipped=0
gate_note=build/log/.note
gate_counts=build/log/.counts
gate_times=build/log/.times

if ! mkdir -p build/log 2>/dev/null || ! [ -w build ] || ! [ -w build/log ]; then
	echo "do: cannot write to build/, which $(stat -c %U build) owns; remove it: sudo ./do clean" >&2
	exit 1
fi
# Two at a time would spoil each other's results.
exec 8>build/.lock
flock -n 8 || {
	echo "      (waiting for another ./do in this tree)"
	flock 8
}

now_ms() {
	date +%s%3N
}

# Leaves $cpu_ms, the CPU time of all that ended so far: what a gate takes whether or not the machine is busy. Not in a
# subshell, which would have its own.
cpu_time() {
	times >"$gate_times"
	cpu_ms=$(tr ms '  ' <"$gate_times" | awk 'NR == 2 { printf "%d", 60000 * ($1 + $3) + 1000 * ($2 + $4) }')
}

# gate TITLE COMMAND...: run it and print one line; leaves $gate_status. Itself it always succeeds, so that
# nobody puts it into a condition: that would switch off -e inside the command.
gate() {
	gate_title=$1
	shift
	gate_log=build/log/$(echo "$gate_title" | tr -cs '[:alnum:]\n' '-').log
	rm -f "$gate_note" "$gate_counts"
	gate_start=$(now_ms)
	cpu_time
	gate_cpu=$cpu_ms
	gate_status=0
	set +e
	(
		set -e
		"$@"
	) >"$gate_log" 2>&1 </dev/null 8>&-
	gate_status=$?
	set -e
	gate_ms=$(($(now_ms) - gate_start))
	cpu_time
	gate_cpu=$((cpu_ms - gate_cpu))
	gate_count
	{
		flock 7
		gate_print
	} 7>build/log/.print
}

gate_count() {
	if [ -s "$gate_counts" ]; then
		read -r p f s <"$gate_counts"
	else
		p=1 f=0 s=0
		[ "$gate_status" -eq 0 ] || p=0 f=1
	fi
	if [ "$gate_status" -eq 0 ] && [ "$f" -gt 0 ]; then
		gate_status=1
	elif [ "$gate_status" -ne 0 ] && [ "$f" -eq 0 ]; then
		f=1
	fi
	gates_passed=$((gates_passed + p))
	gates_failed=$((gates_failed + f))
	gates_skipped=$((gates_skipped + s))
	gate_tally=
	[ ! -s "$gate_counts" ] || gate_tally="   $p passed, $f failed, $s skipped"
}

gate_print() {
	word='ok  '
	[ "$gate_status" -eq 0 ] || word=FAIL
	printf '%s  %-32s %4d.%d s %4d.%d s CPU%s\n' "$word" "$gate_title" $((gate_ms / 1000)) \
		$((gate_ms % 1000 / 100)) $((gate_cpu / 1000)) $((gate_cpu % 1000 / 100)) "$gate_tally"
	if [ "$gate_status" -ne 0 ]; then
		grep -v '^Compiler for C supports' "$gate_log" | tail -n 60 | cut -c 1-240 | sed 's/^/      | /'
		echo "      (all of it: $gate_log)"
	elif [ -s "$gate_note" ]; then
		sed 's/^/      /' "$gate_note"
	fi
}

# gate_skip TITLE WHY: what could not run counts as skipped, with its reason.
gate_skip() {
	gates_skipped=$((gates_skipped + 1))
	printf 'skip  %-28s %s\n' "$1" "$2"
}

# The gates of FUNCTION, with counts and notes of their own.
gates_apart() {
	gates_passed=0 gates_failed=0 gates_skipped=0
	gate_note=build/log/.note-beside
	gate_counts=build/log/.counts-beside
	gate_times=build/log/.times-beside
	"$1"
	echo "$gates_passed $gates_failed $gates_skipped" >build/log/.beside
}

# beside FUNCTION: run its gates, one after the other, beside those that follow here until beside_end.
beside() {
	rm -f build/log/.beside
	gates_apart "$1" &
	beside_pid=$!
	trap 'trap - INT; kill -TERM 0' INT # what runs in the background hears no ^C
}

beside_end() {
	wait "$beside_pid" || :
	p=0 f=1 s=0
	if [ -s build/log/.beside ]; then
		read -r p f s <build/log/.beside
	else
		echo "FAIL  the gates beside these ended early"
	fi
	gates_passed=$((gates_passed + p))
	gates_failed=$((gates_failed + f))
	gates_skipped=$((gates_skipped + s))
}

# counted COMMAND...: run it; its closing line of counts is the gate's.
counted() {
	counted_status=0
	"$@" || counted_status=$?
	sed -n 's/^\([0-9]*\) passed, \([0-9]*\) failed, \([0-9]*\) skipped$/\1 \2 \3/p' "$gate_log" |
		tail -n 1 >"$gate_counts"
	return "$counted_status"
}

# The closing line; status 1 when something failed.
gates_end() {
	echo "$gates_passed passed, $gates_failed failed, $gates_skipped skipped"
	[ "$gates_failed" -eq 0 ]
}

# setup DIR [VARIABLE=value...] [meson option...]: set DIR up, anew when the options or the place of the tree differ from
# last time.
setup() {
	build_dir=$1
	shift
	build_options="$PWD: $*"
	build_log=build/log/setup-$(basename "$build_dir").log
	if [ -e "$build_dir" ] && ! [ -w "$build_dir" ]; then
		echo "cannot write to $build_dir, which $(stat -c %U "$build_dir") owns; remove it: sudo ./do clean"
		return 1
	fi
	if [ -f "$build_dir/build.ninja" ] && [ "$(cat "$build_dir/options")" = "$build_options" ]; then
		return 0
	fi
	rm -rf "$build_dir"
	build_env=
	while [ $# -gt 0 ]; do
		case $1 in
		-*) break ;;
		*) build_env="$build_env $1" ;;
		esac
		shift
	done
	# shellcheck disable=SC2086 # a list of assignments
	env $build_env meson setup "$build_dir" -Db_colorout=never "$@" >"$build_log" || {
		grep -v 'supports arguments' "$build_log"
		return 1
	}
	echo "$build_options" >"$build_dir/options"
}

# build DIR ...: setup, and build all of it.
build() {
	setup "$@" && ninja --quiet -C "$1"
}

# unit_tests DIR [meson test option...]: the unit tests of a build, with counts; what they need is built.
unit_tests() {
	unit_dir=$1
	shift
	unit_status=0
	rm -f "$unit_dir"/meson-logs/testlog*.json
	meson test -C "$unit_dir" --print-errorlogs "$@" || unit_status=$?
	for unit_log in "$unit_dir"/meson-logs/testlog*.json; do
		[ ! -f "$unit_log" ] || tools/count-tests "$unit_log" >"$gate_counts"
	done
	return "$unit_status"
}

# Side by side, twice as many as there are cores: half the time a test waits, for a deadline, a server or the disk.
python_workers() {
	cores=$(nproc)
	[ "$cores" -le 4 ] || cores=4
	echo $((2 * cores))
}

# python_tests FOLDER DIR [pytest option...]: the tests of a folder over the programs of a build, with counts. A
# hung test ends with the whole, far beyond what they take.
python_tests() {
	python_folder=$1
	python_dir=$2
	python_counts=$2/$(basename "$1").xml
	shift 2
	python_status=0
	rm -f "$python_counts"
	ROTA_BUILD="$PWD/$python_dir" PYTHONDONTWRITEBYTECODE=1 timeout --kill-after=10 1800 \
		/usr/bin/python3 -m pytest -q -n "$(python_workers)" --junitxml="$python_counts" "$@" "$python_folder" ||
		python_status=$?
	[ ! -f "$python_counts" ] || tools/count-tests "$python_counts" >"$gate_counts"
	return "$python_status"
}

# The tests of a file share an authority, which takes seconds to make: they stay together.
system_tests() {
	python_tests tests/system "$@" --dist loadfile
}

attacks() {
	python_tests tests/adversarial "$@" --dist load
}

# A name for the tree as it is: what every file but the build's holds.
tree_id() {
	find . \( -path ./build -o -path ./.git -o -name __pycache__ -o -name node_modules \) -prune -o -type f -print0 |
		LC_ALL=C sort -z | xargs -0 sha256sum | sha256sum | cut -d ' ' -f 1
}
