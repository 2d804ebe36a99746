# SPDX-License-Identifier: GPL-2.0
# Sourced by tools/send and tools/check, after common.sh: a patch as the mail that is sent.
# The caller sets sender, 'Name <address>', and tmp, a folder.
#
# shellcheck shell=bash disable=SC2154 # the variables of common.sh and of the caller

# The stored patches are by no person: the sender signs them.
nobody="The devlink-locks authors <devlink-locks@example.org>"
netdev="netdev@vger.kernel.org"
intel="intel-wired-lan@lists.osuosl.org"

# message FILE: the mail without its diff.
message()	{ sed '/^---$/,$d; /^diff --git /,$d' "$1"; }

# header NAME FILE: the addresses in FILE, one a line, as a header.
header()	{ [ ! -s "$2" ] || sed "1s/^/$1: /; 1!s/^/\t/; \$!s/\$/,/" "$2"; }

# maintainers OPTIONS FILES: what scripts/get_maintainer.pl says about them.  In a
# tree with history that includes the authors of the commits in Fixes: lines.
maintainers()
{
	(cd "$linux" && scripts/get_maintainer.pl --nogit --nogit-fallback --no-rolestats "$@") \
		2>/dev/null | sort -u
}

# lists NAME FILES: the lists of a posting, for mail().  netdev's checks need the whole
# posting on its list, also the patches that touch other folders.
lists()
{
	local name=$1

	shift
	maintainers --no-m --no-r "$@" | grep -xF $netdev >"$tmp/lists" || true
	[[ $name != iwl-net/* ]] || echo $intel >>"$tmp/lists"
}

# sign MAIL OPTIONS: adds trailers to the mail.
sign()
{
	local mail=$1

	shift
	git -c trailer.separators=: interpret-trailers --in-place --where end \
		--if-exists addIfDifferent "$@" "$mail"
}

# mail STORED TARGET FILES: makes the mail TARGET from STORED, addressed to those
# that MAINTAINERS names for FILES: maintainers in To; in Cc reviewers, lists, and those
# whom the message names.
mail()
{
	local stored=$1 target=$2

	shift 2
	maintainers --no-l --no-r "$@" >"$tmp/to"
	[ -s "$tmp/to" ] || die "scripts/get_maintainer.pl names nobody for $*"
	{ maintainers --no-m "$@"; cat "$tmp/lists"
	  message "$stored" | sed -nE 's/^(Reported-by|Suggested-by|Tested-by|Cc): *//; T; s/ *#.*//; p'
	} | sort -u |
		grep -vxF -f "$tmp/to" >"$tmp/cc" || true
	{ header To "$tmp/to"; header Cc "$tmp/cc"; } >"$tmp/headers"
	awk -v headers="$tmp/headers" -v nobody="From: $nobody" -v sender="From: $sender" '
		$0 == nobody { $0 = sender }
		/^The devlink-locks authors \([0-9]+\):$/ {
			sub(/^The devlink-locks authors/, substr(sender, 7, index(sender, " <") - 7))
		}
		!done && /^$/ { while ((getline line < headers) > 0) print line; done = 1 }
		{ print }' "$stored" >"$target"
}
