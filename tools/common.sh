# Sourced by the shell programs in tools/: where things are, how to fail, and
# the one way to put a commit into the folder that kernels are built in.
#
# shellcheck shell=bash
set -euo pipefail

# Debian's own programs, whatever else the machine has in front of them: the
# kernel's scripts ask for `python3` and mean the one that has python3-yaml.
export PATH=/usr/sbin:/usr/bin:/sbin:/bin
export LC_ALL=C
# Part of what the compiler cache looks at.
unset LANG LC_CTYPE LC_MESSAGES

top=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cache=${XDG_CACHE_HOME:-$HOME/.cache}/devlink-locks
me=$(basename "$0")

# With LINUX=path, everything is built beside what the Debian source gives.
if [ -n "${LINUX:-}" ]; then
	[ -d "$LINUX" ] || { echo "$me: LINUX=$LINUX is not a folder" >&2; exit 2; }
	LINUX=$(cd "$LINUX" && pwd)
	build=$top/build/user-$(basename "$LINUX")
else
	build=$top/build
fi
linux=$build/linux	# the git tree: the base, then a commit per patch
src=$build/src		# a second work tree, which kernels are built in

say()	{ printf '%s: %s\n' "$me" "$*" >&2; }
die()	{ say "$*"; exit 1; }

# What a program makes it makes under a name that nobody trusts, and renames it
# when it is whole: Ctrl-C in the middle leaves nothing that looks finished.
trap 'say "stopped"; exit 130' INT
trap 'say "stopped"; exit 143' TERM

# The commit that the patches start from, and the last one of a series.
base_ref()	{ git -C "$linux" rev-parse -q --verify 'refs/worktree/base^{commit}'; }

# All patches of all series, in sending order; and one sum over them.
patches()
{
	find "$top/patches" -path '*/[0-9]*-*/0[0-9]*.patch' ! -name '0000-*' 2>/dev/null | sort -V
}

patches_sum()
{
	patches | while read -r p; do echo "${p#"$top"/}"; cat "$p"; done | sha256sum | cut -d' ' -f1
}

need_tree()
{
	base_ref >/dev/null 2>&1 ||
		die "there is no tree in ${linux#"$top"/}: run 'make tree${LINUX:+ LINUX=$LINUX}'"
}

# need_space GIGABYTES: fail before the disk is full, not half way.
need_space()
{
	local have

	mkdir -p "$build"
	have=$(df --output=avail -BG "$build" | tail -n 1 | tr -dc 0-9)
	[ "$have" -ge "$1" ] ||
		die "needs $1 GB of free space under ${build#"$top"/}, there are $have: free some, or move the clone"
}

# snapshot base|series|COMMIT: prints the commit to build.  `series` is the tree
# as it stands, uncommitted changes and new files included.
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

# source_at COMMIT: puts it into $src.  Only files that differ are written, so
# that a build of the next commit compiles only what changed.  The caller holds
# the lock on $src (lock_source), for as long as it reads from there.
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

# kmake CONFIG ARCH ARGS...: the kernel's make, in $src/obj-CONFIG.  A build
# folder directly below the source makes all paths relative, which is what lets
# the compiler cache serve another clone.
kmake()
{
	local config=$1 arch=$2

	shift 2
	make -C "$src" --no-print-directory -s -j"$(nproc)" \
		O="obj-$config" ARCH="$arch" CC="ccache gcc" HOSTCC="ccache gcc" "$@"
}

export CCACHE_DIR=$cache/ccache CCACHE_NOHASHDIR=1 CCACHE_COMPILERCHECK=content
export CCACHE_MAXSIZE=10G
# What was read is in the compiler's list of dependencies: without this, each file that is not
# in the cache goes through the preprocessor twice, and a fresh clone takes a third longer.
export CCACHE_DEPEND=1
# The same source gives the same kernel, wherever and whenever it is built.
export KBUILD_BUILD_TIMESTAMP='1970-01-01 00:00:00 UTC' KBUILD_BUILD_USER=devlink KBUILD_BUILD_HOST=workbench
