// Package report tells what a plan answers: the decision in a sentence, tables
// that command line, pages and spreadsheets share, and a report as one HTML
// file that needs nothing else, works offline and prints well.
//
// It is pure: figures in, text out. All of it is planned, and says so; what is
// unknown is written as unknown with its reason, never as zero.
package report
