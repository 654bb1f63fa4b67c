package hub

// Step is what is being done to a model.
type Step string

// The steps of a pull, in order.
const (
	StepResume   Step = "resume"   // what is here of a file is read again
	StepDownload Step = "download" // a file is fetched
	StepUnpack   Step = "unpack"   // a file is taken out of a package
	StepCheck    Step = "check"    // a file is hashed
	StepImport   Step = "import"   // weights are quantised
	StepExamine  Step = "examine"  // weights are tested for what may be mined
	StepWait     Step = "wait"     // the other side broke off; it is asked again
)

// Progress says how far a step has come.
type Progress struct {
	Step Step
	// Name is the file, or what the step says of itself.
	Name string
	// Done of Total, in bytes; of an import in layers, of an examination in
	// matrices. Total is 0 where it is
	// not known.
	Done, Total int64
}
