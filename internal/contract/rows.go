package contract

import "strings"

// The messages of the checks that the rows name.
const (
	denied     = "Access Denied"
	incorrect  = "Incorrect hash"
	notGreater = "Active till must be greater than Active from"
)

// rows are the cases that no range gives.
var rows = []Case{
	row("the example", "", "call_limit", "999"),

	row("u missing", denied, "u", absent),
	row("u blank", denied, "u", ""),
	row("u of spaces", denied, "u", "  "),
	row("u of three spaces", denied, "u", "   "),
	row("u a no-break space", denied, "u", "\u00a0"),
	row("u an ideographic space and one more", denied, "u", "\u3000 "),
	row("u of Unicode's white space", denied, "u", "\u00a0\u2003\u3000"),
	row("u that only MOR can know", "", "u", "nobody"),
	row("u with accents", "", "u", "José Żak"),
	row("u in Cyrillic", "", "u", "Никто"),
	row("u with spaces around it", "", "u", " admin "),

	row("hash missing", incorrect, "hash", absent),
	row("hash empty", incorrect, "hash", ""),
	row("hash wrong", incorrect, "hash", strings.Repeat("0", 40)),
	row("hash of upper-case digits", incorrect, "hash", strings.ToUpper(exampleHash)),
	row("hash of 39 digits", incorrect, "hash", exampleHash[:39]),
	row("hash of 41 digits", incorrect, "hash", exampleHash+"6"),
	row("hash of 41 digits, the last a zero", incorrect, "hash", exampleHash+"0"),
	row("hash that is not hexadecimal", incorrect, "hash", strings.Repeat("g", 40)),
	row("hash with a space before it", incorrect, "hash", " "+exampleHash),
	row("hash with a space after it", incorrect, "hash", exampleHash+" "),
	row("hash with a line end after it", incorrect, "hash", exampleHash+"\n"),
	row("hash of another DID", incorrect, "hash", Hash("6512", "secret")),
	row("hash of a DID that is missing", incorrect, "did_id", absent, "hash", exampleHash),
	row("hash of a DID that is another", incorrect, "did_id", "6512", "hash", exampleHash),
	row("hash of a DID that is blank", incorrect, "did_id", "", "hash", exampleHash),
	row("hash of the DID's beginning", incorrect, "did_id", "651", "hash", exampleHash),
	row("hash of the DID with the key in it", incorrect, "did_id", "6511secret", "hash", exampleHash),
	row("hash of the DID with the key's beginning in it", incorrect, "did_id", "6511s", "hash", exampleHash),
	row("hash of the key first", incorrect, "hash", Hash("secret", "6511")),
	row("hash in MD5", incorrect, "hash", "ce414de8d301152787dd431942f71230"),
	row("hash in SHA-256", incorrect, "hash", "c31d7fe4893e001770754a0613098cea4c72e8666e9a7114aba666565982146b"),

	row("key of the admin, for an accountant", "", "u", "accountant"),
	row("key of the rotation", "", "hash", Hash("6511", "next secret")),
	row("key of the rotation, for another user and DID", "", "u", "accountant", "did_id", "1", "hash", Hash("1", "next secret")),
	row("key of the rotation, for a reseller", "", "u", "bob", "hash", Hash("6511", "next secret")),
	row("key of the admin, for a reseller", "", "u", "reseller1"),
	row("key of a reseller", "", "u", "Reseller1", "hash", Hash("6511", "reseller key")),
	row("key of a reseller in another letter case", "", "u", "rESELLER1", "hash", Hash("6511", "reseller key")),
	row("first key of a reseller with two", "", "u", "bob", "hash", Hash("6511", "bob1")),
	row("second key of a reseller with two", "", "u", "BOB", "hash", Hash("6511", "bob2")),
	row("key of a reseller, for the admin", incorrect, "hash", Hash("6511", "reseller key")),
	row("key of a reseller, for another one", incorrect, "u", "bob", "hash", Hash("6511", "reseller key")),
	row("key of a reseller, for a name like it", incorrect, "u", "reseller2", "hash", Hash("6511", "reseller key")),
	row("key of a reseller, with a space after the name", incorrect, "u", "bob ", "hash", Hash("6511", "bob1")),
	row("key of a reseller, with a Kelvin sign before the name", incorrect, "u", "\u212abob", "hash", Hash("6511", "bob1")),
	row("key of a reseller, with a long s in the name", incorrect, "u", "re\u017feller1", "hash", Hash("6511", "reseller key")),
	row("key that nobody has", incorrect, "hash", Hash("6511", "guess")),
	row("key that nobody has, for a reseller", incorrect, "u", "reseller1", "hash", Hash("6511", "other")),
	row("key that is empty", incorrect, "hash", Hash("6511", "")),
	row("key that is empty, for a reseller", incorrect, "u", "bob", "hash", Hash("6511", "")),
	row("key with a space before it", incorrect, "hash", Hash("6511", " secret")),
	row("key with a line end after it", incorrect, "hash", Hash("6511", "secret\n")),

	row("till after from", "", "active_from", "1700000000", "active_till", "1700000001"),
	row("till after from by one", "", "active_from", "1", "active_till", "2"),
	row("till after from by value, before by letters", "", "active_from", "9", "active_till", "10"),
	row("till after from, with zeros", "", "active_from", "00", "active_till", "1"),
	row("till after from at the end of time", "", "active_from", "253402300798", "active_till", "253402300799"),
	row("till equals from", notGreater, "active_from", "1700000000", "active_till", "1700000000"),
	row("till equals from at two", notGreater, "active_from", "2", "active_till", "2"),
	row("till equals from at zero", notGreater, "active_from", "0", "active_till", "0"),
	row("till equals from at the end of time", notGreater, "active_from", "253402300799", "active_till", "253402300799"),
	row("till equals from but for zeros", notGreater, "active_from", "007", "active_till", "7"),
	row("till before from", notGreater, "active_from", "1700000001", "active_till", "1700000000"),
	row("till before from by one", notGreater, "active_from", "3", "active_till", "2"),
	row("till before from by value, after by letters", notGreater, "active_from", "10", "active_till", "9"),
	row("till given, from blank", "", "active_from", " ", "active_till", "5"),
	row("till zero, from empty", "", "active_from", "", "active_till", "0"),
	row("till empty, from given", "", "active_from", "5", "active_till", ""),
	row("till blank, from given", "", "active_from", "5", "active_till", " "),

	row("did_user_id and grace_time", "", "did_user_id", "5", "grace_time", "3"),
	row("did_user_id and grace_time empty", "", "did_user_id", "", "grace_time", ""),
	row("p", "", "p", "admin1"),
	row("comment in Lithuanian", "", "comment", `ąžuolas & įmonė; a=b, 100% + "x"`),
	row("comment with a line end", "", "comment", "a;b & c=d + 100% \n<é日本語>\""),
	row("custom_sip_header", "", "custom_sip_header", "P-Asserted-Identity: <sip:+37060000000@example.com;user=phone>"),
	row("custom_sip_header empty", "", "custom_sip_header", ""),
	row("emptied values", "", "comment", "", "reseller_comment", "", "language", ""),
	row("Call_Limit, which is another parameter", "", "Call_Limit", "-5"),
}

// userRows are the cases of a site with a list of users.
var userRows = []Case{
	row("users: on the list", ""),
	row("users: on the list in capitals", "", "u", "ADMIN"),
	row("users: on the list in another letter case", "", "u", "ALICE"),
	row("users: a reseller is on the list", "", "u", "reseller1", "hash", Hash("6511", "reseller key")),
	row("users: a reseller in another letter case", "", "u", "Reseller1"),
	row("users: not on the list", denied, "u", "mallory"),
	row("users: not on the list, and a wrong hash", denied, "u", "mallory", "hash", "x"),
	row("users: with a dotless i", denied, "u", "al\u0131ce"),
	row("users: with a dotless i in admin", denied, "u", "adm\u0131n"),
	row("users: with a space before the name", denied, "u", " alice"),
	row("users: with a space after the name", denied, "u", "admin "),
	row("users: the key of another site", incorrect, "u", "alice", "hash", Hash("6511", "next secret")),
}
