// Package picture draws what a plan says: costs side by side, the year's heat,
// the value of each size, what the answer hangs on, and the map of places.
//
// A [Drawing] is made once and written as SVG, for pages that may be light or
// dark and for print, or as PNG, which is always light. Same figures, same
// bytes: no clock, no randomness, and coordinates are written with two
// decimals. Every axis has its unit, every mark its figure as text (a tooltip
// in SVG), and nothing is told by colour alone.
//
// What is drawn is planned, never measured, and every drawing says so in its
// caption.
package picture
