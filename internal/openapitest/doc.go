// Package openapitest holds a running HTTP API against its OpenAPI document, in
// tests: that what is served is documented and the other way round, and that
// every answer has the documented form and no other.
//
// It knows the part of OpenAPI and of JSON Schema that Hearth's documents use.
// A keyword that it does not know is a fault of the document, so that nothing
// is thought to be checked that is not.
package openapitest
