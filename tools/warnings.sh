# SPDX-License-Identifier: GPL-2.0
# Sourced by tools/check and tools/drivers, after common.sh: runs compilers and
# checkers on a commit, and finds the new messages.
#
# shellcheck shell=bash disable=SC2154 # the variables of common.sh

shopt -s inherit_errexit	# an error in $(...) is an error

checked=$build/check	# results, by tree: nothing is compiled twice

# new_lines BEFORE AFTER: prints the lines of AFTER that BEFORE does not have, without regard to
# line numbers, so that an old warning may move.  If a warning occurs more often than before, it is
# new.  Identical lines count once: they come from a header that several files include.
new_lines()
{
	awk '{
		before = FILENAME == ARGV[1]
		if (seen[before, $0]++)
			next
		line = $0
		gsub(/:[0-9]+/, "", line)
		gsub(/line [0-9]+/, "line", line)
		if (before)
			old[line]++
		else if (old[line]-- <= 0)
			print
	}' "$1" "$2"
}

# users COMMIT: every .c file in the kernel that uses devlink.  drivers/base has
# unrelated functions with such names.
users()
{
	git -C "$linux" grep -lE '^#include.*net/devlink\.h|\bdevl_[a-z_]+\(|\bdevlink_[a-z_]+\(|\bstruct devlink(_[a-z_]+)?\b' \
		"$1" -- 'net/*.c' 'drivers/*.c' ':!drivers/base' | sed 's/^[^:]*://'
}

# with HOW ARGS...: runs the kernel's make with W=1 in the build folder obj-drivers-HOW.  HOW is
# gcc, sparse (gcc and sparse), clang, or i386 (gcc for 32 bits).
with()
{
	local how=$1 arch=x86_64 args=(W=1 CC="$checked/cc")
	local -x REALCC=gcc

	shift
	case $how in
	sparse)	args+=(C=1 CHECK="$checked/sparse") ;;
	clang)	REALCC=$clang ;;
	i386)	arch=i386 ;;
	esac
	wrappers
	kmake "drivers-$how" $arch "${args[@]}" "$@"
}

# configure HOW: configures the build folder of `with` with configs/drivers.config.
configure()
{
	local obj=$src/obj-drivers-$1 wanted line

	wanted=$(cat "$top/configs/drivers.config"; git -C "$src" ls-files -s '*Kconfig*' | sha256sum)
	[ "$(cat "$obj/made-from" 2>/dev/null)" != "$wanted" ] || return 0
	mkdir -p "$obj"
	with "$1" KCONFIG_ALLCONFIG="$top/configs/drivers.config" allnoconfig \
		>"$obj/config.log" 2>&1 || die "cannot configure: see ${obj#"$top"/}/config.log"
	# Not an error: another kernel has other symbols, and make compiles a file that is
	# named, even if its option is off.
	[ "$1" = i386 ] || while read -r line; do
		grep -qxF "$line" "$obj/.config" ||
			say "configs/drivers.config sets ${line%=*}, which this kernel lacks or sets otherwise"
	done < <(grep '^CONFIG_.*=[my]' "$top/configs/drivers.config")
	printf '%s' "$wanted" >"$obj/made-from"
}

# measured WHAT COMMIT LIST: prints the name of the file for the result of a tool on the files
# in LIST.  WHAT is the name of the tool and everything that its result depends on.
measured()
{
	mkdir -p "$checked"
	echo "$checked/$({ echo "$1"; git -C "$linux" rev-parse "$2^{tree}"; cat "$3"; } |
		sha256sum | cut -c1-24)"
}

