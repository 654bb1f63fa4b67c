// Package jsonscan reads large JSON documents in place: no tree, no copies, no
// reflection. Package encoding/json takes some 40 ms for the 4 MB in which a
// Bitcoin node describes a block; a miner waits for it.
//
// A [Cursor] moves forward through the document. Its owner asks for what it
// expects, and skips the rest:
//
//	c := jsonscan.New(doc)
//	for name := range c.Object() {
//		switch string(name) {
//		case "height":
//			height = c.Int()
//		default:
//			c.Skip()
//		}
//	}
//	if err := c.End(); err != nil { … }
//
// The first mistake stays: every later call returns nothing, loops end, and
// [Cursor.End] tells it. What is read is checked to be JSON; what is skipped is
// checked for its brackets and strings only.
package jsonscan
