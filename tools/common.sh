# SPDX-License-Identifier: GPL-2.0
# Sourced by the shell programs in tools/: paths, errors, patches/series, and the function that
# checks out a commit in the folder where kernels are built.
#
# shellcheck shell=bash
set -euo pipefail

# Debian's own programs, not others that the user has in PATH: the kernel's scripts call
# `python3`, which must be the one with python3-yaml.
export PATH=/usr/sbin:/usr/bin:/sbin:/bin
export LC_ALL=C
# The compiler cache hashes these.
unset LANG LC_CTYPE LC_MESSAGES

top=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cache=${XDG_CACHE_HOME:-$HOME/.cache}/devlink-locks
me=$(basename -- "$0")

# BASE= names the kernel that the patches apply to, a file in bases/.  The patches for a kernel
# other than the default are in patches/stable-BASE/, and everything is built in build/BASE/.
default_base=7.3
base=${BASE:-$default_base}
[ -e "$top/bases/$base.conf" ] || {
	echo "$me: BASE=$base: there are $(cd "$top/bases" && echo *.conf | sed 's/\.conf//g')" >&2
	exit 2
}

# With LINUX=path, everything is built in a folder of its own, next to the Debian source.
if [ -n "${LINUX:-}" ]; then
	[ -d "$LINUX" ] || { echo "$me: LINUX=$LINUX is not a folder" >&2; exit 2; }
	LINUX=$(cd "$LINUX" && pwd)
	build=$top/build/user-$(basename "$LINUX")
elif [ "$base" = $default_base ]; then
	build=$top/build
else
	build=$top/build/$base
fi
linux=$build/linux	# the git tree: the base, then a commit per patch
src=$build/src		# a second work tree, where kernels are built

say()	{ printf '%s: %s\n' "$me" "$*" >&2; }
die()	{ say "$*"; exit 1; }

# Programs create a file under a temporary name and rename it when it is complete: after Ctrl-C,
# no file looks finished that is not.
trap 'say "stopped"; exit 130' INT
trap 'say "stopped"; exit 143' TERM

# The commit that the patches start from.
base_ref()	{ git -C "$linux" rev-parse -q --verify 'refs/worktree/base^{commit}'; }

