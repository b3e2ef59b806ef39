# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh disable=SC2154 # gate_status: tools/gates.sh
# tools/gates-test.sh -- what `./do test` adds to check, and `./do arm`; sourced after tools/gates.sh.

# arm_tests CORE BOARD: the portable unit tests, run on that board in QEMU.
arm_tests() {
	build "build/arm-$1" --cross-file "toolchains/cortex-$1.ini" --cross-file "boards/$2/qemu.ini" \
		-Dhost=false -Dboard="$2" -Dbearssl="$PWD/build/bearssl"
	unit_tests "build/arm-$1" --timeout-multiplier=10
}

# What the TUF client costs on a Cortex-M3; the figures are the note.
footprint() {
	tools/footprint --check >"$gate_note" || {
		cat "$gate_note"
		return 1
	}
}

# BearSSL is the first gate of who calls this.
arm_gates() {
	if [ "$gate_status" -ne 0 ]; then
		gate_skip 'unit tests in QEMU' 'BearSSL is missing'
		return
	fi
	gate 'footprint' footprint
	gate 'Cortex-M3 in QEMU' arm_tests m3 mps2-an385
	gate 'Cortex-M0 in QEMU' arm_tests m0 microbit
}

# Memory errors and undefined behaviour end the program, so that its test fails. -O1 halves what the tests take.
build_sanitized() {
	build build/asan CC=gcc -Db_sanitize=address,undefined -Dbuildtype=debug -Doptimization=1 \
		-Dc_args=-fno-sanitize-recover=all -Dbearssl="$PWD/build/bearssl"
}

# A finding ends the program by a signal, which no test takes for a refusal, as it might exit status 1.
sanitized() {
	ASAN_OPTIONS=abort_on_error=1:detect_stack_use_after_return=1:print_legend=0
	UBSAN_OPTIONS=abort_on_error=1:print_stacktrace=1
	export ASAN_OPTIONS UBSAN_OPTIONS
	"$@"
}

# As a microcontroller counts (rota/base/num.h), but with the sessions, which no board has the room to test. Linux
# programs never count so.
unit_tests_num32() {
	setup build/num32 -Dc_args=-DROTA_NUM_BITS=32 && unit_tests build/num32 --no-suite linux --timeout-multiplier=2
}

# What is read before it was written, in all that is built from source here: rota/, boot/, BearSSL and simulated flash.
unit_tests_msan() {
	setup build/msan CC=clang -Db_sanitize=memory -Doptimization=1 -Db_lundef=false \
		-Dbearssl="$PWD/build/bearssl" && unit_tests build/msan --suite core --timeout-multiplier=4
}

# Any error of memcheck ends a program with a status that no test expects.
memcheck='valgrind --quiet --error-exitcode=99 --leak-check=full --errors-for-leak-kinds=definite'

# The same of what calls libraries that clang did not build. Left out: `core`, which clang's MemorySanitizer looks at;
# `corpus` and `long`, which take minutes here and run under the sanitizers; and `children`, which are waited for by
# pidfd_open(2), which valgrind 3.19 lacks.
unit_tests_memcheck() {
	unit_tests build/gcc --timeout-multiplier=30 --wrap="$memcheck" --no-suite core --no-suite corpus \
		--no-suite long --no-suite children
}

# In the place of each program a script that runs it under valgrind.
wrap_programs() {
	for program in build/gcc/apps/*/*; do
		if ! [ -f "$program" ] || ! [ -x "$program" ]; then
			continue
		fi
		wrapped=build/valgrind/${program#build/gcc/}
		mkdir -p "${wrapped%/*}"
		printf '#!/bin/sh\nexec %s "%s" "$@"\n' "$memcheck" "$PWD/$program" >"$wrapped"
		chmod +x "$wrapped"
	done
}

# A sample: the plain client with every kind of key, and the operator's way from a payload to a client.
system_tests_memcheck() {
	rm -rf build/valgrind
	wrap_programs
	export ROTA_PATIENCE=8 # in the subshell of this gate
	system_tests build/valgrind -k \
		'kind_is_read or succinct_bins or walked_and_kept or programs or release_reaches'
}

# Counts by what was put back are the note.
stolen_flash() {
	build/gcc/tests/powercut/restores >"$gate_note" || {
		cat "$gate_note"
		return 1
	}
	tools/figure restores_accepted "$(sed -n 's/^restores_accepted //p' "$gate_note")" images
}

# Ten years of commits and erases by board are the note.
flash_wear() {
	build/gcc/tests/powercut/wear >"$gate_note" || {
		cat "$gate_note"
		return 1
	}
	tools/figure wear_share "$(sed -n 's/^wear_share //p' "$gate_note")" ratio
}

# What 24 devices polled and a thief showed them is the note.
key_rotation() {
	nice build/gcc/tests/rotation/rotation-year >"$gate_note" || {
		cat "$gate_note"
		return 1
	}
	tools/figure rotation_year_errors "$(sed -n 's/^rotation_year_errors //p' "$gate_note")" errors
}

# U-Boot, GRUB and systemd-boot choose what they start; each test is a device of its own.
boot_loaders() {
	python_tests tests/qemu build/gcc --dist load
}

# What computes and waits for nobody: it takes the time that the tests of servers leave.
computing_gates() {
	arm_gates
	gate 'unit tests, numbers of 32 bits' unit_tests_num32
	gate 'unit tests, MSan' unit_tests_msan
	gate 'unit tests, valgrind' unit_tests_memcheck
	gate 'power cuts' power_cuts test
	gate 'stolen flash' stolen_flash
	gate 'ten years of wear' flash_wear
	gate 'a year of online keys' key_rotation
	gate 'fuzzers, a moment each' counted tools/fuzz short
	gate 'lines that the corpus reaches' counted tools/fuzz coverage
	tools/fuzz figures
}

test_gates() {
	gate 'BearSSL source' tools/fetch-bearssl build/bearssl
	beside computing_gates
	gate 'build, ASan and UBSan' build_sanitized
	if [ "$gate_status" -eq 0 ]; then
		gate 'unit tests, sanitized' sanitized unit_tests build/asan --timeout-multiplier=4
		gate 'system tests, sanitized' sanitized system_tests build/asan -m 'not plain'
		gate 'attacks, sanitized' sanitized attacks build/asan
	else
		gate_skip 'unit tests, sanitized' 'the build failed'
		gate_skip 'system tests, sanitized' 'the build failed'
		gate_skip 'attacks, sanitized' 'the build failed'
	fi
	gate 'system tests' system_tests build/gcc
	gate 'system tests, valgrind' system_tests_memcheck
	gate 'boot loaders in QEMU' boot_loaders
	# A row of the table that no longer finds its code fails here too.
	gate 'mutants, a sample' counted tools/mutate-checks --sample 10
	beside_end
}
