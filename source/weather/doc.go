// Package weather reads what the weather is, was or will be, for one place.
//
// A [Series] is dated weather, read from a CSV file by [ReadCSV]; a [Forecast]
// fetches one from a web service that needs no key. Both know nothing outside
// their time, and say so. The typical weather of places is in
// [hearth/heat/climate].
package weather