# wrappers: writes a compiler and a checker that store their messages next to the object, as
# OBJECT.gcc and SOURCE.sparse, so that the messages are known if make skips an object that is up to
# date.  An error of sparse does not end the build.
wrappers()
{
	mkdir -p "$checked"
	cat >"$checked/cc.new" <<-'EOF'
		#!/bin/bash
		for ((i = 1; i < $#; i++)); do
			[ "${!i}" != -o ] || { i=$((i + 1)); object=${!i}; }
		done
		case ${object:-} in
		*.o)	ccache "$REALCC" "$@" 2>"$object.gcc"
			status=$?
			cat "$object.gcc" >&2
			exit $status ;;
		*)	exec ccache "$REALCC" "$@" ;;
		esac
	EOF
	cat >"$checked/sparse.new" <<-EOF
		#!/bin/bash
		file=\${!#}
		"${sparse:-}" "\$@" >"./\${file#../}.sparse" 2>&1
		exit 0
	EOF
	for file in cc sparse; do
		chmod +x "$checked/$file.new"
		# Without a change, the file keeps its time.
		if cmp -s "$checked/$file.new" "$checked/$file"; then
			rm "$checked/$file.new"
		else
			mv "$checked/$file.new" "$checked/$file"
		fi
	done
}

# asked_of HOW: prints everything that the results of `with HOW` depend on.
asked_of()
{
	cat "$top/configs/drivers.config" "$top/tools/warnings.sh"
	case $1 in
	sparse)	cksum <"$sparse" ;;
	clang)	"$clang" --version | head -n 1 ;;
	esac
	gcc --version | head -n 1
}

# compile COMMIT LIST [HOW]: compiles the .c files in LIST as of COMMIT, and prints a name:
# NAME.gcc has the warnings and errors of the compiler, NAME.sparse the messages of sparse, NAME.not
# the files that did not compile, NAME.log the whole output.
compile()
{
	local commit=$1 list=$2 how=${3:-gcc} name file obj

	name=$(measured "compile $how $(asked_of "$how")" "$commit" "$list")
	[ ! -e "$name.log" ] || { echo "$name"; return; }

	# make skips objects that are up to date, so each HOW has a folder of its own.
	obj=$src/obj-drivers-$how
	source_at "$commit"
	configure "$how"
	# With -k, make continues after an error.  Missing objects show the files that failed.
	# shellcheck disable=SC2046 # a list
	with "$how" -k $(sed 's/c$/o/' "$list") >"$name.partial" 2>&1 || true
	rm -f "$name".{gcc,sparse,not}
	touch "$name".{gcc,sparse,not}
	while read -r file; do
		[ -e "$obj/${file%c}o" ] || echo "$file" >>"$name.not"
		cat "$obj/${file%c}o.gcc" >>"$name.gcc" 2>/dev/null || true
		cat "$obj/$file.sparse" >>"$name.sparse" 2>/dev/null || true
		# 64-bit divisions and the like: calls of libgcc, which a kernel does not have.
		[ "$how" != i386 ] || [ ! -e "$obj/${file%c}o" ] || nm -u "$obj/${file%c}o" |
			sed -nE "s!.* (__[a-z]+di[0-9]?)\$!$file:1: error: calls \1, which the kernel lacks!p" >>"$name.gcc"
	done <"$list"
	sed -i -nE 's!^(\.\./)?([^ ]+:[0-9]+(:[0-9]+)?: (warning|error|fatal error): )!\2!p' "$name.gcc"
	sed -i -nE 's!^(\.\./)?([^ ]+:[0-9]+:[0-9]+: )!\2!p' "$name.sparse"
	mv "$name.partial" "$name.log"
	cmp -s "$list" "$name.not" &&
		die "nothing compiles at $(git -C "$linux" log -1 --format='%h ("%s")' "$commit"): see ${name#"$top"/}.log"
	echo "$name"
}

