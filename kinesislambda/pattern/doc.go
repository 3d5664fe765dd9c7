// Package pattern holds the language of the filters of event source mappings: JSON patterns that JSON documents match or do not. It is
// pure: bytes in, an answer out.
//
// # The language
//
// A pattern is an object. Each of its fields names a field of the document, and has either another object, for what lies deeper, or a
// list of rules, of which one must hold. All fields of a pattern must hold; what the document has besides does not matter.
//
//	null                        "UserID": [null]
//	empty                       "LastName": [""]
//	equals                      "Name": ["Alice"]
//	equals, whatever the case   "Name": [{"equals-ignore-case": "alice"}]
//	and                         "Location": ["New York"], "Day": ["Monday"]
//	or                          "PaymentType": ["Credit", "Debit"]
//	or, over several fields     "$or": [{"Location": ["New York"]}, {"Day": ["Monday"]}]
//	not                         "Weather": [{"anything-but": ["Raining"]}]
//	number                      "Price": [{"numeric": ["=", 100]}]
//	range of numbers            "Price": [{"numeric": [">", 10, "<=", 20]}]
//	exists                      "ProductName": [{"exists": true}]
//	does not exist              "ProductName": [{"exists": false}]
//	begins with                 "Region": [{"prefix": "us-"}]
//	ends with                   "FileName": [{"suffix": ".png"}]
//
// Strings are compared character by character. So are numbers outside of numeric: 300, 300.0 and 3.0e2 are three different ones. Numbers
// in numeric lie between -5 and +5 thousand millions; others match no such rule. Rules apply to leaves: values that are neither
// objects nor lists. A list in the document stands for any of its elements, but one and the same element for all fields below it.
//
// # Files
//
//	pattern.go   Compile and Match
//	compile.go   patterns to trees of tests
//	rule.go      the rules of a field
package pattern
