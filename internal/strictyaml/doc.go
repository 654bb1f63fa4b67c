// Package strictyaml opens YAML that people wrote, and says where a mistake in
// it stands.
//
// [Parse] gives the top of a text as the parser has it. What the text may say is
// for its reader to decide, who goes through the nodes and takes nothing that it
// does not know; for each mistake [Errorf] makes an [Error] that shows the line.
//
// The texts may come from strangers. Parse bounds the nesting, which the
// parser's time grows with; its caller bounds the size.
package strictyaml