# The trees of the postings, and netdev's limit of outstanding patches for one tree.  The tree
# stable-BASE is for the kernel BASE, all others are for the default.
trees="net net-next iwl-net driver-core"
for conf in "$top"/bases/*.conf; do
	conf=$(basename "$conf" .conf)
	[ "$conf" = $default_base ] || trees+=" stable-$conf"
done
max=15

# is_ours TREE: the tree is for the kernel that BASE= names.
is_ours()
{
	if [ "$base" = $default_base ]; then [[ $1 != stable-* ]]; else [ "$1" = "stable-$base" ]; fi
}

# load_postings and load_ranges fill these, by TREE/POSTING; `all` is the order.
declare -a all=()
declare -A mark=() revision=() reason=() from=() to=()

# patches_of TREE/POSTING: its patches, without the cover letter.
patches_of()
{
	find "$top/patches/$1" -maxdepth 1 -name '0[0-9]*.patch' ! -name '0000-*' | sort
}

# postings: checks patches/series and prints the postings for BASE= in order, one per line:
# TREE/POSTING, now or later, the version (`-` for the first), the reason.  No
# other code parses the file.  Exits on an error, so call it in $(...).
postings()
{
	local series=$top/patches/series number=0 bad=0 line name state word rest tree folder
	local -A seen=() outstanding=()

	[ -e "$series" ] ||
		die "there is no patches/series: write one line per posting, 'TREE/POSTING now|later [vN] REASON'"
	wrong()	{ say "patches/series${number:+:$number}: $*"; bad=1; }
	while read -r line || [ -n "$line" ]; do
		number=$((number + 1))
		case $line in ""|"#"*) continue ;; esac
		read -r name state rest <<<"$line"
		if [[ ! $name =~ ^[a-z0-9.-]+/[A-Za-z0-9_-]+$ ]] || [[ " $trees " != *" ${name%%/*} "* ]]; then
			wrong "'$name' is not TREE/POSTING: TREE is one of ${trees// /, }; POSTING has letters, digits, - and _"
			continue
		fi
		if [ -n "${seen[$name]:-}" ]; then
			wrong "$name is in line ${seen[$name]} already: remove one of them"
			continue
		fi
		seen[$name]=$number
		case $state in
		now|later) ;;
		*)	wrong "'$state' after $name: write 'now' if it may be sent, 'later' if it waits for something"
			continue ;;
		esac
		word=-
		if [[ $rest =~ ^[vV][0-9] ]]; then
			read -r word rest <<<"$rest"
			[[ $word =~ ^v([2-9]|[1-9][0-9]+)$ ]] ||
				wrong "'$word' is not a version: write v2 or higher; the first version has none"
		fi
		[ -n "$rest" ] || wrong "$name has no reason: say after '$state' why it is at this place"
		if [ ! -d "$top/patches/$name" ]; then
			wrong "there is no folder patches/$name: make it, or remove the line"
			continue
		fi
		tree=${name%%/*}
		[ "$state" = later ] ||
			outstanding[$tree]=$((${outstanding[$tree]:-0} + $(patches_of "$name" | wc -l)))
		! is_ours "$tree" || echo "$name $state $word $rest"
	done <"$series"
	number=
	while read -r folder; do
		[ -n "${seen[$folder]:-}" ] ||
			wrong "patches/$folder is not listed: add a line at the place where it applies, or remove it"
	done < <(cd "$top/patches" && {
		find . -mindepth 2 -maxdepth 2 -type d -printf '%P\n'
		find . -name '*.patch' -printf '%P\n' | sed 's|/[^/]*$||'
	} | sort -u)
	for tree in "${!outstanding[@]}"; do
		[ "${outstanding[$tree]}" -le $max ] ||
			wrong "${outstanding[$tree]} patches for $tree are marked now, and at most $max may be outstanding in a tree: mark a posting later"
	done
	[ ${#seen[@]} -gt 0 ] || [ $bad = 1 ] || wrong "lists no posting: add a line 'TREE/POSTING now|later [vN] REASON'"
	[ $bad = 0 ] || exit 1
}

# load_postings: fills all, mark, revision and reason from patches/series.
# shellcheck disable=SC2034 # the programs that source this read them
load_postings()
{
	local list name state word rest

	list=$(postings) || exit 1
	all=()
	while read -r name state word rest; do
		[ -n "$name" ] || continue	# no posting for this base
		all+=("$name")
		mark[$name]=$state revision[$name]=$word reason[$name]=$rest
	done <<<"$list"
}

# need_posting NAME: fails if there is no such posting.  NAME is the value of POSTING=.
need_posting()
{
	[ -n "${mark[$1]:-}" ] || die "POSTING=$1 is not in patches/series, for BASE=$base: there are ${all[*]}"
}

# load_ranges: fills from and to.  The commits of a posting are from..to.  Each
# posting ends at the branch end/TREE/POSTING, the last one at HEAD.
# shellcheck disable=SC2034
load_ranges()
{
	local name before

	before=$(base_ref)
	for name in "${all[@]}"; do
		from[$name]=$before
		to[$name]=$(git -C "$linux" rev-parse HEAD)
		if [ "$name" != "${all[-1]}" ] &&
			! { to[$name]=$(git -C "$linux" rev-parse -q --verify "refs/heads/end/$name") &&
				git -C "$linux" merge-base --is-ancestor "$before" "${to[$name]}" &&
				git -C "$linux" merge-base --is-ancestor "${to[$name]}" HEAD; }; then
			die "$name has no end among the commits of ${linux#"$top"/}: git -C ${linux#"$top"/} branch -f end/$name LAST_COMMIT_OF_IT"
		fi
		before=${to[$name]}
	done
}

# All patches of all postings in the order in which they apply, and one checksum of all.
patches()	{ local name; for name in "${all[@]}"; do patches_of "$name"; done; }

patches_sum()
{
	patches | while read -r p; do echo "${p#"$top"/}"; cat "$p"; done | sha256sum | cut -d' ' -f1
}

need_tree()
{
	base_ref >/dev/null 2>&1 ||
		die "there is no tree in ${linux#"$top"/}: run 'make tree${LINUX:+ LINUX=$LINUX}${BASE:+ BASE=$BASE}'"
}

# need_space GIGABYTES: fails at the start if the disk would become full.
need_space()
{
	local have

	mkdir -p "$build"
	have=$(df --output=avail -BG "$build" | tail -n 1 | tr -dc 0-9)
	[ "$have" -ge "$1" ] ||
		die "needs $1 GB of free space under ${build#"$top"/}, there are $have: free some, or move the clone"
}

# snapshot base|series|COMMIT: prints the commit to build.  `series` is the present tree, with
# uncommitted changes and new files.
snapshot()
{
	local index tree head

	need_tree
	case $1 in
	base)	base_ref ;;
	series)	head=$(git -C "$linux" rev-parse HEAD)
		index=$(mktemp "$build/index.XXXXXX")
		cp "$(git -C "$linux" rev-parse --path-format=absolute --git-path index)" "$index"
		GIT_INDEX_FILE=$index git -C "$linux" add -A
		tree=$(GIT_INDEX_FILE=$index git -C "$linux" write-tree)
		rm -f "$index"
		if [ "$tree" = "$(git -C "$linux" rev-parse 'HEAD^{tree}')" ]; then
			echo "$head"
		else
			git -C "$linux" -c user.name=- -c user.email=- \
				commit-tree -p "$head" -m uncommitted "$tree"
		fi ;;
	*)	git -C "$linux" rev-parse -q --verify "$1^{commit}" ||
			die "KERNEL=$1: not 'base', 'series' or a commit of ${linux#"$top"/}" ;;
	esac
}

# patched COMMIT PATCH: prints a commit with the patch on top of COMMIT.
patched()
{
	local index tree

	index=$(mktemp -u "$build/index.XXXXXX")
	tree=$(export GIT_INDEX_FILE="$index"
	       git -C "$linux" read-tree "$1" && git -C "$linux" apply --cached "$2" &&
	       git -C "$linux" write-tree) ||
		{ rm -f "$index"; die "${2#"$top"/} does not apply to $1"; }
	rm -f "$index"
	git -C "$linux" -c user.name=- -c user.email=- commit-tree -p "$1" -m "${2##*/}" "$tree"
}

