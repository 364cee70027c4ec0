package validation

import "slices"

// isUTF8 reports whether a charset is UTF-8, with or without the hyphen, which
// clients in PHP and Node leave out.
func isUTF8(charset string) bool {
	return equalFold(charset, "utf-8") || equalFold(charset, "utf8")
}

// asciiCharsets are the charsets in which all that is ASCII is what it is in
// UTF-8. Spring's RestTemplate and Apache's HttpClient 4 and 5 declare
// iso-8859-1, Java's and .NET's ASCII encodings us-ascii. .NET's StringContent
// and Java's UrlEncodedFormEntity declare what they are given: the code page of
// a Windows, which is one of 1250 to 1258, or a country's part of ISO 8859.
var asciiCharsets = [...]string{
	"us-ascii",
	"iso-8859-1", "iso-8859-2", "iso-8859-3", "iso-8859-4", "iso-8859-5", "iso-8859-6", "iso-8859-7", "iso-8859-8",
	"iso-8859-9", "iso-8859-10", "iso-8859-11", "iso-8859-13", "iso-8859-14", "iso-8859-15", "iso-8859-16", // there is no 12
	"windows-1250", "windows-1251", "windows-1252", "windows-1253", "windows-1254", "windows-1255", "windows-1256",
	"windows-1257", "windows-1258",
}

// isASCIIBased reports whether a charset has ASCII in common with UTF-8, and
// is seen with clients.
func isASCIIBased(charset string) bool {
	return slices.ContainsFunc(asciiCharsets[:], func(known string) bool { return equalFold(charset, known) })
}
