# SPDX-License-Identifier: GPL-2.0
# Sourced by tools/send and tools/check, after common.sh: makes a mail of a patch.
# The caller must set sender, 'Name <address>', and tmp, a folder.
#
# shellcheck shell=bash disable=SC2154 # the variables of common.sh and of the caller

# The author of the stored patches is not a person.  The sender becomes the author and signs.
nobody="The devlink-locks authors <devlink-locks@example.org>"
netdev="netdev@vger.kernel.org"
intel="intel-wired-lan@lists.osuosl.org"
stable="stable@vger.kernel.org"

# message FILE: prints the mail without its diff.
message()	{ sed '/^---$/,$d; /^diff --git /,$d' "$1"; }

# header NAME FILE: prints the addresses in FILE, one per line, as a header.
header()	{ [ ! -s "$2" ] || sed "1s/^/$1: /; 1!s/^/\t/; \$!s/\$/,/" "$2"; }

# maintainers OPTIONS FILES: prints the addresses that scripts/get_maintainer.pl gives.  In a
# tree with history, these include the authors of the commits in Fixes: tags.
maintainers()
{
	(cd "$linux" && scripts/get_maintainer.pl --nogit --nogit-fallback --no-rolestats "$@") \
		2>/dev/null | sort -u
}

# lists NAME FILES: writes the mailing lists of a posting, for mail().  netdev's checks need the
# whole posting on its list, also patches that change other folders.
lists()
{
	local name=$1

	shift
	maintainers --no-m --no-r "$@" | grep -xF $netdev >"$tmp/lists" || true
	[[ $name != iwl-net/* ]] || echo $intel >>"$tmp/lists"
	[[ $name != stable-* ]] || echo $stable >>"$tmp/lists"
}

# sign MAIL OPTIONS: adds trailers to the mail.
sign()
{
	local mail=$1

	shift
	git -c trailer.separators=: interpret-trailers --in-place --where end \
		--if-exists addIfDifferent "$@" "$mail"
}

# mail STORED TARGET FILES: makes the mail TARGET from STORED.  To has the maintainers of
# FILES.  Cc has the reviewers, the lists, and the addresses in trailers of the message.
mail()
{
	local stored=$1 target=$2

	shift 2
	maintainers --no-l --no-r "$@" >"$tmp/to"
	[ -s "$tmp/to" ] || die "scripts/get_maintainer.pl names no maintainer for $*"
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
