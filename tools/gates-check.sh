# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh disable=SC2154 # gate_note, gate_status: tools/gates.sh
# tools/gates-check.sh -- the gates of `./do check`; sourced after tools/gates.sh.

# sources PATTERN...: files of the tree whose names match.
sources() {
	for pattern in "$@"; do
		find . \( -path ./build -o -path ./.git \) -prune -o -type f -name "$pattern" -print
	done | sort
}

check_format() {
	sources '*.c' '*.h' | xargs clang-format --dry-run -Werror
}

# Each file of ours names its licence in the first two lines, and promises nothing for later.
check_text() {
	# shellcheck disable=SC2016 # awk's own $
	sources '*.[ch]' '*.py' '*.sh' '*.ld' '*.ini' meson.build | xargs awk '
		FNR <= 2 && /SPDX-License-Identifier: Apache-2\.0/ { licensed[FILENAME] = 1 }
		/(TO[D]O|FIX[M]E)/ { print FILENAME ":" FNR ": " $0; bad = 1 }
		END {
			for (i = 1; i < ARGC; i++)
				if (!(ARGV[i] in licensed)) {
					print ARGV[i] ":1: no SPDX line"
					bad = 1
				}
			exit bad
		}'
}

check_layers() {
	tools/check-layers --self-test
	tools/check-layers .
}

check_shell() {
	# Scripts are known by their first line, or by their name.
	{
		sources '*.sh'
		sources '*' | xargs awk 'FNR == 1 { if (/^#!\/bin\/(ba|da)?sh/) print FILENAME; nextfile }'
	} | sort -u | xargs shellcheck --severity=style
}

# Each manual page is sound, and installed.
check_manuals() {
	for page in docs/man/*; do
		grep -qF "'man/${page##*/}'" docs/meson.build || {
			echo "$page:1: is not listed in docs/meson.build"
			return 1
		}
	done
	sources '*.[1-8]' | xargs mandoc -T lint -W warning
}

check_symbols() {
	tools/check-symbols --self-test
	tools/check-symbols build/gcc/rota/librota.a build/gcc/boot/librota_boot.a
	for core in m3 m0; do
		NM=arm-none-eabi-nm SIZE=arm-none-eabi-size tools/check-symbols \
			build/$core/rota/librota.a build/$core/boot/librota_boot.a
	done
}

build_core() {
	build "build/$1" --cross-file "toolchains/cortex-$1.ini" -Dhost=false -Dwerror=true
}

# Bytes of code and constants by folder, from the object names in a static library (folder_file.c.o).
folder_sizes() {
	arm-none-eabi-size "$1" | awk -v name="$2" '
		NR > 1 {
			split($6, part, "_")
			folder = name == "boot" ? "boot" : name "/" part[1]
			bytes[folder] += $1 + $2
		}
		END { for (folder in bytes) print folder, bytes[folder] }' | sort
}

# The largest and the smallest core that the library is made for, at -Os.
check_sizes() {
	for core in m3 m0; do
		build_core $core
		{
			folder_sizes build/$core/rota/librota.a rota
			folder_sizes build/$core/boot/librota_boot.a boot
		} >build/$core/sizes
		tools/figure "rota_text_bytes_$core" \
			"$(awk '/^rota/ { sum += $2 } END { print sum + 0 }' build/$core/sizes)" bytes
	done
	join build/m3/sizes build/m0/sizes | awk '
		BEGIN { printf "%-14s %8s %8s\n", "bytes at -Os", "M3", "M0" }
		{ printf "%-14s %8d %8d\n", $1, $2, $3; if (/^rota/) { m3 += $2; m0 += $3 } }
		END { printf "%-14s %8d %8d\n", "rota, all", m3, m0 }' >"$gate_note"
}

# A build and its unit tests; $builds gathers the compilers that built all.
check_compiler() {
	gate "build, $1" build "build/$1" "CC=$1" -Dwerror=true
	[ "$gate_status" -ne 0 ] || builds="$builds $1"
	if [ "$gate_status" -eq 0 ]; then
		gate "unit tests, $1" unit_tests "build/$1"
	else
		gate_skip "unit tests, $1" "the build failed"
	fi
}

# power_cuts check|test|soak: the counts by scenario and board are the note.
power_cuts() {
	tools/powercut "$1" build/gcc >"$gate_note" || {
		cat "$gate_note"
		return 1
	}
}

# On a disk, as a user has it; the others write into memory (tests/system/inmemory.py).
smoke_tests() {
	export TMPDIR="${TMPDIR:-/tmp}" # in the subshell of this gate
	system_tests build/gcc -m smoke
}

check_gates() {
	gate 'format' check_format
	gate 'text' check_text
	gate 'layers' check_layers
	gate 'threats' tools/check-threats
	gate 'clauses' tools/check-clauses
	gate 'shell scripts' check_shell
	if [ -n "$(sources '*.[1-8]')" ]; then
		gate 'manual pages' check_manuals
	fi
	builds=
	check_compiler gcc
	check_compiler clang
	gate 'Cortex-M3 and M0' check_sizes
	case "$builds" in
	*gcc*)
		gate 'symbols' check_symbols
		gate 'power cuts, a few' power_cuts check
		gate 'smoke' smoke_tests
		gate 'attacks, a few' attacks build/gcc -m smoke
		;;
	*)
		gate_skip 'symbols' 'the build failed'
		gate_skip 'power cuts, a few' 'the build failed'
		gate_skip 'smoke' 'the build failed'
		gate_skip 'attacks, a few' 'the build failed'
		;;
	esac
}