# source_at COMMIT: checks out COMMIT in $src.  Only files that differ are written, so that the
# next build compiles only these.  The caller must hold the lock of $src (lock_source) as long as
# it reads from there.
source_at()
{
	local exclude

	if [ ! -e "$src/.git" ]; then
		git -C "$linux" worktree prune
		rm -rf "$src"
		git -C "$linux" worktree add -q --detach "$src" "$1"
	fi
	exclude=$(git -C "$src" rev-parse --path-format=absolute --git-common-dir)/info/exclude
	grep -qsx '/obj-\*' "$exclude" || {
		mkdir -p "$(dirname "$exclude")"
		echo '/obj-*' >>"$exclude"
	}
	git -C "$src" checkout -q -f --detach "$1"
	git -C "$src" clean -q -fd
}

lock_source()
{
	mkdir -p "$build"
	exec 9>"$build/src.lock"
	flock -n 9 || { say "waiting for another build"; flock 9; }
}

# kmake CONFIG ARCH ARGS...: runs the kernel's make, in $src/obj-CONFIG.  With a build folder
# directly below the source, all paths are relative, so that another clone can use the compiler
# cache.
kmake()
{
	local config=$1 arch=$2

	shift 2
	make -C "$src" --no-print-directory -s -j"$(nproc)" \
		O="obj-$config" ARCH="$arch" CC="ccache gcc" HOSTCC="ccache gcc" "$@"
}

export CCACHE_DIR=$cache/ccache CCACHE_NOHASHDIR=1 CCACHE_COMPILERCHECK=content
export CCACHE_MAXSIZE=10G
# Use the compiler's list of dependencies.  Otherwise, each file that is not in the cache is
# preprocessed twice, and a fresh clone takes a third longer.
export CCACHE_DEPEND=1
# The same source gives the same kernel on each machine and at each time.
export KBUILD_BUILD_TIMESTAMP='1970-01-01 00:00:00 UTC' KBUILD_BUILD_USER=devlink KBUILD_BUILD_HOST=workbench
