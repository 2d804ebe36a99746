# Sourced by tools/check and tools/drivers, after common.sh: what compilers and
# checkers say about a commit, and which of it is new.
#
# shellcheck shell=bash disable=SC2154 # the variables of common.sh

shopt -s inherit_errexit	# what fails in $(...) fails

checked=$build/check	# what was measured, by tree: nothing is measured twice

# new_lines BEFORE AFTER: the lines of AFTER that BEFORE does not have.  Numbers
# of lines do not count, so that an old warning may move; how often a warning
# occurs does, so that a new one does not hide behind an old one.  The very same
# line twice is a header that two files include.
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
# functions of that name for something else.
users()
{
	git -C "$linux" grep -lE '^#include.*net/devlink\.h|\bdevl_[a-z_]+\(|\bdevlink_[a-z_]+\(|\bstruct devlink(_[a-z_]+)?\b' \
		"$1" -- 'net/*.c' 'drivers/*.c' ':!drivers/base' | sed 's/^[^:]*://'
}

# configure OBJ: a build folder with the configuration of kernel/drivers.config.
configure()
{
	local obj=$src/$1 wanted line

	wanted=$(cat "$top/kernel/drivers.config"; git -C "$src" ls-files -s '*Kconfig*' | sha256sum)
	[ "$(cat "$obj/made-from" 2>/dev/null)" != "$wanted" ] || return 0
	mkdir -p "$obj"
	kmake "${1#obj-}" x86_64 KCONFIG_ALLCONFIG="$top/kernel/drivers.config" allnoconfig \
		>"$obj/config.log" 2>&1 || die "cannot configure: see ${obj#"$top"/}/config.log"
	# Not a reason to stop: another kernel has other symbols, and a file
	# that is off is compiled anyway, by name.
	while read -r line; do
		grep -qxF "$line" "$obj/.config" ||
			say "kernel/drivers.config asks for ${line%=*}, which this kernel does not have like that"
	done < <(grep '^CONFIG_.*=[my]' "$top/kernel/drivers.config")
	printf '%s' "$wanted" >"$obj/made-from"
}

# measured WHAT COMMIT LIST: prints the name under which WHAT (a word for the
# tool and all that its answer hangs on) about the files in LIST is kept.
measured()
{
	mkdir -p "$checked"
	echo "$checked/$({ echo "$1"; git -C "$linux" rev-parse "$2^{tree}"; cat "$3"; } |
		sha256sum | cut -c1-24)"
}

# wrappers: a compiler and a checker that leave what they say beside the object,
# as OBJECT.gcc and SOURCE.sparse.  So make may skip what is up to date, and what
# was said about it is still known.  What sparse does not understand does not end
# the build.
wrappers()
{
	mkdir -p "$checked"
	cat >"$checked/cc.new" <<-'EOF'
		#!/bin/bash
		for ((i = 1; i < $#; i++)); do
			[ "${!i}" != -o ] || { i=$((i + 1)); object=${!i}; }
		done
		case ${object:-} in
		*.o)	ccache gcc "$@" 2>"$object.gcc"
			status=$?
			cat "$object.gcc" >&2
			exit $status ;;
		*)	exec ccache gcc "$@" ;;
		esac
	EOF
	cat >"$checked/sparse.new" <<-EOF
		#!/bin/bash
		file=\${!#}
		"$sparse" "\$@" >"./\${file#../}.sparse" 2>&1
		exit 0
	EOF
	for file in cc sparse; do
		chmod +x "$checked/$file.new"
		# The same file stays the same: make compares no times, but
		# nor does anybody have to.
		if cmp -s "$checked/$file.new" "$checked/$file"; then
			rm "$checked/$file.new"
		else
			mv "$checked/$file.new" "$checked/$file"
		fi
	done
}

# compile COMMIT LIST [SPARSE]: compiles the .c files in LIST as of COMMIT, W=1,
# and prints a name: NAME.gcc are the warnings and errors, NAME.sparse those of
# sparse, NAME.not the files that did not compile, NAME.log all of it.
compile()
{
	local commit=$1 list=$2 sparse=${3:-} name file obj args=()

	name=$(measured "compile $sparse $(cat "$top/kernel/drivers.config" "$top/tools/warnings.sh")
		$(gcc --version | head -n 1) ${sparse:+$(cksum <"$sparse")}" "$commit" "$list")
	[ ! -e "$name.log" ] || { echo "$name"; return; }

	# Sparse says nothing about an object that is up to date, so what is
	# checked by it has a folder of its own.
	obj=obj-drivers${sparse:+-sparse}
	source_at "$commit"
	configure "$obj"
	wrappers
	[ -z "$sparse" ] || args=(C=1 CHECK="$checked/sparse")
	# Whether it worked, the objects say: with -k one failure is not the end.
	# shellcheck disable=SC2046 # a list
	kmake "${obj#obj-}" x86_64 -k W=1 CC="$checked/cc" "${args[@]}" \
		$(sed 's/c$/o/' "$list") >"$name.partial" 2>&1 || true
	rm -f "$name".{gcc,sparse,not}
	touch "$name".{gcc,sparse,not}
	while read -r file; do
		[ -e "$src/$obj/${file%c}o" ] || echo "$file" >>"$name.not"
		cat "$src/$obj/${file%c}o.gcc" >>"$name.gcc" 2>/dev/null || true
		cat "$src/$obj/$file.sparse" >>"$name.sparse" 2>/dev/null || true
	done <"$list"
	sed -i -nE 's!^(\.\./)?([^ ]+:[0-9]+(:[0-9]+)?: (warning|error|fatal error): )!\2!p' "$name.gcc"
	sed -i -nE 's!^(\.\./)?([^ ]+:[0-9]+:[0-9]+: )!\2!p' "$name.sparse"
	mv "$name.partial" "$name.log"
	cmp -s "$list" "$name.not" &&
		die "nothing compiles at $(git -C "$linux" log -1 --format='%h ("%s")' "$commit"): see ${name#"$top"/}.log"
	echo "$name"
}