# exported: prints the symbols that the source exports, each with its namespace.
exported()
{
	git -C "$src" grep -hF -e EXPORT_ -e printk_level -- '*.[chS]' | sed -nE '
		s/^define_\w+\((\w+),.*/\1/p
		/^\s*EXPORT_/!d
		s/.*EXPORT_TRACEPOINT_SYMBOL(_GPL)?\((\w+)\).*/__tracepoint_\2\n__traceiter_\2\n__SCK__tp_func_\2\n__SCT__tp_func_\2/p
		s/.*EXPORT_STATIC_CALL\w*\((\w+)\).*/__SCK__\1\n__SCT__\1/p
		s/[^(]*\( *(\w+) *, *"([^"]*)".*/\1 \2/p
		s/[^(]*\( *(\w+) *\).*/\1/p'
}

# modpost COMMIT LIST MODULES: prints the name of a file with the messages of modpost about the
# modules that have a file of MODULES, a part of LIST, and about net/devlink, and with the names
# of devlink that files of LIST use and that are not exported.  The exports of the rest of the
# kernel are read from its source: to compile it takes an hour.
modpost()
{
	local commit=$1 list=$2 obj=$src/obj-drivers-gcc name file module dir users=() modules=() builtin=()

	name=$(measured "modpost $(asked_of gcc; cat "$3")" "$commit" "$list")
	[ ! -e "$name" ] || { echo "$name"; return; }

	source_at "$commit"
	configure gcc
	# shellcheck disable=SC2046 # a list
	with gcc -k $(sed 's/c$/o/' "$list") >"$name.log" 2>&1 || true
	while read -r file; do
		[ -e "$obj/${file%c}o" ] || continue
		module=$(sed -nE '1s/.* -DMODULE .* -D__KBUILD_MODNAME=(\w+).*/\1/p' \
			"$obj/${file%/*}/.$(basename "$file" c)o.cmd")
		[ -z "$module" ] || users+=("${file%c}o")
		if [ -z "$module" ]; then
			builtin+=("${file%c}o")
		elif grep -qxF "$file" "$3"; then
			# The Makefile of the module is in this folder or above.
			dir=${file%/*}
			until file=$(grep -sowE "${module//_/[-_]}\.o" "$src/$dir/Makefile"); do dir=${dir%/*}; done
			modules+=("$dir/${file%%$'\n'*}")
		fi
	done <"$list"
	mapfile -t modules < <(printf '%s\n' "${modules[@]}" | sort -u)
	(cd "$obj" && rm -f "${modules[@]}")
	with gcc -k "${modules[@]}" >>"$name.log" 2>&1 || true
	(
		cd "$obj" || exit
		ls "${modules[@]}" 2>"$name.not" >modules || true
		sed "s/^[^']*/does not compile: /" "$name.not"
		mapfile -t modules <modules
		ld -r -o vmlinux.o "${builtin[@]}"
		nm vmlinux.o "${modules[@]}" | sed -n 's/.* __export_symbol_//p' >ours
		exported | awk 'FILENAME == "ours" { ours[$1]; next } !($1 in ours) && !seen[$1]++ {
			print "0x0\t" $1 "\telsewhere\tEXPORT_SYMBOL_GPL\t" $2 }' ours - >elsewhere.symvers
		# modpost stops at 10 of these.
		cut -f 2 elsewhere.symvers | cat ours - >exported
		{ nm -A -u "${modules[@]}"; nm -A -u "${users[@]}" | grep -E ' devl(ink)?_' || true; } |
			awk 'FILENAME == "exported" { exported[$1]; next }
				$2 == "U" && !($3 in exported) { print $1 " " $3 " is not exported" }' exported - | sort -u
		scripts/mod/modpost -M -W -w -i elsewhere.symvers -o ours.symvers vmlinux.o "${modules[@]}" 2>&1 |
			grep -vE 'undefined!|suppressed' || true
	) | sed -E 's/\+0x[0-9a-f]+//g' >"$name.partial"
	mv "$name.partial" "$name"
	echo "$name"
}

# selftests COMMIT LIST: prints the name of a file with the messages of the compiler about the
# folders in LIST, below tools/testing/selftests.
selftests()
{
	local commit=$1 list=$2 name

	name=$(measured "selftests $(asked_of gcc)" "$commit" "$list")
	[ ! -e "$name" ] || { echo "$name"; return; }

	source_at "$commit"
	configure gcc
	rm -rf "$src/obj-selftests"
	mkdir "$src/obj-selftests"
	# shellcheck disable=SC2046 # a list
	with gcc headers >"$name.log" 2>&1 || die "no headers: see ${name#"$top"/}.log"
	# The commit may not have all folders, which is not an error.
	make -C "$src/tools/testing/selftests" -s -k O="$src/obj-selftests" CC="ccache gcc" USERCFLAGS=-Wall \
		KHDR_INCLUDES="-isystem $src/obj-drivers-gcc/usr/include" TARGETS="$(xargs <"$list")" \
		>>"$name.log" 2>&1 || true
	grep -E ': (warning|(fatal )?error): |undefined reference|No rule to make' "$name.log" >"$name.partial" || true
	mv "$name.partial" "$name"
	echo "$name"
}
